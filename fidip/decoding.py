"""Heatmaps to points: DARK (Zhang et al. 2020), the quarter offset of Simple Baselines, and plain argmax."""

from collections.abc import Sequence
from typing import Literal, TypeVar

import numpy as np
import torch
from torch import Tensor

from fidip.models.interface import NetworkSpec

__all__ = ["DECODERS", "DecodeMethod", "decode_heatmaps", "heatmap_values", "unflip_heatmaps"]

DecodeMethod = Literal["dark", "quarter", "argmax"]
DECODERS: tuple[DecodeMethod, ...] = ("dark", "quarter", "argmax")
BLUR_SIGMA, BLUR_RADIUS = 2.0, 5
"""Smoothing before DARK's Taylor step, in cells: 11 taps, as in the paper's code."""
BORDER = 2
"""DARK's step is made this many cells or more away from the border, as in the paper's code."""
LOG_FLOOR = 1e-10
MAX_STEP = 1.0
"""DARK's step from the highest cell is cut to this many cells: noise can make the curvature vanish."""

Heatmaps = TypeVar("Heatmaps", Tensor, np.ndarray)


def decode_heatmaps(
    heatmaps: Heatmaps, spec: NetworkSpec, method: DecodeMethod = "dark"
) -> tuple[Heatmaps, Heatmaps]:
    """Read one point per heatmap.

    ``dark`` smooths the heatmap, takes its logarithm and makes one Newton step from the highest cell
    (Zhang et al. 2020, eq. 9); ``quarter`` moves a quarter of a cell towards the higher neighbour; ``argmax``
    takes the centre of the highest cell.

    Args:
        heatmaps: (B, K, h, w) as the network returned them (logits where ``spec.has_logits``).
        spec: How a cell's index becomes a place in the crop.
        method: One of :data:`DECODERS`.

    Returns:
        (B, K, 2) x and y in px of the crop, pixel-corner convention, and (B, K) scores: the highest value of
        each heatmap, a probability where the network has logits. Float32; arrays for arrays.

    Raises:
        ValueError: If the shape does not fit, the method is unknown, or a heatmap holds NaN.
    """
    if method not in DECODERS:
        raise ValueError(f"unknown decoding {method!r}; expected {', '.join(DECODERS)}")
    as_tensor = torch.from_numpy(heatmaps) if isinstance(heatmaps, np.ndarray) else heatmaps
    if as_tensor.ndim != 4 or min(as_tensor.shape[2:]) < 1:
        raise ValueError(f"heatmaps must be (B, K, h, w), got {tuple(as_tensor.shape)}")
    values = heatmap_values(as_tensor, spec)
    scores, flat = values.flatten(2).max(dim=2)
    if not bool(torch.isfinite(scores).all()):
        raise ValueError(f"the heatmaps of {spec.name} hold NaN or infinity: its weights or input are broken")
    width = values.shape[3]
    cells = torch.stack([flat % width, flat // width], dim=2)
    if method == "dark":
        offset = _dark_offset(values, cells)
    elif method == "quarter":
        offset = _quarter_offset(values, cells)
    else:
        offset = torch.zeros_like(cells, dtype=values.dtype)
    points = (cells + offset + spec.cell_center) * spec.stride
    if isinstance(heatmaps, np.ndarray):
        return points.numpy(), scores.numpy()
    return points, scores


def heatmap_values(heatmaps: Tensor, spec: NetworkSpec) -> Tensor:
    """Return float32 heatmaps as values: probabilities where the network returns logits."""
    values = heatmaps.float()
    return values.sigmoid() if spec.has_logits else values


def unflip_heatmaps(heatmaps: Tensor, flip_index: Sequence[int] | np.ndarray, cell_center: float) -> Tensor:
    """Turn the heatmaps of mirrored crops into those of the crops, to be averaged with them.

    Mirroring takes cell i to ``w - i - 2 * cell_center``, which is a whole cell only for a ``cell_center`` of
    0.5 or 0; the part that is left is interpolated.

    Args:
        heatmaps: (B, K, h, w) heatmaps of the mirrored crops.
        flip_index: (K,) source of keypoint k in a mirrored picture (``KeypointSchema.flip_index``).
        cell_center: See ``NetworkSpec.cell_center``.
    """
    order = torch.as_tensor(np.asarray(flip_index), device=heatmaps.device)
    mirrored = heatmaps[:, order].flip(3)
    shift = 1.0 - 2.0 * cell_center
    if abs(shift) < 1e-6:
        return mirrored
    if not 0.0 < shift <= 1.0:
        raise ValueError(f"cell_center {cell_center}: expected 0 to 0.5")
    beside = torch.cat([mirrored[..., :1], mirrored[..., :-1]], dim=3)
    return (1.0 - shift) * mirrored + shift * beside


def _neighbours(values: Tensor, cells: Tensor) -> Tensor:
    """Return the (B, K, 3, 3) values around each cell, [dy + 1, dx + 1]; the border's are repeated."""
    height, width = values.shape[2:]
    steps = torch.arange(-1, 2, device=values.device)
    x = (cells[..., 0, None] + steps).clamp(0, width - 1)
    y = (cells[..., 1, None] + steps).clamp(0, height - 1)
    index = (y[..., :, None] * width + x[..., None, :]).flatten(2)
    return values.flatten(2).gather(2, index).unflatten(2, (3, 3))


def _away_from_border(values: Tensor, cells: Tensor, margin: int) -> Tensor:
    """(B, K) whether this many cells lie between each cell and every border."""
    height, width = values.shape[2:]
    column, row = cells.unbind(2)
    inside_x = (column >= margin) & (column < width - margin)
    return inside_x & (row >= margin) & (row < height - margin)


def _quarter_offset(values: Tensor, cells: Tensor) -> Tensor:
    around = _neighbours(values, cells)
    slope = torch.stack([around[..., 1, 2] - around[..., 1, 0], around[..., 2, 1] - around[..., 0, 1]], dim=2)
    return 0.25 * slope.sign() * _away_from_border(values, cells, 1)[..., None]


def _dark_offset(values: Tensor, cells: Tensor) -> Tensor:
    """Newton step of the smoothed log heatmap, in cells.

    Near the border the blur pulls inwards, and where the heatmap is no hill there is no step to make: there
    the quarter offset serves.
    """
    around = _smoothed_around(values, cells).clamp_min(LOG_FLOOR).log()
    gradient_x = 0.5 * (around[..., 1, 2] - around[..., 1, 0])
    gradient_y = 0.5 * (around[..., 2, 1] - around[..., 0, 1])
    xx = around[..., 1, 2] - 2 * around[..., 1, 1] + around[..., 1, 0]
    yy = around[..., 2, 1] - 2 * around[..., 1, 1] + around[..., 0, 1]
    xy = 0.25 * (around[..., 2, 2] - around[..., 0, 2] - around[..., 2, 0] + around[..., 0, 0])
    determinant = xx * yy - xy * xy
    is_hill = _away_from_border(values, cells, BORDER) & (xx < 0) & (determinant > 1e-12)
    scale = torch.where(is_hill, determinant, torch.ones_like(determinant))
    step = torch.stack(
        [(xy * gradient_y - yy * gradient_x) / scale, (xy * gradient_x - xx * gradient_y) / scale], dim=2
    )
    step = step.clamp(-MAX_STEP, MAX_STEP)
    return torch.where(is_hill[..., None], step, _quarter_offset(values, cells))


def _smoothed_around(values: Tensor, cells: Tensor) -> Tensor:
    """Return the (B, K, 3, 3) Gaussian-blurred values around each cell, up to a constant factor.

    Only the cells that the kernel reaches are looked at: the same as blurring whole heatmaps (zero outside),
    without their cost.
    """
    height, width = values.shape[2:]
    reach = BLUR_RADIUS + 1
    steps = torch.arange(-reach, reach + 1, device=values.device)
    x, y = cells[..., 0, None] + steps, cells[..., 1, None] + steps
    index = y.clamp(0, height - 1)[..., :, None] * width + x.clamp(0, width - 1)[..., None, :]
    patch = values.flatten(2).gather(2, index.flatten(2)).unflatten(2, (len(steps), len(steps)))
    is_inside = ((y >= 0) & (y < height))[..., :, None] & ((x >= 0) & (x < width))[..., None, :]
    shifted = steps - steps.new_tensor([-1, 0, 1])[:, None]
    kernel = torch.exp(-0.5 * (shifted / BLUR_SIGMA) ** 2) * (shifted.abs() <= BLUR_RADIUS)
    kernel = kernel.to(values.dtype)
    return kernel @ (patch * is_inside) @ kernel.T
