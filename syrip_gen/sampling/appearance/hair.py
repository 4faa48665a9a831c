"""Where hair grows on the head, how its strands run, and how far it stands off."""

from typing import TYPE_CHECKING

import numpy as np

from syrip_gen.sampling.appearance.anatomy import Anatomy
from syrip_gen.sampling.appearance.noise import fbm
from syrip_gen.sampling.appearance.surface import Samples

if TYPE_CHECKING:
    from syrip_gen.sampling.appearance.skin import SkinParams

__all__ = ["hair_layers", "hair_offset", "hairline_distance", "hairline_layer", "strands"]


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


def hairline_layer(inside: np.ndarray, s: Samples) -> np.ndarray:
    """Encode the distance; exactly 0 where neither hair, brows nor lashes ever grow."""
    return np.where(s.weight(15) < 0.3, 0.0, np.clip(inside / 0.08 + 0.5, 0.004, 1))


def strands(points: np.ndarray, anatomy: Anatomy) -> np.ndarray:
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
    noise = 0.6 * fbm(flow, 0.55, 131, 3, 0.6) + 0.55 * fbm(flow, 0.22, 137, 2, 0.6)
    return 0.5 + 0.5 * np.clip(1.7 * noise, -1, 1)


def hair_layers(s: Samples, anatomy: Anatomy) -> np.ndarray:
    """Return (V, 2): how far inside the hair each vertex lies, metres, and the height of its tufts."""
    tufts = 1.0 + 0.45 * fbm(s.position, 0.022, 151, 2)
    return np.stack([hairline_distance(s.position, s, anatomy) - (s.weight(15) < 0.3), tufts], axis=1)


def hair_offset(layers: np.ndarray, p: "SkinParams", volume: float) -> np.ndarray:
    """Return (V,) metres by which hair raises the scalp: ``volume``, in tufts, less at the hairline."""
    ramp = np.clip((layers[:, 0] + p.hair_line) / 0.018, 0, 1)
    return volume * ramp * ramp * (3 - 2 * ramp) * layers[:, 1]
