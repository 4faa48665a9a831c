"""What a clip's person does on the floor: where the floor is, which parts lie on it and which stay put."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter1d, minimum_filter1d

from syrip_gen.motion.contacts_surface import PARTS

__all__ = ["Ground", "floor_score", "leg_length", "read_ground"]

ADULT_LEG = 0.83
"""Thigh and shin of the adult for whom the lengths below are meant, metres; others are scaled."""
LANDMARKS: dict[str, tuple[str, float]] = {
    "left_foot": ("left_ankle", 0.08), "right_foot": ("right_ankle", 0.08),
    "left_knee": ("left_knee", 0.055), "right_knee": ("right_knee", 0.055),
    "left_hand": ("left_wrist", 0.045), "right_hand": ("right_wrist", 0.045),
    "left_elbow": ("left_elbow", 0.045), "right_elbow": ("right_elbow", 0.045),
    "pelvis": ("hip_mid", 0.11), "chest": ("shoulder_mid", 0.11),
}  # fmt: skip
"""Part of the infant: the point of the source that tells of it, and its usual height on the floor, metres."""
BELOW_ALL = ("left_shoulder", "right_shoulder", "left_hip", "right_hip", "head_top", "nose")
BELOW_HEIGHT = {"left_shoulder": 0.08, "right_shoulder": 0.08, "head_top": 0.03, "nose": 0.03}
HEIGHT_BAND = 0.045
"""Height above the part's usual one up to which it lies on the floor, metres."""
STILL = 0.35
"""Horizontal speed below which a part on the floor stays put, metres a second."""
STILL_TRUNK = 0.06
"""The same of the trunk, whose points turn when it rolls."""
PINNED = ("foot", "knee", "hand", "elbow", "pelvis")
FLOOR_BAND = 0.04
"""Standard deviation of the height of what lies on the floor, metres."""
ENVELOPE_SECONDS = 0.75
"""Half the time within which something touches the floor."""
UPRIGHT = 0.7
"""Cosine of the trunk's angle to the vertical."""
FLIGHT_UPRIGHT, FLIGHT_LYING = 0.06, 0.2
"""Height (metres) of the lowest point from which a person is in the air."""
GAP_SECONDS = 0.07
"""Gaps and flickers of contact shorter than this are mended."""
SMOOTH_SECONDS = 0.03
"""Width of the window over which places are averaged against the noise of estimated points."""
SUPPORT_BAND = 0.01
"""Height (metres) above the lowest point at which a point's say in moving a root-relative clip falls off."""


class Ground(NamedTuple):
    """A clip on its floor, in the source's size; P parts in the order of PARTS."""

    touch: np.ndarray
    """(T, P) bool, part lies on the floor."""
    still: np.ndarray
    """(T - 1, P) bool, part lies on it and stays where it is from one frame to the next."""
    clearance: np.ndarray
    """(T,) height of the lowest point above the floor, metres; 0 while anything touches it."""
    path: np.ndarray
    """(T, 3) the middle of the hips; floor at z = 0, first frame at x = y = 0."""


def leg_length(points: dict[str, np.ndarray]) -> float:
    """Return the length of thigh and shin (metres), the median over frames and sides; NaN where unknown."""
    sides = []
    for side in ("left", "right"):
        chain = [points.get(f"{side}_{name}") for name in ("hip", "knee", "ankle")]
        if all(p is not None for p in chain):
            thigh, shin = (np.linalg.norm(b - a, axis=-1) for a, b in pairwise(chain))
            sides.append(np.nanmedian(thigh) + np.nanmedian(shin))
    return float(np.nanmean(sides)) if sides else float("nan")


def _landmarks(points: dict[str, np.ndarray], size: float) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return names, places (T, L, 3) and usual heights (L,) in metres of what may lie on a floor."""
    resting = {point: height for point, height in LANDMARKS.values()} | {
        name: BELOW_HEIGHT.get(name, 0.11) for name in BELOW_ALL
    }
    names = [name for name in resting if name in points and np.isfinite(points[name]).all()]
    place = np.stack([points[name] for name in names], axis=1)
    return names, place, size * np.array([resting[name] for name in names])


def floor_score(points: dict[str, np.ndarray], leg: float, is_absolute: bool, down: np.ndarray) -> float:
    """Return how many points of a body lie on one floor, on average over the frames, if gravity were so.

    Args:
        points: (T, 3) metres by name, any axes.
        leg: Length of the leg, metres.
        is_absolute: Whether the floor is one plane for all frames, or each frame has its own.
        down: (3,) unit direction of gravity in these axes.
    """
    size = leg / ADULT_LEG
    _, place, radius = _landmarks(points, size)
    height = -(place @ down) - radius
    lowest = height.min(axis=1)
    floor = np.percentile(lowest, 10.0) if is_absolute else lowest[:, None]
    return float(np.exp(-0.5 * ((height - floor) / (FLOOR_BAND * size)) ** 2).sum(axis=1).mean())


def read_ground(points: dict[str, np.ndarray], fps: float, leg: float, is_absolute: bool) -> Ground:
    """Find floor, contacts and path of a clip.

    Args:
        points: (T, 3) metres by name, ``hip_mid`` and ``shoulder_mid`` too; z up.
        fps: Frames a second.
        leg: Length of its leg, metres.
        is_absolute: Whether the points move through the world; otherwise the root's path follows from the
            points that carry the body.
    """
    size = leg / ADULT_LEG
    names, place, radius = _landmarks(points, size)
    place = gaussian_filter1d(place, SMOOTH_SECONDS * fps, axis=0)
    hips = points["hip_mid"].copy()
    if not is_absolute:
        shift = _support_path(place, radius, size)
        place, hips = place + shift[:, None], hips + shift
    lowest = (place[..., 2] - radius).min(axis=1)
    floor = _envelope(lowest, fps)
    place[..., 2] -= floor[:, None]
    hips[:, 2] -= floor
    clearance = _flight(lowest - floor, points, size)
    touch = np.zeros((len(hips), len(PARTS)), dtype=bool)
    still = np.zeros((len(hips) - 1, len(PARTS)), dtype=bool)
    for p, part in enumerate(PARTS):
        name, height = LANDMARKS.get(part, ("", 0.0))
        if name not in names:
            continue
        track = place[:, names.index(name)]
        usual = np.clip(np.percentile(track[:, 2], 3.0), 0.3 * height * size, 1.5 * height * size)
        touch[:, p] = _mend(track[:, 2] < usual + HEIGHT_BAND * size, fps)
        speed = np.linalg.norm(np.diff(track[:, :2], axis=0), axis=1)
        limit = STILL if part != "pelvis" else STILL_TRUNK
        if part.split("_")[-1] in PINNED:
            still[:, p] = touch[1:, p] & touch[:-1, p] & _mend(speed * fps < limit * size, fps)
    hips[:, :2] -= hips[0, :2]
    return Ground(touch, still, clearance, hips)


def _flight(height: np.ndarray, points: dict[str, np.ndarray], size: float) -> np.ndarray:
    """Return the (T,) height of jumps (metres); whoever is lower than a jump stays on the floor.

    An upright trunk leaves the floor more easily than one that lies: there, points that are not tracked
    (belly, heels) carry the body.
    """
    trunk = points["shoulder_mid"] - points["hip_mid"]
    upright = trunk[:, 2] / np.maximum(np.linalg.norm(trunk, axis=1), 1e-9) > UPRIGHT
    least = size * np.where(upright, FLIGHT_UPRIGHT, FLIGHT_LYING)
    out = np.where(height > 0.5 * HEIGHT_BAND * size, height - 0.5 * HEIGHT_BAND * size, 0.0)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (out > 0).astype(int), [0]])))
    for start, end in edges.reshape(-1, 2):
        if (height[start:end] < least[start:end]).all():
            out[start:end] = 0.0
    return out


def _support_path(place: np.ndarray, radius: np.ndarray, size: float) -> np.ndarray:
    """Return the (T, 3) shift that puts the lowest point on the floor and keeps what carries it still."""
    height = place[..., 2] - radius
    shift = np.zeros((len(place), 3))
    shift[:, 2] = -height.min(axis=1)
    above = np.maximum(height[1:], height[:-1]) + np.maximum(shift[1:, 2], shift[:-1, 2])[:, None]
    weight = np.exp(-np.maximum(above, 0.0) / (SUPPORT_BAND * size))
    steps = np.diff(place[..., :2], axis=0)
    shift[1:, :2] = -np.cumsum((weight[..., None] * steps).sum(1) / weight.sum(1, keepdims=True), axis=0)
    return shift


def _envelope(lowest: np.ndarray, fps: float) -> np.ndarray:
    """Return the (T,) height of the floor: the lowest point of late, smoothed; drifts are followed."""
    reach = max(round(ENVELOPE_SECONDS * fps), 1)
    return gaussian_filter1d(minimum_filter1d(lowest, 2 * reach + 1), 0.5 * reach, mode="nearest")


def _mend(flags: np.ndarray, fps: float) -> np.ndarray:
    """Return (T,) flags without gaps and flickers shorter than :data:`GAP_SECONDS`."""
    flags = flags.copy()
    shortest = max(round(GAP_SECONDS * fps), 1)
    for value in (True, False):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], (flags != value).astype(int), [0]])))
        for start, end in edges.reshape(-1, 2):
            if end - start < shortest and start > 0 and end < len(flags):
                flags[start:end] = value
    return flags
