"""Turning, mirroring and projecting batches of 3D poses (torch)."""

import math

import torch
from torch import Tensor

from syrip_gen.geometry.rotations import axis_angle_to_matrix_torch

__all__ = ["about_axis", "pelvis_of", "project_px", "random_signs", "random_tilts", "uniform"]


def uniform(shape: tuple[int, ...], low: float, high: float, generator: torch.Generator) -> Tensor:
    """Return numbers drawn evenly between ``low`` and ``high``."""
    return low + (high - low) * torch.rand(shape, generator=generator)


def random_signs(shape: tuple[int, ...], probability: float, generator: torch.Generator) -> Tensor:
    """Return a bool tensor that is True with a probability."""
    return torch.rand(shape, generator=generator) < probability


def about_axis(axis: Tensor, angle: Tensor) -> Tensor:
    """Return (B, 3, 3) rotations about (B, 3) unit axes by (B,) radians."""
    return axis_angle_to_matrix_torch(axis * angle[:, None])


def random_tilts(count: int, largest_deg: float, generator: torch.Generator) -> Tensor:
    """Return (count, 3, 3) rotations about random axes in the picture's plane by up to an angle."""
    direction = uniform((count,), -math.pi, math.pi, generator)
    axis = torch.stack([direction.cos(), direction.sin(), torch.zeros_like(direction)], -1)
    return about_axis(axis, uniform((count,), 0, math.radians(largest_deg), generator))


def project_px(points: Tensor, camera: Tensor) -> Tensor:
    """Project (B, ..., 3) camera-frame points to (B, ..., 2) px with (B, 4) cameras fx, fy, cx, cy."""
    camera = camera.reshape(len(camera), *[1] * (points.ndim - 2), 4)
    return points[..., :2] / points[..., 2:] * camera[..., :2] + camera[..., 2:]


def pelvis_of(points: Tensor, hips: tuple[int, ...]) -> Tensor:
    """Return (..., 1, 3) the middle of the hips."""
    return points[..., list(hips), :].mean(-2, keepdim=True)
