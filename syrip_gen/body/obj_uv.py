"""Texture coordinates from a Wavefront OBJ of the same mesh."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

__all__ = ["read_obj_uv"]


def read_obj_uv(path: Path, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (U, 2) coordinates and (F, 3) indices that match ``faces``.

    Raises:
        ValueError: When the OBJ has no texture coordinates or is of another mesh.
    """
    coordinates: list[tuple[float, float]] = []
    corners: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        words = line.split()
        try:
            if words[:1] == ["vt"]:
                coordinates.append((float(words[1]), float(words[2])))
            elif words[:1] == ["f"]:
                pairs = [(int(w.split("/")[0]) - 1, int(w.split("/")[1]) - 1) for w in words[1:]]
                for second, third in pairwise(pairs[1:]):
                    triangle = [pairs[0], second, third]
                    corners[tuple(sorted(v for v, _ in triangle))] = triangle
        except (ValueError, IndexError):
            raise ValueError(
                f"{path}, line {number}: not a face with texture coordinates: {line[:60]!r}"
            ) from None
    if not coordinates or not corners:
        raise ValueError(f"{path}: no texture coordinates (vt lines) or no faces")
    indices = np.empty_like(faces)
    for row, face in enumerate(faces):
        triangle = corners.get(tuple(sorted(int(v) for v in face)))
        if triangle is None:
            raise ValueError(
                f"{path}: is of another mesh: face {row} of the body, {face.tolist()}, is not in it"
            )
        lookup = dict(triangle)
        indices[row] = [lookup[int(v)] for v in face]
    return np.array(coordinates), indices
