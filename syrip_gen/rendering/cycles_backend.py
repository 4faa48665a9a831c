"""Photographing a scene with Blender's path tracer Cycles, in a process of its own.

Blender renders the body and its shadow on the support, which are then laid over the background in linear
light. Labels must not depend on the renderer: the depth that is handed out is the z-buffer's, like the
raster renderer's own; :meth:`CyclesRenderer.blender_depth` and :meth:`CyclesRenderer.project` are there to
check that Blender agrees.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from syrip_gen.rendering.blender_process import BlenderProcess, find_blender
from syrip_gen.rendering.blender_scene import composite, read_result, write_scene
from syrip_gen.rendering.depth_buffer import DepthBuffer
from syrip_gen.rendering.influence import Region, influence_region
from syrip_gen.rendering.types import RendererLostError, RenderInputs, RenderOutput

__all__ = ["CyclesRenderer"]

SCRIPT = "render_scene.py"
PATIENCE_S = 300.0
PATIENCE_S_PER_SAMPLE = 5e-5
"""Ten times what a sample of a pixel takes on one slow core: only a Blender that hangs is stopped."""


class CyclesRenderer:
    """Renders with Cycles. Use one instance in one thread; Blender starts with the first picture.

    Attributes:
        process: Blender.
        last_answer: What Blender said of its last render: ``seconds``, ``memory_mb``.
    """

    name = "cycles"

    def __init__(
        self,
        *,
        samples: int = 32,
        blender: str | None = None,
        device: str = "auto",
        threads: int = 0,
        log_folder: str | None = None,
        script: str = SCRIPT,
    ) -> None:
        """Find Blender.

        Args:
            samples: Light paths for each pixel.
            blender: Blender's executable or a Python that has bpy; None = see ``find_blender``.
            device: ``auto`` (a GPU if there is one), ``cpu`` or ``gpu``.
            threads: Threads of the CPU, 0 = one for each core.
            log_folder: Where what Blender prints is kept; None = for errors only.
            script: What answers in Blender; ``animate.py`` also knows scans.
        """
        self.samples = samples
        self.device = device
        self.threads = threads
        self._files = tempfile.TemporaryDirectory(prefix="syrip-cycles-", ignore_cleanup_errors=True)
        log_file = Path(log_folder or self._files.name) / f"blender-{os.getpid()}.log"
        self.process = BlenderProcess(script, find_blender(blender), log_file=log_file)
        self.last_answer: dict[str, Any] = {}
        self._buffer = DepthBuffer()

    def versions(self) -> dict[str, str]:
        """Start Blender and return what pictures depend on beside the settings.

        Raises:
            ValueError: When this Blender cannot be used, or has no GPU and one was asked for.
            RendererLostError: When it does not start.
        """
        hello = self.process.start()
        gpus = [name for name in hello.get("devices", ()) if name.upper() != "CPU"]
        if self.device == "gpu" and not gpus:
            raise ValueError(
                "--device gpu: Blender sees no GPU that Cycles can use. Take --device cpu, or see what "
                "'syrip doctor' says."
            )
        device = "CPU" if self.device == "cpu" or not gpus else gpus[0]
        return {"blender": str(hello.get("blender")), "cycles_device": device}

    def render(
        self, inputs: RenderInputs, buffer: DepthBuffer | None = None, with_depth: bool = True
    ) -> RenderOutput:
        """Render one scene; ``buffer`` is its depth buffer, where somebody has drawn it already."""
        h, w = inputs.height, inputs.width
        if inputs.background.shape != (h, w, 3):
            raise ValueError(f"background has shape {inputs.background.shape}, expected {(h, w, 3)}")
        buffer = buffer or self._buffer.draw(inputs)
        rgb = inputs.background.copy()
        region = influence_region(inputs)
        if region is not None:
            result = self._render(inputs, region, buffer.mask, samples=self.samples)
            composite(rgb, read_result(result, region), region)
        return RenderOutput(rgb=rgb, depth=buffer.depth() if with_depth else None)

    def blender_depth(self, inputs: RenderInputs) -> np.ndarray:
        """Return Blender's own depth (H, W) float32 metres, inf where no body is."""
        depth = np.full((inputs.height, inputs.width), np.inf, dtype=np.float32)
        region = influence_region(inputs)
        if region is not None:
            result = self._render(inputs, region, None, samples=1, with_depth=True, denoise=False)
            x0, y0, x1, y1 = region
            with np.load(result, allow_pickle=False) as file:
                depth[y0:y1, x0:x1] = file["depth"]
        return depth

    def project(self, inputs: RenderInputs, points: np.ndarray) -> np.ndarray:
        """Return where Blender's own camera sees camera-frame points (N, 3): (N, 2) px."""
        scene = write_scene(inputs, self._folder, (0, 0, inputs.width, inputs.height), None, samples=1)
        message = {"do": "project", "scene": str(scene), "points": np.asarray(points, float).tolist()}
        answer = self.process.request(message, PATIENCE_S)
        return np.array(answer["points"], dtype=np.float64)

    def close(self) -> None:
        """End Blender."""
        self.process.close()

    @property
    def _folder(self) -> Path:
        return Path(self._files.name)

    def _render(self, inputs: RenderInputs, region: Region, mask: np.ndarray | None, **settings: Any) -> Path:
        """Have a region rendered; return the file that holds it."""
        settings = {"with_depth": False, "threads": self.threads, "device": self.device, **settings}
        try:
            scene = write_scene(inputs, self._folder, region, mask, **settings)
        except OSError as error:  # no item is to blame for a full disk
            raise RendererLostError(
                f"scenes for Blender cannot be written to {self._folder}: {error}"
            ) from error
        pixels = (region[2] - region[0]) * (region[3] - region[1])
        patience = PATIENCE_S + PATIENCE_S_PER_SAMPLE * pixels * settings["samples"]
        self.last_answer = self.process.request({"do": "render", "scene": str(scene)}, patience)
        return Path(self.last_answer["result"])
