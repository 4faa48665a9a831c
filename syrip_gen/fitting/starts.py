"""Where to start: every mean pose of the prior from every side, scored in closed form; compiled.

The authors start from one pose, facing the camera, at a depth that assumes the torso parallel to the image. Infants seen
from their feet, from behind or upside down need other starts. Under weak perspective the turn in the image, the size and
the position follow from least squares, so that only the mean pose and the viewing direction have to be tried.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from syrip_gen.fitting.kinematics import FASTMATH, Kinematics, forward
from syrip_gen.fitting.levenberg import State
from syrip_gen.fitting.objective import Mixture, gravity

__all__ = ["StartTable", "build_start_table", "find_starts"]

NUM_VIEWS = 80


class StartTable(NamedTuple):
    """The prior's mean poses seen from all sides; M components, V views."""

    views: np.ndarray
    """(V, 3, 3) rotations, body to camera, no turn in the image."""
    points: np.ndarray
    """(M, K, 3) keypoints of the mean poses relative to the root joint, root frame."""
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
    down = -(up - (up * forwards).sum(1, keepdims=True) * forwards)
    down /= np.linalg.norm(down, axis=1, keepdims=True)
    right = np.cross(down, forwards)
    betas, root = np.zeros(kin.joint_dirs.shape[2]), np.eye(3)
    points = [forward(kin, betas, root, mean, np.zeros(3))[0] - kin.joints[0] for mean in mixture.means]
    return StartTable(np.stack([right, down, forwards], axis=1), np.stack(points), kin.joints[0].copy())


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _similarity(points, view, target):
    """Fit turn, scale and shift of the projected points; return (cos, sin, scale, x, y, mean squared error)."""
    total = cx = cy = tx = ty = 0.0
    count = points.shape[0]
    flat = np.empty((count, 2))
    for k in range(count):
        for a in range(2):
            flat[k, a] = view[a, 0] * points[k, 0] + view[a, 1] * points[k, 1] + view[a, 2] * points[k, 2]
        w = target.confidence[k] ** 2
        total += w
        cx += w * flat[k, 0]
        cy += w * flat[k, 1]
        tx += w * target.points[k, 0]
        ty += w * target.points[k, 1]
    cx, cy, tx, ty = cx / total, cy / total, tx / total, ty / total
    dot = cross = size = spread = 0.0
    for k in range(count):
        w = target.confidence[k] ** 2
        x, y = flat[k, 0] - cx, flat[k, 1] - cy
        u, v = target.points[k, 0] - tx, target.points[k, 1] - ty
        dot += w * (x * u + y * v)
        cross += w * (x * v - y * u)
        size += w * (x * x + y * y)
        spread += w * (u * u + v * v)
    length = np.sqrt(dot * dot + cross * cross)
    cos, sin, scale = dot / length, cross / length, length / size
    x = tx - scale * (cos * cx - sin * cy)
    y = ty - scale * (sin * cx + cos * cy)
    return cos, sin, scale, x, y, (spread - length * length / size) / total


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _score_all(table, mixture, target, sigma, gravity_weight):
    """Return (M * V,) scores, the lower the better, and the in-image fits (M * V, 5)."""
    modes, views = table.points.shape[0], table.views.shape[0]
    scores, fits = np.empty(modes * views), np.empty((modes * views, 5))
    down = np.empty(3)
    labelled = (target.confidence > 0).sum()
    for m in range(modes):
        for v in range(views):
            view = table.views[v]
            cos, sin, scale, x, y, error = _similarity(table.points[m], view, target)
            for a in range(3):
                down[a] = 0.0
                for b in range(3):
                    down[a] += view[a, b] * mixture.gravity[m, b]
            turned = np.array([cos * down[0] - sin * down[1], sin * down[0] + cos * down[1], down[2]])
            i = m * views + v
            scores[i] = 0.5 * labelled * error / sigma**2 + 0.5 * gravity_weight * (gravity(turned) ** 2).sum()
            fits[i, 0], fits[i, 1], fits[i, 2], fits[i, 3], fits[i, 4] = cos, sin, scale, x, y
    return scores, fits


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _state(table, mixture, target, mode, view, fit, size):
    cos, sin, scale = fit[0], fit[1], fit[2]
    root = np.empty((3, 3))
    for b in range(3):
        root[0, b] = cos * view[0, b] - sin * view[1, b]
        root[1, b] = sin * view[0, b] + cos * view[1, b]
        root[2, b] = view[2, b]
    depth = np.exp(target.log_focal) / max(scale, 1e-6)
    transl = np.empty(3)
    transl[0] = fit[3] / max(scale, 1e-6) - table.root_joint[0]
    transl[1] = fit[4] / max(scale, 1e-6) - table.root_joint[1]
    transl[2] = max(depth, 0.3) - table.root_joint[2]
    return State(np.zeros(size), root, mixture.means[mode].copy(), transl, target.log_focal)


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def find_starts(table, mixture, target, size, count, sigma, gravity_weight):
    """Return up to ``count`` states, best first, that differ in mean pose or by more than about 40 degrees.

    Args:
        table: :class:`StartTable`.
        mixture: The pose prior.
        target: The keypoints.
        size: Number of betas.
        count: Starts wanted.
        sigma: Standard deviation of a keypoint about a mean pose's, in box diagonals.
        gravity_weight: Weight of the camera's relation to gravity.
    """
    scores, fits = _score_all(table, mixture, target, sigma, gravity_weight)
    views = table.views.shape[0]
    states = []
    modes = np.empty(count, np.int64)
    for i in np.argsort(scores):
        if len(states) == count or not np.isfinite(scores[i]):
            break
        mode = i // views
        state = _state(table, mixture, target, mode, table.views[i % views], fits[i], size)
        fresh, near = True, 0
        for n in range(len(states)):
            trace = (states[n].root * state.root).sum()
            if trace > 2.53 and modes[n] == mode:
                fresh = False
            if trace > 2.53:
                near += 1
        if fresh and near < 3:
            modes[len(states)] = mode
            states.append(state)
    return states
