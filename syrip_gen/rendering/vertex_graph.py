"""Which vertices are in sight, and values that are known at a few of them spread over the others."""

import numpy as np
from numba import njit

__all__ = ["mark_vertices", "smooth_over_neighbours", "spread_from_representatives"]

_JIT = {"nogil": True, "cache": True, "error_model": "numpy"}


@njit(**_JIT)
def mark_vertices(point_face, faces, starts, neighbours, is_representative):
    """List the vertices of the triangles in ``point_face``, and the representatives that these need.

    Returns:
        Two (N,) int32 arrays in ascending order.
    """
    count = starts.shape[0] - 1
    seen = np.zeros(count, dtype=np.bool_)
    previous = -1
    for s in range(point_face.shape[0]):
        f = point_face[s]
        if f != previous:
            seen[faces[f, 0]] = seen[faces[f, 1]] = seen[faces[f, 2]] = True
            previous = f
    needed = np.zeros(count, dtype=np.bool_)
    for i in range(count):
        if not seen[i]:
            continue
        if is_representative[i]:
            needed[i] = True
            continue
        for k in range(starts[i], starts[i + 1]):
            if is_representative[neighbours[k]]:
                needed[neighbours[k]] = True
    return np.flatnonzero(seen).astype(np.int32), np.flatnonzero(needed).astype(np.int32)


@njit(**_JIT)
def spread_from_representatives(values, wanted, starts, neighbours, is_representative):
    """Give each other wanted vertex the mean ``values`` of its representatives, in place."""
    for i in wanted:
        if is_representative[i]:
            continue
        found = np.float32(0.0)
        for c in range(values.shape[1]):
            values[i, c] = np.float32(0.0)
        for k in range(starts[i], starts[i + 1]):
            j = neighbours[k]
            if is_representative[j]:
                found += np.float32(1.0)
                for c in range(values.shape[1]):
                    values[i, c] += values[j, c]
        for c in range(values.shape[1]):
            values[i, c] /= max(found, np.float32(1.0))


@njit(**_JIT)
def smooth_over_neighbours(values, wanted, starts, neighbours):
    """Replace each wanted vertex's ``values`` by the mean of it and its wanted neighbours, in place."""
    is_wanted = np.zeros(values.shape[0], dtype=np.bool_)
    before = np.empty(values.shape, dtype=np.float32)
    for i in wanted:
        is_wanted[i] = True
        for c in range(values.shape[1]):
            before[i, c] = values[i, c]
    for i in wanted:
        found = np.float32(1.0)
        for k in range(starts[i], starts[i + 1]):
            j = neighbours[k]
            if is_wanted[j]:
                found += np.float32(1.0)
                for c in range(values.shape[1]):
                    values[i, c] += before[j, c]
        for c in range(values.shape[1]):
            values[i, c] /= found
