"""Rotations as axis-angle vectors and matrices, in numpy and (suffix ``_torch``) in torch.

Axis-angle vectors are radians times the unit axis. Any leading batch shape is allowed. The torch functions
are differentiable everywhere, the identity included; importing this module does not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "axis_angle_to_matrix",
    "axis_angle_to_matrix_torch",
    "geodesic_distance",
    "matrix_to_axis_angle",
    "matrix_to_axis_angle_torch",
    "random_rotation",
    "rotation_between",
]

_SMALL_ANGLE_SQUARED = 1e-8


def axis_angle_to_matrix(axis_angle: np.ndarray) -> np.ndarray:
    """Turn (..., 3) axis-angle vectors into (..., 3, 3) matrices (Rodrigues' formula)."""
    v = np.asarray(axis_angle)
    v = v.astype(np.float64) if v.dtype.kind != "f" else v
    square = np.einsum("...i,...i->...", v, v)
    small = square < _SMALL_ANGLE_SQUARED
    safe = np.where(small, 1.0, square)
    angle = np.sqrt(safe)
    a = np.where(small, 1 - square / 6, np.sin(angle) / angle)
    b = np.where(small, 0.5 - square / 24, (1 - np.cos(angle)) / safe)
    x, y, z = v[..., 0], v[..., 1], v[..., 2]
    matrix = b[..., None, None] * v[..., :, None] * v[..., None, :]
    diagonal = 1 - b * square
    for i in range(3):
        matrix[..., i, i] += diagonal
    for i, j, s in ((0, 1, -z), (0, 2, y), (1, 0, z), (1, 2, -x), (2, 0, -y), (2, 1, x)):
        matrix[..., i, j] += a * s
    return matrix.astype(v.dtype, copy=False)


def _quaternion_candidates(m: np.ndarray) -> np.ndarray:
    """Return the (..., 4, 4) unnormalised (w, x, y, z) quaternions of Shepperd's method, one per pivot."""
    t = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    xy, xz, yz = m[..., 1, 0] + m[..., 0, 1], m[..., 0, 2] + m[..., 2, 0], m[..., 2, 1] + m[..., 1, 2]
    wx, wy, wz = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    rows = (
        (1 + t[0] + t[1] + t[2], wx, wy, wz),
        (wx, 1 + t[0] - t[1] - t[2], xy, xz),
        (wy, xy, 1 - t[0] + t[1] - t[2], yz),
        (wz, xz, yz, 1 - t[0] - t[1] + t[2]),
    )
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def matrix_to_axis_angle(matrix: np.ndarray) -> np.ndarray:
    """Turn (..., 3, 3) rotation matrices into (..., 3) axis-angle vectors of length in [0, pi]."""
    m = np.asarray(matrix)
    m = m.astype(np.float64) if m.dtype.kind != "f" else m
    candidates = _quaternion_candidates(m)
    pivot = np.argmax(np.einsum("...ii->...i", candidates), axis=-1)
    q = np.take_along_axis(candidates, pivot[..., None, None], axis=-2)[..., 0, :]
    q = q / np.linalg.norm(q, axis=-1, keepdims=True)
    q = np.where(q[..., :1] < 0, -q, q)
    sine = np.linalg.norm(q[..., 1:], axis=-1)
    angle = 2 * np.arctan2(sine, q[..., 0])
    scale = np.where(sine < 1e-6, 2.0, angle / np.where(sine < 1e-6, 1.0, sine))
    return (scale[..., None] * q[..., 1:]).astype(m.dtype, copy=False)


def axis_angle_to_matrix_torch(axis_angle: Tensor) -> Tensor:
    """Turn (..., 3) axis-angle tensors into (..., 3, 3) matrices; gradients are exact at the identity."""
    import torch

    square = (axis_angle * axis_angle).sum(-1)
    small = square < (1e-4 if axis_angle.dtype == torch.float32 else 1e-6)
    safe = torch.where(small, torch.ones_like(square), square)
    angle = safe.sqrt()
    series_a = 1 - square / 6 * (1 - square / 20 * (1 - square / 42))
    series_b = 0.5 - square / 24 * (1 - square / 30 * (1 - square / 56))
    a = torch.where(small, series_a, angle.sin() / angle)
    b = torch.where(small, series_b, 2 * (angle / 2).sin() ** 2 / safe)
    x, y, z = axis_angle.unbind(-1)
    bx, by, bz = b * x, b * y, b * z
    ax, ay, az = a * x, a * y, a * z
    xx, yy, zz = bx * x, by * y, bz * z
    xy, xz, yz = bx * y, bx * z, by * z
    entries = (1 - yy - zz, xy - az, xz + ay, xy + az, 1 - xx - zz, yz - ax, xz - ay, yz + ax, 1 - xx - yy)
    return torch.stack(entries, dim=-1).reshape(*axis_angle.shape[:-1], 3, 3)


def matrix_to_axis_angle_torch(matrix: Tensor) -> Tensor:
    """Turn (..., 3, 3) rotation matrices into (..., 3) axis-angle tensors of length in [0, pi]."""
    import torch

    m = matrix
    t0, t1, t2 = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    xy, xz, yz = m[..., 1, 0] + m[..., 0, 1], m[..., 0, 2] + m[..., 2, 0], m[..., 2, 1] + m[..., 1, 2]
    wx, wy, wz = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    rows = (
        (1 + t0 + t1 + t2, wx, wy, wz),
        (wx, 1 + t0 - t1 - t2, xy, xz),
        (wy, xy, 1 - t0 + t1 - t2, yz),
        (wz, xz, yz, 1 - t0 - t1 + t2),
    )
    candidates = torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)
    pivot = candidates.diagonal(dim1=-2, dim2=-1).argmax(-1)
    index = pivot[..., None, None].expand(*pivot.shape, 1, 4)
    q = candidates.gather(-2, index).squeeze(-2)
    q = q / q.norm(dim=-1, keepdim=True)
    q = torch.where(q[..., :1] < 0, -q, q)
    square = (q[..., 1:] ** 2).sum(-1)
    small = square < 1e-12
    sine = torch.where(small, torch.ones_like(square), square).sqrt()
    scale = torch.where(small, torch.full_like(square, 2.0), 2 * torch.atan2(sine, q[..., 0]) / sine)
    return scale[..., None] * q[..., 1:]


def geodesic_distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the angle in radians between (..., 3, 3) rotations."""
    relative = np.swapaxes(a, -1, -2) @ b
    return np.linalg.norm(matrix_to_axis_angle(relative), axis=-1)


def rotation_between(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the (3, 3) shortest rotation that takes direction ``source`` (3,) onto ``target`` (3,)."""
    s, t = (np.asarray(d, np.float64) / np.linalg.norm(d) for d in (source, target))
    axis = np.cross(s, t)
    sine, cosine = np.linalg.norm(axis), float(s @ t)
    if sine < 1e-12:
        if cosine > 0:
            return np.eye(3)
        axis = np.cross(s, np.eye(3)[np.argmin(np.abs(s))])
        sine = np.linalg.norm(axis)
        return axis_angle_to_matrix(axis / sine * np.pi)
    return axis_angle_to_matrix(axis / sine * np.arctan2(sine, cosine))


def random_rotation(rng: np.random.Generator, shape: tuple[int, ...] = ()) -> np.ndarray:
    """Draw (*shape, 3, 3) rotations uniformly (normalised Gaussian quaternions)."""
    w, x, y, z = np.moveaxis(rng.normal(size=(*shape, 4)), -1, 0)
    n = np.sqrt(w * w + x * x + y * y + z * z)
    half = np.arctan2(np.sqrt(x * x + y * y + z * z), w)
    vector = np.stack([x, y, z], axis=-1) / n[..., None]
    sine = np.sin(half)
    return axis_angle_to_matrix(vector * (2 * half / np.where(sine < 1e-12, 1.0, sine))[..., None])
