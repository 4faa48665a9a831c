"""Skin: pigment, blood and relief as layers over the body, and the colours that they add up to.

A tone is a place on the Monk Skin Tone scale (1..10, fractions allowed). Blood (redness) absorbs green and blue,
pigment moves along the scale; both vary over the body, so no two patches have one colour.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from scipy.spatial import cKDTree

from syrip_gen.sampling.appearance.anatomy import Anatomy, face_coordinates
from syrip_gen.sampling.appearance.noise import fbm, ridged
from syrip_gen.sampling.appearance.surface import CHUNK, Samples

__all__ = [
    "MONK_SWATCHES",
    "PHOTOGRAPHED_TONES",
    "SKIN_LAYERS",
    "SkinParams",
    "blood_transmission",
    "hair_layers",
    "hair_offset",
    "paint_skin",
    "skin_layers",
    "tone_color",
]

MONK_SWATCHES = (
    "#f6ede4", "#f3e7db", "#f7ead0", "#eadaba", "#d7bd96", "#a07e56", "#825c43", "#604134", "#3a312a", "#292420",
)  # fmt: skip
"""The ten published swatches of the Monk Skin Tone scale (skintone.google, CC BY 4.0), for reference."""

PHOTOGRAPHED_TONES = np.array(
    [
        (238, 205, 188), (234, 195, 175), (229, 187, 162), (221, 174, 144), (205, 154, 121),
        (180, 129, 97), (154, 106, 78), (128, 86, 63), (104, 70, 53), (82, 55, 43),
    ],
    np.float32,
)  # fmt: skip
"""(10, 3) sRGB of infants' skin of each tone under full white light; photographs are redder than the swatches."""

SKIN_LAYERS = (
    "open_sky", "redness", "mottle_a", "mottle_b", "grain", "vein", "crease", "palm", "lips", "dark", "brow", "lash",
    "lid", "areola", "nail", "hairline", "strand", "shine",
)  # fmt: skip
"""Names of the columns of :func:`skin_layers`."""

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
    shine: float
    """Gloss of the skin, 0..1."""


def tone_color(tone: float) -> np.ndarray:
    """Return the (3,) sRGB colour 0..255 of a place on the Monk scale, 1..10."""
    place = np.clip(tone, 1, 10) - 1
    i = min(int(place), 8)
    return PHOTOGRAPHED_TONES[i] + (PHOTOGRAPHED_TONES[i + 1] - PHOTOGRAPHED_TONES[i]) * np.float32(place - i)


def skin_layers(s: Samples, anatomy: Anatomy) -> np.ndarray:
    """Compute everything that is the same for every infant painted on this body.

    Returns:
        (N, 18) uint8, columns as in :data:`SKIN_LAYERS`; signed layers are centred at 128.
    """
    unit = anatomy.stature / 0.65  # noise periods below are for an infant of 65 cm
    q = face_coordinates(s.position, anatomy)
    head = s.weight(15)
    p = s.position
    layers = {
        "open_sky": s.open_sky,
        "redness": _redness(s, q, anatomy),
        "mottle_a": _signed(fbm(p, 0.030 * unit, 11, 4, 0.6), 1.6),
        "mottle_b": _signed(fbm(p, 0.034 * unit, 23, 4, 0.6), 1.6),
        "grain": _signed(fbm(p, 0.0035 * unit, 37, 2, 0.6), 1.3),
        "vein": _veins(s, q, unit),
        "crease": _creases(s, anatomy, unit),
        "palm": _palms(s),
        "lips": _lips(s, q, anatomy),
        "dark": _nostrils(s, q, head),
        "brow": _brows(s, q, head),
        "lash": _lashes(s, anatomy),
        "lid": _lids(s, q, anatomy, head),
        "areola": _areolas(s, anatomy),
        "nail": s.regions.get("nails", np.zeros(len(p), np.float32)),
        "hairline": _hairline_layer(hairline_distance(p, s, anatomy), s),
        "strand": _strands(p, anatomy),
        "shine": _shine(s, q, head),
    }
    columns = np.stack([layers[name] for name in SKIN_LAYERS], axis=1)
    return np.round(np.clip(columns, 0, 1) * 255).astype(np.uint8)


def _signed(noise: np.ndarray, gain: float) -> np.ndarray:
    return 0.5 + 0.5 * np.clip(noise * gain, -1, 1)


def _bump(distance: np.ndarray, radius: float) -> np.ndarray:
    return np.exp(-((distance / radius) ** 2))


def _ramp(x: np.ndarray, low: float, high: float) -> np.ndarray:
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _redness(s: Samples, q: np.ndarray, anatomy: Anatomy) -> np.ndarray:
    """Where blood shows: cheeks, nose, ears, chin, joints, hands and feet."""
    head = s.weight(12, 15)
    front = _ramp(q[:, 2], -1.3, -0.6)
    face = 0.75 * _bump(np.hypot(np.abs(q[:, 0]) - 0.72, q[:, 1] + 0.62), 0.42)
    face = np.maximum(face, 0.75 * _bump(np.hypot(q[:, 0], q[:, 1] + 0.42), 0.20))
    face = np.maximum(face, 0.40 * _bump(np.hypot(q[:, 0], q[:, 1] + 1.30), 0.30))
    face = np.maximum(face, 0.35 * _bump(np.hypot(np.abs(q[:, 0]) - 0.5, q[:, 1] - 0.05), 0.30))
    total = head * front * face
    gap = anatomy.eye_gap
    for ear in anatomy.ears:
        total += 0.55 * head * _bump(np.linalg.norm(s.position - ear, axis=1), 0.42 * gap)
    reach = 0.055 * anatomy.stature
    for joint, strength in ((4, 0.55), (5, 0.55), (18, 0.5), (19, 0.5), (7, 0.3), (8, 0.3)):
        total += strength * _bump(np.linalg.norm(s.position - anatomy.joints[joint], axis=1), reach)
    hands, feet = s.weight(20, 21, 22, 23), s.weight(7, 8, 10, 11)
    tips = _ramp(s.fields[:, 1], 1.15 * anatomy.arm_length, 1.5 * anatomy.arm_length)
    total += hands * (0.35 + 0.35 * tips + 0.2 * _ramp(-s.normal[:, 1], 0.0, 0.6))
    total += feet * (0.35 + 0.35 * _ramp(-s.normal[:, 1], 0.0, 0.8)) + 0.25 * s.weight(10, 11)
    seat = _ramp(-s.normal[:, 2], 0.3, 0.9) * _bump(s.fields[:, 0] + 0.04, 0.06)
    return np.clip(total + 0.25 * seat, 0, 1)


def _veins(s: Samples, q: np.ndarray, unit: float) -> np.ndarray:
    lines = _ramp(ridged(s.position, 0.045 * unit, 71, 2, 0.4), 0.72, 0.98)
    temples = s.weight(15) * _ramp(np.abs(q[:, 0]), 0.8, 1.3) * _ramp(q[:, 1], -0.3, 0.3)
    trunk = s.weight(3, 6, 9) * _ramp(s.normal[:, 2], 0.2, 0.7)
    limbs = 0.4 * s.weight(18, 19, 16, 17)
    return lines * np.clip(temples + 0.7 * trunk + limbs, 0, 1)


def _creases(s: Samples, anatomy: Anatomy, unit: float) -> np.ndarray:
    """Fine dark lines around the limbs where a baby's fat folds."""
    wobble = 0.004 * unit * fbm(s.position, 0.03 * unit, 83, 2)
    arm, leg = s.fields[:, 1] + wobble, s.fields[:, 2] + wobble
    upper = s.weight(16, 17, 18, 19, 20, 21)
    thigh = s.weight(1, 2, 4, 5, 7, 8)
    fine = 0.0015 * unit
    lines = np.zeros(len(arm), np.float32)
    for place, strength in ((1.0, 0.8), (0.72, 0.3), (0.47, 0.5)):
        lines = np.maximum(lines, strength * upper * _bump(arm - place * anatomy.arm_length, fine))
    for place, strength in ((0.98, 0.7), (0.27, 0.35), (0.42, 0.3), (0.56, 0.4), (0.74, 0.2)):
        lines = np.maximum(lines, strength * thigh * _bump(leg - place * anatomy.leg_length, fine))
    # Broken lines, never whole rings.
    return lines * _ramp(fbm(s.position, 0.022 * unit, 89, 2), -0.05, 0.45)


def _palms(s: Samples) -> np.ndarray:
    hands = s.weight(20, 21, 22, 23) * _ramp(-s.normal[:, 1], -0.15, 0.45)
    return np.clip(hands + s.weight(7, 8, 10, 11) * _ramp(-s.normal[:, 1], 0.2, 0.7), 0, 1)


def _lips(s: Samples, q: np.ndarray, anatomy: Anatomy) -> np.ndarray:
    d = q - face_coordinates(anatomy.mouth, anatomy)
    x = np.abs(d[:, 0]) * anatomy.eye_gap / (1.08 * anatomy.mouth_half_width)
    bow = 1 - 0.22 * _bump(x, 0.16)
    upper = 0.125 * np.sqrt(np.clip(1 - x**1.5, 0, 1)) * bow
    lower = 0.155 * np.sqrt(np.clip(1 - x**2.2, 0, 1))
    height = np.where(d[:, 1] > 0, upper, lower)
    rim = _ramp(height - np.abs(d[:, 1]), -0.035, 0.04) * (1 - _ramp(x, 0.85, 1.02))
    return s.weight(15) * rim * (q[:, 2] > -0.7) * (s.eyeball == 0)


def _nostrils(s: Samples, q: np.ndarray, head: np.ndarray) -> np.ndarray:
    """Openings that never see light: nostrils and the inside of the mouth."""
    spots = _bump(np.hypot(np.abs(q[:, 0]) - 0.13, q[:, 1] + 0.52), 0.09) * _ramp(-s.normal[:, 1], 0.2, 0.7)
    inside = np.maximum(s.regions.get("mouth_interior", 0.0), s.regions.get("tongue", 0.0))
    inside = np.maximum(inside, 0.8 * s.regions.get("eye_socket_left", 0.0))
    inside = np.maximum(inside, 0.8 * s.regions.get("eye_socket_right", 0.0))
    return np.clip(head * spots * (q[:, 2] > -0.4) + inside, 0, 1)


def _brows(s: Samples, q: np.ndarray, head: np.ndarray) -> np.ndarray:
    x = np.abs(q[:, 0])
    along = (x - 0.18) / 0.62
    arch = 0.31 + 0.10 * np.sin(np.clip(along, 0, 1) * 2.4)
    width = 0.055 * (1.15 - 0.65 * np.clip(along, 0, 1))
    mask = _bump(q[:, 1] - arch, 1.0 * width) * _ramp(along, -0.06, 0.15) * (1 - _ramp(along, 0.75, 1.05))
    slanted = np.stack([6 * q[:, 0], 2 * q[:, 1], 2 * q[:, 2]], axis=1)
    hairs = 0.72 + 0.55 * fbm(slanted, 0.22, 97, 2)
    return head * mask * np.clip(hairs, 0.2, 1) * (q[:, 2] > -1.0)


def _lashes(s: Samples, anatomy: Anatomy) -> np.ndarray:
    """The dark rim of the lids, stronger above."""
    if not len(anatomy.lid_margin):
        return np.zeros(len(s.position), np.float32)
    distance = cKDTree(anatomy.lid_margin).query(s.position, distance_upper_bound=0.2 * anatomy.eye_gap)[0]
    gap = distance / anatomy.eye_gap
    above = _ramp(face_coordinates(s.position, anatomy)[:, 1], -0.02, 0.04)
    return (0.40 + 0.60 * above) * (1 - _ramp(gap, 0.012, 0.030 + 0.014 * above)) * (s.eyeball == 0)


def _lids(s: Samples, q: np.ndarray, anatomy: Anatomy, head: np.ndarray) -> np.ndarray:
    """Soft shadow and colour around the eyes: the socket and the fold above the upper lid."""
    eyes = face_coordinates(anatomy.eyes, anatomy)[:, :2]
    side = (q[:, 0] < 0).astype(int)
    dx, dy = q[:, 0] - eyes[side, 0], q[:, 1] - eyes[side, 1]
    socket = 0.5 * _bump(np.hypot(dx / 1.25, (dy - 0.02) / 0.8), 0.36)
    fold = _bump(dy - (0.175 - 0.28 * dx**2), 0.022) * _bump(dx, 0.36)
    below = 0.5 * _bump(dy + (0.20 - 0.3 * dx**2), 0.03) * _bump(dx, 0.30)
    return head * np.clip(socket + fold + below, 0, 1) * (q[:, 2] > -0.9)


def _areolas(s: Samples, anatomy: Anatomy) -> np.ndarray:
    if "areolae" in s.regions:
        return _ramp(s.regions["areolae"], 0.1, 0.9)
    j = anatomy.joints
    x, y = 0.62 * anatomy.shoulder_half_width, (j[9, 1] + j[16, 1]) / 2
    distance = np.hypot(np.abs(s.position[:, 0]) - x, s.position[:, 1] - y)
    return _ramp(-distance, -0.009 * anatomy.stature, -0.006 * anatomy.stature) * _ramp(
        s.normal[:, 2], 0.2, 0.5
    )


def hairline_distance(points: np.ndarray, s: Samples, anatomy: Anatomy) -> np.ndarray:
    """Return how far inside the hair a point of the head lies, metres; negative outside, ears excluded."""
    d = points - (anatomy.head_center + np.array([0.0, 0.05, 0.0]) * anatomy.head_radius)
    d = d / np.maximum(np.linalg.norm(d, axis=1, keepdims=True), 1e-9)
    azimuth = np.degrees(np.arctan2(np.abs(d[:, 0]), d[:, 2]))
    elevation = np.arcsin(np.clip(d[:, 1], -1, 1))
    border = np.radians(
        np.interp(azimuth, [0, 30, 55, 75, 95, 120, 150, 180], [47, 45, 36, 14, 6, -18, -33, -36])
    )
    inside = (elevation - border) * anatomy.head_radius
    ear = np.min([np.linalg.norm(points - e, axis=1) for e in anatomy.ears], axis=0)
    inside = np.minimum(inside, (ear - 0.50 * anatomy.eye_gap))
    return np.where(s.eyeball == 0, inside, -1.0)


def _hairline_layer(inside: np.ndarray, s: Samples) -> np.ndarray:
    """Encode the distance; exactly 0 where neither hair, brows nor lashes ever grow."""
    return np.where(s.weight(15) < 0.3, 0.0, np.clip(inside / 0.08 + 0.5, 0.004, 1))


def _strands(points: np.ndarray, anatomy: Anatomy) -> np.ndarray:
    """Noise stretched along the hair's flow, which swirls out of the crown."""
    d = (points - anatomy.head_center) / anatomy.head_radius
    crown = np.array([0.12, 0.86, -0.50])
    crown /= np.linalg.norm(crown)
    across = np.cross(crown, [1.0, 0.0, 0.0])
    across /= np.linalg.norm(across)
    other = np.cross(crown, across)
    unit = d / np.maximum(np.linalg.norm(d, axis=1, keepdims=True), 1e-9)
    polar = np.arccos(np.clip(unit @ crown, -1, 1))
    swirl = np.arctan2(unit @ other, unit @ across) + 1.6 * np.exp(-1.5 * polar) + 0.25 * np.sin(3 * polar)
    radius = 7.0 * np.sin(np.clip(polar, 0.08, np.pi / 2 + 0.6))
    flow = np.stack([radius * np.cos(swirl), radius * np.sin(swirl), 1.3 * polar], axis=1)
    return _signed(0.6 * fbm(flow, 0.55, 131, 3, 0.6) + 0.55 * fbm(flow, 0.22, 137, 2, 0.6), 1.7)


def hair_layers(s: Samples, anatomy: Anatomy) -> np.ndarray:
    """Return (V, 2): how far inside the hair each vertex lies, metres, and the height of its tufts."""
    tufts = 1.0 + 0.45 * fbm(s.position, 0.022, 151, 2)
    return np.stack([hairline_distance(s.position, s, anatomy) - (s.weight(15) < 0.3), tufts], axis=1)


def hair_offset(layers: np.ndarray, p: SkinParams, volume: float) -> np.ndarray:
    """Return (V,) metres by which hair of ``volume`` metres raises the scalp, in tufts, thinning at the hairline."""
    ramp = np.clip((layers[:, 0] + p.hair_line) / 0.018, 0, 1)
    return volume * ramp * ramp * (3 - 2 * ramp) * layers[:, 1]


def _shine(s: Samples, q: np.ndarray, head: np.ndarray) -> np.ndarray:
    nose = _bump(np.hypot(q[:, 0], q[:, 1] + 0.3), 0.22) * (q[:, 2] > -0.4)
    forehead = 0.5 * _bump(np.hypot(q[:, 0], q[:, 1] - 0.9), 0.7) * (q[:, 2] > -1.2)
    return np.clip(0.4 + head * (nose + forehead), 0, 1)


@njit(cache=True, nogil=True, error_model="numpy")
def paint_skin(layers, flat, hidden, tones, p, cut, transmission, texture, gloss):
    """Paint skin, brows and scalp hair into the texture.

    Args:
        layers: (N, 18) uint8 of :func:`skin_layers`.
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
    blotch, patchy, vein_0 = _F(0.85 * p.mottle), _F(0.50 * p.mottle), _F(p.vein)
    warm_red, warm_blue = _F(1.0 + 0.012 * p.warmth), _F(1.0 - 0.060 * p.warmth)
    hair_cover, hair_line, sparse = _F(p.hair_cover), _F(p.hair_line), _F(0.9 - 0.75 * p.hair_cover)
    hair_red, hair_green, hair_blue = _F(255 * p.hair_red), _F(255 * p.hair_green), _F(255 * p.hair_blue)
    strand_0, brow_0, lash_0, shine_0 = _F(0.55 * p.strand), _F(p.brow), _F(p.lash), _F(p.shine)
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
            strand = (layers[i, 16] * b - half) * two
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
