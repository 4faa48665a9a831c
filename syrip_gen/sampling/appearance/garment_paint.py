"""Paint one garment over what is already in the texture."""

from typing import NamedTuple

import numpy as np
from numba import njit

from syrip_gen.sampling.appearance.surface import CHUNK

__all__ = ["ClothParams", "Decal", "chunk_bounds", "paint_garment", "place_chunks"]

_F = np.float32

SHADOW_REACH = 0.007
"""Metres beyond a hem that the cloth's contact shadow darkens."""


class ClothParams(NamedTuple):
    """Numbers that one garment is painted with; lengths in metres, colours sRGB 0..255."""

    tile_m: float
    """Width of one repeat of the tile."""
    turn_cos: float
    turn_sin: float
    shift_across: float
    shift_along: float
    trim: float
    trim_red: float
    trim_green: float
    trim_blue: float
    fold: float
    """Contrast of the folds' shading, 0..1."""
    lint: float
    stitch: float
    """Strength of the seams and stitches, 0..1."""
    texel: float
    """Size of a texel."""
    unit: float


class Decal(NamedTuple):
    """A picture on the front of the trunk: a print, buttons, a zip."""

    image: np.ndarray
    """(h, w, 4) float32 red, green, blue, opacity 0..255 / 0..1, first row on top."""
    left: float
    """Smallest x, metres."""
    bottom: float
    width: float
    height: float


@njit(cache=True, nogil=True, error_model="numpy")
def chunk_bounds(fields):
    """Return the smallest and largest value of each field in each chunk of rows, two (C, 9) arrays."""
    count = (fields.shape[0] + CHUNK - 1) // CHUNK
    low = np.full((count, fields.shape[1]), np.float32(1e9), np.float32)
    high = np.full((count, fields.shape[1]), np.float32(-1e9), np.float32)
    for i in range(fields.shape[0]):
        for k in range(fields.shape[1]):
            low[i // CHUNK, k] = min(low[i // CHUNK, k], fields[i, k])
            high[i // CHUNK, k] = max(high[i // CHUNK, k], fields[i, k])
    return low, high


@njit(cache=True, nogil=True, error_model="numpy")
def place_chunks(low, high, field, sign, limit, near, deep):
    """Return (C,) int8: 0 where a chunk is ``near`` or farther outside, 2 where ``deep`` or deeper inside."""
    out = np.empty(low.shape[0], np.int8)
    for c in range(low.shape[0]):
        least, most = np.float32(1e9), np.float32(1e9)
        for k in range(field.shape[0]):
            f = field[k]
            if sign[k] > 0:
                least = min(least, low[c, f] - limit[k])
                most = min(most, high[c, f] - limit[k])
            else:
                least = min(least, limit[k] - high[c, f])
                most = min(most, limit[k] - low[c, f])
        out[c] = 0 if most < -near else (2 if least > deep else 1)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def paint_garment(
    flat,
    fields,
    layers,
    across,
    along,
    front,
    place,
    hidden,
    field,
    sign,
    limit,
    tile,
    p,
    decal,
    texture,
    gloss,
):
    """Cover the texels inside a garment's limits and darken the skin along its hems.

    Args:
        flat: (N,) int32 texel of each row.
        fields: (N, 9) float32 metres.
        layers: (N, 6) uint8 of :func:`cloth.cloth_layers`.
        across: (N,) float32 cloth coordinate, metres; ``along`` likewise.
        along: See ``across``.
        front: (N, 2) float32 x and y of texels that face forward, far away elsewhere.
        place: (C,) int8 of :func:`place_chunks`.
        hidden: (C,) bool: chunks that outer garments cover wholly, left out.
        field: (K,) limits' fields, signs and values, see :class:`garments.Cut`.
        sign: See ``field``.
        limit: See ``field``.
        tile: (h, w, 3) uint8.
        p: :class:`ClothParams`.
        decal: :class:`Decal`; of no width for none.
        texture: (T, 3) uint8, changed.
        gloss: (T,) uint8, changed.
    """
    b, one, two, half, zero = _F(1 / 255), _F(1), _F(2), _F(0.5), _F(0)
    rows, columns = tile.shape[0], tile.shape[1]
    unit, texel, trim, scale = _F(p.unit), _F(p.texel), _F(p.trim), _F(columns / p.tile_m)
    turn_cos, turn_sin, shift_a, shift_l = (
        _F(p.turn_cos),
        _F(p.turn_sin),
        _F(p.shift_across),
        _F(p.shift_along),
    )
    fold_0, lint_0, stitch = _F(p.fold), _F(0.10 * p.lint), _F(p.stitch)
    shadow_reach, wobble_0 = _F(SHADOW_REACH * p.unit), _F(0.0016 * p.unit)
    rib, fine = _F(2 * np.pi / (0.0034 * p.unit)), _F(0.0016 * p.unit)
    left, bottom, width, height = _F(decal.left), _F(decal.bottom), _F(decal.width), _F(decal.height)
    for i in range(flat.shape[0]):
        chunk = i // CHUNK
        if place[chunk] == 0 or hidden[chunk]:
            continue
        inside = _F(0.05) * unit
        if place[chunk] == 1:
            inside = _F(1e9)
            for k in range(field.shape[0]):
                inside = min(inside, sign[k] * (fields[i, field[k]] - limit[k]))
            inside += wobble_0 * (layers[i, 3] * b - half) * two
        if inside < -shadow_reach:
            continue
        j = flat[i]
        if inside < -half * texel:
            shadow = one + inside / shadow_reach
            shadow = _F(0.42) * shadow * shadow
            texture[j, 0] = np.uint8(texture[j, 0] * (one - _F(0.85) * shadow))
            texture[j, 1] = np.uint8(texture[j, 1] * (one - shadow))
            texture[j, 2] = np.uint8(texture[j, 2] * (one - shadow))
            continue
        alpha = min(inside / texel + half, one)
        a, d = across[i] + shift_a, along[i] + shift_l
        relief = one
        if inside < trim:  # ribbed cuff or collar
            red, green, blue = _F(p.trim_red), _F(p.trim_green), _F(p.trim_blue)
            relief += _F(0.07) * np.sin(a * rib)
            edge = (trim - inside) / fine
            if edge < one:
                relief *= one - _F(0.22) * stitch * (one - edge)
        else:
            x = (turn_cos * a - turn_sin * d) * scale
            y = -(turn_sin * a + turn_cos * d) * scale
            xf, yf = np.floor(x), np.floor(y)
            tx, ty = x - xf, y - yf
            x0, y0 = int(xf) % columns, int(yf) % rows
            x1 = x0 + 1 if x0 + 1 < columns else 0
            y1 = y0 + 1 if y0 + 1 < rows else 0
            wa, wb, wc, wd = (one - tx) * (one - ty), tx * (one - ty), (one - tx) * ty, tx * ty
            red = wa * tile[y0, x0, 0] + wb * tile[y0, x1, 0] + wc * tile[y1, x0, 0] + wd * tile[y1, x1, 0]
            green = wa * tile[y0, x0, 1] + wb * tile[y0, x1, 1] + wc * tile[y1, x0, 1] + wd * tile[y1, x1, 1]
            blue = wa * tile[y0, x0, 2] + wb * tile[y0, x1, 2] + wc * tile[y1, x0, 2] + wd * tile[y1, x1, 2]
            if width > zero:
                u = (front[i, 0] - left) / width
                v = one - (front[i, 1] - bottom) / height
                if zero <= u < one and zero <= v < one:
                    px, py = int(u * _F(decal.image.shape[1])), int(v * _F(decal.image.shape[0]))
                    o = decal.image[py, px, 3]
                    red += (decal.image[py, px, 0] - red) * o
                    green += (decal.image[py, px, 1] - green) * o
                    blue += (decal.image[py, px, 2] - blue) * o
        # Stitches along the hem, panel seams, folds, lint, what the body's hollows hide, the hem's edge.
        row = abs(inside - trim - _F(0.0035) * unit) / (_F(0.0009) * unit)
        if row < one:
            relief *= one - _F(0.16) * stitch * (one - row)
        relief *= one - _F(0.28) * stitch * layers[i, 4] * b
        fold, slope = (layers[i, 0] * b - half) * two, (layers[i, 1] * b - half) * two
        damp = min(max(inside / (_F(0.02) * unit), _F(0.25)), one)
        relief *= one + fold_0 * damp * (_F(0.16) * fold - _F(0.06) + _F(0.40) * slope)
        relief *= one + lint_0 * (layers[i, 2] * b - half) * two
        relief *= _F(0.55) + _F(0.45) * layers[i, 5] * b
        relief *= one - _F(0.20) * max(zero, one - inside / fine)
        top = _F(255.0)
        red, green, blue = min(red * relief, top), min(green * relief, top), min(blue * relief, top)
        texture[j, 0] = np.uint8(texture[j, 0] + (red - texture[j, 0]) * alpha)
        texture[j, 1] = np.uint8(texture[j, 1] + (green - texture[j, 1]) * alpha)
        texture[j, 2] = np.uint8(texture[j, 2] + (blue - texture[j, 2]) * alpha)
        gloss[j] = np.uint8(gloss[j] * (one - alpha))
