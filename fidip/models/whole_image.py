"""Estimators that find the people of a whole picture by themselves, where top-down networks need boxes."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

__all__ = ["FoundPeople", "WholeImageEstimator"]


@dataclass(frozen=True, slots=True)
class FoundPeople:
    """The N people of one picture, surest first; coordinates in px of the picture (pixel-corner)."""

    boxes_xywh: np.ndarray
    """(N, 4) float32 left, top, width, height."""
    keypoints: np.ndarray
    """(N, K, 3) float32 x, y, score in 0..1."""
    scores: np.ndarray
    """(N,) float32 score of each person in 0..1."""

    def __len__(self) -> int:
        return len(self.scores)


@runtime_checkable
class WholeImageEstimator(Protocol):
    """Picture to people."""

    name: str

    def find_people(self, image: np.ndarray) -> FoundPeople:
        """Return the people of an (H, W, 3) uint8 RGB picture; none is a valid answer."""
        ...
