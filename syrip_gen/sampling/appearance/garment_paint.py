"""Paint one garment over those worn below it, as a layer of colour and opacity that any skin may wear."""

from typing import NamedTuple

import numpy as np
from numba import njit

from syrip_gen.sampling.appearance.surface import CHUNK

__all__ = ["ClothParams", "Decal", "chunk_bounds", "pack_tile", "paint_garment", "place_chunks", "wear"]

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


def pack_tile(tile: np.ndarray) -> np.ndarray:
    """Return a (h, w, 3) uint8 tile as (h, w) uint64: red, green, blue in 16 bits each, from the lowest."""
    wide = tile.astype(np.uint64)
    return wide[..., 0] | (wide[..., 1] << 16) | (wide[..., 2] << 32)


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


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _read_tile(tile, x, y):
    """Return the bilinear mean of a packed tile at repeats (x, y); three channels in one product."""
    rows, columns = tile.shape
    s = np.int64((x - np.floor(x)) * _F(columns * 256))
    t = np.int64((y - np.floor(y)) * _F(rows * 256))
    x0, y0 = min(s >> 8, columns - 1), min(t >> 8, rows - 1)
    x1 = x0 + 1 if x0 + 1 < columns else 0
    y1 = y0 + 1 if y0 + 1 < rows else 0
    a, b = (s & 255) >> 4, (t & 255) >> 4
    texel = (
        tile[y0, x0] * np.uint64((16 - a) * (16 - b))
        + tile[y0, x1] * np.uint64(a * (16 - b))
        + tile[y1, x0] * np.uint64((16 - a) * b)
        + tile[y1, x1] * np.uint64(a * b)
    )
    full = np.uint64(0xFFFF)
    scale = _F(1 / 256)
    return (
        _F(np.int32(texel & full)) * scale,
        _F(np.int32((texel >> np.uint64(16)) & full)) * scale,
        _F(np.int32(texel >> np.uint64(32))) * scale,
    )


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _inside(i, fields, field, sign, limit):
    """Return how far inside a garment's limits a row lies, metres."""
    inside = _F(1e9)
    for k in range(field.shape[0]):
        inside = min(inside, sign[k] * (fields[i, field[k]] - limit[k]))
    return inside


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _pack(red, green, blue, alpha):
    """Return four channels 0..255 as one texel."""
    half, top = _F(0.5), _F(255.0)
    return (
        np.uint32(np.int32(min(red, top) + half))
        | (np.uint32(np.int32(min(green, top) + half)) << np.uint32(8))
        | (np.uint32(np.int32(min(blue, top) + half)) << np.uint32(16))
        | (np.uint32(np.int32(alpha + half)) << np.uint32(24))
    )


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _over(below, red, green, blue, alpha):
    """Lay a colour 0..255 of some opacity 0..1 over a texel whose colour is multiplied by its opacity."""
    rest = _F(1.0) - alpha
    return _pack(
        red * alpha + _F(np.int32(below & 255)) * rest,
        green * alpha + _F(np.int32((below >> 8) & 255)) * rest,
        blue * alpha + _F(np.int32((below >> 16) & 255)) * rest,
        _F(255.0) * alpha + _F(np.int32(below >> 24)) * rest,
    )


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _relief(layers, i, fold_0, lint_0, stitch):
    """Return the light that folds, lint and panel seams leave, and what the body's hollows hide."""
    b, one, two, half = _F(1 / 255), _F(1), _F(2), _F(0.5)
    fold, slope = (layers[i] * b - half) * two, (layers[CHUNK + i] * b - half) * two
    relief = one - _F(0.28) * stitch * layers[4 * CHUNK + i] * b
    relief *= one + fold_0 * (_F(0.16) * fold - _F(0.06) + _F(0.40) * slope)
    relief *= one + lint_0 * (layers[2 * CHUNK + i] * b - half) * two
    return relief * (_F(0.55) + _F(0.45) * layers[5 * CHUNK + i] * b)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _shaded(red, green, blue, relief):
    """Return an opaque texel of a colour 0..255 under some light."""
    return _pack(red * relief, green * relief, blue * relief, _F(255.0))


@njit(cache=True, nogil=True, error_model="numpy")
def paint_garment(
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
    is_plain,
    p,
    decal,
    out,
):
    """Cover the rows inside a garment's limits and darken what lies along its hems.

    Args:
        fields: (N, 9) float32 metres.
        layers: (C * 6 * CHUNK,) uint8 of :func:`cloth.cloth_layers`, see :func:`surface.in_chunks`.
        across: (N,) float32 cloth coordinate, metres; ``along`` likewise.
        along: See ``across``.
        front: (N, 2) float32 x and y of texels that face forward, far away elsewhere.
        place: (C,) int8 of :func:`place_chunks`.
        hidden: (C,) bool: chunks that outer garments cover wholly, left out.
        field: (K,) limits' fields, signs and values, see :class:`garments.Cut`.
        sign: See ``field``.
        limit: See ``field``.
        tile: (h, w) uint64 of :func:`pack_tile`.
        is_plain: Whether the tile is of one colour.
        p: :class:`ClothParams`.
        decal: :class:`Decal`; of no width for none.
        out: (C * CHUNK,) uint32, changed: red, green and blue times opacity, then opacity, from the lowest
            byte.
    """
    b, one, two, half, zero = _F(1 / 255), _F(1), _F(2), _F(0.5), _F(0)
    unit, texel, trim, scale = _F(p.unit), _F(p.texel), _F(p.trim), _F(1.0 / p.tile_m)
    stretch = _F(tile.shape[1] / tile.shape[0])
    cos, sin, shift_a, shift_l = _F(p.turn_cos), _F(p.turn_sin), _F(p.shift_across), _F(p.shift_along)
    fold_0, lint_0, stitch = _F(p.fold), _F(0.10 * p.lint), _F(p.stitch)
    reach, wobble_0 = _F(SHADOW_REACH * p.unit), _F(0.0016 * p.unit)
    rib, fine_1, texel_1 = _F(2 * np.pi / (0.0034 * p.unit)), _F(1 / (0.0016 * p.unit)), _F(1 / p.texel)
    row_1, damp_1 = _F(1 / (0.0009 * p.unit)), _F(1 / (0.02 * p.unit))
    left, top, columns, rows = _F(decal.left), _F(decal.bottom + decal.height), zero, zero
    if decal.width > 0:
        columns, rows = _F(decal.image.shape[1] / decal.width), _F(decal.image.shape[0] / decal.height)
    plain_red, plain_green, plain_blue = _read_tile(tile, zero, zero)
    for chunk in range(place.shape[0]):
        if place[chunk] == 0 or hidden[chunk]:
            continue
        is_edge = place[chunk] == 1
        relief_layers = layers[chunk * 6 * CHUNK : (chunk + 1) * 6 * CHUNK]
        if is_plain and not is_edge and columns == zero:
            texels = out[chunk * CHUNK : (chunk + 1) * CHUNK]
            for k in range(CHUNK):
                relief = _relief(relief_layers, k, fold_0, lint_0, stitch)
                texels[k] = _shaded(plain_red, plain_green, plain_blue, relief)
            continue
        for k in range(min(CHUNK, across.shape[0] - chunk * CHUNK)):
            i = chunk * CHUNK + k
            inside, relief = unit, one
            if is_edge:
                inside = _inside(i, fields, field, sign, limit)
                inside += wobble_0 * (relief_layers[3 * CHUNK + k] * b - half) * two
                if inside < -reach:
                    continue
                if inside < -half * texel:
                    shadow = one + inside / reach
                    out[i] = _over(out[i], zero, zero, zero, _F(0.40) * shadow * shadow)
                    continue
            a, d = across[i] + shift_a, along[i] + shift_l
            if inside < trim:  # ribbed cuff or collar
                red, green, blue = _F(p.trim_red), _F(p.trim_green), _F(p.trim_blue)
                relief += _F(0.07) * np.sin(a * rib)
                edge = (trim - inside) * fine_1
                if edge < one:
                    relief *= one - _F(0.22) * stitch * (one - edge)
            else:
                if is_plain:
                    red, green, blue = plain_red, plain_green, plain_blue
                else:
                    x, y = (cos * a - sin * d) * scale, -(sin * a + cos * d) * scale * stretch
                    red, green, blue = _read_tile(tile, x, y)
                if columns > zero:
                    u, v = (front[i, 0] - left) * columns, (top - front[i, 1]) * rows
                    if zero <= u < _F(decal.image.shape[1]) and zero <= v < _F(decal.image.shape[0]):
                        print_ = decal.image[int(v), int(u)]
                        red += (print_[0] - red) * print_[3]
                        green += (print_[1] - green) * print_[3]
                        blue += (print_[2] - blue) * print_[3]
            damp = one
            if is_edge:  # stitches along the hem, and the hem's own shade
                row = abs(inside - trim - _F(0.0035) * unit) * row_1
                if row < one:
                    relief *= one - _F(0.16) * stitch * (one - row)
                damp = min(max(inside * damp_1, _F(0.25)), one)
                relief *= one - _F(0.20) * max(zero, one - inside * fine_1)
            relief *= _relief(relief_layers, k, fold_0 * damp, lint_0, stitch)
            alpha = min(inside * texel_1 + half, one)
            if alpha < one:
                white = _F(255.0)
                red, green, blue = (
                    min(red * relief, white),
                    min(green * relief, white),
                    min(blue * relief, white),
                )
                out[i] = _over(out[i], red, green, blue, alpha)
            else:
                out[i] = _shaded(red, green, blue, relief)


@njit(cache=True, nogil=True, error_model="numpy")
def wear(spread, skin, outfit, out):
    """Lay an outfit over a skin and spread both over the texture.

    Args:
        spread: (2, M) int32 texels of the texture, and the row that each one shows.
        skin: (C * CHUNK,) uint32 red, green, blue, gloss.
        outfit: (C * CHUNK,) uint32 of :func:`paint_garment`; or (0,) for none.
        out: (T,) uint32 red, green, blue, gloss; written.
    """
    worn = skin
    if outfit.shape[0] > 0:
        worn = np.empty_like(skin)
        low = np.uint32(0xFF00FF)
        for i in range(skin.shape[0]):
            top = outfit[i]
            alpha = top >> np.uint32(24)
            rest = np.uint32(256) - alpha - (alpha >> np.uint32(7))
            even = (((skin[i] & low) * rest) >> np.uint32(8)) & low
            odd = (((skin[i] >> np.uint32(8)) & low) * rest) & np.uint32(0xFF00FF00)
            # At most 255 a channel: the layer holds no more than alpha.
            worn[i] = (even | odd) + (top & np.uint32(0xFFFFFF))
    for k in range(spread.shape[1]):
        out[spread[0, k]] = worn[spread[1, k]]
