"""A moving body: one shape, a pose and a place for every frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from syrip_gen.body.assets import NUM_JOINTS

__all__ = ["BodySequence"]

MAX_FPS = 1000.0


@dataclass(frozen=True, slots=True, eq=False)
class BodySequence:
    """Poses of one SMPL-format body over T frames.

    World frame: z up, the floor is the plane z = 0, metres. Rotations are axis-angle vectors, radians.
    """

    betas: np.ndarray
    """(S,) shape coefficients, the same in all frames."""
    global_orient: np.ndarray
    """(T, 3) rotation of the root, body to world."""
    body_pose: np.ndarray
    """(T, 23, 3) rotations of joints 1..23 relative to their parents."""
    transl: np.ndarray
    """(T, 3) translation of the posed body, metres."""
    fps: float
    """Frames a second."""
    name: str = ""
    """Of the clip."""
    notes: tuple[str, ...] = ()
    """What the user should know, one line each."""

    def __post_init__(self) -> None:
        count = len(self.global_orient)
        expected = {
            "global_orient": (count, 3),
            "body_pose": (count, NUM_JOINTS - 1, 3),
            "transl": (count, 3),
        }
        for field, shape in expected.items():
            value = getattr(self, field)
            if value.shape != shape:
                raise ValueError(f"{field} of motion '{self.name}' must be {shape}, got {value.shape}")
            if not np.isfinite(value).all():
                raise ValueError(f"{field} of motion '{self.name}' holds NaN or infinities")
        if count == 0:
            raise ValueError(f"motion '{self.name}' has no frames")
        if self.betas.ndim != 1 or not np.isfinite(self.betas).all():
            raise ValueError(f"betas of motion '{self.name}' must be (S,) finite, got {self.betas.shape}")
        _checked_fps(self.fps)

    def __len__(self) -> int:
        """Return the number of frames T."""
        return len(self.global_orient)

    @property
    def duration_s(self) -> float:
        """Time from the first to the last frame."""
        return (len(self) - 1) / self.fps

    def select(self, index: np.ndarray) -> BodySequence:
        """Return the frames of an index array; frame rate and notes stay as they are."""
        index = np.asarray(index)
        return replace(
            self,
            global_orient=self.global_orient[index],
            body_pose=self.body_pose[index],
            transl=self.transl[index],
        )

    def resample(self, fps: float) -> BodySequence:
        """Return the motion at another frame rate, first frame first.

        Rotations turn the short way at constant speed between two frames (slerp), so that it does not matter
        how their axis-angle vectors wrap around; places are interpolated linearly.

        Raises:
            ValueError: If ``fps`` is not a positive number up to 1000.
        """
        fps = _checked_fps(fps)
        if fps == self.fps or len(self) == 1:
            return replace(self, fps=fps)
        count = int(np.floor(self.duration_s * fps + 1e-6)) + 1
        place = np.minimum(np.arange(count) * (self.fps / fps), len(self) - 1)
        first = np.minimum(place.astype(int), len(self) - 2)
        share = place - first
        transl = self.transl[first] + share[:, None] * (self.transl[first + 1] - self.transl[first])
        pose = np.concatenate([self.global_orient[:, None], self.body_pose], axis=1)
        turned = _slerp(pose[first], pose[first + 1], share)
        return replace(self, global_orient=turned[:, 0], body_pose=turned[:, 1:], transl=transl, fps=fps)


def _slerp(start: np.ndarray, end: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Go ``share`` (T,) of the way from one (T, J, 3) axis-angle to another."""
    a = Rotation.from_rotvec(start.reshape(-1, 3))
    step = (a.inv() * Rotation.from_rotvec(end.reshape(-1, 3))).as_rotvec()
    part = step * np.repeat(share, start.shape[1])[:, None]
    return (a * Rotation.from_rotvec(part)).as_rotvec().reshape(start.shape)


def _checked_fps(fps: float) -> float:
    if not 0.0 < fps <= MAX_FPS:
        raise ValueError(f"frames a second must lie between 0 and {MAX_FPS:g}, got {fps!r}")
    return float(fps)
