"""What is the same for every infant painted on one body: blood, blotches, creases, lips, brows, lids.

Every layer is a function of the rest position, never of the texture coordinate, so that none shows a UV seam.
"""

import numpy as np

from syrip_gen.sampling.appearance.anatomy import Anatomy, face_coordinates
from syrip_gen.sampling.appearance.hair import hairline_distance, hairline_layer, strands
from syrip_gen.sampling.appearance.noise import fbm, ridged
from syrip_gen.sampling.appearance.surface import Samples

__all__ = ["SKIN_LAYERS", "skin_layers"]

SKIN_LAYERS = (
    "open_sky", "redness", "mottle_a", "mottle_b", "grain", "vein", "crease", "palm", "lips", "dark", "brow",
    "lash",
    "lid", "areola", "nail", "hairline", "strand", "shine",
)  # fmt: skip
"""Names of the columns of :func:`skin_layers`."""


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
        "hairline": hairline_layer(hairline_distance(p, s, anatomy), s),
        "strand": strands(p, anatomy),
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
    from scipy.spatial import cKDTree

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


def _shine(s: Samples, q: np.ndarray, head: np.ndarray) -> np.ndarray:
    nose = _bump(np.hypot(q[:, 0], q[:, 1] + 0.3), 0.22) * (q[:, 2] > -0.4)
    forehead = 0.5 * _bump(np.hypot(q[:, 0], q[:, 1] - 0.9), 0.7) * (q[:, 2] > -1.2)
    return np.clip(0.4 + head * (nose + forehead), 0, 1)
