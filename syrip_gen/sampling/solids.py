"""Ray-cast a handful of ellipsoids and boxes: toys around the infant, furniture at the wall (compiled)."""

import numpy as np
from numba import njit

__all__ = ["BOX", "ELLIPSOID", "Solids", "paint_solids", "solid"]

ELLIPSOID, BOX = 0.0, 1.0
Solids = np.ndarray
"""(n, 23) float64 rows: kind, centre (3), world-to-local rotation (9), half sizes (3), sRGB colour (3), second colour
(3), bands along the local z axis that take the second colour (0 = none)."""


def solid(
    kind: float,
    centre: np.ndarray,
    half: np.ndarray,
    color: np.ndarray,
    *,
    axes: np.ndarray | None = None,
    second: np.ndarray | None = None,
    bands: float = 0.0,
) -> np.ndarray:
    """Return one row of :data:`Solids`.

    Args:
        kind: ELLIPSOID or BOX.
        centre: (3,) world, metres.
        half: (3,) half sizes along the local axes.
        color: (3,) sRGB albedo 0..1.
        axes: (3, 3) local axes as rows, in the world; None = the world's.
        second: (3,) other colour of banded solids.
        bands: How many bands.
    """
    rows = np.eye(3) if axes is None else axes
    other = color if second is None else second
    return np.concatenate([[kind], centre, np.ravel(rows), half, color, other, [bands]]).astype(np.float64)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _hit(row, ox, oy, oz, dx, dy, dz):
    """Return (distance along the ray or -1, local normal x, y, z, local height / half height)."""
    cx, cy, cz = ox - row[1], oy - row[2], oz - row[3]
    lx = (row[4] * cx + row[5] * cy + row[6] * cz) / row[13]
    ly = (row[7] * cx + row[8] * cy + row[9] * cz) / row[14]
    lz = (row[10] * cx + row[11] * cy + row[12] * cz) / row[15]
    mx = (row[4] * dx + row[5] * dy + row[6] * dz) / row[13]
    my = (row[7] * dx + row[8] * dy + row[9] * dz) / row[14]
    mz = (row[10] * dx + row[11] * dy + row[12] * dz) / row[15]
    if row[0] == 0.0:
        a, b = mx * mx + my * my + mz * mz, lx * mx + ly * my + lz * mz
        disc = b * b - a * (lx * lx + ly * ly + lz * lz - 1.0)
        if disc <= 0.0:
            return -1.0, 0.0, 0.0, 0.0, 0.0
        s = (-b - np.sqrt(disc)) / a
        if s <= 0.0:
            return -1.0, 0.0, 0.0, 0.0, 0.0
        x, y, z = lx + s * mx, ly + s * my, lz + s * mz
        return s, x / row[13], y / row[14], z / row[15], z
    enter, leave, axis = -1e30, 1e30, 0
    for k in range(3):
        o, d = (lx, mx) if k == 0 else ((ly, my) if k == 1 else (lz, mz))
        if abs(d) < 1e-12:
            if abs(o) > 1.0:
                return -1.0, 0.0, 0.0, 0.0, 0.0
            continue
        t0, t1 = (-1.0 - o) / d, (1.0 - o) / d
        if t0 > t1:
            t0, t1 = t1, t0
        if t0 > enter:
            enter, axis = t0, k
        leave = min(leave, t1)
    if enter > leave or enter <= 0.0:
        return -1.0, 0.0, 0.0, 0.0, 0.0
    nx = (-1.0 if mx > 0 else 1.0) if axis == 0 else 0.0
    ny = (-1.0 if my > 0 else 1.0) if axis == 1 else 0.0
    nz = (-1.0 if mz > 0 else 1.0) if axis == 2 else 0.0
    return enter, nx, ny, nz, lz + enter * mz


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def paint_solids(out, bounds, M, origin, solids, light, key_direction, key_color, table):
    """Draw solids over a picture, four rays a pixel.

    Args:
        out: (h, w, 3) uint8, changed in place.
        bounds: x0, y0, x1, y1 of the pixels to visit.
        M: (3, 3) picture pixel index (x, y, 1) to world ray.
        origin: (3,) optical centre.
        solids: See :data:`Solids`.
        light: (3, 4, 4) irradiance matrices of the harmonics, world frame.
        key_direction: (3,) towards the key light.
        key_color: (3,).
        table: (4096,) uint8 sRGB byte of linear light 0..1.
    """
    total = np.zeros(3)
    for y in range(bounds[1], bounds[3]):
        for x in range(bounds[0], bounds[2]):
            covered = 0
            total[:] = 0.0
            for sample in range(4):
                px = x - 0.25 + 0.5 * (sample & 1)
                py = y - 0.25 + 0.5 * (sample >> 1)
                dx = M[0, 0] * px + M[0, 1] * py + M[0, 2]
                dy = M[1, 0] * px + M[1, 1] * py + M[1, 2]
                dz = M[2, 0] * px + M[2, 1] * py + M[2, 2]
                nearest, best, bx, by, bz, bh = 1e30, -1, 0.0, 0.0, 0.0, 0.0
                for i in range(len(solids)):
                    s, hx, hy, hz, height = _hit(solids[i], origin[0], origin[1], origin[2], dx, dy, dz)
                    if 0.0 < s < nearest:
                        nearest, best, bx, by, bz, bh = s, i, hx, hy, hz, height
                if best < 0:
                    if sample == 1 and covered == 0:
                        break  # both upper rays missed: nearly always empty, so skip the lower two
                    continue
                covered += 1
                row = solids[best]
                nx = row[4] * bx + row[7] * by + row[10] * bz
                ny = row[5] * bx + row[8] * by + row[11] * bz
                nz = row[6] * bx + row[9] * by + row[12] * bz
                length = np.sqrt(nx * nx + ny * ny + nz * nz)
                nx, ny, nz = nx / length, ny / length, nz / length
                base = 16
                if row[22] > 0.0 and int((bh + 1.0) * 0.5 * row[22] * 2.0) & 1:
                    base = 19
                key = max(nx * key_direction[0] + ny * key_direction[1] + nz * key_direction[2], 0.0)
                floor_shade = 0.75 + 0.25 * min(max(nz + 0.6, 0.0), 1.0)
                for c in range(3):
                    m = light[c]
                    e = (
                        m[0, 0] * nx * nx + m[1, 1] * ny * ny + m[2, 2] * nz * nz + m[3, 3]
                        + 2.0 * (m[0, 1] * nx * ny + m[0, 2] * nx * nz + m[1, 2] * ny * nz)
                        + 2.0 * (m[0, 3] * nx + m[1, 3] * ny + m[2, 3] * nz)
                    )  # fmt: skip
                    albedo = row[base + c] ** 2.2
                    total[c] += albedo * (max(e, 0.05) * floor_shade + key * key_color[c])
            if covered:
                for c in range(3):
                    value = table[min(int(total[c] / covered * 4095.0), 4095)]
                    out[y, x, c] = np.uint8(out[y, x, c] + (float(value) - out[y, x, c]) * covered / 4.0)
