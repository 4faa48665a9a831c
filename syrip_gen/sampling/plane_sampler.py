"""Fill part of a picture with a periodic material on a plane, in true perspective (compiled, one core).

Texture coordinates are exact every SPAN pixels and linear in between; each material has a pyramid of power-of-two
sizes and is read bilinearly at the level that suits the local scale, so that nothing shimmers near the horizon.
"""

import numpy as np
from numba import njit

__all__ = ["SPAN", "Pyramid", "build_pyramid", "fill_plane"]

SPAN = 8
Pyramid = tuple[np.ndarray, np.ndarray, np.ndarray, float]
"""Texels (n,) or (n, 3) uint8, level offsets (L,) int64, level sizes (L,) int64, texels a metre at level 0."""


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
    return np.ascontiguousarray(texels), offsets, sizes, side / metres


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy", inline="always")
def _grey(texels, base, mask, log_size, s, t):
    """Bilinear read at texel coordinates (s, t); the tile repeats."""
    i, j = int(np.floor(s)), int(np.floor(t))
    a, b = np.float32(s - i), np.float32(t - j)
    i0, i1, j0, j1 = i & mask, (i + 1) & mask, j & mask, (j + 1) & mask
    r0, r1 = base + (j0 << log_size), base + (j1 << log_size)
    top = texels[r0 + i0] + a * (np.float32(texels[r0 + i1]) - np.float32(texels[r0 + i0]))
    low = texels[r1 + i0] + a * (np.float32(texels[r1 + i1]) - np.float32(texels[r1 + i0]))
    return top + b * (low - top)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy", inline="always")
def _level(footprint, density, count):
    """Return the pyramid level at which one texel is about one pixel."""
    texels = footprint * density
    level = 0
    while texels > 1.5 and level < count - 1:
        texels *= 0.5
        level += 1
    return level


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
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
    turn_grey,
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
        turn_grey: (2, 3) float64 plane coordinates to those of the pattern or tile.
        turn_relief: (2, 3) float64 the same for relief and weave.
        ramp: (3,) float64 brightness a + b column + c row.
    """
    height, width = mask.shape
    tr, to, ts, td = rgb
    gr, go, gs, gd = grey
    rr, ro, rs, rd = relief
    wr, wo, ws, wd = weave
    for y in range(height):
        x = 0
        while x < width:
            end = min(x + SPAN, width)
            used = False
            for k in range(x, end):
                if mask[y, k]:
                    used = True
                    break
            if not used:
                x = end
                continue
            fx0, fx1, fy = np.float64(x), np.float64(x + SPAN), np.float64(y)
            d0 = M[2, 0] * fx0 + M[2, 1] * fy + M[2, 2]
            d1 = M[2, 0] * fx1 + M[2, 1] * fy + M[2, 2]
            u0 = (M[0, 0] * fx0 + M[0, 1] * fy + M[0, 2]) / d0
            v0 = (M[1, 0] * fx0 + M[1, 1] * fy + M[1, 2]) / d0
            u1 = (M[0, 0] * fx1 + M[0, 1] * fy + M[0, 2]) / d1
            v1 = (M[1, 0] * fx1 + M[1, 1] * fy + M[1, 2]) / d1
            du, dv = (u1 - u0) / SPAN, (v1 - v0) / SPAN
            uy = (M[0, 1] - u0 * M[2, 1]) / d0
            vy = (M[1, 1] - v0 * M[2, 1]) / d0
            area = abs(du * vy - dv * uy)
            longest = max(np.sqrt(du * du + dv * dv), np.sqrt(uy * uy + vy * vy))
            footprint = np.sqrt(np.sqrt(area) * longest)
            if is_rgb:
                level = _level(footprint, td, len(ts))
                size, base = ts[level], to[level]
                scale = td * size / ts[0]
            else:
                level = _level(footprint, gd, len(gs))
                size, base = gs[level], go[level]
                scale = gd * size / gs[0]
            level_r = _level(footprint, rd, len(rs))
            size_r, base_r, scale_r = rs[level_r], ro[level_r], rd * rs[level_r] / rs[0]
            level_w = _level(footprint, wd, len(ws))
            size_w, base_w, scale_w = ws[level_w], wo[level_w], wd * ws[level_w] / ws[0]
            log_size, log_r, log_w = 0, 0, 0
            while (1 << log_size) < size:
                log_size += 1
            while (1 << log_r) < size_r:
                log_r += 1
            while (1 << log_w) < size_w:
                log_w += 1
            m, m_r, m_w = size - 1, size_r - 1, size_w - 1
            s = (turn_grey[0, 0] * u0 + turn_grey[0, 1] * v0 + turn_grey[0, 2]) * scale
            t = (turn_grey[1, 0] * u0 + turn_grey[1, 1] * v0 + turn_grey[1, 2]) * scale
            ds = (turn_grey[0, 0] * du + turn_grey[0, 1] * dv) * scale
            dt = (turn_grey[1, 0] * du + turn_grey[1, 1] * dv) * scale
            p = turn_relief[0, 0] * u0 + turn_relief[0, 1] * v0 + turn_relief[0, 2]
            q = turn_relief[1, 0] * u0 + turn_relief[1, 1] * v0 + turn_relief[1, 2]
            dp = turn_relief[0, 0] * du + turn_relief[0, 1] * dv
            dq = turn_relief[1, 0] * du + turn_relief[1, 1] * dv
            gain = np.float32(ramp[0] + ramp[1] * fx0 + ramp[2] * fy)
            dgain = np.float32(ramp[1])
            for k in range(x, end):
                coverage = mask[y, k]
                if coverage:
                    r = relief_gain[int(_grey(rr, base_r, m_r, log_r, p * scale_r, q * scale_r) + 0.5)]
                    iw, jw = int(np.floor(p * scale_w)) & m_w, int(np.floor(q * scale_w)) & m_w
                    shade = r * weave_gain[wr[base_w + (jw << log_w) + iw]] * gain
                    if is_rgb:
                        i, j = int(np.floor(s)), int(np.floor(t))
                        a, b = np.float32(s - i), np.float32(t - j)
                        r0, r1 = base + ((j & m) << log_size), base + (((j + 1) & m) << log_size)
                        i0, i1 = i & m, (i + 1) & m
                        w00, w01 = (1 - a) * (1 - b), a * (1 - b)
                        w10, w11 = (1 - a) * b, a * b
                        c0 = (
                            w00 * tr[r0 + i0, 0]
                            + w01 * tr[r0 + i1, 0]
                            + w10 * tr[r1 + i0, 0]
                            + w11 * tr[r1 + i1, 0]
                        )
                        c1 = (
                            w00 * tr[r0 + i0, 1]
                            + w01 * tr[r0 + i1, 1]
                            + w10 * tr[r1 + i0, 1]
                            + w11 * tr[r1 + i1, 1]
                        )
                        c2 = (
                            w00 * tr[r0 + i0, 2]
                            + w01 * tr[r0 + i1, 2]
                            + w10 * tr[r1 + i0, 2]
                            + w11 * tr[r1 + i1, 2]
                        )
                        c0, c1, c2 = colors[int(c0), 0], colors[int(c1), 1], colors[int(c2), 2]
                    else:
                        n = int(_grey(gr, base, m, log_size, s, t) + 0.5)
                        c0, c1, c2 = colors[n, 0], colors[n, 1], colors[n, 2]
                    c0, c1, c2 = min(c0 * shade, 255.0), min(c1 * shade, 255.0), min(c2 * shade, 255.0)
                    if coverage == 255:
                        out[y, k, 0], out[y, k, 1], out[y, k, 2] = np.uint8(c0), np.uint8(c1), np.uint8(c2)
                    else:
                        f = np.float32(coverage) / np.float32(255.0)
                        out[y, k, 0] = np.uint8(out[y, k, 0] + f * (c0 - out[y, k, 0]))
                        out[y, k, 1] = np.uint8(out[y, k, 1] + f * (c1 - out[y, k, 1]))
                        out[y, k, 2] = np.uint8(out[y, k, 2] + f * (c2 - out[y, k, 2]))
                s += ds
                t += dt
                p += dp
                q += dq
                gain += dgain
            x = end
