"""Heatmap targets, drawn on the device for a whole batch."""

from typing import Literal

import torch
from torch import Tensor

from fidip.models.interface import NetworkSpec

__all__ = ["TargetEncoding", "draw_targets"]

TargetEncoding = Literal["unbiased", "rounded"]
"""``unbiased`` puts the Gaussian where the keypoint is (DARK, UDP); ``rounded`` on the nearest cell (HRNet,
Simple Baselines)."""
REACH = 3.0
"""A keypoint whose Gaussian lies more than this many sigmas outside the heatmap is not trained on."""


def draw_targets(
    points: Tensor, labelled: Tensor, spec: NetworkSpec, sigma: float, encoding: TargetEncoding = "unbiased"
) -> tuple[Tensor, Tensor]:
    """Draw a Gaussian of height 1 for every keypoint.

    Args:
        points: (B, K, 2) px of the crop, pixel-corner.
        labelled: (B, K) 1 where labelled.
        spec: Stride, place of cell centres and size of the heatmaps.
        sigma: Standard deviation in cells.
        encoding: See :data:`TargetEncoding`.

    Returns:
        Heatmaps (B, K, H, W) and weights (B, K): 0 where not labelled or out of reach.
    """
    width, height = spec.heatmap_size
    cells = points / spec.stride - spec.cell_center  # cell i is centred at stride * (i + cell_center)
    if encoding == "rounded":
        cells = torch.floor(cells + 0.5)
    x, y = cells[..., 0, None], cells[..., 1, None]
    reach = REACH * sigma
    inside = (x > -reach) & (x < width - 1 + reach) & (y > -reach) & (y < height - 1 + reach)
    weights = labelled * inside[..., 0]
    columns = torch.arange(width, device=points.device, dtype=points.dtype)
    rows = torch.arange(height, device=points.device, dtype=points.dtype)
    across = torch.exp(-((columns - x) ** 2) / (2 * sigma**2))
    down = torch.exp(-((rows - y) ** 2) / (2 * sigma**2))
    heatmaps = down[..., :, None] * across[..., None, :]
    return heatmaps * weights[..., None, None], weights
