"""Windows over the frames of movements: around every frame, the ends repeated."""

import numpy as np
import torch
from torch import Tensor

from fidip.lifting.views import Keypoints2D

__all__ = ["clip_bounds", "frames_of", "window_index", "windows_of"]


def clip_bounds(clip: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (N,) the first and the last index of every frame's movement (frames lie side by side)."""
    starts = np.flatnonzero(np.r_[True, clip[1:] != clip[:-1]])
    number = np.cumsum(np.r_[True, clip[1:] != clip[:-1]]) - 1
    ends = np.r_[starts[1:], len(clip)] - 1
    return starts[number], ends[number]


def window_index(
    centre: Tensor, first: Tensor, last: Tensor, frames: int, speed: Tensor | None = None
) -> Tensor:
    """Return (B, T) indices of the frames around (B,) centres, within their movements.

    Args:
        centre: (B,) frame in the middle.
        first: (B,) first frame of its movement.
        last: (B,) last frame of it.
        frames: T, odd.
        speed: (B,) frames of the movement a frame of the window; 1 by default.
    """
    offset = torch.arange(frames) - frames // 2
    steps = offset[None] if speed is None else (offset[None] * speed[:, None]).round().long()
    index = centre[:, None] + steps
    return torch.minimum(torch.maximum(index, first[:, None]), last[:, None])


def windows_of(frames: Keypoints2D, index: Tensor) -> Keypoints2D:
    """Return (B, T) windows of rows of N single frames, with the camera of the middle one."""
    middle = index[:, index.shape[1] // 2]
    return Keypoints2D(
        frames.points_px[index, 0], frames.mask[index, 0], frames.camera[middle], frames.image_size[middle]
    )


def frames_of(keypoints: Keypoints2D) -> Keypoints2D:
    """Return (B T, 1, K) the frames of windows by themselves."""
    frames = keypoints.mask.shape[1]
    return Keypoints2D(
        keypoints.points_px.flatten(0, 1)[:, None],
        keypoints.mask.flatten(0, 1)[:, None],
        keypoints.camera.repeat_interleave(frames, 0),
        keypoints.image_size.repeat_interleave(frames, 0),
    )
