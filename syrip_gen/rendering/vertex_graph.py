"""Which vertices are in sight, and values that are known at a few of them spread over the others."""

import numpy as np
from numba import njit

__all__ = ["mark_vertices", "smooth_over_neighbours", "spread_from_representatives"]

_JIT = {"nogil": True, "cache": True, "error_model": "numpy"}


@njit(**_JIT)
def mark_vertices(seen_faces, faces, starts, neighbours, is_representative):
    """List the vertices of the triangles in ``seen_faces``, and the representatives that these need.

    Returns:
        Two (N,) int32 arrays in ascending order.
    """
    count = starts.shape[0] - 1
    seen = np.zeros(count, dtype=np.bool_)
    for f in seen_faces:
        seen[faces[f, 0]] = seen[faces[f, 1]] = seen[faces[f, 2]] = True
    needed = seen & is_representative
    for i in range(count):
        if seen[i] and not is_representative[i]:
            for k in range(starts[i], starts[i + 1]):
                needed[neighbours[k]] |= is_representative[neighbours[k]]
    return np.flatnonzero(seen).astype(np.int32), np.flatnonzero(needed).astype(np.int32)


@njit(**_JIT)
def spread_from_representatives(values, wanted, starts, neighbours, is_representative):
    """Give each other wanted vertex the mean ``values`` (V, 3) of its representatives, in place."""
    one, zero = np.float32(1.0), np.float32(0.0)
    for i in wanted:
        if is_representative[i]:
            continue
        found = a = b = c = zero
        for k in range(starts[i], starts[i + 1]):
            j = neighbours[k]
            if is_representative[j]:
                found += one
                a, b, c = a + values[j, 0], b + values[j, 1], c + values[j, 2]
        share = one / max(found, one)
        values[i, 0], values[i, 1], values[i, 2] = a * share, b * share, c * share


@njit(**_JIT)
def smooth_over_neighbours(values, wanted, starts, neighbours, out):
    """Write the mean ``values`` (V, 3) of each wanted vertex and its wanted neighbours to ``out``."""
    one = np.float32(1.0)
    weight = np.zeros(values.shape[0], dtype=np.float32)
    for i in wanted:
        weight[i] = one
    for i in wanted:
        found, a, b, c = one, values[i, 0], values[i, 1], values[i, 2]
        for k in range(starts[i], starts[i + 1]):
            j = neighbours[k]
            share = weight[j]
            found += share
            a, b, c = a + share * values[j, 0], b + share * values[j, 1], c + share * values[j, 2]
        share = one / found
        out[i, 0], out[i, 1], out[i, 2] = a * share, b * share, c * share
