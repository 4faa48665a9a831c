"""Anthropometric measurements of a rest-pose body."""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull

__all__ = ["body_length", "head_circumference", "mesh_volume"]


def body_length(vertices: np.ndarray) -> float:
    """Return crown-to-sole length in metres of (V, 3) T-posed vertices."""
    return float(np.ptp(vertices[:, 1]))


def mesh_volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Return the volume in cubic metres that a closed, outward-facing mesh encloses."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return float(np.einsum("fi,fi->", a, np.cross(b, c)) / 6.0)


def head_circumference(vertices: np.ndarray, skull: np.ndarray, tilt: float = 0.2) -> float:
    """Return the largest occipitofrontal circumference in metres.

    Args:
        vertices: (V, 3) T-posed vertices.
        skull: Vertex indices of the skull without ears, face below the brow, and neck.
        tilt: Slope of the tape: it runs from the brow upwards (> 0: downwards) to the back of the head.
    """
    points = vertices[skull]
    height = points[:, 1] + tilt * (points[:, 2] - points[:, 2].mean())
    low, high = np.quantile(height, [0.02, 0.98])
    best = 0.0
    half = 0.05 * (high - low)
    for level in np.linspace(low + half, high - half, 12):
        band = points[np.abs(height - level) < half]
        if len(band) < 12:
            continue
        hull = ConvexHull(band[:, [0, 2]])
        # In two dimensions ConvexHull calls the perimeter "area".
        best = max(best, hull.area)
    return float(best)
