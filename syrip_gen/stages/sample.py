"""One item from index to files: plan → resolve → draw → label → check → render → camera effects → encode."""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import cv2
import numpy as np

from syrip_gen.annotation.coco import IMAGE_FOLDER
from syrip_gen.annotation.surface import BodySurface
from syrip_gen.body import load_body
from syrip_gen.body.assets import BodyAssets
from syrip_gen.quality.checks import CheckLimits, SampleChecker
from syrip_gen.rendering.catalog import RendererChoice
from syrip_gen.rendering.depth_buffer import DepthBuffer
from syrip_gen.rendering.effects import apply_effects
from syrip_gen.rendering.resolve import Resources
from syrip_gen.rendering.types import Renderer
from syrip_gen.sampling.options import SamplingOptions
from syrip_gen.stages.planners import ScenePlanner
from syrip_gen.stages.subjects import BodySubject, CharacterChoice, Subject

__all__ = ["Sample", "SampleMaker", "load_resources"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One finished item."""

    record: dict[str, Any]
    """JSON-able: COCO image and annotation, the scene, what was thrown away on the way."""
    files: dict[str, bytes]
    """Encoded pictures by name within the dataset."""


_last_resources: dict[tuple[str, SamplingOptions], Resources] = {}
_surfaces: WeakKeyDictionary[BodyAssets, BodySurface] = WeakKeyDictionary()


@lru_cache(maxsize=1)
def _shipped_body() -> BodyAssets:
    """Load the embedded infant; workers share the one that was loaded before they were forked."""
    return load_body("infant")


def _surface_of(body: BodyAssets) -> BodySurface:
    """Return what the labels need of a body, worked out once per process."""
    if body not in _surfaces:
        _surfaces[body] = BodySurface.from_body(body)
    return _surfaces[body]


def load_resources(body: BodyAssets, options: SamplingOptions) -> Resources:
    """Load what scenes share; the last one is kept, for processes that make several datasets."""
    if options.backgrounds or options.textures:  # a user's folder may change between two runs
        return Resources.load(body, options)
    key = body.sha256, options
    if key not in _last_resources:
        _last_resources.clear()
        _last_resources[key] = Resources.load(body, options)
    return _last_resources[key]


class SampleMaker:
    """Makes samples; holds what all of them share (resources, planner, subject, renderer)."""

    def __init__(
        self,
        *,
        resources: Resources,
        planner: ScenePlanner,
        subject: Subject,
        renderer: Renderer,
        write_depth: bool,
        write_masks: bool,
    ) -> None:
        self.resources = resources
        self.planner = planner
        self.subject = subject
        self.renderer = renderer
        self.write_depth = write_depth
        self.write_masks = write_masks
        self._buffer = DepthBuffer()
        self._seconds: Counter[str] = Counter()

    @classmethod
    def load(
        cls,
        *,
        body: str,
        options: SamplingOptions,
        renderer: RendererChoice,
        open_planner: Callable[[Resources], ScenePlanner],
        character: CharacterChoice | None = None,
        write_depth: bool = False,
        write_masks: bool = False,
    ) -> "SampleMaker":
        """Load body, resources, planner and renderer; takes half a second at first, then less.

        Args:
            body: Name or file of the body model.
            options: What scenes depend on.
            renderer: Which renderer.
            open_planner: Opens the planner.
            character: The scan that is shown in place of the body model.
            write_depth: Encode depth maps.
            write_masks: Encode masks.
        """
        assets = _shipped_body() if body == "infant" else load_body(body)
        resources = load_resources(assets, options)
        checker = SampleChecker(assets, CheckLimits())
        camera = (character.renderer(renderer) if character else renderer).open()
        subject: Subject = BodySubject(resources, _surface_of(assets), checker)
        if character:
            subject = character.open(resources, checker, camera.process)
        return cls(
            resources=resources,
            planner=open_planner(resources),
            subject=subject,
            renderer=camera,
            write_depth=write_depth,
            write_masks=write_masks,
        )

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time spent inside to a stage."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[stage] += time.perf_counter() - began

    def take_timings(self) -> dict[str, float]:
        """Return seconds by stage since the last call."""
        seconds, self._seconds = dict(self._seconds), Counter()
        return seconds

    def make(self, index: int) -> Sample | Counter[str]:
        """Make one item, drawing again (as often as the planner has it) while the checks reject it.

        Returns:
            The sample, or the counted reasons when every attempt was rejected.
        """
        rejected: Counter[str] = Counter()
        for attempt in range(self.planner.max_attempts):
            with self.timed("plan"):
                spec = self.planner.scene(index, attempt)
            with self.timed("resolve"):
                scene = self.subject.resolve(spec)
            with self.timed("draw"):
                self._buffer.draw(scene.inputs)
            with self.timed("label"):
                labels = self.subject.label(spec, scene, self._buffer)
            with self.timed("check"):
                reason = self.subject.check(labels, scene)
            if reason is not None:
                rejected[reason] += 1
                continue
            with self.timed("render"):
                output = self.renderer.render(scene.inputs, self._buffer, self.write_depth)
            with self.timed("effects"):
                rgb = apply_effects(output.rgb, spec.effects)
            with self.timed("encode"):
                files = self._encode(
                    labels.image_name, rgb, output.depth, labels.mask, spec.effects.jpeg_quality
                )
            record = labels.record
            record["spec"] = spec.to_json()
            record["rejected"] = dict(rejected)
            record["notes"] = list(scene.notes)
            record["sha256"] = hashlib.sha256(files[f"{IMAGE_FOLDER}/{labels.image_name}"]).hexdigest()
            return Sample(record=record, files=files)
        return rejected

    def _encode(
        self, name: str, rgb: np.ndarray, depth: np.ndarray | None, mask: np.ndarray, jpeg_quality: int
    ) -> dict[str, bytes]:
        """Encode the picture and, if asked for, the depth map and the mask."""
        jpeg = [cv2.IMWRITE_JPEG_QUALITY, int(jpeg_quality)]
        files = {f"{IMAGE_FOLDER}/{name}": _encoded(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), jpeg)}
        stem = name.rpartition(".")[0]
        png = [cv2.IMWRITE_PNG_COMPRESSION, 3]
        if depth is not None:
            files[f"{IMAGE_FOLDER.replace('images', 'depth', 1)}/{stem}.png"] = _encoded(
                ".png", depth_mm(depth), png
            )
        if self.write_masks:
            data = _encoded(".png", mask.astype(np.uint8) * 255, png)
            files[f"{IMAGE_FOLDER.replace('images', 'masks', 1)}/{stem}.png"] = data
        return files


def depth_mm(depth: np.ndarray) -> np.ndarray:
    """Turn (H, W) metres, inf where no body is, into uint16 millimetres with 0 for no body."""
    finite = np.where(np.isfinite(depth), depth, 0.0)
    return np.clip(np.rint(finite * 1000.0), 0, 65535).astype(np.uint16)


def _encoded(extension: str, image: np.ndarray, settings: list[int]) -> bytes:
    is_good, data = cv2.imencode(extension, image, settings)
    if not is_good:
        raise ValueError(f"OpenCV could not encode a {image.shape} {image.dtype} image as {extension}")
    return data.tobytes()
