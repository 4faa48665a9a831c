"""What follows from a mesh's triangles alone: is it closed, and which few vertices represent the rest."""

from dataclasses import dataclass

import numpy as np
from numba import njit

__all__ = ["MeshTopology"]

_JIT = {"nogil": True, "cache": True, "error_model": "numpy"}
_DENSE = 10_000
"""Meshes of so many vertices cast the shadows of a simpler mesh."""


@dataclass(frozen=True, slots=True, eq=False)
class MeshTopology:
    """Facts about one list of triangles; a function of the triangles only, never of a pose."""

    faces: np.ndarray
    """(F, 3) int32."""
    is_closed: bool
    """Every edge joins two triangles of the same orientation: no triangle is ever seen from behind."""
    starts: np.ndarray
    """(V+1,) int32 where each vertex's neighbours start."""
    neighbours: np.ndarray
    """(E,) int32 neighbours of all vertices, one after the other."""
    is_representative: np.ndarray
    """(V,) bool; no two are neighbours, and every other vertex has at least one as neighbour."""
    outline: np.ndarray
    """(N,) int32 vertices of a simpler mesh of the same shape: the representatives where vertices are many,
    otherwise all."""
    outline_faces: np.ndarray
    """(G, 3) int32 its triangles; they count in ``outline``."""

    @classmethod
    def from_faces(cls, faces: np.ndarray, num_vertices: int) -> "MeshTopology":
        """Analyse triangles; raises ValueError when one names a vertex that does not exist."""
        faces = np.ascontiguousarray(faces, dtype=np.int32)
        if faces.ndim != 2 or faces.shape[1] != 3:
            raise ValueError(f"faces have shape {faces.shape}, expected (F, 3)")
        if len(faces) and not 0 <= faces.min() <= faces.max() < num_vertices:
            raise ValueError(
                f"faces name vertices {faces.min()}..{faces.max()}, but the mesh has {num_vertices} vertices"
            )
        edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
        forward = np.sort(edges[:, 0] * num_vertices + edges[:, 1])
        backward = np.sort(edges[:, 1] * num_vertices + edges[:, 0])
        is_closed = (
            len(forward) > 0 and bool(np.all(np.diff(forward) > 0)) and np.array_equal(forward, backward)
        )
        both = np.unique(np.concatenate([forward, backward]))
        starts = np.searchsorted(both, np.arange(num_vertices + 1) * num_vertices).astype(np.int32)
        neighbours = (both % max(num_vertices, 1)).astype(np.int32)
        chosen = _independent_set(starts, neighbours)
        if num_vertices < _DENSE:
            outline, outline_faces = np.arange(num_vertices, dtype=np.int32), faces
        else:
            outline = np.flatnonzero(chosen).astype(np.int32)
            outline_faces = _join_vertices(faces, _rows_of_representatives(starts, neighbours, chosen))
        return cls(faces, is_closed, starts, neighbours, chosen, outline, outline_faces)

    def describes(self, faces: np.ndarray, num_vertices: int) -> bool:
        """Return whether these are the triangles of a mesh with that many vertices."""
        return len(self.starts) == num_vertices + 1 and (
            self.faces is faces or np.array_equal(self.faces, faces)
        )


@njit(**_JIT)
def _independent_set(starts, neighbours):
    """Take every vertex that has no neighbour among those taken before it."""
    count = starts.shape[0] - 1
    taken = np.zeros(count, dtype=np.bool_)
    for i in range(count):
        free = True
        for k in range(starts[i], starts[i + 1]):
            if taken[neighbours[k]]:
                free = False
                break
        taken[i] = free
    return taken


@njit(**_JIT)
def _rows_of_representatives(starts, neighbours, chosen):
    """Return for each vertex where its first representative comes in the list of representatives."""
    rows = np.zeros(chosen.shape[0], dtype=np.int32)
    count = 0
    for i in range(chosen.shape[0]):
        if chosen[i]:
            rows[i] = count
            count += 1
    for i in range(chosen.shape[0]):
        if not chosen[i]:
            for k in range(starts[i], starts[i + 1]):
                if chosen[neighbours[k]]:
                    rows[i] = rows[neighbours[k]]
                    break
    return rows


def _join_vertices(faces: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the triangles that are left when vertices of the same row become one; closed stays closed."""
    joined = rows[faces]
    a, b, c = joined.T
    return np.ascontiguousarray(joined[(a != b) & (b != c) & (c != a)])
