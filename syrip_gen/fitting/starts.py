"""Where to start: every mean pose of the prior from every side, scored in closed form.

The authors start from one pose, facing the camera, at a depth that assumes the torso parallel to the image.
Infants seen from their feet, from behind or upside down need other starts. Under weak perspective the turn in
the image, the size and the position follow from least squares, so that only mean pose and viewing direction
have to be tried.
"""

from typing import NamedTuple

import numpy as np

from syrip_gen.fitting.energy import Target, pack
from syrip_gen.fitting.kinematics import Kinematics, forward
from syrip_gen.fitting.objective import (
    LOOK_UP,
    LOOK_UP_SIGMA,
    UPSIDE_DOWN,
    UPSIDE_DOWN_SIGMA,
    Mixture,
)

__all__ = ["StartTable", "build_start_table", "find_starts"]

NUM_VIEWS = 80
SIGMA = 0.1
"""Standard deviation of a keypoint about that of a mean pose, in box diagonals."""
SAME_VIEW = 1.0 + 2.0 * np.cos(np.radians(40.0))
"""Trace of the rotation between two views that count as one."""
NEAREST, FARTHEST = 0.25, 50.0
"""Range of start distances, metres."""


class StartTable(NamedTuple):
    """The prior's mean poses seen from all sides; M components, V views."""

    views: np.ndarray
    """(V, 3, 3) rotations, body to camera, no turn in the image."""
    points: np.ndarray
    """(M, V, K) complex: projected keypoints of the mean poses relative to the root joint, x + iy, metres."""
    gravity: np.ndarray
    """(M, V, 3) gravity in the camera frame."""
    root_joint: np.ndarray
    """(3,) rest position of the root joint."""


def build_start_table(kin: Kinematics, mixture: Mixture) -> StartTable:
    """Pose the mean of each component and spread viewing directions evenly over the sphere."""
    index = np.arange(NUM_VIEWS) + 0.5
    height = 1.0 - 2.0 * index / NUM_VIEWS
    turn = np.pi * (1.0 + np.sqrt(5.0)) * index
    radius = np.sqrt(1.0 - height**2)
    forwards = np.stack([radius * np.cos(turn), height, radius * np.sin(turn)], axis=1)
    up = np.where(np.abs(height)[:, None] < 0.9, [[0.0, 1.0, 0.0]], [[0.0, 0.0, 1.0]])
    down = (up * forwards).sum(1, keepdims=True) * forwards - up
    down /= np.linalg.norm(down, axis=1, keepdims=True)
    views = np.stack([np.cross(down, forwards), down, forwards], axis=1)
    betas, root = np.zeros(kin.joint_dirs.shape[2]), np.eye(3)
    posed = [forward(kin, betas, root, mean, np.zeros(3))[0] - kin.joints[0] for mean in mixture.means]
    seen = np.einsum("vab,mkb->mvka", views, np.stack(posed))
    gravity = np.einsum("vab,mb->mva", views, mixture.gravity)
    return StartTable(views, seen[..., 0] + 1j * seen[..., 1], gravity, kin.joints[0].copy())


def _similarities(table: StartTable, target: Target) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return turn x scale, shift (both complex) and squared error, (M, V) each, of every mean and view."""
    weight = target.confidence**2 / np.sum(target.confidence**2)
    goal = target.points[:, 0] + 1j * target.points[:, 1]
    center, goal_center = table.points @ weight, goal @ weight
    points = table.points - center[..., None]
    dot = (points.conj() * (goal - goal_center)) @ weight
    size = np.maximum((points.real**2 + points.imag**2) @ weight, 1e-12)
    spread = (np.abs(goal - goal_center) ** 2) @ weight
    turn = dot / size
    return turn, goal_center - turn * center, np.maximum(spread - np.abs(dot) ** 2 / size, 0.0)


def find_starts(
    table: StartTable, mixture: Mixture, target: Target, count: int, gravity_weight: float, num_betas: int
) -> list[np.ndarray]:
    """Return up to ``count`` bodies x, best first, that differ in mean pose or by more than 40 degrees.

    Args:
        table: Mean poses from all sides.
        mixture: The pose prior that the table was made of.
        target: The keypoints.
        count: Starts wanted.
        gravity_weight: Weight of the camera's relation to gravity.
        num_betas: Shape coefficients of the body, all zero at the start.
    """
    turn, shift, error = _similarities(table, target)
    down = (table.gravity[..., 0] + 1j * table.gravity[..., 1]) * turn / np.maximum(np.abs(turn), 1e-12)
    tilt = np.maximum(LOOK_UP - table.gravity[..., 2], 0.0) / LOOK_UP_SIGMA
    tilt = tilt**2 + (np.maximum(UPSIDE_DOWN - down.imag, 0.0) / UPSIDE_DOWN_SIGMA) ** 2
    score = 0.5 * (target.confidence > 0).sum() * error / SIGMA**2 + 0.5 * gravity_weight * tilt
    log_det = np.log(np.diagonal(mixture.chol, axis1=1, axis2=2)).sum(1)
    score -= (mixture.log_weights + log_det)[:, None]
    starts: list[np.ndarray] = []
    roots, modes = np.empty((count, 3, 3)), np.empty(count, dtype=int)
    for flat in np.argsort(score, axis=None, kind="stable"):
        mode, view = divmod(int(flat), table.views.shape[0])
        taken = len(starts)
        if taken == count or not np.isfinite(score[mode, view]):
            break
        root = _turned(table.views[view], turn[mode, view])
        near = (roots[:taken] * root).sum((1, 2)) > SAME_VIEW
        if near.sum() < 3 and not (near & (modes[:taken] == mode)).any():
            roots[taken], modes[taken] = root, mode
            size = max(abs(turn[mode, view]), 1e-9)
            depth = float(np.clip(np.exp(target.log_focal) / size, NEAREST, FARTHEST))
            center = np.array([shift[mode, view].real / size, shift[mode, view].imag / size, depth])
            parts = np.zeros(num_betas), root, mixture.means[mode], center - table.root_joint
            starts.append(pack(*parts, target.log_focal))
    return starts


def _turned(view: np.ndarray, turn: complex) -> np.ndarray:
    """Turn a view in the image by the angle of a complex number."""
    direction = turn / max(abs(turn), 1e-9)
    cos, sin = direction.real, direction.imag
    return np.stack([cos * view[0] - sin * view[1], sin * view[0] + cos * view[1], view[2]])
