"""MoveNet's own way from its four heads to one person's keypoints."""

import torch
from torch import Tensor

from fidip.models.movenet import MoveNetHeads

__all__ = ["decode_movenet"]

CELL_PX = 4
NEARNESS_CELLS = 1.8
"""A score at d cells from where it is wanted counts 1 / (d + 1.8)."""


def decode_movenet(heads: MoveNetHeads) -> tuple[Tensor, Tensor]:
    """Read one person a crop: its centre, where that expects keypoints, the heatmaps' peaks, their offsets.

    The person is the centre peak, preferred near the middle of the crop; each keypoint is the heatmap peak
    preferred near the regressed place, moved by the offset predicted in its cell. This is what the published
    graph does behind its network.

    Returns:
        points: (B, K, 2) x, y in px of the crop.
        scores: (B, K) the keypoint heatmap's probability at its peak.
    """
    logits = heads.keypoint_logits
    keypoints, height, width = logits.shape[1:]
    rows = torch.arange(height, device=logits.device, dtype=logits.dtype)[:, None].expand(height, width)
    columns = torch.arange(width, device=logits.device, dtype=logits.dtype)[None].expand(height, width)

    middle = torch.hypot(rows - height // 2, columns - width // 2)
    center = (heads.center_logits[:, 0].sigmoid() / (middle + NEARNESS_CELLS)).flatten(1).argmax(1)
    center_yx = torch.stack([center // width, center % width], dim=-1)
    expected = center_yx[:, None] + at_cells(heads.regression, center[:, None].expand(-1, keypoints))

    distance = torch.hypot(rows - expected[..., 0, None, None], columns - expected[..., 1, None, None])
    probability = logits.sigmoid()
    cells = (probability / (distance + NEARNESS_CELLS)).flatten(2).argmax(2)
    cells_yx = torch.stack([cells // width, cells % width], dim=-1)
    points_yx = CELL_PX * (cells_yx + at_cells(heads.offsets, cells))
    scores = probability.flatten(2).gather(2, cells[..., None])[..., 0]
    return points_yx.flip(-1), scores


def at_cells(field: Tensor, cells: Tensor) -> Tensor:
    """Read a vector field (B, K, 2, h, w) at flat cell indices (B, K); returns (B, K, 2)."""
    index = cells[:, :, None, None].expand(-1, -1, 2, 1)
    return field.flatten(3).gather(3, index)[..., 0]
