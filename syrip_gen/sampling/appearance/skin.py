"""Paint skin and hair: the colours that the layers of :mod:`skin_layers` add up to.

A tone is a place on the Monk Skin Tone scale (1..10, fractions allowed). Blood (redness) absorbs green and
blue, pigment moves along the scale; both vary over the body, so no two patches have one colour.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from syrip_gen.sampling.appearance.skin_layers import SKIN_LAYERS
from syrip_gen.sampling.appearance.surface import CHUNK

__all__ = [
    "PHOTOGRAPHED_TONES",
    "SkinParams",
    "paint_skin",
]

PHOTOGRAPHED_TONES = np.array(
    [
        (238, 205, 188), (234, 195, 175), (229, 187, 162), (221, 174, 144), (205, 154, 121),
        (180, 129, 97), (154, 106, 78), (128, 86, 63), (104, 70, 53), (82, 55, 43),
    ],
    np.float32,
)  # fmt: skip
"""(10, 3) sRGB of infants' skin of each tone under full white light; photographs are redder than the
swatches."""

BLOOD = (0.035, 0.215, 0.165)
"""Absorption of red, green and blue by one unit of blood, in encoded (sRGB) light."""

_F = np.float32
_BLOCK = len(SKIN_LAYERS) * CHUNK
(
    _, REDNESS, MOTTLE, OTHER, GRAIN, VEIN, CREASE, PALM, LIPS, DARK, BROW, LASH, LID, AREOLA, NAIL, HAIRLINE,
    STRAND, SHINE,
) = range(0, _BLOCK, CHUNK)  # fmt: skip


class SkinParams(NamedTuple):
    """Numbers that one infant's skin is painted with."""

    tone: float
    """1..10, place on the Monk scale."""
    blood: float
    """Overall redness, about -0.2..0.5."""
    blush: float
    """Strength of cheeks, knees, hands ..., 0..1.5."""
    mottle: float
    """Strength of the blotches, 0..1."""
    mottle_mix: float
    """Angle that mixes two blotch patterns, radians."""
    vein: float
    warmth: float
    """Shift between yellowish (+) and pinkish (-) undertone, -1..1."""
    lip: float
    """Redness of the lips, 0..1.5."""
    brow: float
    """Opacity of the eyebrows, 0..1."""
    lash: float
    """Opacity of the lids' dark rims, 0..1."""
    hair_cover: float
    """0 bald .. 1 full head of hair; fuzz about 0.3."""
    hair_line: float
    """Metres by which the hair reaches beyond the usual hairline (negative: recedes)."""
    hair_red: float
    """sRGB 0..1 of the hair, and green and blue below."""
    hair_green: float
    hair_blue: float
    strand: float
    """Contrast of the strands, 0..1."""
    curl: float
    """0 straight strands .. 1 tight curls."""
    shine: float
    """Gloss of the skin, 0..1."""


_CURVES = np.array(
    [
        (-0.0133, 0.0452, 0.5737, -2.5395, -23.4978, 192.9922),
        (-0.0191, 0.0208, 0.7641, -1.0142, -24.3120, 141.9492),
        (-0.0168, -0.0135, 0.7091, 0.5770, -23.5856, 109.2773),
    ],
    np.float32,
)
"""Polynomials of red, green and blue 0..255 along the tones, highest power first, centred at tone 5.5: the
least-squares fit to :data:`PHOTOGRAPHED_TONES`, at most 1 level off."""


def paint_skin(layers: np.ndarray, hairy: np.ndarray, params: SkinParams) -> np.ndarray:
    """Paint skin, brows and scalp hair.

    Args:
        layers: (C, 18, CHUNK) uint8 of :func:`skin_layers.skin_layers`, see :func:`surface.in_chunks`.
        hairy: (M,) int32 texels where hair, brows or lashes may grow.
        params: The infant's.

    Returns:
        (C * CHUNK,) uint32 texels: red, green, blue and gloss from the lowest byte.
    """
    mix = np.array([np.cos(params.mottle_mix), np.sin(params.mottle_mix)], np.float32)
    out = np.empty(len(layers) * CHUNK, np.uint32)
    flat = layers.reshape(-1)
    _paint_bare(flat, _CURVES, params, mix, out)
    _paint_hair(flat, hairy, params, mix, out)
    return out


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _byte(value):
    """Clip to 0..255 and cut the fraction off."""
    return np.uint32(np.int32(min(max(value, _F(0.0)), _F(255.0))))


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _left(blood, absorption):
    """Return exp(-blood * absorption), to 4e-4 for the little there is."""
    x = blood * absorption
    return _F(1) - x * (_F(1) - x * (_F(0.5) - x * (_F(1 / 6) - x * _F(1 / 24))))


@njit(cache=True, nogil=True, error_model="numpy")
def _paint_bare(table, curves, p, mix, out):
    """Paint skin without hair: straight-line float32 code, so that it is vectorised."""
    b, one, two, half, zero = _F(1 / 255), _F(1), _F(2), _F(0.5), _F(0)
    tone, blood_0, blush, lip = _F(p.tone - 1.0), _F(p.blood), _F(p.blush), _F(1.05 * p.lip)
    blotch, patchy, vein_0 = _F(0.70 * p.mottle), _F(0.45 * p.mottle), _F(p.vein)
    warm_red, warm_blue = _F(1.0 + 0.012 * p.warmth), _F(1.0 - 0.060 * p.warmth)
    shine_0, cos, sin = _F(p.shine), mix[0], mix[1]
    r0, r1, r2, r3, r4, r5 = curves[0]
    g0, g1, g2, g3, g4, g5 = curves[1]
    b0, b1, b2, b3, b4, b5 = curves[2]
    for chunk in range(out.shape[0] // CHUNK):
        # One block of memory at fixed offsets: the compiler cannot tell many rows apart.
        layers = table[chunk * _BLOCK : (chunk + 1) * _BLOCK]
        texels = out[chunk * CHUNK : (chunk + 1) * CHUNK]
        for i in range(CHUNK):
            sky = layers[i] * b
            first, other = layers[MOTTLE + i] * b - half, layers[OTHER + i] * b - half
            mottle, patch = (cos * first + sin * other) * two, (sin * first - cos * other) * two
            grain = (layers[GRAIN + i] * b - half) * two
            crease, palm, lips = layers[CREASE + i] * b, layers[PALM + i] * b, layers[LIPS + i] * b
            lid, areola, nail = layers[LID + i] * b, layers[AREOLA + i] * b, layers[NAIL + i] * b
            # Pigment: a place on the scale, lighter on palms, soles and nails of dark skin.
            place = tone + patchy * patch + _F(0.10) * grain + _F(1.2) * areola + _F(0.25) * lid
            place -= (_F(0.55) * palm + _F(0.35) * nail) * max(zero, place - _F(3.0))
            t = min(max(place, zero), _F(9.0)) - _F(4.5)
            red = ((((r0 * t + r1) * t + r2) * t + r3) * t + r4) * t + r5
            green = ((((g0 * t + g1) * t + g2) * t + g3) * t + g4) * t + g5
            blue = ((((b0 * t + b1) * t + b2) * t + b3) * t + b4) * t + b5
            blood = (
                blood_0 + blush * layers[REDNESS + i] * b + blotch * mottle + _F(0.10) * grain + lip * lips
            )
            blood += _F(0.35) * (lid + nail) + _F(0.7) * areola + _F(0.8) * crease + _F(0.8) * (one - sky)
            blood = min(max(blood, -half), _F(2.5))
            vein = vein_0 * layers[VEIN + i] * b
            shade = (
                (_F(0.42) + _F(0.58) * sky)
                * (one - _F(0.16) * crease)
                * (one - _F(0.80) * layers[DARK + i] * b)
            )
            shade *= (one + _F(0.025) * grain) * (one - _F(0.10) * lid) * (one - _F(0.10) * lips)
            red *= shade * _left(blood, _F(BLOOD[0])) * (one - _F(0.09) * vein) * warm_red
            green *= shade * _left(blood, _F(BLOOD[1])) * (one - _F(0.035) * vein)
            blue *= shade * _left(blood, _F(BLOOD[2])) * warm_blue
            shine = shine_0 * (_F(0.6) + _F(0.8) * layers[SHINE + i] * b) + _F(0.12) * lips + _F(0.02)
            gloss = _F(255.0) * shine
            texels[i] = (
                _byte(red)
                | (_byte(green) << np.uint32(8))
                | (_byte(blue) << np.uint32(16))
                | (_byte(gloss) << np.uint32(24))
            )


@njit(cache=True, nogil=True, error_model="numpy")
def _paint_hair(table, rows, p, mix, out):
    """Paint the hair of the scalp, ragged at its border, the brows and the lids' rims."""
    b, one, two, half, zero = _F(1 / 255), _F(1), _F(2), _F(0.5), _F(0)
    hair_cover, hair_line, sparse = _F(p.hair_cover), _F(p.hair_line), _F(0.9 - 0.75 * p.hair_cover)
    hair_red, hair_green, hair_blue = _F(255 * p.hair_red), _F(255 * p.hair_green), _F(255 * p.hair_blue)
    strand_0, brow_0, lash_0, curl = _F(0.75 * p.strand), _F(p.brow), _F(p.lash), _F(p.curl)
    shine_0 = _F(255.0 * p.shine)
    for row in range(rows.shape[0]):
        i = rows[row]
        at = i // CHUNK * _BLOCK + i % CHUNK
        border = (table[HAIRLINE + at] * b - half) * _F(0.08) + hair_line
        if border < _F(-0.0142) and table[BROW + at] == 0 and table[LASH + at] == 0:
            continue  # farther from the hair than noise reaches
        texel = out[i]
        red, green, blue = (
            _F(np.int32(texel & 255)),
            _F(np.int32((texel >> 8) & 255)),
            _F(np.int32((texel >> 16) & 255)),
        )
        first, other = table[MOTTLE + at] * b - half, table[OTHER + at] * b - half
        mottle, patch = (mix[0] * first + mix[1] * other) * two, (mix[1] * first - mix[0] * other) * two
        grain = (table[GRAIN + at] * b - half) * two
        strand = (one - curl) * (table[STRAND + at] * b - half) * two + curl * grain
        inside = border + _F(0.0055) * strand + _F(0.006) * mottle
        cover = min(max(inside / _F(0.016), zero), one)
        cover = cover * cover * (_F(3.0) - two * cover) * hair_cover
        cover = min(cover * min(max(one + sparse * strand, zero), _F(1.25)), _F(0.97))
        tint = (one + strand_0 * strand + _F(0.10) * patch) * (_F(0.55) + _F(0.45) * table[at] * b)
        red += (hair_red * tint - red) * cover
        green += (hair_green * tint - green) * cover
        blue += (hair_blue * tint - blue) * cover
        brow, lash = brow_0 * table[BROW + at] * b, lash_0 * table[LASH + at] * b
        red += (hair_red * _F(0.8) - red) * brow
        green += (hair_green * _F(0.8) - green) * brow
        blue += (hair_blue * _F(0.8) - blue) * brow
        red += (_F(38.0) - red) * lash
        green += (_F(24.0) - green) * lash
        blue += (_F(20.0) - blue) * lash
        gloss = _F(np.int32(texel >> 24)) - shine_0 * (_F(0.6) + _F(0.8) * table[SHINE + at] * b) * cover
        out[i] = (
            _byte(red)
            | (_byte(green) << np.uint32(8))
            | (_byte(blue) << np.uint32(16))
            | (_byte(gloss) << np.uint32(24))
        )
