"""Fill part of a picture with a periodic material on a plane, in true perspective (compiled, one core).

Texture coordinates are exact every SPAN pixels and linear in between; each material has a pyramid of
power-of-two sizes and is read bilinearly at the level that suits the local scale, so that nothing shimmers
near the horizon.
"""

import numpy as np
from numba import njit

__all__ = ["SPAN", "Pyramid", "build_pyramid", "fill_plane"]

SPAN = 16
PLAIN_SIDE = 8
"""Tiles this small are one colour: level 128."""
Pyramid = tuple[np.ndarray, np.ndarray, np.ndarray, float]
"""Texels (n,) uint8 grey or uint32 0x00BBGGRR, offsets (L,) and sizes (L,) of levels, texels a metre."""


def build_pyramid(picture: np.ndarray, metres: float) -> Pyramid:
    """Return the pyramid of a square periodic tile that spans ``metres``; its side becomes a power of two."""
    import cv2

    side = 1 << max(3, int(np.ceil(np.log2(max(picture.shape[:2]) * 0.76))))
    level = cv2.resize(
        picture, (side, side), interpolation=cv2.INTER_AREA if side < len(picture) else cv2.INTER_CUBIC
    )
    levels = [level]
    while len(levels[-1]) > 4:
        n = len(levels[-1]) // 2
        levels.append(cv2.resize(levels[-1], (n, n), interpolation=cv2.INTER_AREA))
    sizes = np.array([len(x) for x in levels], np.int64)
    offsets = np.concatenate([[0], np.cumsum(sizes**2)[:-1]]).astype(np.int64)
    texels = np.concatenate([x.reshape(x.shape[0] ** 2, *x.shape[2:]) for x in levels])
    if texels.ndim == 2:
        red, green, blue = texels.astype(np.uint32).T
        texels = red | (green << 8) | (blue << 16)
    return np.ascontiguousarray(texels), offsets, sizes, side / metres


_JIT = {"nogil": True, "cache": True, "fastmath": True, "error_model": "numpy"}


@njit(**_JIT, inline="always")
def _blend(a00, a01, a10, a11, x, y):
    """Return the bilinear mean of four bytes, weights in 1/256 (all int64)."""
    top = (np.int64(a00) << 8) + (np.int64(a01) - np.int64(a00)) * x
    low = (np.int64(a10) << 8) + (np.int64(a11) - np.int64(a10)) * x
    return ((top << 8) + (low - top) * y) >> 16


@njit(**_JIT, inline="always")
def _level(footprint, density, count):
    """Return the pyramid level at which one texel is about one pixel."""
    texels = footprint * density
    level = 0
    while texels > 1.5 and level < count - 1:
        texels *= 0.5
        level += 1
    return level


@njit(**_JIT, inline="always")
def _log2(size):
    n = 0
    while (1 << n) < size:
        n += 1
    return n


@njit(**_JIT)
def _span(M, x, y):
    """Return plane coordinates at a span's start, their steps a pixel, and a pixel's footprint, metres."""
    fx0, fx1, fy = np.float64(x), np.float64(x + SPAN), np.float64(y)
    d0 = M[2, 0] * fx0 + M[2, 1] * fy + M[2, 2]
    d1 = M[2, 0] * fx1 + M[2, 1] * fy + M[2, 2]
    u0 = (M[0, 0] * fx0 + M[0, 1] * fy + M[0, 2]) / d0
    v0 = (M[1, 0] * fx0 + M[1, 1] * fy + M[1, 2]) / d0
    du = ((M[0, 0] * fx1 + M[0, 1] * fy + M[0, 2]) / d1 - u0) / SPAN
    dv = ((M[1, 0] * fx1 + M[1, 1] * fy + M[1, 2]) / d1 - v0) / SPAN
    uy, vy = (M[0, 1] - u0 * M[2, 1]) / d0, (M[1, 1] - v0 * M[2, 1]) / d0
    area = abs(du * vy - dv * uy)
    longest = np.sqrt(max(du * du + dv * dv, uy * uy + vy * vy))
    return u0, v0, du, dv, np.sqrt(np.sqrt(area) * longest)


@njit(**_JIT)
def _walk(offsets, sizes, density, turn, u, v, du, dv, footprint):
    """Return where a span reads a pyramid: offset, log2 of the side, s, t and steps (16.16 fixed point)."""
    level = _level(footprint, density, len(sizes))
    scale = density * sizes[level] / sizes[0] * 65536.0
    s = np.int64(np.floor((turn[0, 0] * u + turn[0, 1] * v + turn[0, 2]) * scale))
    t = np.int64(np.floor((turn[1, 0] * u + turn[1, 1] * v + turn[1, 2]) * scale))
    ds = np.int64((turn[0, 0] * du + turn[0, 1] * dv) * scale)
    dt = np.int64((turn[1, 0] * du + turn[1, 1] * dv) * scale)
    return offsets[level], _log2(sizes[level]), s, t, ds, dt


@njit(**_JIT, inline="always")
def _read(texels, base, bits, s, t):
    """Return the bilinear mean of a grey tile at fixed-point (s, t)."""
    mask = (1 << bits) - 1
    i, j = (s >> 16) & mask, (t >> 16) & mask
    row0, row1 = base + (j << bits), base + (((j + 1) & mask) << bits)
    i1, a, b = (i + 1) & mask, (s >> 8) & 255, (t >> 8) & 255
    return _blend(texels[row0 + i], texels[row0 + i1], texels[row1 + i], texels[row1 + i1], a, b)


@njit(**_JIT, inline="always")
def _read_rgb(texels, base, bits, s, t):
    """Return the bilinear means of the three channels of a packed tile at fixed-point (s, t)."""
    mask = (1 << bits) - 1
    i, j = (s >> 16) & mask, (t >> 16) & mask
    row0, row1 = base + (j << bits), base + (((j + 1) & mask) << bits)
    i1, a, b = (i + 1) & mask, (s >> 8) & 255, (t >> 8) & 255
    p, q, r, w = texels[row0 + i], texels[row0 + i1], texels[row1 + i], texels[row1 + i1]
    return (
        _blend(p & 255, q & 255, r & 255, w & 255, a, b),
        _blend((p >> 8) & 255, (q >> 8) & 255, (r >> 8) & 255, (w >> 8) & 255, a, b),
        _blend(p >> 16, q >> 16, r >> 16, w >> 16, a, b),
    )


@njit(**_JIT, inline="always")
def _put(pixel, coverage, red, green, blue):
    """Write or blend one pixel; colours 0..255, clipped above."""
    white = np.float32(255.0)
    red, green, blue = min(red, white), min(green, white), min(blue, white)
    if coverage != 255:
        part = np.float32(coverage) / white
        red = pixel[0] + part * (red - pixel[0])
        green = pixel[1] + part * (green - pixel[1])
        blue = pixel[2] + part * (blue - pixel[2])
    pixel[0], pixel[1], pixel[2] = np.uint8(red), np.uint8(green), np.uint8(blue)


@njit(**_JIT)
def fill_plane(
    out,
    mask,
    M,
    is_rgb,
    rgb,
    grey,
    relief,
    weave,
    colors,
    relief_gain,
    weave_gain,
    turn_tile,
    turn_relief,
    ramp,
):
    """Blend a material into ``out`` where ``mask`` is set.

    Args:
        out: (H, W, 3) uint8 picture, changed in place.
        mask: (H, W) uint8 coverage.
        M: (3, 3) float64: pixel (column, row, 1) to homogeneous plane coordinates in metres.
        is_rgb: Whether the colour comes from ``rgb`` rather than from ``grey`` through ``colors``.
        rgb: Pyramid of a coloured tile.
        grey: Pyramid of a pattern whose levels index ``colors``.
        relief: Pyramid of the folds' shading.
        weave: Pyramid of the fabric's fine structure.
        colors: (256, 3) float32 colour of each level; for ``is_rgb`` the response of each channel.
        relief_gain: (256,) float32 factor of each relief level.
        weave_gain: (256,) float32 factor of each weave level.
        turn_tile: (2, 3) float64 plane coordinates to those of the pattern or tile.
        turn_relief: (2, 3) float64 the same for relief and weave.
        ramp: (3,) float64 brightness a + b column + c row.
    """
    height, width = mask.shape
    tr, to, ts, td = rgb
    gr, go, gs, gd = grey
    rr, ro, rs, rd = relief
    wr, wo, ws, wd = weave
    offsets, sizes, density = (to, ts, td) if is_rgb else (go, gs, gd)
    has_relief = relief_gain[0] != relief_gain[255]
    has_weave = weave_gain[0] != weave_gain[255]
    is_plain = not is_rgb and gs[0] <= PLAIN_SIDE
    for y in range(height):
        for x in range(0, width, SPAN):
            end = min(x + SPAN, width)
            covered = 0
            for k in range(x, end):
                covered |= mask[y, k]
            if covered == 0:
                continue
            u, v, du, dv, footprint = _span(M, x, y)
            base, bits, s, t, ds, dt = _walk(offsets, sizes, density, turn_tile, u, v, du, dv, footprint)
            base_r, bits_r, p, q, dp, dq = _walk(ro, rs, rd, turn_relief, u, v, du, dv, footprint)
            base_w, bits_w, f, g, df, dg = _walk(wo, ws, wd, turn_relief, u, v, du, dv, footprint)
            weave_mask = (1 << bits_w) - 1
            gain = np.float32(ramp[0] + ramp[1] * x + ramp[2] * y)
            fold = np.float32(-1.0) if has_relief else gain
            for k in range(x, end):
                coverage = mask[y, k]
                if coverage != 0:
                    if has_relief and (
                        fold < 0 or k & 1 == 0
                    ):  # folds are smooth: every second pixel will do
                        fold = relief_gain[_read(rr, base_r, bits_r, p, q)] * gain
                    shade = fold
                    if has_weave:
                        thread = (((g >> 16) & weave_mask) << bits_w) + ((f >> 16) & weave_mask)
                        shade *= weave_gain[wr[base_w + thread]]
                    n0 = n1 = n2 = np.int64(128)
                    if is_rgb:
                        n0, n1, n2 = _read_rgb(tr, base, bits, s, t)
                    elif not is_plain:
                        n0 = n1 = n2 = _read(gr, base, bits, s, t)
                    _put(
                        out[y, k],
                        coverage,
                        colors[n0, 0] * shade,
                        colors[n1, 1] * shade,
                        colors[n2, 2] * shade,
                    )
                s, t, p, q, f, g = s + ds, t + dt, p + dp, q + dq, f + df, g + dg
