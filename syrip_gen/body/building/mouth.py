"""A smaller mouth: MakeHuman's cavity fills an infant's jaw and pokes through the throat of a turned head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["MouthShrinker", "build_mouth_shrinker"]

_DEEP = 0.5
_RINGS = 6


@dataclass(frozen=True, slots=True, eq=False)
class MouthShrinker:
    """Pulls cavity and tongue towards the opening; linear in the vertices, the lips stay where they are."""

    rim: np.ndarray
    """Vertices of the opening."""
    inside: np.ndarray
    """(M,) vertices that move."""
    scale: np.ndarray
    """(M,) what is left of their distance to the middle of the opening."""

    def __call__(self, vertices: np.ndarray) -> np.ndarray:
        """Return (V, 3) vertices with a smaller mouth."""
        middle = vertices[self.rim].mean(axis=0)
        shrunk = vertices.copy()
        shrunk[self.inside] = middle + self.scale[:, None] * (vertices[self.inside] - middle)
        return shrunk


def build_mouth_shrinker(faces: np.ndarray, cavity: np.ndarray, tongue: np.ndarray) -> MouthShrinker:
    """Find the opening and how deep each vertex lies behind it.

    Args:
        faces: (F, 3).
        cavity: (V,) mask of the vertices of cavity faces, those that the lips share included.
        tongue: (V,) mask of the tongue's vertices.
    """
    inner = cavity[faces].all(axis=1)
    outer = np.zeros(len(cavity), bool)
    outer[faces[~inner]] = True
    depth = np.full(len(cavity), -1)
    depth[cavity & outer] = 0
    for ring in range(1, _RINGS + 1):
        near = np.zeros(len(cavity), bool)
        near[faces[(depth[faces] >= 0).any(axis=1) & inner]] = True
        depth[near & (depth < 0)] = ring
    depth[cavity & (depth < 0)] = _RINGS
    depth[tongue] = _RINGS
    inside = np.flatnonzero(depth > 0)
    scale = 1.0 - (1.0 - _DEEP) * depth[inside] / _RINGS
    return MouthShrinker(np.flatnonzero(depth == 0), inside, scale)
