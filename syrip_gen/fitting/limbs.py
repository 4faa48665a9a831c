"""Second chances for arms and legs: the other depth orders that one picture allows.

A limb of two segments that point towards or away from the camera looks the same in four ways (Taylor, CVIU
2000; Sminchisescu and Triggs' kinematic jumps, CVPR 2003). Mirroring a segment's depth alone bends joints
no infant can bend, so the alternatives are taken from draws of the pose prior: of those with another depth
order, the one that looks most like the picture.
"""

from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from syrip_gen.fitting.energy import Target, unpack
from syrip_gen.fitting.kinematics import Kinematics, forward
from syrip_gen.fitting.objective import Mixture

__all__ = ["LimbLibrary", "build_limb_library", "limb_alternatives"]

NUM_DRAWS = 240
MAX_DISTANCE = 0.25
"""Alternatives whose joints are farther than this from the keypoints (box diagonals, r.m.s.) are left out."""

_LIMBS = (
    # joints that turn, joints that are seen, their keypoints
    ((13, 16, 18, 20), (18, 20), (7, 9)),
    ((14, 17, 19, 21), (19, 21), (8, 10)),
    ((1, 4, 7), (4, 7), (13, 15)),
    ((2, 5, 8), (5, 8), (14, 16)),
)


class LimbLibrary(NamedTuple):
    """Draws of the prior, limb by limb."""

    vectors: tuple[np.ndarray, ...]
    """Per limb (N, chain, 3) axis-angle."""
    rotations: tuple[np.ndarray, ...]
    """Per limb (N, chain, 3, 3) local rotations."""


def build_limb_library(mixture: Mixture, seed: int = 0) -> LimbLibrary:
    """Draw whole poses from the mixture and cut out the limbs."""
    rng = np.random.default_rng(seed)
    log_weights = mixture.log_weights + np.log(np.diagonal(mixture.chol, axis1=1, axis2=2)).sum(1)
    share = np.exp(log_weights - log_weights.max())
    modes = rng.choice(len(share), size=NUM_DRAWS, p=share / share.sum())
    noise = rng.standard_normal((NUM_DRAWS, mixture.means.shape[1]))
    poses = mixture.means[modes] + np.einsum("nij,nj->ni", mixture.chol[modes], noise)
    poses = poses.reshape(NUM_DRAWS, 23, 3)
    vectors = tuple(poses[:, np.array(chain) - 1] for chain, _, _ in _LIMBS)
    matrices = tuple(
        Rotation.from_rotvec(v.reshape(-1, 3)).as_matrix().reshape(*v.shape[:2], 3, 3) for v in vectors
    )
    return LimbLibrary(vectors, matrices)


def limb_alternatives(
    kin: Kinematics, library: LimbLibrary, target: Target, x: np.ndarray
) -> list[np.ndarray]:
    """Return bodies that differ from x in the depth order of one limb, up to three a limb."""
    betas, root, pose, transl, log_focal = unpack(x)
    _, joints, rotations, _ = forward(kin, betas, root, pose, transl)
    rest = kin.joints + kin.joint_dirs @ betas
    focal, first = np.exp(log_focal), len(betas) + 9
    out = []
    for (chain, ends, keypoints), vectors, matrices in zip(
        _LIMBS, library.vectors, library.rotations, strict=True
    ):
        parent = kin.parents[chain[0]]
        turn = np.broadcast_to(rotations[parent], (len(vectors), 3, 3))
        place = np.broadcast_to(joints[chain[0]], (len(vectors), 3))
        seen = []
        for i, joint in enumerate(chain):
            if i > 0:
                place = place + turn @ (rest[joint] - rest[chain[i - 1]])
            if joint in ends:
                seen.append(place)
            turn = turn @ matrices[:, i]
        hinge = 16 if chain[0] == 13 else 17 if chain[0] == 14 else chain[0]
        now = _depth_order(joints[hinge][2], joints[ends[0]][2], joints[ends[1]][2])
        order = _depth_order(joints[hinge][2], seen[0][:, 2], seen[1][:, 2])
        distance = _distances(np.stack(seen, axis=1), focal, target, np.array(keypoints))
        for other in range(4):
            which = np.flatnonzero(order == other)
            if other == now or not len(which):
                continue
            best = which[np.argmin(distance[which])]
            if not distance[best] < MAX_DISTANCE:
                continue
            changed = x.copy()
            for i, joint in enumerate(chain):
                changed[first + 3 * joint - 3 : first + 3 * joint] = vectors[best, i]
            out.append(changed)
    return out


def _depth_order(hinge: float, middle: np.ndarray | float, end: np.ndarray | float) -> np.ndarray:
    """Return 0..3: does the upper, does the lower segment point away from the camera."""
    return (np.asarray(middle) > hinge) * 2 + (np.asarray(end) > middle)


def _distances(points: np.ndarray, focal: float, target: Target, keypoints: np.ndarray) -> np.ndarray:
    """Return (N,) root-mean-square distances of (N, 2, 3) projected points to their labelled keypoints."""
    weight = target.confidence[keypoints] ** 2
    if not weight.sum() > 0:
        return np.full(len(points), np.inf)
    pixels = focal * points[..., :2] / np.maximum(points[..., 2:], 0.05)
    squared = ((pixels - target.points[keypoints]) ** 2).sum(-1)
    return np.sqrt(squared @ weight / weight.sum())
