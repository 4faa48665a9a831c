"""Pinhole projection, OpenCV axes: x right, y down, z forward; pixel centres lie at half-integers.

``project`` works on numpy arrays and on torch tensors alike, because it only divides and multiplies.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

__all__ = ["back_project", "focal_from_fov", "look_at", "project", "transform_points"]

ArrayT = TypeVar("ArrayT")


def project(points: ArrayT, fx, fy, cx, cy) -> ArrayT:
    """Project (..., 3) camera-frame points in metres to (..., 2) pixels.

    ``fx`` .. ``cy`` are scalars or arrays that broadcast against ``points[..., 0]``. Points at or behind the
    camera plane give infinite or mirrored pixels: check ``points[..., 2] > 0`` where that can happen.
    """
    z = points[..., 2]
    u = fx * points[..., 0] / z + cx
    v = fy * points[..., 1] / z + cy
    if isinstance(u, np.ndarray | np.floating | float):
        return np.stack([u, v], axis=-1)
    import torch

    return torch.stack([u, v], dim=-1)


def back_project(pixels: np.ndarray, depth: np.ndarray, fx, fy, cx, cy) -> np.ndarray:
    """Return the (..., 3) camera-frame points at ``depth`` (...,) metres behind (..., 2) pixels."""
    x = (pixels[..., 0] - cx) / fx * depth
    y = (pixels[..., 1] - cy) / fy * depth
    return np.stack([x, y, np.broadcast_to(depth, x.shape)], axis=-1)


def transform_points(T: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Apply a (4, 4) rigid transform to (..., 3) points."""
    return points @ T[:3, :3].T + T[:3, 3]


def focal_from_fov(fov_rad: float, size_px: int) -> float:
    """Return the focal length in pixels that sees ``fov_rad`` across ``size_px``."""
    return 0.5 * size_px / float(np.tan(0.5 * fov_rad))


def look_at(eye: np.ndarray, target: np.ndarray, up: np.ndarray, roll: float = 0.0) -> np.ndarray:
    """Return the (4, 4) ``T_cam_world`` of a camera at ``eye`` that looks at ``target`` with ``up`` upwards.

    ``roll`` turns the camera about its viewing direction, radians. When ``up`` is parallel to the viewing
    direction another axis stands in for it.
    """
    eye, target, up = (np.asarray(a, np.float64) for a in (eye, target, up))
    forward = target - eye
    length = np.linalg.norm(forward)
    if length < 1e-9:
        raise ValueError(f"the camera cannot look at its own position {eye.tolist()}")
    forward = forward / length
    right = np.cross(forward, up)
    if np.linalg.norm(right) < 1e-6 * max(np.linalg.norm(up), 1e-12):
        right = np.cross(forward, np.eye(3)[np.argmin(np.abs(forward))])
    right = right / np.linalg.norm(right)
    down = np.cross(forward, right)
    c, s = np.cos(roll), np.sin(roll)
    R = np.stack([c * right + s * down, -s * right + c * down, forward])
    T = np.eye(4)
    T[:3, :3] = R
    T[:3, 3] = -R @ eye
    return T
