"""Which frames of a video are labelled: every k-th, or the n that look most different."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

__all__ = ["RULES", "FrameChoice", "most_different", "thumbnail"]

RULES = "every=K or most=N"
THUMBNAIL_SIDE = 16
PATTERN = re.compile(r"(every|most)=([1-9][0-9]{0,8})", re.ASCII)


@dataclass(frozen=True, slots=True)
class FrameChoice:
    """A rule for choosing frames."""

    kind: Literal["every", "most"]
    count: int

    @classmethod
    def parse(cls, text: str) -> "FrameChoice":
        """Read ``every=K`` or ``most=N``.

        Raises:
            ValueError: If it is neither.
        """
        match = PATTERN.fullmatch(text)
        if not match:
            raise ValueError(f"--frames {text!a}: expected {RULES}, with K and N from 1")
        return cls(match[1], int(match[2]))  # type: ignore[arg-type]

    def __str__(self) -> str:
        return f"{self.kind}={self.count}"


def thumbnail(image: np.ndarray) -> np.ndarray:
    """Return (256,) uint8: the mean grey of each of 16 x 16 parts of a (H, W, 3) uint8 RGB picture."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, (THUMBNAIL_SIDE, THUMBNAIL_SIDE), interpolation=cv2.INTER_AREA).ravel()


def most_different(thumbnails: Sequence[np.ndarray] | np.ndarray, count: int) -> np.ndarray:
    """Return the indices of at most ``count`` frames that lie as far from each other as can be, ascending.

    Farthest-point traversal (Gonzalez 1985, «Clustering to minimize the maximum intercluster distance»): the
    first is the frame nearest to the mean, each further one is the frame farthest from all that were
    chosen; the largest gap that is left is at most twice the smallest possible. A tie goes to the
    earlier frame. Frames that equal a chosen one are never added, so there may be fewer than ``count``.

    Args:
        thumbnails: (T, D) uint8.
        count: At least 1.
    """
    if not len(thumbnails):
        return np.zeros(0, np.int64)
    points = np.asarray(thumbnails, np.uint8).astype(np.float32)
    chosen = [int(np.square(points - points.mean(0)).sum(1).argmin())]
    gaps = np.square(points - points[chosen[0]]).sum(1)  # whole numbers: the same on every machine
    while len(chosen) < count and gaps.max() > 0:
        chosen.append(int(gaps.argmax()))
        gaps = np.minimum(gaps, np.square(points - points[chosen[-1]]).sum(1))
    return np.sort(np.array(chosen, np.int64))
