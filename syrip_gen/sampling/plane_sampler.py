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


@njit(**_JIT, inline="always")
def _fixed(turn, row, u, v, scale):
    """Return a texture coordinate as 16.16 fixed point."""
    return np.int64(np.floor((turn[row, 0] * u + turn[row, 1] * v + turn[row, 2]) * scale * 65536.0))


@njit(**_JIT, inline="always")
def _fixed_step(turn, row, du, dv, scale):
    return np.int64((turn[row, 0] * du + turn[row, 1] * dv) * scale * 65536.0)


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
    white = np.float32(255.0)
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
            level = _level(footprint, density, len(sizes))
            base, bits = offsets[level], _log2(sizes[level])
            scale = density * sizes[level] / sizes[0]
            s, t = _fixed(turn_tile, 0, u, v, scale), _fixed(turn_tile, 1, u, v, scale)
            ds, dt = _fixed_step(turn_tile, 0, du, dv, scale), _fixed_step(turn_tile, 1, du, dv, scale)
            level = _level(footprint, rd, len(rs))
            base_r, bits_r = ro[level], _log2(rs[level])
            scale = rd * rs[level] / rs[0]
            p, q = _fixed(turn_relief, 0, u, v, scale), _fixed(turn_relief, 1, u, v, scale)
            dp, dq = _fixed_step(turn_relief, 0, du, dv, scale), _fixed_step(turn_relief, 1, du, dv, scale)
            level = _level(footprint, wd, len(ws))
            base_w, bits_w = wo[level], _log2(ws[level])
            scale = wd * ws[level] / ws[0]
            f, g = _fixed(turn_relief, 0, u, v, scale), _fixed(turn_relief, 1, u, v, scale)
            df, dg = _fixed_step(turn_relief, 0, du, dv, scale), _fixed_step(turn_relief, 1, du, dv, scale)
            m, m_r, m_w = (1 << bits) - 1, (1 << bits_r) - 1, (1 << bits_w) - 1
            gain = np.float32(ramp[0] + ramp[1] * x + ramp[2] * y)
            fold = np.float32(-1.0) if has_relief else gain
            for k in range(x, end):
                coverage = mask[y, k]
                if coverage != 0:
                    if has_relief and (
                        fold < 0 or k & 1 == 0
                    ):  # folds are smooth: every second pixel is enough
                        i, j = (p >> 16) & m_r, (q >> 16) & m_r
                        row0, row1 = base_r + (j << bits_r), base_r + (((j + 1) & m_r) << bits_r)
                        i1, a, b = (i + 1) & m_r, (p >> 8) & 255, (q >> 8) & 255
                        fold = (
                            relief_gain[
                                _blend(rr[row0 + i], rr[row0 + i1], rr[row1 + i], rr[row1 + i1], a, b)
                            ]
                            * gain
                        )
                    shade = fold
                    if has_weave:
                        shade *= weave_gain[wr[base_w + (((g >> 16) & m_w) << bits_w) + ((f >> 16) & m_w)]]
                    i, j = (s >> 16) & m, (t >> 16) & m
                    row0, row1 = base + (j << bits), base + (((j + 1) & m) << bits)
                    i1, a, b = (i + 1) & m, (s >> 8) & 255, (t >> 8) & 255
                    if is_plain:
                        c0, c1, c2 = colors[128, 0], colors[128, 1], colors[128, 2]
                    elif is_rgb:
                        t00, t01, t10, t11 = tr[row0 + i], tr[row0 + i1], tr[row1 + i], tr[row1 + i1]
                        c0 = colors[_blend(t00 & 255, t01 & 255, t10 & 255, t11 & 255, a, b), 0]
                        c1 = colors[
                            _blend(
                                (t00 >> 8) & 255, (t01 >> 8) & 255, (t10 >> 8) & 255, (t11 >> 8) & 255, a, b
                            ),
                            1,
                        ]
                        c2 = colors[_blend(t00 >> 16, t01 >> 16, t10 >> 16, t11 >> 16, a, b), 2]
                    else:
                        n = _blend(gr[row0 + i], gr[row0 + i1], gr[row1 + i], gr[row1 + i1], a, b)
                        c0, c1, c2 = colors[n, 0], colors[n, 1], colors[n, 2]
                    c0, c1, c2 = min(c0 * shade, white), min(c1 * shade, white), min(c2 * shade, white)
                    if coverage == 255:
                        out[y, k, 0], out[y, k, 1], out[y, k, 2] = np.uint8(c0), np.uint8(c1), np.uint8(c2)
                    else:
                        part = np.float32(coverage) / white
                        out[y, k, 0] = np.uint8(out[y, k, 0] + part * (c0 - out[y, k, 0]))
                        out[y, k, 1] = np.uint8(out[y, k, 1] + part * (c1 - out[y, k, 1]))
                        out[y, k, 2] = np.uint8(out[y, k, 2] + part * (c2 - out[y, k, 2]))
                s, t, p, q, f, g = s + ds, t + dt, p + dp, q + dq, f + df, g + dg
