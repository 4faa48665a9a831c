"""Use a trained lifter: 2D keypoints of pictures and videos to 3D poses."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike

from fidip.lifting.begin import run_weights
from fidip.lifting.network import AnyLifter, LiftNetwork
from fidip.lifting.poses_2d import MIN_SCORE
from fidip.lifting.refined import RefinedLifter
from fidip.lifting.shipped import shipped_lifter
from fidip.lifting.state import open_lifter_weights
from fidip.lifting.temporal import KERNEL, TemporalLifter
from fidip.lifting.views import Keypoints2D
from fidip.lifting.windows import clip_bounds, window_index
from fidip.models.weight_files import read_weight_file
from syrip_gen.keypoints.catalog import COCO17, H36M17

__all__ = ["LiftQueue", "Lifter"]

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

    def __init__(self, network: AnyLifter, name: str, device: torch.device | None = None) -> None:
        self.device = device or torch.device("cpu")
        self.network, self.name = network.to(self.device).eval(), name
        self.file: Path | None = None
        """The file it was opened from."""
        self.schema, self.output_schema = network.schema, network.output_schema
        self.unlearnt = [self.output_schema.index(name) for name in sorted(network.unlearnt)]
        self.flip = torch.as_tensor(self.schema.flip_index)
        self.flip_out = torch.as_tensor(self.output_schema.flip_index)

    @classmethod
    def open(
        cls, run: str | Path | None, device: torch.device | None = None, *, over_time: bool = False
    ) -> "Lifter":
        """Open a run folder of ``syrip train --recipe lifter-…``, a lifter's file, or VideoPose3D's weights.

        Args:
            run: The folder or file; None = the shipped lifter.
            device: Where to compute; the CPU by default.
            over_time: Which of the shipped ones: that for videos.

        Raises:
            FileNotFoundError: If there is none.
            ValueError: If it is no lifter.
        """
        path = shipped_lifter(over_time=over_time) if run is None else run_weights(str(run))
        if path.suffix == ".safetensors":
            opened = cls(open_lifter_weights(path), str(run or path.stem), device)
        else:
            opened = cls(_videopose3d(path), str(run), device)
        opened.file = path
        return opened

    @property
    def uses_camera(self) -> bool:
        """Whether the camera changes what it answers."""
        return self.network.inputs == "view"

    @property
    def delay(self) -> int:
        """Frames that must be seen after a frame before it can be lifted, at 30 frames/s."""
        return self.network.frames // 2

    @property
    def of_frames(self) -> "Lifter":
        """The lifter of single frames that this one refines, or this one: what photos are lifted by."""
        if isinstance(self.network, RefinedLifter):
            self.network.base.unlearnt = self.network.unlearnt
            return Lifter(self.network.base, self.name, self.device)
        return self

    def lift(
        self,
        keypoints: np.ndarray,
        image_size: ArrayLike,
        camera: ArrayLike | None = None,
        *,
        fps: float | None = None,
        clip: Sequence[int] | np.ndarray | None = None,
        rows: Sequence[int] | np.ndarray | None = None,
    ) -> np.ndarray:
        """Lift the frames of a movement, or of several, or single poses.

        Args:
            keypoints: (T, K, 3) x, y px and score or visibility; NaN or a score below 0.1 = missing, 1 or
                more = sure.
            image_size: Width and height of the pictures, px: (2,), or (T, 2) of each.
            camera: fx, fy, cx, cy px: (4,), or (T, 4) of each; None or NaN = unknown.
            fps: Frames per second; 30 by default. Lifters over time were trained around 30.
            clip: (T,) number of each frame's movement; frames of one lie side by side in their order. One
                movement by default.
            rows: (R,) the frames to lift, the others being their neighbours in time; all by default.

        Returns:
            (R, K, 3) float32 metres; NaN for frames with too few keypoints (gaps stay gaps) and for keypoints
            that the lifter never learnt.

        Raises:
            ValueError: If the keypoints are not of the lifter's schema, or shapes do not go together.
        """
        frames = self._frames(keypoints, image_size, camera)
        count = len(frames.mask)
        clip = np.zeros(count, int) if clip is None else np.asarray(clip)
        if clip.shape != (count,):
            raise ValueError(f"expected ({count},) numbers of movements, got {clip.shape}")
        first, last = (torch.from_numpy(bound) for bound in clip_bounds(clip))
        wanted = torch.arange(count) if rows is None else torch.as_tensor(rows)
        is_lifted = (frames.mask[wanted, 0] > 0).sum(1) >= MIN_KEYPOINTS
        lifted = np.full((len(wanted), len(self.output_schema), 3), np.nan, np.float32)
        speed = max(1.0, round((fps or TRAINING_FPS) / TRAINING_FPS))
        for places in is_lifted.nonzero()[:, 0].split(BATCH):
            centre = wanted[places]
            step = torch.full((len(centre),), speed)
            index = window_index(centre, first[centre], last[centre], self.network.frames, step)
            lifted[places.numpy()] = self._both_ways(frames, index)
        lifted[:, self.unlearnt] = np.nan
        return lifted

    def _frames(self, keypoints: np.ndarray, image_size: ArrayLike, camera: ArrayLike | None) -> Keypoints2D:
        """Return (T, 1, K) single frames."""
        keypoints = np.asarray(keypoints, np.float64)
        if keypoints.ndim != 3 or keypoints.shape[1:] != (len(self.schema), 3):
            raise ValueError(
                f"expected (T, {len(self.schema)}, 3) keypoints of {self.schema.name}, got {keypoints.shape}"
            )
        there = np.isfinite(keypoints).all(-1) & (np.nan_to_num(keypoints[..., 2]) >= MIN_SCORE)
        points = np.where(there[..., None], keypoints[..., :2], 0.0)
        sure = np.where(there, keypoints[..., 2].clip(max=1), 0.0)
        count = len(keypoints)
        return Keypoints2D(
            torch.from_numpy(points).float()[:, None],
            torch.from_numpy(sure.astype(np.float32))[:, None],
            _each(np.nan if camera is None else camera, count, 4, "cameras"),
            _each(image_size, count, 2, "sizes of pictures"),
        )

    def _both_ways(self, frames: Keypoints2D, index: torch.Tensor) -> np.ndarray:
        """Return the mean of what windows of frames and their mirror images give."""
        used, index = index.unique(return_inverse=True)
        straight = Keypoints2D(*(getattr(frames, name)[used] for name in Keypoints2D.__slots__))
        width, camera = straight.image_size[:, 0], straight.camera.clone()
        camera[:, 2] = width - camera[:, 2]
        sign = torch.tensor([-1.0, 1.0, 1.0])
        points = straight.points_px[:, :, self.flip] * sign[:2]
        points[..., 0] += width[:, None, None]
        mirrored = Keypoints2D(points, straight.mask[:, :, self.flip], camera, straight.image_size)
        both = Keypoints2D(
            *(torch.cat([getattr(f, name) for f in (straight, mirrored)]) for name in Keypoints2D.__slots__)
        )
        index = torch.cat([index, index + len(used)]).to(self.device)
        with torch.no_grad():
            pose, other = self.network.lift_windows(both.to(self.device), index).cpu().chunk(2)
        return (0.5 * (pose + other[:, self.flip_out] * sign)).numpy()


def _each(values: ArrayLike, count: int, width: int, what: str) -> torch.Tensor:
    """Return (count, width) numbers, one row a frame."""
    array = np.asarray(values, np.float32)
    if array.shape not in ((), (width,), (count, width)):
        raise ValueError(f"expected {what} ({width},) or ({count}, {width}), got {array.shape}")
    return torch.from_numpy(np.broadcast_to(array, (count, width)).copy())


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
        pose = self.lifter.lift(held, self.image_size, self.camera, fps=self.fps, rows=[self._first])[0]
        if self._first == self.reach:
            self._keypoints.pop(0)
        else:
            self._first += 1
        return self._items.pop(0), pose


def _videopose3d(path: Path) -> LiftNetwork:
    """Build the network of a VideoPose3D checkpoint (COCO-17 in, Human3.6M's 17 joints out)."""
    tensors = read_weight_file(path).tensors
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
