"""A body as a few dozen spheres, for contact and self-penetration."""

from typing import NamedTuple

import numpy as np

from syrip_gen.body.assets import BodyAssets
from syrip_gen.fitting.kinematics import Kinematics

__all__ = ["Spheres", "build_spheres", "penetration", "posed_centers", "sphere_kinematics"]

_TRUNK = (0, 3, 6, 9)
_LIMBS = {
    "thigh": (1, 2, (0.35, 0.7)),
    "shin": (4, 5, (0.0, 0.5)),
    "foot": (7, 8, (0.0, 0.8)),
    "upper_arm": (16, 17, (0.55,)),
    "forearm": (18, 19, (0.0, 0.5)),
    "hand": (20, 21, (0.0, 0.9)),
}
_CHILD = {1: 4, 2: 5, 4: 7, 5: 8, 7: 10, 8: 11, 16: 18, 17: 19, 18: 20, 19: 21, 20: 22, 21: 23}
SLACK = 0.012
"""Depth (metres, on an infant) by which soft parts may overlap: flesh gives way and spheres are coarse."""


class Spheres(NamedTuple):
    """N spheres fixed to joints, metres, rest frame."""

    joint: np.ndarray
    """(N,) int64."""
    offset: np.ndarray
    """(N, 3) centre relative to the joint at zero betas."""
    radius: np.ndarray
    """(N,)."""
    names: tuple[str, ...]
    """``head``, ``chest_left``, ``thigh_right`` ..."""
    pairs: np.ndarray
    """(Q, 2) pairs that may collide."""


def _limb_spheres(
    assets: BodyAssets, joints: np.ndarray, owner: np.ndarray
) -> list[tuple[int, np.ndarray, float, str]]:
    out = []
    for name, (left, right, shares) in _LIMBS.items():
        for joint, side in ((left, "left"), (right, "right")):
            start, end = joints[joint], joints[_CHILD[joint]]
            axis = (end - start) / np.linalg.norm(end - start)
            offset = assets.v_template[owner == joint] - start
            along = offset @ axis
            around = np.linalg.norm(offset - along[:, None] * axis, axis=1)
            inside = (along > 0) & (along < np.linalg.norm(end - start))
            radius = 0.9 * float(np.median(around[inside] if inside.any() else around))
            out += [(joint, share * (end - start), radius, f"{name}_{side}") for share in shares]
    return out


def _trunk_spheres(
    assets: BodyAssets, joints: np.ndarray, owner: np.ndarray
) -> list[tuple[int, np.ndarray, float, str]]:
    trunk = assets.v_template[np.isin(owner, _TRUNK)]
    out = []
    for joint, name in ((0, "pelvis"), (6, "belly"), (9, "chest")):
        level = trunk[np.abs(trunk[:, 1] - joints[joint, 1]) < 0.02 * np.ptp(assets.v_template[:, 1])]
        low, high = np.percentile(level, 3, axis=0), np.percentile(level, 97, axis=0)
        radius = 0.5 * (high[2] - low[2])
        side = max(0.5 * (high[0] - low[0]) - radius, 0.0)
        for sign, which in ((1, "left"), (-1, "right")):
            center = np.array(
                [0.5 * (high[0] + low[0]) + sign * side, joints[joint, 1], 0.5 * (high[2] + low[2])]
            )
            out.append((joint, center - joints[joint], radius, f"{name}_{which}"))
    return out


def build_spheres(assets: BodyAssets) -> Spheres:
    """Fit the spheres to the mesh of a body at zero betas."""
    joints = assets.J_regressor @ assets.v_template
    owner = np.argmax(assets.weights, axis=1)
    skull = assets.v_template[owner == 15]
    center = 0.5 * (np.percentile(skull, 2, axis=0) + np.percentile(skull, 98, axis=0))
    radius = 0.95 * float(np.median(np.linalg.norm(skull - center, axis=1)))
    items = [(15, center - joints[15], radius, "head")]
    items += _trunk_spheres(assets, joints, owner) + _limb_spheres(assets, joints, owner)
    names = tuple(item[3] for item in items)
    return Spheres(
        joint=np.array([item[0] for item in items]),
        offset=np.array([item[1] for item in items]),
        radius=np.array([item[2] for item in items]),
        names=names,
        pairs=np.array(
            [(a, b) for a in range(len(names)) for b in range(a) if _may_collide(names[a], names[b])]
        ),
    )


def _may_collide(a: str, b: str) -> bool:
    """Limbs against trunk, head and the other limbs, but no neighbours along the chain."""
    kind_a, _, side_a = a.rpartition("_")
    kind_b, _, side_b = b.rpartition("_")
    kinds = {kind_a or a, kind_b or b}
    trunk = {"head", "pelvis", "belly", "chest"}
    if len(kinds & trunk) == 2 or kinds <= trunk:
        return False
    if kinds & trunk:
        return "thigh" not in kinds and not ("upper_arm" in kinds and kinds & {"chest", "head"})
    legs, arms = {"thigh", "shin", "foot"}, {"upper_arm", "forearm", "hand"}
    if (kinds <= legs or kinds <= arms) and side_a == side_b:
        return False
    return kinds not in ({"thigh"}, {"upper_arm"})


def sphere_kinematics(kin: Kinematics, spheres: Spheres) -> Kinematics:
    """Return the spheres' centres as keypoints of a body: each moves with its joint."""
    count = len(spheres.joint)
    return kin._replace(
        pair_keypoint=np.arange(count),
        pair_joint=spheres.joint.astype(np.int64),
        pair_weight=np.ones(count),
        pair_point=np.ascontiguousarray(kin.joints[spheres.joint] + spheres.offset),
        pair_dirs=np.ascontiguousarray(kin.joint_dirs[spheres.joint]),
        pair_posedirs=np.zeros((count, 3, 0)),
        num_keypoints=count,
    )


def posed_centers(
    spheres: Spheres, joints: np.ndarray, rotations: np.ndarray, scale: float = 1.0
) -> np.ndarray:
    """Return (..., N, 3) centres for posed joints (..., 24, 3) and world rotations (..., 24, 3, 3)."""
    moved = np.einsum("...nab,nb->...na", rotations[..., spheres.joint, :, :], spheres.offset * scale)
    return joints[..., spheres.joint, :] + moved


def penetration(spheres: Spheres, centers: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Return (..., Q) metres by which each pair of spheres overlaps, beyond :data:`SLACK`."""
    a, b = spheres.pairs[:, 0], spheres.pairs[:, 1]
    gap = np.linalg.norm(centers[..., a, :] - centers[..., b, :], axis=-1)
    return np.maximum((spheres.radius[a] + spheres.radius[b] - SLACK) * scale - gap, 0.0)
