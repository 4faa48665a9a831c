"""Smooth changes of proportion: every joint scales its part along the axes of the T-pose."""

from __future__ import annotations

import numpy as np

from syrip_gen.body.kinematics import SMPL_PARENTS

__all__ = ["scale_parts"]


def scale_parts(
    vertices: np.ndarray, joints: np.ndarray, weights: np.ndarray, scales: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Scale the parts of one T-posed body.

    Each part is scaled about its own joint, children are carried along by their parent's scale, and the results
    are blended with (smooth) weights, so that no ring or step appears where two parts meet.

    Args:
        vertices: (V, 3).
        joints: (24, 3).
        weights: (V, 24) blending weights.
        scales: (24, 3) factors along x, y, z.
    """
    moved = joints.copy()
    for joint in range(1, 24):
        parent = SMPL_PARENTS[joint]
        moved[joint] = moved[parent] + scales[parent] * (joints[joint] - joints[parent])
    linear = weights @ scales
    offset = weights @ (moved - scales * joints)
    return linear * vertices + offset, moved
