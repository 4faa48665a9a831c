"""Windows over the frames of movements: around every frame, the ends repeated."""

import numpy as np
import torch
from torch import Tensor

__all__ = ["clip_bounds", "window_index"]


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
