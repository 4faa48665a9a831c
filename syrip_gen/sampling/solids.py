"""Ray-cast a handful of ellipsoids and boxes: toys around the infant, furniture at the wall (compiled)."""

import numpy as np
from numba import njit

__all__ = ["BOX", "ELLIPSOID", "Solids", "paint_solids", "solid"]

ELLIPSOID, BOX = 0.0, 1.0
Solids = np.ndarray
"""(n, 23) float64 rows: kind, centre (3), world-to-local rotation (9), half sizes (3), linear colour (3),
second colour (3), bands along the local z axis that take the second colour (0 = none)."""


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
    linear = np.concatenate([color, other]).clip(0.0, 1.0) ** 2.2
    return np.concatenate([[kind], centre, np.ravel(rows), half, linear, [bands]]).astype(np.float64)


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
def _row_range(corners, y, low, high):
    """Return the columns that the convex hull of 8 image points covers at height ``y``, within low..high."""
    first, last = 1e30, -1e30
    for i in range(8):
        for j in range(i):
            y0, y1 = corners[i, 1], corners[j, 1]
            if (y0 - y) * (y1 - y) <= 0.0:
                span = y1 - y0
                x0, x1 = corners[i, 0], corners[j, 0]
                if abs(span) < 1e-9:
                    first, last = min(first, x0, x1), max(last, x0, x1)
                else:
                    x = x0 + (x1 - x0) * (y - y0) / span
                    first, last = min(first, x), max(last, x)
    return max(first, low), min(last, high)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _find_nearest(nearest, found, boxes, corners, x_first, y_first, samples, M, origin, solids):
    """Fill the sample buffers with the distance and the number of the first solid on every ray."""
    step = 1.0 / samples
    for i in range(len(solids)):
        row = solids[i]
        for y in range((boxes[i, 1] - y_first) * samples, (boxes[i, 3] - y_first) * samples):
            py = y_first + (y + 0.5) * step - 0.5
            low, high = _row_range(corners[i], py, boxes[i, 0] - 0.5, boxes[i, 2] - 0.5)
            if low > high:
                continue
            first = max(int((low + 0.5 - x_first) * samples), (boxes[i, 0] - x_first) * samples)
            last = min(int((high + 0.5 - x_first) * samples) + 1, (boxes[i, 2] - x_first) * samples)
            for x in range(first, last):
                px = x_first + (x + 0.5) * step - 0.5
                dx = M[0, 0] * px + M[0, 1] * py + M[0, 2]
                dy = M[1, 0] * px + M[1, 1] * py + M[1, 2]
                dz = M[2, 0] * px + M[2, 1] * py + M[2, 2]
                s = _hit(row, origin[0], origin[1], origin[2], dx, dy, dz)[0]
                if 0.0 < s < nearest[y, x]:
                    nearest[y, x] = s
                    found[y, x] = i


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _shade(row, ray, origin, light, key_direction, key_color, color):
    """Write the linear colour of a solid where the ray meets it."""
    _, bx, by, bz, height = _hit(row, origin[0], origin[1], origin[2], ray[0], ray[1], ray[2])
    nx = row[4] * bx + row[7] * by + row[10] * bz
    ny = row[5] * bx + row[8] * by + row[11] * bz
    nz = row[6] * bx + row[9] * by + row[12] * bz
    length = np.sqrt(nx * nx + ny * ny + nz * nz)
    nx, ny, nz = nx / length, ny / length, nz / length
    is_second = row[22] > 0.0 and int((height + 1.0) * row[22]) & 1 == 1
    base = 19 if is_second else 16
    key = max(nx * key_direction[0] + ny * key_direction[1] + nz * key_direction[2], 0.0)
    floor_shade = 0.75 + 0.25 * min(max(nz + 0.6, 0.0), 1.0)  # little light comes up from below
    for c in range(3):
        m = light[c]
        e = (
            m[0, 0] * nx * nx + m[1, 1] * ny * ny + m[2, 2] * nz * nz + m[3, 3]
            + 2.0 * (m[0, 1] * nx * ny + m[0, 2] * nx * nz + m[1, 2] * ny * nz)
            + 2.0 * (m[0, 3] * nx + m[1, 3] * ny + m[2, 3] * nz)
        )  # fmt: skip
        color[c] = row[base + c] * (max(e, 0.05) * floor_shade + key * key_color[c])


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def paint_solids(out, boxes, corners, samples, M, origin, solids, light, key_direction, key_color, table):
    """Draw solids over a picture.

    Args:
        out: (h, w, 3) uint8, changed in place.
        boxes: (n, 4) int64 x0, y0, x1, y1 of the pixels that each solid may touch.
        corners: (n, 8, 2) pixel indices of each solid's corners.
        samples: Rays a pixel, across and down.
        M: (3, 3) pixel index (x, y, 1) to world ray.
        origin: (3,) optical centre.
        solids: See :data:`Solids`, colours linear.
        light: (3, 4, 4) irradiance matrices of the harmonics, world frame.
        key_direction: (3,) towards the key light.
        key_color: (3,).
        table: (4096,) uint8 sRGB byte of linear light 0..1.
    """
    x_first, y_first = boxes[:, 0].min(), boxes[:, 1].min()
    width, height = boxes[:, 2].max() - x_first, boxes[:, 3].max() - y_first
    nearest = np.full((height * samples, width * samples), np.float32(1e30), np.float32)
    found = np.full(nearest.shape, np.int32(-1), np.int32)
    _find_nearest(nearest, found, boxes, corners, x_first, y_first, samples, M, origin, solids)
    total, color, ray, step = np.zeros(3), np.zeros(3), np.zeros(3), 1.0 / samples
    for y in range(height):
        for x in range(width):
            covered, first, is_one = 0, found[y * samples, x * samples], True
            total[:] = 0.0
            for sample in range(samples * samples):
                number = found[y * samples + sample // samples, x * samples + sample % samples]
                covered += number >= 0
                is_one &= number == first
            if covered == 0:
                continue
            shaded = 0
            for sample in range(samples * samples):
                row, column = y * samples + sample // samples, x * samples + sample % samples
                if found[row, column] < 0 or (is_one and shaded > 0):
                    continue  # one ray is enough where a single solid fills the pixel
                shaded += 1
                px, py = x_first + (column + 0.5) * step - 0.5, y_first + (row + 0.5) * step - 0.5
                for c in range(3):
                    ray[c] = M[c, 0] * px + M[c, 1] * py + M[c, 2]
                _shade(solids[found[row, column]], ray, origin, light, key_direction, key_color, color)
                total += color
            share = covered / (samples * samples)
            for c in range(3):
                value = float(table[min(int(total[c] / shaded * 4095.0), 4095)])
                old = out[y_first + y, x_first + x, c]
                out[y_first + y, x_first + x, c] = np.uint8(old + (value - old) * share)
