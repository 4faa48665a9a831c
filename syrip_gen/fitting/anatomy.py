"""Anatomical joint angles of an infant to SMPL body poses, and the positions of the joints they give.

Rest pose and axes are SMPL's: T-pose, y up, facing +z, x to the body's left; a right limb mirrors a left one
(x of the axis-angle kept, y and z negated). All angles are degrees.
"""

import numpy as np
from scipy.spatial.transform import Rotation

__all__ = ["ARM_ANGLES", "LEG_ANGLES", "TRUNK_ANGLES", "forward_joints", "mirror_pose", "pose_from_angles"]

LEG_ANGLES = ("hip_flex", "hip_out", "hip_turn", "knee_flex", "ankle_up", "ankle_in")
"""Flexion from straight down to the front; how far sideways the flexed thigh points; outward turn about
the thigh; knee flexion; dorsiflexion; inversion."""

ARM_ANGLES = ("arm_front", "arm_up", "arm_turn", "elbow_flex", "forearm_turn", "wrist_flex")
"""Upper arm's direction: from sideways (0) to the front (90), and up (+) or down (-); turn about the upper
arm: at 0 the elbow bends level towards the midline, negative = outward turn, hand up; elbow flexion;
supination; wrist flexion."""

TRUNK_ANGLES = ("spine_flex", "spine_bend", "spine_twist", "neck_flex", "neck_bend", "neck_twist")
"""Flexion forwards, bend to the left, turn to the left; the same of neck and head."""

_MIRROR = np.array([0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20, 23, 22])
_FLIP_SIGN = np.array([1.0, -1.0, -1.0])


def _turn(axis: str, degrees: np.ndarray) -> Rotation:
    return Rotation.from_rotvec(np.radians(degrees)[:, None] * np.eye(3)["xyz".index(axis)])


def _leg(angles: np.ndarray) -> dict[str, Rotation]:
    """Left leg from (N, 6) :data:`LEG_ANGLES`."""
    flex, out, turn, knee, up, inward = angles.T
    twist = turn - out * np.cos(np.radians(np.clip(flex, 0, 90)))
    return {
        "hip": _turn("y", out) * _turn("x", -flex) * _turn("y", twist),
        "knee": _turn("x", knee),
        "ankle": _turn("x", -up) * _turn("z", -inward),
    }


def _arm(angles: np.ndarray) -> dict[str, Rotation]:
    """Left arm from (N, 6) :data:`ARM_ANGLES`; the collar bone takes a fifth of the elevation."""
    front, up, turn, elbow, forearm, wrist = angles.T
    collar = _turn("z", 0.2 * up) * _turn("y", -0.1 * front)
    return {
        "collar": collar,
        "shoulder": collar.inv() * _turn("y", -front) * _turn("z", up) * _turn("x", turn),
        "elbow": _turn("y", -elbow) * _turn("x", -0.5 * forearm),
        "wrist": _turn("x", -0.5 * forearm) * _turn("z", -wrist),
    }


def pose_from_angles(
    left_leg: np.ndarray,
    right_leg: np.ndarray,
    left_arm: np.ndarray,
    right_arm: np.ndarray,
    trunk: np.ndarray,
) -> np.ndarray:
    """Return (N, 23, 3) axis-angle poses of (N, 6) angles a limb, right ones as if they were left."""
    pose = np.zeros((len(trunk), 24, 3))
    for side, (leg, arm) in enumerate(((left_leg, left_arm), (right_leg, right_arm))):
        sign = np.ones(3) if side == 0 else _FLIP_SIGN
        parts = _leg(leg) | _arm(arm)
        joints = {"hip": 1, "knee": 4, "ankle": 7, "collar": 13, "shoulder": 16, "elbow": 18, "wrist": 20}
        for name, joint in joints.items():
            pose[:, joint + side] = parts[name].as_rotvec() * sign
    flex, bend, twist, neck_flex, neck_bend, neck_twist = trunk.T
    for joint, share in ((3, 0.3), (6, 0.35), (9, 0.35)):
        pose[:, joint] = (
            _turn("y", share * twist) * _turn("z", -share * bend) * _turn("x", share * flex)
        ).as_rotvec()
    for joint, share in ((12, 0.5), (15, 0.5)):
        pose[:, joint] = (
            _turn("y", share * neck_twist) * _turn("z", -share * neck_bend) * _turn("x", share * neck_flex)
        ).as_rotvec()
    return pose[:, 1:]


def mirror_pose(body_pose: np.ndarray) -> np.ndarray:
    """Exchange left and right of (N, 23, 3) body poses."""
    full = np.concatenate([np.zeros_like(body_pose[:, :1]), body_pose], axis=1)
    return (full[:, _MIRROR] * _FLIP_SIGN)[:, 1:]


def forward_joints(
    body_pose: np.ndarray, joints: np.ndarray, parents: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return (N, 24, 3) posed joints (pelvis at 0) and (N, 24, 3, 3) rotations in the root's frame.

    Args:
        body_pose: (N, 23, 3) axis-angle.
        joints: (24, 3) rest joints.
        parents: (24,).
    """
    count = len(body_pose)
    local = Rotation.from_rotvec(body_pose.reshape(-1, 3)).as_matrix().reshape(count, 23, 3, 3)
    rotations = np.empty((count, 24, 3, 3))
    out = np.zeros((count, 24, 3))
    rotations[:, 0] = np.eye(3)
    for j in range(1, 24):
        p = parents[j]
        out[:, j] = out[:, p] + rotations[:, p] @ (joints[j] - joints[p])
        rotations[:, j] = rotations[:, p] @ local[:, j - 1]
    return out, rotations
