"""Reject implausible fits with a reason: what the SyRIP authors did by eye."""

from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from syrip_gen.fitting.energy import unpack
from syrip_gen.fitting.objective import Mixture, mixture_energies
from syrip_gen.fitting.proxies import Spheres, penetration, posed_centers

__all__ = ["DEFAULT_LIMITS", "Limits", "joint_angles", "reason_for", "reason_for_pose"]

FACE = slice(0, 5)
"""COCO keypoints of the face. Annotators guess at hidden ears, so these may be farther off than limbs."""


FOLDS = ("left_knee", "right_knee", "left_elbow", "right_elbow")


class Limits(NamedTuple):
    """Bounds of an acceptable fit."""

    reprojection: float = 0.03
    """Mean distance of the labelled keypoints, in box diagonals."""
    limb_keypoint: float = 0.10
    """Largest distance of a labelled shoulder, elbow, wrist, hip, knee or ankle, in box diagonals."""
    face_keypoint: float = 0.22
    """Largest distance of a labelled keypoint of the face, in box diagonals."""
    beta: float = 4.0
    """Largest shape coefficient, standard deviations."""
    penetration: float = 0.03
    """Overlap of two body parts beyond what flesh allows, metres."""
    mahalanobis: float = 11.0
    """Distance to the nearest Gaussian of the prior; typical draws of 69 angles have 8.3."""
    upside_down: float = 10.0
    """By how much (log-likelihood) the pose may speak for postures that such a camera does not see."""


DEFAULT_LIMITS = Limits()

ANGLE_LIMITS_DEG: dict[str, tuple[float, float, str]] = {
    "left_knee": (-22.0, 165.0, "knee or elbow bent backwards"),
    "right_knee": (-22.0, 165.0, "knee or elbow bent backwards"),
    "left_elbow": (-22.0, 165.0, "knee or elbow bent backwards"),
    "right_elbow": (-22.0, 165.0, "knee or elbow bent backwards"),
    "left_knee_side": (-40.0, 40.0, "joint out of range"),
    "right_knee_side": (-40.0, 40.0, "joint out of range"),
    "left_elbow_side": (-50.0, 50.0, "joint out of range"),
    "right_elbow_side": (-50.0, 50.0, "joint out of range"),
    "left_hip_back": (-180.0, 50.0, "joint out of range"),
    "right_hip_back": (-180.0, 50.0, "joint out of range"),
    "neck_twist": (-115.0, 115.0, "neck twisted"),
    "neck_tilt": (0.0, 95.0, "neck twisted"),
    "spine_twist": (-75.0, 75.0, "joint out of range"),
    "spine_tilt": (0.0, 115.0, "joint out of range"),
}
"""Bounds of :func:`joint_angles`: an infant's range of motion (see :mod:`~syrip_gen.fitting.postures`) plus
some 20 degrees for what keypoints cannot tell, and the reason for rejection beyond them."""


def joint_angles(body_pose: np.ndarray) -> dict[str, float]:
    """Return anatomical angles (degrees) of one body pose (69,): flexions, sideways bends, twists."""
    turn = Rotation.from_rotvec(body_pose.reshape(23, 3)).as_matrix()
    joint = {j: turn[j - 1] for j in range(1, 24)}
    out = {}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        knee, elbow, hip = ((4, 18, 1), (5, 19, 2))[sign < 0]
        shin = -joint[knee][:, 1]
        out[f"{side}_knee"] = np.degrees(np.arctan2(-shin[2], -shin[1]))
        out[f"{side}_knee_side"] = np.degrees(np.arcsin(np.clip(shin[0], -1, 1)))
        forearm = sign * joint[elbow][:, 0]
        out[f"{side}_elbow"] = np.degrees(np.arctan2(forearm[2], sign * forearm[0]))
        out[f"{side}_elbow_side"] = np.degrees(np.arcsin(np.clip(forearm[1], -1, 1)))
        thigh = -joint[hip][:, 1]
        out[f"{side}_hip_back"] = np.degrees(np.arcsin(np.clip(-thigh[2], -1, 1)))
    for name, whole in (("neck", joint[12] @ joint[15]), ("spine", joint[3] @ joint[6] @ joint[9])):
        out[f"{name}_tilt"] = np.degrees(np.arccos(np.clip(whole[1, 1], -1, 1)))
        # The twist that is left when the tilt is undone by the shortest rotation.
        axis = np.cross(whole[:, 1], [0.0, 1.0, 0.0])
        length = np.linalg.norm(axis)
        undo = Rotation.from_rotvec(axis / max(length, 1e-12) * np.radians(out[f"{name}_tilt"])).as_matrix()
        left = undo @ whole
        out[f"{name}_twist"] = np.degrees(np.arctan2(left[0, 2], left[2, 2]))
    for name in FOLDS:
        if out[name] < -90.0:  # folded beyond 180 degrees, not bent backwards
            out[name] += 360.0
    return {name: float(value) for name, value in out.items()}


def reason_for_pose(body_pose: np.ndarray) -> str:
    """Return why a body pose (69,) is out of an infant's range, '' if it is not."""
    angles = joint_angles(body_pose)
    for name, (low, high, reason) in ANGLE_LIMITS_DEG.items():
        if angles[name] < low:
            return reason
        if angles[name] > high:
            return "joint out of range" if name in FOLDS else reason
    return ""


def _is_upside_down(mixture: Mixture, energies: np.ndarray, root: np.ndarray, limit: float) -> bool:
    """Tell whether the camera would have to be below the support or on its head.

    Which way is down is what the posture says, and a pose alone does not always tell the posture: an infant
    on its back with stretched legs is nearest to those that stand. So a fit is upside down only when the pose
    speaks against every posture that the camera could have seen.
    """
    down = mixture.gravity @ root.T
    suits = (down[:, 2] >= -0.6) & (down[:, 1] >= -0.85)
    return bool(np.min(energies, where=suits, initial=np.inf) > energies.min() + limit)


def reason_for(
    errors: np.ndarray,
    x: np.ndarray,
    joints: np.ndarray,
    rotations: np.ndarray,
    spheres: Spheres,
    mixture: Mixture,
    limits: Limits,
) -> str:
    """Return why a fit is rejected, '' if it is not.

    Args:
        errors: (17,) distances of the keypoints, box diagonals; NaN where not labelled.
        x: The body (:mod:`~syrip_gen.fitting.energy`).
        joints: (24, 3) posed joints, metres.
        rotations: (24, 3, 3) world rotations.
        spheres: Proxies of the body.
        mixture: The pose prior.
        limits: Bounds.
    """
    betas, root, pose, _, _ = unpack(x)
    if not (np.isfinite(x).all() and np.isfinite(joints).all() and np.isfinite(errors).any()):
        return "not finite"
    if np.nanmean(errors) > limits.reprojection:
        return "poor reprojection"
    known = np.nan_to_num(errors)
    if known[FACE].max() > limits.face_keypoint or known[FACE.stop :].max() > limits.limb_keypoint:
        return "keypoint far off"
    if np.abs(betas).max() > limits.beta:
        return "extreme shape"
    reason = reason_for_pose(pose)
    if reason:
        return reason
    overlap = penetration(spheres, posed_centers(spheres, joints, rotations))
    if overlap.max() > limits.penetration:
        return "self-penetration"
    energies = mixture_energies(pose, mixture)
    best = int(np.argmin(energies))
    if np.linalg.norm(mixture.whiten[best] @ (pose - mixture.means[best])) > limits.mahalanobis:
        return "implausible pose"
    if _is_upside_down(mixture, energies, root, limits.upside_down):
        return "upside down"
    return ""
