"""Cloth as a surface: where threads run, and where it folds."""

from dataclasses import dataclass

import numpy as np

from syrip_gen.sampling.appearance.anatomy import Anatomy
from syrip_gen.sampling.appearance.noise import fbm
from syrip_gen.sampling.appearance.surface import Samples

__all__ = ["CLOTH_LAYERS", "ClothCoordinates", "cloth_coordinates", "cloth_layers", "folds"]

CLOTH_LAYERS = ("fold", "slope", "lint", "hem", "seam", "sky")
"""Columns of :func:`cloth_layers`: fold height, its slope towards the light, lint, hem wobble, panel seams,
sky."""


@dataclass(frozen=True, slots=True, eq=False)
class ClothCoordinates:
    """Where each texel lies on the flat fabric that its panel was cut from, metres."""

    across: np.ndarray
    """(N,) float32 around the body or limb."""
    along: np.ndarray
    """(N,) float32 up the body, or along the limb."""


def cloth_coordinates(s: Samples, anatomy: Anatomy) -> ClothCoordinates:
    """Unroll trunk, sleeves, legs and hat into flat panels, whose edges are seams."""
    j, p = anatomy.joints, s.position
    trunk_radius = 0.95 * anatomy.shoulder_half_width
    arm, leg = s.fields[:, 1], s.fields[:, 2]
    axis_z = (j[3, 2] + j[9, 2]) / 2
    across = trunk_radius * np.arctan2(p[:, 0], p[:, 2] - axis_z)
    along = p[:, 1].astype(np.float64)

    on_arm = arm > 0
    side = np.where(p[:, 0] >= 0, 0, 1)
    elbow = j[[18, 19]][side]
    radius = 0.25 * trunk_radius
    around = np.arctan2(p[:, 2] - elbow[:, 2], p[:, 1] - elbow[:, 1])
    across = np.where(on_arm, 1.8 * radius * around, across)
    along = np.where(on_arm, -arm, along)

    on_leg = _on_leg(s, anatomy)
    knee = j[[4, 5]][side]
    around = np.arctan2((p[:, 0] - knee[:, 0]) * np.where(side == 0, 1, -1), p[:, 2] - knee[:, 2])
    across = np.where(on_leg, 0.55 * trunk_radius * around, across)
    along = np.where(on_leg, -leg, along)

    on_head = s.weight(15) > 0.5
    d = p - anatomy.head_center
    across = np.where(on_head, anatomy.head_radius * np.arctan2(d[:, 0], d[:, 2]), across)
    along = np.where(on_head, d[:, 1], along)
    return ClothCoordinates(across.astype(np.float32), along.astype(np.float32))


def _on_leg(s: Samples, anatomy: Anatomy) -> np.ndarray:
    return (s.fields[:, 2] > 0.14 * anatomy.leg_length) & (s.weight(1, 2, 4, 5, 7, 8, 10, 11) > 0.5)


def folds(points: np.ndarray, s: Samples, anatomy: Anatomy) -> np.ndarray:
    """Return the height of loose cloth's folds, about -1..1: across limbs near joints, slanted on the trunk.

    Args:
        points: (N, 3) positions at which to read the folds: those of ``s`` or near them.
        s: The samples whose weights and fields say which limb a point is on.
        anatomy: Landmarks.
    """
    from scipy.spatial import cKDTree

    unit = np.float32(anatomy.stature / 0.65)
    warp = np.stack([fbm(points, 0.05 * unit, seed, 2) for seed in (301, 307, 311)], axis=1) * 0.016 * unit
    p = (points + warp) / unit
    trunk = p * np.array([18.0, 30.0, 18.0], np.float32)
    trunk[:, 1] += 10.0 * p[:, 0]
    arm = p * np.array([62.0, 22.0, 22.0], np.float32)
    leg = p * np.array([20.0, 58.0, 20.0], np.float32)
    leg[:, 1] += 16.0 * np.abs(p[:, 0])
    bends = anatomy.joints[[1, 2, 4, 5, 7, 8, 16, 17, 18, 19, 20, 21]]
    envelope = 0.55 + 0.75 * np.exp(-((cKDTree(bends).query(points)[0] / (0.075 * unit)) ** 2))
    on_arm = np.clip((s.fields[:, 1] / unit + 0.01) / 0.03, 0, 1)
    on_leg = np.clip((s.fields[:, 2] / unit - 0.01) / 0.04, 0, 1) * s.weight(1, 2, 4, 5, 7, 8, 10, 11)
    shares = ((1 - on_arm) * (1 - on_leg), on_arm, on_leg * (1 - on_arm))
    height = np.zeros(len(points), np.float32)
    for share, flow, seed in zip(shares, (trunk, arm, leg), (313, 317, 331), strict=True):
        rows = np.flatnonzero(share > 0)
        height[rows] += share[rows] * _creased(flow[rows], seed)
    return (height * envelope).astype(np.float32)


def _creased(points: np.ndarray, seed: int) -> np.ndarray:
    """Noise with broad crests and narrow valleys."""
    wave = fbm(points, 1.0, seed, 3, 0.42)
    return 1.0 - 2.0 * np.sqrt(wave * wave * 2.2 + 0.01) + 0.25 * fbm(points, 1.9, seed + 3, 2)


def cloth_layers(s: Samples, anatomy: Anatomy) -> np.ndarray:
    """Compute what every garment on this body shares.

    Returns:
        (N, 6) uint8, columns as in :data:`CLOTH_LAYERS`; all but the last two centred at 128.
    """
    unit = np.float32(anatomy.stature / 0.65)
    towards = np.array([-0.0022, 0.0034, 0.0016], np.float32) * unit
    height = folds(s.position, s, anatomy)
    slope = folds(s.position + towards, s, anatomy) - height
    lint = fbm(s.position, 0.0045 * unit, 341, 3, 0.7)
    hem = fbm(s.position, 0.028 * unit, 347, 3)
    columns = np.stack(
        [
            0.5 + 0.4 * np.clip(height, -1.2, 1.2),
            0.5 + 0.5 * np.clip(-slope * 1.2, -1, 1),
            0.5 + 0.5 * np.clip(lint * 1.5, -1, 1),
            0.5 + 0.5 * np.clip(hem * 1.5, -1, 1),
            _seams(s, anatomy, unit),
            s.open_sky,
        ],
        axis=1,
    )
    return np.round(np.clip(columns, 0, 1) * 255).astype(np.uint8)


def _seams(s: Samples, anatomy: Anatomy, unit: float) -> np.ndarray:
    """Thin lines where panels are sewn together: armholes, sides of the trunk and the inside of the legs."""
    width = 0.0010 * unit
    j, p = anatomy.joints, s.position
    line = np.exp(-((s.fields[:, 1] / width) ** 2)) * (s.weight(16, 17, 13, 14, 9) > 0.5)
    trunk = s.weight(0, 3, 6, 9, 13, 14) > 0.6
    sides = np.abs(p[:, 2] - (j[3, 2] + j[9, 2]) / 2) + 0.02 * (np.abs(s.normal[:, 0]) < 0.5)
    line = np.maximum(line, trunk * np.exp(-((sides / width) ** 2)) * (s.fields[:, 1] < 0))
    legs = s.weight(1, 2, 4, 5, 7, 8) > 0.6
    knee = j[[4, 5]][np.where(p[:, 0] >= 0, 0, 1)]
    inner = np.abs(p[:, 2] - knee[:, 2]) + 0.02 * (np.abs(p[:, 0]) > np.abs(knee[:, 0]))
    return np.maximum(line, legs * np.exp(-((inner / width) ** 2)) * _on_leg(s, anatomy))
