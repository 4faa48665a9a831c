"""Paint skin and hair: the colours that the layers of :mod:`skin_layers` add up to.

A tone is a place on the Monk Skin Tone scale (1..10, fractions allowed). Blood (redness) absorbs green and
blue, pigment moves along the scale; both vary over the body, so no two patches have one colour.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from syrip_gen.sampling.appearance.surface import CHUNK

__all__ = [
    "PHOTOGRAPHED_TONES",
    "SkinParams",
    "blood_transmission",
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


def blood_transmission() -> np.ndarray:
    """Return (256, 3) float32 factors of red, green and blue for blood of -0.5 .. 2.5 in steps of 1/85."""
    amount = (np.arange(256) + 0.5) / 85.0 - 0.5
    return np.exp(-amount[:, None] * np.array(BLOOD)).astype(np.float32)


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


@njit(cache=True, nogil=True, error_model="numpy")
def paint_skin(layers, flat, hidden, tones, p, cut, transmission, texture, gloss):
    """Paint skin, brows and scalp hair into the texture.

    Args:
        layers: (N, 18) uint8 of :func:`skin_layers.skin_layers`.
        flat: (N,) int32 texel of each row.
        hidden: (C,) bool: chunks of CHUNK rows that clothes cover wholly, left out.
        tones: (10, 3) float32 colours 0..255.
        p: :class:`SkinParams`.
        cut: 2 float32: cosine and sine of ``p.mottle_mix``.
        transmission: (256, 3) float32 of :func:`blood_transmission`.
        texture: (T, 3) uint8, written.
        gloss: (T,) uint8, written.
    """
    b, one, two, half, zero = _F(1 / 255), _F(1), _F(2), _F(0.5), _F(0)
    tone, blood_0, blush, lip = _F(p.tone - 1.0), _F(p.blood), _F(p.blush), _F(1.05 * p.lip)
    blotch, patchy, vein_0 = _F(0.70 * p.mottle), _F(0.45 * p.mottle), _F(p.vein)
    warm_red, warm_blue = _F(1.0 + 0.012 * p.warmth), _F(1.0 - 0.060 * p.warmth)
    hair_cover, hair_line, sparse = _F(p.hair_cover), _F(p.hair_line), _F(0.9 - 0.75 * p.hair_cover)
    hair_red, hair_green, hair_blue = _F(255 * p.hair_red), _F(255 * p.hair_green), _F(255 * p.hair_blue)
    curl = _F(p.curl)
    strand_0, brow_0, lash_0, shine_0 = _F(0.75 * p.strand), _F(p.brow), _F(p.lash), _F(p.shine)
    for i in range(layers.shape[0]):
        if hidden[i // CHUNK]:
            continue
        sky = layers[i, 0] * b
        first, other = layers[i, 2] * b - half, layers[i, 3] * b - half
        mottle = (cut[0] * first + cut[1] * other) * two
        patch = (cut[1] * first - cut[0] * other) * two
        grain = (layers[i, 4] * b - half) * two
        crease, palm, lips, lid = layers[i, 6] * b, layers[i, 7] * b, layers[i, 8] * b, layers[i, 12] * b
        areola, nail = layers[i, 13] * b, layers[i, 14] * b
        # Pigment: a place on the scale, lighter on palms, soles and nails of dark skin.
        place = tone + patchy * patch + _F(0.10) * grain + _F(1.2) * areola + _F(0.25) * lid
        place -= (_F(0.55) * palm + _F(0.35) * nail) * max(zero, place - _F(3.0))
        place = min(max(place, zero), _F(8.999))
        k = int(place)
        t = place - _F(k)
        red = tones[k, 0] + (tones[k + 1, 0] - tones[k, 0]) * t
        green = tones[k, 1] + (tones[k + 1, 1] - tones[k, 1]) * t
        blue = tones[k, 2] + (tones[k + 1, 2] - tones[k, 2]) * t
        blood = blood_0 + blush * layers[i, 1] * b + blotch * mottle + _F(0.10) * grain + lip * lips
        blood += _F(0.35) * (lid + nail) + _F(0.7) * areola + _F(0.8) * crease + _F(0.8) * (one - sky)
        n = min(max(int((blood + half) * _F(85.0)), 0), 255)
        vein = vein_0 * layers[i, 5] * b
        shade = (_F(0.42) + _F(0.58) * sky) * (one - _F(0.16) * crease) * (one - _F(0.80) * layers[i, 9] * b)
        shade *= (one + _F(0.025) * grain) * (one - _F(0.10) * lid) * (one - _F(0.10) * lips)
        red *= shade * transmission[n, 0] * (one - _F(0.09) * vein) * warm_red
        green *= shade * transmission[n, 1] * (one - _F(0.035) * vein)
        blue *= shade * transmission[n, 2] * warm_blue
        # Hair of the scalp, ragged at its border, and of the brows.
        cover = zero
        if layers[i, 15] > 0:
            strand = (one - curl) * (layers[i, 16] * b - half) * two + curl * grain
            inside = (
                (layers[i, 15] * b - half) * _F(0.08) + hair_line + _F(0.0055) * strand + _F(0.006) * mottle
            )
            cover = min(max(inside / _F(0.016), zero), one)
            cover = cover * cover * (_F(3.0) - two * cover) * hair_cover
            cover = min(cover * min(max(one + sparse * strand, zero), _F(1.25)), _F(0.97))
            tint = (one + strand_0 * strand + _F(0.10) * patch) * (_F(0.55) + _F(0.45) * sky)
            red += (hair_red * tint - red) * cover
            green += (hair_green * tint - green) * cover
            blue += (hair_blue * tint - blue) * cover
            brow = brow_0 * layers[i, 10] * b
            red += (hair_red * _F(0.8) - red) * brow
            green += (hair_green * _F(0.8) - green) * brow
            blue += (hair_blue * _F(0.8) - blue) * brow
            lash = lash_0 * layers[i, 11] * b
            red += (_F(38.0) - red) * lash
            green += (_F(24.0) - green) * lash
            blue += (_F(20.0) - blue) * lash
        j = flat[i]
        texture[j, 0] = np.uint8(min(max(red, zero), _F(255.0)))
        texture[j, 1] = np.uint8(min(max(green, zero), _F(255.0)))
        texture[j, 2] = np.uint8(min(max(blue, zero), _F(255.0)))
        shine = shine_0 * (_F(0.6) + _F(0.8) * layers[i, 17] * b) * (one - cover) + _F(0.12) * lips + _F(0.02)
        gloss[j] = np.uint8(min(max(_F(255.0) * shine, zero), _F(255.0)))
