"""Use a trained lifter: 2D keypoints of pictures and videos to 3D poses."""

from collections.abc import Iterator
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import torch

from fidip.lifting.begin import published_tensors, run_weights
from fidip.lifting.network import LiftNetwork
from fidip.lifting.poses_2d import MIN_SCORE
from fidip.lifting.state import open_lifter_weights
from fidip.lifting.temporal import KERNEL, TemporalLifter
from fidip.lifting.views import Keypoints2D
from fidip.lifting.windows import window_index
from syrip_gen.keypoints.catalog import COCO17, H36M17

__all__ = ["LiftQueue", "Lifter", "shipped_lifter"]

MIN_KEYPOINTS = 6
"""Frames with fewer are gaps: nothing is lifted."""
TRAINING_FPS = 30.0
BATCH = 512
Item = TypeVar("Item")


class Lifter:
    """Lifts COCO-17 keypoints (or those of another schema, see ``schema``).

    Poses are relative to the middle of the hips, in metres, in the camera's frame: x right, y down, z
    forward.
    """

    def __init__(self, network: LiftNetwork, name: str, device: torch.device | None = None) -> None:
        self.device = device or torch.device("cpu")
        self.network, self.name = network.to(self.device).eval(), name
        self.schema, self.output_schema = network.schema, network.output_schema
        self.flip = torch.as_tensor(self.schema.flip_index)
        self.flip_out = torch.as_tensor(self.output_schema.flip_index)

    @classmethod
    def open(cls, run: str | Path | None, device: torch.device | None = None) -> "Lifter":
        """Open a run folder of ``syrip train --recipe lifter-…``, a lifter's file, or VideoPose3D's weights.

        Args:
            run: The folder or file; None = the shipped lifter.
            device: Where to compute; the CPU by default.

        Raises:
            FileNotFoundError: If there is none.
            ValueError: If it is no lifter.
        """
        path = shipped_lifter() if run is None else run_weights(str(run))
        if path.suffix == ".safetensors":
            return cls(open_lifter_weights(path), str(run or path.stem), device)
        return cls(_videopose3d(path), str(run), device)

    @property
    def delay(self) -> int:
        """Frames that must be seen after a frame before it can be lifted, at 30 frames/s."""
        return self.network.frames // 2

    def lift(
        self,
        keypoints: np.ndarray,
        image_size: tuple[int, int],
        camera: tuple[float, float, float, float] | None = None,
        *,
        fps: float | None = None,
    ) -> np.ndarray:
        """Lift the frames of one movement, or a single pose.

        Args:
            keypoints: (T, K, 3) x, y px and score or visibility; NaN or a score below 0.1 = missing.
            image_size: Width and height of the pictures, px.
            camera: fx, fy, cx, cy px; None = unknown.
            fps: Frames per second; 30 by default. Lifters over time were trained around 30.

        Returns:
            (T, K, 3) float32 metres; NaN for frames with too few keypoints (gaps stay gaps).

        Raises:
            ValueError: If the keypoints are not of the lifter's schema.
        """
        keypoints = np.asarray(keypoints, np.float64)
        if keypoints.ndim != 3 or keypoints.shape[1:] != (len(self.schema), 3):
            raise ValueError(
                f"expected (T, {len(self.schema)}, 3) keypoints of {self.schema.name}, got {keypoints.shape}"
            )
        points, mask = _prepared(keypoints)
        is_gap = (mask.sum(1) < MIN_KEYPOINTS).numpy()
        count = len(points)
        lifted = np.full((count, len(self.output_schema), 3), np.nan, np.float32)
        speed = max(1.0, round((fps or TRAINING_FPS) / TRAINING_FPS))
        rows = torch.from_numpy(np.flatnonzero(~is_gap))
        for centre in rows.split(BATCH):
            zero, last = torch.zeros_like(centre), torch.full_like(centre, count - 1)
            index = window_index(centre, zero, last, self.network.frames, torch.full((len(centre),), speed))
            lifted[centre.numpy()] = self._both_ways(points[index], mask[index], image_size, camera)
        return lifted

    def _both_ways(
        self,
        points: torch.Tensor,
        mask: torch.Tensor,
        image_size: tuple[int, int],
        camera: tuple[float, float, float, float] | None,
    ) -> np.ndarray:
        """Return the mean of what the picture and its mirror image give."""
        size = torch.tensor(image_size, dtype=torch.float32).expand(len(points), 2)
        numbers = torch.tensor(camera or [torch.nan] * 4, dtype=torch.float32).expand(len(points), 4)
        sign = torch.tensor([-1.0, 1.0, 1.0])
        mirrored = points[:, :, self.flip] * sign[:2] + torch.tensor([float(image_size[0]), 0.0])
        mirrored_camera = numbers.clone()
        mirrored_camera[:, 2] = image_size[0] - numbers[:, 2]
        with torch.no_grad():
            straight = self.network(Keypoints2D(points, mask, numbers, size).to(self.device)).cpu()
            other = self.network(
                Keypoints2D(mirrored, mask[:, :, self.flip], mirrored_camera, size).to(self.device)
            ).cpu()
        return (0.5 * (straight + other[:, self.flip_out] * sign)).numpy()


def _prepared(keypoints: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (T, K, 2) points and the (T, K) mask of those that are there."""
    there = np.isfinite(keypoints).all(-1) & (np.nan_to_num(keypoints[..., 2]) >= MIN_SCORE)
    points = np.where(there[..., None], keypoints[..., :2], 0.0)
    return torch.from_numpy(points).float(), torch.from_numpy(there.astype(np.float32))


class LiftQueue(Generic[Item]):
    """Lifts a video while it comes: holds frames back until their window is full. Memory does not grow.

    What comes out equals :meth:`Lifter.lift` of the whole video.
    """

    def __init__(
        self,
        lifter: Lifter,
        image_size: tuple[int, int],
        camera: tuple[float, float, float, float] | None = None,
        fps: float | None = None,
    ) -> None:
        self.lifter, self.image_size, self.camera = lifter, image_size, camera
        self.fps = fps or TRAINING_FPS
        self.reach = lifter.delay * max(1, round(self.fps / TRAINING_FPS))
        self._keypoints: list[np.ndarray] = []
        self._items: list[Item] = []
        self._first = 0
        """Frames before the one that is lifted next that are still held."""

    def push(self, item: Item, keypoints: np.ndarray) -> Iterator[tuple[Item, np.ndarray]]:
        """Take a frame's (K, 3) keypoints; yield the frames that can be lifted now, with their poses."""
        self._keypoints.append(np.asarray(keypoints, np.float64))
        self._items.append(item)
        if len(self._keypoints) > self._first + self.reach:
            yield self._lift_next()

    def flush(self) -> Iterator[tuple[Item, np.ndarray]]:
        """Yield the rest at the end of the video."""
        while self._items:
            yield self._lift_next()

    def _lift_next(self) -> tuple[Item, np.ndarray]:
        held = np.stack(self._keypoints[: self._first + self.reach + 1])
        pose = self.lifter.lift(held, self.image_size, self.camera, fps=self.fps)[self._first]
        if self._first == self.reach:
            self._keypoints.pop(0)
        else:
            self._first += 1
        return self._items.pop(0), pose


def shipped_lifter() -> Path:
    """Return the weights that come with syrip.

    Raises:
        FileNotFoundError: If this installation has none.
    """
    package = Path(__file__).resolve().parents[2]
    places = [root / "weights" / "lifter_infant.safetensors" for root in (
        package / "assets", package / "syrip_gen" / "assets",
    )]  # fmt: skip
    for place in places:
        if place.is_file():
            return place
    raise FileNotFoundError(
        "no lifter comes with this installation: train one with 'syrip train --recipe lifter-infant' and "
        "give its run folder"
    )


def _videopose3d(path: Path) -> LiftNetwork:
    """Build the network of a VideoPose3D checkpoint (COCO-17 in, Human3.6M's 17 joints out)."""
    tensors = published_tensors(path)
    try:
        width, features, _ = tensors["expand_conv.weight"].shape
        depth = 1 + sum(
            name.startswith("layers_conv.") and tensor.shape[-1] == KERNEL for name, tensor in tensors.items()
        )
        if features != 2 * len(COCO17) or tensors["shrink.weight"].shape[0] != 3 * len(H36M17):
            raise ValueError("it does not lead from COCO's 17 keypoints to Human3.6M's 17 joints")
        core = TemporalLifter(features, 3 * len(H36M17), frames=KERNEL**depth, width=width)
        core.load_state_dict(dict(tensors))
    except (KeyError, RuntimeError, ValueError, AttributeError) as error:
        raise ValueError(f"{path} is neither a lifter of syrip nor VideoPose3D's: {error}") from None
    return LiftNetwork(
        core,
        inputs="screen",
        frames=core.frames,
        output_m=1.0,
        schema=COCO17,
        output_schema=H36M17,
    )
