"""Gravity: which way is down for a posed infant, so that it rests on its support instead of floating.

The direction is the one that brings the centre of mass lowest over a facet of the body's convex hull (a pose
in stable balance) among the facets within a few dozen degrees of what the posture suggests.
"""

from dataclasses import dataclass

import numpy as np

from syrip_gen.sampling.coarse_body import CoarsePose
from syrip_gen.sampling.hull import convex_hull

__all__ = [
    "POSTURES",
    "down_hint",
    "estimate_posture",
    "refine_posture",
    "rest_direction",
    "rotation_to_down",
    "trunk_frame",
]

POSTURES = ("Supine", "Prone", "Side", "Sitting", "Standing", "Crawling")

MAX_TILT_DEG = {
    "Supine": 35.0,
    "Prone": 40.0,
    "Side": 30.0,
    "Sitting": 45.0,
    "Standing": 15.0,
    "Crawling": 35.0,
}
"""How far from the posture's own direction the resting direction may lie. Standing infants are held or hold
on: they need no stable balance and hardly turn."""

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
    return TrunkFrame(up, _cross(left, up), left, pose.joint_rotations[0][:, 1])


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


def rest_direction(
    pose: CoarsePose, hint: np.ndarray, max_tilt_deg: float, in_photo_frame: bool = False
) -> np.ndarray:
    """Return the (3,) unit down direction in which the body rests.

    Every facet of the convex hull whose outward normal lies within ``max_tilt_deg`` of ``hint`` is a
    candidate. The one with the lowest centre of mass is taken, after charges for what is unlikely: a centre
    of mass beside the facet (0.3 m a metre; infants hold themselves or are held, so it is not forbidden), a
    head lower than the pelvis (1.5 mm a percent of slope: infants raise heads, not hips), turning away from
    the hint (0.5 mm a degree) and, for a body in the frame of the photo that it was fitted to, a camera below
    the horizon (1.5 mm a degree) or a camera that is tilted sideways by more than 25 degrees without looking
    down (0.4 mm a degree). Without a candidate the hint itself is returned.

    Args:
        pose: Posed body.
        hint: (3,) direction that the posture suggests, same frame.
        max_tilt_deg: How far from it to look.
        in_photo_frame: Whether that frame is a photo's camera frame (OpenCV axes).
    """
    normals, offsets, corners = convex_hull(pose.vertices)
    cosine = normals @ hint
    near = cosine >= np.cos(np.deg2rad(max_tilt_deg))
    if not near.any():
        return hint
    candidates = normals[near]
    cost = -(candidates @ pose.centre_of_mass + offsets[near])
    cost += 0.3 * overhang(pose.vertices[corners[near]], candidates, pose.centre_of_mass)
    cost += 0.0005 * np.rad2deg(np.arccos(np.clip(cosine[near], -1.0, 1.0)))
    cost += 0.15 * np.maximum(candidates @ trunk_frame(pose).up - 0.05, 0.0)
    if in_photo_frame:
        cost += view_cost(candidates)
    return candidates[np.argmin(cost)]


def overhang(triangles: np.ndarray, normals: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Return (n,) metres by which a point, seen along each normal, lies outside its triangle; 0 inside.

    Args:
        triangles: (n, 3, 3) corners in any order.
        normals: (n, 3) unit normals.
        point: (3,).
    """
    edges = np.roll(triangles, -1, axis=1) - triangles
    outward = _cross(edges, normals[:, None])
    outward /= np.maximum(np.sqrt((outward * outward).sum(axis=2, keepdims=True)), 1e-12)
    middle = triangles.mean(axis=1, keepdims=True)
    outward *= np.sign(np.einsum("nec,nec->ne", outward, triangles - middle))[..., None]
    return np.maximum(np.einsum("nec,nec->ne", outward, point - triangles).max(axis=1), 0.0)


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the cross product along the last axis; np.cross takes several times as long."""
    ax, ay, az, bx, by, bz = (v[..., k] for v in (a, b) for k in range(3))
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1)


def view_cost(down: np.ndarray) -> np.ndarray:
    """Return (n,) metres charged for gravity directions (n, 3) that a photographer would hardly choose.

    With gravity g in the camera frame the camera's elevation is asin(g_z) and its roll the angle between the
    image's down (+y) and the part of g in the image plane.
    """
    elevation = np.rad2deg(np.arcsin(np.clip(down[:, 2], -1.0, 1.0)))
    roll = np.rad2deg(np.abs(np.arctan2(down[:, 0], down[:, 1])))
    level = np.clip((70.0 - elevation) / 40.0, 0.0, 1.0)
    return 0.0015 * np.maximum(2.0 - elevation, 0.0) + 0.0004 * level * np.maximum(roll - 25.0, 0.0)


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

    Photos of infants look horizontally to straight down, so gravity lies between the image's down (+y) and
    the view direction (+z). A trunk that is upright in the picture and seen from the side sits or stands,
    told apart by the hips' flexion. One that is seen from the front may as well lie on its back under a
    camera that looks down; lying is what most unlabelled infants do, and lying with bent legs is plausible
    while standing with bent legs is not, so it counts as supine.
    """
    frame, j = trunk_frame(pose), pose.joints
    shins = [_unit(j[7] - j[4]), _unit(j[8] - j[5])]
    thighs = [_unit(j[4] - j[1]), _unit(j[5] - j[2])]
    legs_straight = np.mean([t @ s for t, s in zip(thighs, shins, strict=True)])
    facing = -frame.front[2]
    is_extended = hip_flexion_deg(pose) < 55.0 and legs_straight > 0.3
    if frame.up[1] < -0.70 and facing < 0.6 and not (facing < -0.6 and is_extended):
        return "Standing" if is_extended else "Sitting"
    gravity = _unit(np.array([0.0, 0.5, 0.85]))
    scores = {
        "Supine": -frame.front @ gravity,
        "Prone": frame.front @ gravity,
        "Side": abs(frame.left @ gravity) - 0.2,
    }
    best = max(scores, key=scores.__getitem__)
    return "Crawling" if best == "Prone" and is_on_all_fours(pose) else best


def refine_posture(label: str, pose: CoarsePose) -> str:
    """Return the posture that decides how the body is laid down, from the input's label and the fit.

    Labels are a person's words for a photo: ``Prone`` includes crawling, and ``Sitting`` includes infants who
    recline in a seat or kneel on somebody's lap. A trunk that cannot be upright in the photo (body in its
    camera frame) or hips that are hardly bent do not sit on a floor; they are laid down as the geometry says.
    """
    name = label.strip().capitalize()
    if name not in POSTURES:
        return estimate_posture(pose)
    if name == "Prone" and is_on_all_fours(pose):
        return "Crawling"
    if name == "Sitting" and (hip_flexion_deg(pose) < 40.0 or not can_be_upright(pose)):
        guess = estimate_posture(pose)
        return guess if guess != "Sitting" else "Standing"
    return name


def hip_flexion_deg(pose: CoarsePose) -> float:
    """Return the mean angle between the thighs and the trunk's continuation, degrees; 0 = straight."""
    up, j = trunk_frame(pose).up, pose.joints
    return float(
        np.mean(
            [np.rad2deg(np.arccos(np.clip(_unit(j[k] - j[h]) @ -up, -1, 1))) for h, k in ((1, 4), (2, 5))]
        )
    )


def can_be_upright(pose: CoarsePose) -> bool:
    """Return whether gravity along the trunk fits a photo, give or take the lean of a sitting infant.

    The camera may look from 10 degrees below the horizon to straight down, its roll may reach 50 degrees.
    """
    down = -trunk_frame(pose).up
    elevation = np.rad2deg(np.arcsin(np.clip(down[2], -1, 1)))
    return bool(elevation > -35.0 and down[1] > -0.35)


def is_on_all_fours(pose: CoarsePose) -> bool:
    """Return whether both thighs point out of the belly, so that knees and hands carry the trunk."""
    frame = trunk_frame(pose)
    j = pose.joints
    return min(_unit(j[4] - j[1]) @ frame.front, _unit(j[5] - j[2]) @ frame.front) > 0.5


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)
