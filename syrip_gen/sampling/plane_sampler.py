"""Fill part of a picture with a periodic material on a plane, in true perspective (compiled, one core).

Texture coordinates are exact every SPAN pixels and linear in between; each material has a pyramid of
power-of-two sizes and is read bilinearly at the level that suits the local scale, so that nothing shimmers
near the horizon.
"""

import numpy as np
from numba import njit

__all__ = ["SPAN", "Pyramid", "build_pyramid", "fill_plane"]

SPAN = 32
BITS = 10
"""Fraction bits of brightness."""
PLAIN_SIDE = 8
"""Tiles this small are one colour: level 128."""
Pyramid = tuple[np.ndarray, np.ndarray, np.ndarray, float]
"""Texels (n,) uint8 grey or uint32 0x00BBGGRR, offsets (L,) and sizes (L,) of levels, texels a metre."""


_U = np.uint64  # indices that need no check for being negative
_JIT = {"nogil": True, "cache": True, "error_model": "numpy"}


def build_pyramid(picture: np.ndarray, metres: float) -> Pyramid:
    """Return the pyramid of a square periodic tile that spans ``metres``; its side becomes a power of two.

    Args:
        picture: (n, n, 3) uint8 RGB or (n, n) uint8 grey.
        metres: See above.
    """
    import cv2

    side = 1 << max(3, int(np.ceil(np.log2(max(picture.shape[:2]) * 0.76))))
    if picture.shape[:2] != (side, side):
        # At most a quarter smaller: hardly anything to average, which would take ten times as long.
        method = cv2.INTER_LINEAR if side < len(picture) else cv2.INTER_CUBIC
        picture = cv2.resize(picture, (side, side), interpolation=method)
    sizes = side >> np.arange(side.bit_length() - 2)
    offsets = np.concatenate([[0], np.cumsum(sizes**2)[:-1]])
    texels = np.empty(int((sizes**2).sum()), np.uint32 if picture.ndim == 3 else np.uint8)
    if picture.ndim == 3:
        texels[: side * side] = _packed(picture).ravel()
        _halve_rgb(texels, offsets, sizes)
    else:
        texels[: side * side] = picture.ravel()
        _halve_grey(texels, offsets, sizes)
    return texels, offsets, sizes, side / metres


def _packed(picture: np.ndarray) -> np.ndarray:
    """Return (n, n) uint32 0xFFBBGGRR."""
    import cv2

    return cv2.cvtColor(picture, cv2.COLOR_RGB2RGBA).view("<u4")[..., 0]


@njit(**_JIT)
def _halve_grey(texels, offsets, sizes):
    """Fill every level but the first with the means of four texels of the level before."""
    for level in range(1, len(sizes)):
        n = sizes[level]
        for y in range(n):
            above = texels[offsets[level - 1] + 4 * n * y : offsets[level - 1] + 4 * n * (y + 1)]
            row = texels[offsets[level] + n * y : offsets[level] + n * (y + 1)]
            for x in range(n):
                four = np.uint32(above[2 * x]) + np.uint32(above[2 * x + 1]) + np.uint32(above[2 * n + 2 * x])
                row[x] = (four + np.uint32(above[2 * n + 2 * x + 1]) + np.uint32(2)) >> np.uint32(2)


@njit(**_JIT)
def _halve_rgb(texels, offsets, sizes):
    """Fill every level but the first as :func:`_halve_grey` does, two channels at once; clear the alphas."""
    even, odd = np.uint32(0x00FF00FF), np.uint32(0x0000FF00)
    for level in range(1, len(sizes)):
        n = sizes[level]
        for y in range(n):
            above = texels[offsets[level - 1] + 4 * n * y : offsets[level - 1] + 4 * n * (y + 1)]
            row = texels[offsets[level] + n * y : offsets[level] + n * (y + 1)]
            for x in range(n):
                a, b = above[2 * x], above[2 * x + 1]
                c, d = above[2 * n + 2 * x], above[2 * n + 2 * x + 1]
                both = (a & even) + (b & even) + (c & even) + (d & even) + np.uint32(0x00020002)
                green = (a & odd) + (b & odd) + (c & odd) + (d & odd) + np.uint32(0x00000200)
                row[x] = ((both >> np.uint32(2)) & even) | ((green >> np.uint32(2)) & odd)
    for i in range(sizes[0] * sizes[0]):
        texels[i] &= np.uint32(0x00FFFFFF)


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
    return _blend(
        texels[_U(row0 + i)], texels[_U(row0 + i1)], texels[_U(row1 + i)], texels[_U(row1 + i1)], a, b
    )


@njit(**_JIT, inline="always")
def _read_rgb(texels, base, bits, s, t):
    """Return the bilinear means of the three channels of a packed tile at fixed-point (s, t)."""
    mask = (1 << bits) - 1
    i, j = (s >> 16) & mask, (t >> 16) & mask
    row0, row1 = base + (j << bits), base + (((j + 1) & mask) << bits)
    i1, a, b = (i + 1) & mask, (s >> 12) & 15, (t >> 12) & 15
    w3 = a * b
    w1, w2 = (a << 4) - w3, (b << 4) - w3
    w0 = 256 - w1 - w2 - w3
    p, q = np.int64(texels[_U(row0 + i)]), np.int64(texels[_U(row0 + i1)])
    r, w = np.int64(texels[_U(row1 + i)]), np.int64(texels[_U(row1 + i1)])
    # Red and blue share one product: 16 bits each hold 255 * 256.
    both = (p & 0xFF00FF) * w0 + (q & 0xFF00FF) * w1 + (r & 0xFF00FF) * w2 + (w & 0xFF00FF) * w3
    green = (p & 0xFF00) * w0 + (q & 0xFF00) * w1 + (r & 0xFF00) * w2 + (w & 0xFF00) * w3
    return (both >> 8) & 255, green >> 16, both >> 24


@njit(**_JIT)
def _shade_span(shades, texels, place, gains, gain):
    """Write the brightness of a span's folds; they are smooth, so every second pixel will do."""
    base, bits, p, q, dp, dq = place
    for k in range(0, SPAN, 2):
        shade = (gains[_U(_read(texels, base, bits, p, q))] * gain) >> BITS
        shades[k], shades[k + 1] = shade, shade
        p, q = p + 2 * dp, q + 2 * dq


@njit(**_JIT)
def _weave_span(shades, texels, place, gains):
    """Multiply a span's brightness by its weave's."""
    base, bits, f, g, df, dg = place
    mask = (1 << bits) - 1
    for k in range(SPAN):
        thread = texels[_U(base + (((g >> 16) & mask) << bits) + ((f >> 16) & mask))]
        shades[k] = (shades[k] * gains[_U(thread)]) >> BITS
        f, g = f + df, g + dg


@njit(**_JIT)
def _tile_span(line, texels, place, colors, shades):
    """Write a span of a coloured tile."""
    base, bits, s, t, ds, dt = place
    for k in range(SPAN):
        n0, n1, n2 = _read_rgb(texels, base, bits, s, t)
        shade = shades[k]
        line[3 * k] = min((colors[_U(3 * n0)] * shade) >> BITS, 255)
        line[3 * k + 1] = min((colors[_U(3 * n1 + 1)] * shade) >> BITS, 255)
        line[3 * k + 2] = min((colors[_U(3 * n2 + 2)] * shade) >> BITS, 255)
        s, t = s + ds, t + dt


@njit(**_JIT)
def _pattern_span(line, texels, place, colors, shades):
    """Write a span of a pattern in its palette's colours."""
    base, bits, s, t, ds, dt = place
    for k in range(SPAN):
        n, shade = 3 * _read(texels, base, bits, s, t), shades[k]
        line[3 * k] = min((colors[_U(n)] * shade) >> BITS, 255)
        line[3 * k + 1] = min((colors[_U(n + 1)] * shade) >> BITS, 255)
        line[3 * k + 2] = min((colors[_U(n + 2)] * shade) >> BITS, 255)
        s, t = s + ds, t + dt


@njit(**_JIT)
def _color_span(line, red, green, blue, shades):
    """Write a span of one colour."""
    for k in range(SPAN):
        shade = shades[k]
        line[3 * k] = min((red * shade) >> BITS, 255)
        line[3 * k + 1] = min((green * shade) >> BITS, 255)
        line[3 * k + 2] = min((blue * shade) >> BITS, 255)


@njit(**_JIT)
def _put_span(out, mask, line, start, stop, is_full):
    """Lay a span over a picture's row by its coverage."""
    if is_full:
        out[3 * start : 3 * stop] = line[: 3 * (stop - start)]
        return
    for k in range(stop - start):
        coverage = np.int64(mask[start + k])
        if coverage != 0:
            for c in range(3 * k, 3 * k + 3):
                old = np.int64(out[3 * start + c])
                out[3 * start + c] = old + ((np.int64(line[c]) - old) * coverage + 127) // 255


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
    has_relief = relief_gain[0] != relief_gain[255]
    has_weave = weave_gain[0] != weave_gain[255]
    is_plain = not is_rgb and gs[0] <= PLAIN_SIDE
    one = np.float32(1 << BITS)
    folds, threads = (relief_gain * one).astype(np.int32), (weave_gain * one).astype(np.int32)
    levels = (colors.reshape(-1) + np.float32(0.5)).astype(np.int32)
    red, green, blue = levels[3 * 128], levels[3 * 128 + 1], levels[3 * 128 + 2]
    shades, line = np.empty(SPAN, np.int32), np.empty(3 * SPAN, np.uint8)
    for y in range(height):
        row, covers = out[y].reshape(-1), mask[y]
        for x in range(0, width, SPAN):
            end = min(x + SPAN, width)
            some, every = np.uint8(0), np.uint8(255)
            for k in range(x, end):
                some |= covers[k]
                every &= covers[k]
            if some == 0:
                continue
            u, v, du, dv, footprint = _span(M, x, y)
            gain = np.int32((ramp[0] + ramp[1] * x + ramp[2] * y) * (1 << BITS))
            if has_relief:
                place = _walk(ro, rs, rd, turn_relief, u, v, du, dv, footprint)
                _shade_span(shades, rr, place, folds, gain)
            else:
                shades[:] = gain
            if has_weave:
                place = _walk(wo, ws, wd, turn_relief, u, v, du, dv, footprint)
                _weave_span(shades, wr, place, threads)
            if is_rgb:
                place = _walk(to, ts, td, turn_tile, u, v, du, dv, footprint)
                _tile_span(line, tr, place, levels, shades)
            elif is_plain:
                _color_span(line, red, green, blue, shades)
            else:
                place = _walk(go, gs, gd, turn_tile, u, v, du, dv, footprint)
                _pattern_span(line, gr, place, levels, shades)
            _put_span(row, covers, line, x, end, every == 255)
