"""Reject implausible fits with a reason: what the SyRIP authors did by eye."""

from typing import NamedTuple

import numpy as np

from syrip_gen.fitting.proxies import Spheres, penetration, posed_centers

__all__ = ["Limits", "reason_for"]


class Limits(NamedTuple):
    """Bounds of an acceptable fit."""

    reprojection: float = 0.03
    """Mean distance of the labelled keypoints, in box diagonals."""
    worst_keypoint: float = 0.12
    """Largest distance of a labelled keypoint, in box diagonals."""
    beta: float = 4.0
    """Largest shape coefficient, standard deviations."""
    penetration: float = 0.035
    """Overlap of two body parts, metres on an infant of average size."""


def reason_for(
    errors: np.ndarray, betas: np.ndarray, joints: np.ndarray, rotations: np.ndarray, spheres: Spheres, limits: Limits
) -> str:
    """Return why a fit is rejected, '' if it is not.

    Args:
        errors: (L,) distances of the labelled keypoints, box diagonals.
        betas: (S,).
        joints: (24, 3) posed joints, metres.
        rotations: (24, 3, 3) world rotations.
        spheres: Proxies of the body.
        limits: Bounds.
    """
    if not (np.isfinite(errors).all() and np.isfinite(betas).all() and np.isfinite(joints).all()):
        return "not finite"
    if errors.mean() > limits.reprojection:
        return "poor reprojection"
    if errors.max() > limits.worst_keypoint:
        return "keypoint far off"
    if np.abs(betas).max() > limits.beta:
        return "extreme shape"
    overlap = penetration(spheres, posed_centers(spheres, joints, rotations))
    if overlap.max() > limits.penetration:
        return "self-penetration"
    return ""
