"""FoundBoxes: what a detector finds, and what every detector can do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

__all__ = ["FoundBoxes", "PersonDetector", "above"]


@dataclass(frozen=True, slots=True)
class FoundBoxes:
    """N boxes in one picture, surest first."""

    boxes: np.ndarray
    """(N, 4) float64 left, top, width, height, px of the picture (pixel-corner)."""
    scores: np.ndarray
    """(N,) float64 in 0..1."""

    def __len__(self) -> int:
        return len(self.scores)


class PersonDetector(Protocol):
    """Pictures to boxes."""

    name: str
    min_score: float
    """Boxes at least this sure are taken for persons, unless the user says otherwise."""

    def detect(self, images: Sequence[np.ndarray]) -> list[FoundBoxes]:
        """Return the boxes in each (H, W, 3) uint8 RGB picture, doubtful ones too; none is a valid answer."""
        ...


def above(found: FoundBoxes, min_score: float) -> FoundBoxes:
    """Return the boxes with at least this score."""
    kept = found.scores >= min_score
    return FoundBoxes(found.boxes[kept], found.scores[kept])
