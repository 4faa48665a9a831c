"""Paint one garment over what is already in the texture."""

from typing import NamedTuple

import numpy as np
from numba import njit

__all__ = ["ClothParams", "Decal", "paint_garment"]

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


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _inside(fields, i, field, sign, limit):
    inside = np.float32(1e9)
    for k in range(field.shape[0]):
        d = sign[k] * (fields[i, field[k]] - limit[k])
        if d < inside:
            inside = d
            if inside < -0.02:
                break
    return inside


@njit(cache=True, nogil=True, error_model="numpy")
def paint_garment(flat, fields, layers, across, along, front, field, sign, limit, tile, p, decal, texture, gloss):
    """Cover the texels inside a garment's limits and darken the skin along its hems.

    Args:
        flat: (N,) int32 texel of each row.
        fields: (N, 9) float32 metres.
        layers: (N, 6) uint8 of :func:`cloth.cloth_layers`.
        across: (N,) float32 cloth coordinate, metres; ``along`` likewise.
        along: See ``across``.
        front: (N, 2) float32 x and y of texels that face forward, NaN elsewhere.
        field: (K,) limits' fields, signs and values, see :class:`garments.Cut`.
        sign: See ``field``.
        limit: See ``field``.
        tile: (h, w, 3) uint8.
        p: :class:`ClothParams`.
        decal: :class:`Decal`; of no width for none.
        texture: (T, 3) uint8, changed.
        gloss: (T,) uint8, changed.
    """
    b = np.float32(1 / 255.0)
    rows, columns = tile.shape[0], tile.shape[1]
    scale = columns / p.tile_m
    for i in range(flat.shape[0]):
        inside = _inside(fields, i, field, sign, limit)
        if inside < -0.009 * p.unit:
            continue
        wobble = (layers[i, 3] * b - 0.5) * 2.0
        inside += 0.0016 * p.unit * wobble
        j = flat[i]
        if inside < -p.texel:
            shadow = 1.0 + 0.42 * inside / (0.007 * p.unit)
            shadow = 0.42 * max(1.0 + inside / (0.007 * p.unit), 0.0) ** 2
            texture[j, 0] = np.uint8(texture[j, 0] * (1 - 0.85 * shadow))
            texture[j, 1] = np.uint8(texture[j, 1] * (1 - shadow))
            texture[j, 2] = np.uint8(texture[j, 2] * (1 - shadow))
            continue
        alpha = min(max(inside / p.texel + 0.5, 0.0), 1.0)
        a = across[i] + p.shift_across
        l = along[i] + p.shift_along
        x = (p.turn_cos * a - p.turn_sin * l) * scale
        y = -(p.turn_sin * a + p.turn_cos * l) * scale
        xf, yf = np.floor(x), np.floor(y)
        tx, ty = x - xf, y - yf
        x0, y0 = int(xf) % columns, int(yf) % rows
        x1 = x0 + 1 if x0 + 1 < columns else 0
        y1 = y0 + 1 if y0 + 1 < rows else 0
        wa, wb, wc, wd = (1 - tx) * (1 - ty), tx * (1 - ty), (1 - tx) * ty, tx * ty
        red = wa * tile[y0, x0, 0] + wb * tile[y0, x1, 0] + wc * tile[y1, x0, 0] + wd * tile[y1, x1, 0]
        green = wa * tile[y0, x0, 1] + wb * tile[y0, x1, 1] + wc * tile[y1, x0, 1] + wd * tile[y1, x1, 1]
        blue = wa * tile[y0, x0, 2] + wb * tile[y0, x1, 2] + wc * tile[y1, x0, 2] + wd * tile[y1, x1, 2]
        relief = 1.0
        if inside < p.trim:  # ribbed cuff or collar
            red, green, blue = p.trim_red, p.trim_green, p.trim_blue
            relief = 1.0 + 0.07 * np.sin(a * (2 * np.pi / (0.0034 * p.unit)))
            edge = (p.trim - inside) / (0.0016 * p.unit)
            if edge < 1.0:
                relief *= 1.0 - 0.22 * p.stitch * (1.0 - edge)
        elif decal.width > 0.0 and front[i, 0] == front[i, 0]:
            u = (front[i, 0] - decal.left) / decal.width
            v = 1.0 - (front[i, 1] - decal.bottom) / decal.height
            if 0.0 <= u < 1.0 and 0.0 <= v < 1.0:
                px, py = int(u * decal.image.shape[1]), int(v * decal.image.shape[0])
                o = decal.image[py, px, 3]
                red += (decal.image[py, px, 0] - red) * o
                green += (decal.image[py, px, 1] - green) * o
                blue += (decal.image[py, px, 2] - blue) * o
        # A row of stitches along the hem, and panel seams.
        row = abs(inside - p.trim - 0.0035 * p.unit) / (0.0009 * p.unit)
        if row < 1.0:
            relief *= 1.0 - 0.16 * p.stitch * (1.0 - row)
        relief *= 1.0 - 0.28 * p.stitch * layers[i, 4] * b
        fold = (layers[i, 0] * b - 0.5) * 2.0
        slope = (layers[i, 1] * b - 0.5) * 2.0
        damp = min(max(inside / (0.02 * p.unit), 0.25), 1.0)
        relief *= 1.0 + p.fold * damp * (0.16 * fold - 0.10 + 0.55 * slope)
        relief *= 1.0 + p.lint * 0.10 * (layers[i, 2] * b - 0.5) * 2.0
        relief *= 0.55 + 0.45 * layers[i, 5] * b
        relief *= 1.0 - 0.20 * max(0.0, 1.0 - inside / (0.0016 * p.unit))
        red, green, blue = min(red * relief, 255.0), min(green * relief, 255.0), min(blue * relief, 255.0)
        texture[j, 0] = np.uint8(texture[j, 0] + (red - texture[j, 0]) * alpha)
        texture[j, 1] = np.uint8(texture[j, 1] + (green - texture[j, 1]) * alpha)
        texture[j, 2] = np.uint8(texture[j, 2] + (blue - texture[j, 2]) * alpha)
        gloss[j] = np.uint8(gloss[j] * (1.0 - alpha))


@njit(cache=True, nogil=True, error_model="numpy")
def mark_hidden(fields, field, sign, limit, margin, hidden):
    """Mark the texels that lie at least ``margin`` metres inside a garment."""
    for i in range(fields.shape[0]):
        if not hidden[i] and _inside(fields, i, field, sign, limit) > margin:
            hidden[i] = True
