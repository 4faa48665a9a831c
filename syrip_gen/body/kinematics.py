"""Forward kinematics of the SMPL joint tree, in numpy for one body and in torch for batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SMPL_PARENTS", "forward_kinematics", "forward_kinematics_torch", "tree_levels"]

SMPL_PARENTS = np.array([-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21])
"""Parent of each of SMPL's 24 joints."""


def tree_levels(parents: np.ndarray) -> list[np.ndarray]:
    """Return the joints below the root grouped by depth, so that a level needs only the one before it."""
    depth = np.zeros(len(parents), np.int64)
    for joint in range(1, len(parents)):
        depth[joint] = depth[parents[joint]] + 1
    return [np.flatnonzero(depth == level) for level in range(1, depth.max() + 1)]


def forward_kinematics(
    rotations: np.ndarray, joints: np.ndarray, parents: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pose one skeleton.

    Args:
        rotations: (J, 3, 3) rotation of each joint relative to its parent.
        joints: (J, 3) rest positions, metres.
        parents: (J,) parent of each joint, -1 for the root.

    Returns:
        (J, 3, 3) global rotations and (J, 3) posed positions.
    """
    world, position = rotations.copy(), joints.copy()
    for joint in range(1, len(parents)):
        parent = parents[joint]
        world[joint] = world[parent] @ rotations[joint]
        position[joint] = world[parent] @ (joints[joint] - joints[parent]) + position[parent]
    return world, position


def forward_kinematics_torch(rotations: Tensor, joints: Tensor, parents: np.ndarray) -> tuple[Tensor, Tensor]:
    """Pose a batch: (*B, J, 3, 3) and (*B, J, 3) give global rotations and positions of the same shapes."""
    import torch

    order = [np.zeros(1, np.int64), *tree_levels(parents)]
    world, position = [rotations[..., :1, :, :]], [joints[..., :1, :]]
    row_in_level = np.zeros(len(parents), np.int64)
    for level, nodes in enumerate(order[1:], start=1):
        up = parents[nodes]
        parent_world = world[level - 1][..., row_in_level[up], :, :]
        offset = joints[..., nodes, :] - joints[..., up, :]
        world.append(parent_world @ rotations[..., nodes, :, :])
        moved = (parent_world @ offset[..., None])[..., 0]
        position.append(moved + position[level - 1][..., row_in_level[up], :])
        row_in_level[nodes] = np.arange(len(nodes))
    back = np.argsort(np.concatenate(order))
    return torch.cat(world, dim=-3)[..., back, :, :], torch.cat(position, dim=-2)[..., back, :]
