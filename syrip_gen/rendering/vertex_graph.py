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
    seen, needed = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_)
    for k in range(seen_faces.shape[0]):
        f = np.uint32(seen_faces[k])
        seen[np.uint32(faces[f, 0])] = seen[np.uint32(faces[f, 1])] = seen[np.uint32(faces[f, 2])] = True
    for i in range(count):
        if not seen[i]:
            continue
        if is_representative[i]:
            needed[i] = True
            continue
        for k in range(np.uint32(starts[i]), np.uint32(starts[i + 1])):
            j = np.uint32(neighbours[k])
            needed[j] |= is_representative[j]
    return _places_of(seen), _places_of(needed)


@njit(**_JIT)
def _places_of(flags):
    """Return the (N,) int32 places of the true ones."""
    places = np.empty(flags.shape[0], dtype=np.int32)
    count = np.uint64(0)
    for i in range(flags.shape[0]):
        places[count] = i
        count += np.uint64(flags[i])
    return places[:count]


@njit(**_JIT)
def spread_from_representatives(values, wanted, starts, neighbours, is_representative):
    """Give each other wanted vertex the mean ``values`` (V, 3) of its representatives, in place."""
    one, zero = np.float32(1.0), np.float32(0.0)
    for place in range(wanted.shape[0]):
        i = np.uint32(wanted[place])
        if is_representative[i]:
            continue
        found = a = b = c = zero
        for k in range(np.uint32(starts[i]), np.uint32(starts[i + np.uint32(1)])):
            j = np.uint32(neighbours[k])
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
    for place in range(wanted.shape[0]):
        weight[np.uint32(wanted[place])] = one
    for place in range(wanted.shape[0]):
        i = np.uint32(wanted[place])
        found, a, b, c = one, values[i, 0], values[i, 1], values[i, 2]
        for k in range(np.uint32(starts[i]), np.uint32(starts[i + np.uint32(1)])):
            j = np.uint32(neighbours[k])
            share = weight[j]
            found += share
            a, b, c = a + share * values[j, 0], b + share * values[j, 1], c + share * values[j, 2]
        share = one / found
        out[i, 0], out[i, 1], out[i, 2] = a * share, b * share, c * share
