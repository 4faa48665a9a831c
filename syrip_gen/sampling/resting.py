"""Gravity: which way is down for a posed infant, so that it rests on its support instead of floating.

The direction is the one that brings the centre of mass lowest over a facet of the body's convex hull (a pose in
stable balance) among the facets within a few dozen degrees of what the posture suggests.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from syrip_gen.sampling.coarse_body import CoarsePose

__all__ = ["POSTURES", "down_hint", "estimate_posture", "rest_direction", "rotation_to_down", "trunk_frame"]

POSTURES = ("Supine", "Prone", "Side", "Sitting", "Standing", "Crawling")

MAX_TILT_DEG = {
    "Supine": 35.0,
    "Prone": 40.0,
    "Side": 30.0,
    "Sitting": 35.0,
    "Standing": 10.0,
    "Crawling": 35.0,
}
"""How far from the posture's own direction the resting direction may lie. Standing infants are held or hold on, so
they need no stable balance and hardly turn."""

PELVIS, NECK, HEAD = 0, 12, 15


@dataclass(frozen=True, slots=True, eq=False)
class TrunkFrame:
    """Unit axes of the trunk in the frame of the posed body."""

    up: np.ndarray
    front: np.ndarray
    left: np.ndarray
    pelvis_up: np.ndarray


def trunk_frame(pose: CoarsePose) -> TrunkFrame:
    """Return the trunk's axes: pelvis to neck, chest's front, body's left."""
    j = pose.joints
    up = _unit(j[NECK] - j[PELVIS])
    left = (j[16] - j[17]) + (j[1] - j[2])
    left = _unit(left - up * (left @ up))
    return TrunkFrame(up, np.cross(left, up), left, pose.joint_rotations[0][:, 1])


def down_hint(pose: CoarsePose, posture: str) -> np.ndarray:
    """Return the (3,) unit direction that gravity has in this posture, in the frame of the posed body."""
    frame = trunk_frame(pose)
    j = pose.joints
    if posture == "Supine":
        return -frame.front
    if posture in ("Prone", "Crawling"):
        return frame.front
    if posture == "Side":
        lower = np.sign(frame.left @ (j[18] + j[19] + j[4] + j[5] - 4 * j[PELVIS])) or 1.0
        return _unit(lower * frame.left)
    if posture == "Sitting":
        return -_unit(frame.pelvis_up + frame.up)
    if posture == "Standing":
        feet = _unit((j[7] + j[8]) / 2 - j[PELVIS])
        return _unit(feet - 0.7 * frame.up)
    raise ValueError(f"unknown posture {posture!r}; expected one of {', '.join(POSTURES)}")


def rest_direction(pose: CoarsePose, hint: np.ndarray, max_tilt_deg: float) -> np.ndarray:
    """Return the (3,) unit down direction in which the body rests.

    Among the hull's facets whose outward normal lies within ``max_tilt_deg`` of ``hint`` the one over which the
    centre of mass is lowest is taken; the height is charged 1 mm per 2 degrees of turn, so that a flat optimum
    stays near the hint. Without such a facet the hint itself is returned.
    """
    try:
        hull = ConvexHull(pose.vertices)
    except QhullError:
        return hint
    normals, offsets = hull.equations[:, :3], hull.equations[:, 3]
    cosine = normals @ hint
    near = cosine >= np.cos(np.deg2rad(max_tilt_deg))
    if not near.any():
        return hint
    height = -(normals[near] @ pose.centre_of_mass + offsets[near])
    turn_deg = np.rad2deg(np.arccos(np.clip(cosine[near], -1.0, 1.0)))
    return normals[near][np.argmin(height + turn_deg * 0.0005)]


def rotation_to_down(direction: np.ndarray) -> np.ndarray:
    """Return the smallest (3, 3) rotation that turns ``direction`` into (0, 0, -1)."""
    down = np.array([0.0, 0.0, -1.0])
    axis = np.cross(direction, down)
    sine, cosine = np.linalg.norm(axis), float(direction @ down)
    if sine < 1e-9:
        return np.eye(3) if cosine > 0 else np.diag([1.0, -1.0, -1.0])
    x, y, z = axis / sine
    skew = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + sine * skew + (1.0 - cosine) * (skew @ skew)


def estimate_posture(pose: CoarsePose) -> str:
    """Guess the posture from a body posed in the camera frame of an upright photo (OpenCV axes).

    Photos of infants look horizontally to straight down, so gravity lies between the image's down (+y) and the
    view direction (+z). An upright trunk is sitting or standing, told apart by the hips' flexion; otherwise the
    side of the trunk that faces away from the camera and towards the image's bottom lies on the support.
    """
    frame = trunk_frame(pose)
    j = pose.joints
    thighs = [_unit(j[4] - j[1]), _unit(j[5] - j[2])]
    shins = [_unit(j[7] - j[4]), _unit(j[8] - j[5])]
    hip_flexion = np.mean([np.arccos(np.clip(t @ -frame.up, -1, 1)) for t in thighs])
    legs_straight = np.mean([t @ s for t, s in zip(thighs, shins, strict=True)])
    trunk_down = -frame.up
    if trunk_down[1] > 0.70:
        return "Standing" if hip_flexion < np.deg2rad(55) and legs_straight > 0.3 else "Sitting"
    gravity = _unit(np.array([0.0, 0.5, 0.85]))
    scores = {
        "Supine": -frame.front @ gravity,
        "Prone": frame.front @ gravity,
        "Side": abs(frame.left @ gravity),
    }
    best = max(scores, key=lambda name: scores[name] - (0.2 if name == "Side" else 0.0))
    if best == "Prone" and is_on_all_fours(pose):
        return "Crawling"
    return best


def is_on_all_fours(pose: CoarsePose) -> bool:
    """Return whether both thighs point forward (out of the belly): the trunk is carried by knees and hands."""
    frame = trunk_frame(pose)
    j = pose.joints
    return min(_unit(j[4] - j[1]) @ frame.front, _unit(j[5] - j[2]) @ frame.front) > 0.5


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)
