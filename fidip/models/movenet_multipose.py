"""MoveNet MultiPose (Google, 2021) as a plain torch module: boxes and keypoints of up to six people.

The network is Thunder's with other widths and two more heads, for the sizes and places of boxes around the
centres of people. :func:`decode_multipose` does what the published graph does behind its network.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fidip.models.movenet import INPUT_SCALE, Backbone, Head, Pyramid, Stages

__all__ = ["CELL_PX", "MAX_PEOPLE", "MoveNetMultiPose", "MultiPoseHeads", "People", "decode_multipose"]

STEM_CHANNELS = 48
STAGES: Stages = {
    "stage1": ((48, 24, 1),),
    "stage2": ((144, 40, 2), (240, 40, 1)),
    "stage3": ((240, 48, 2), (288, 48, 1), (288, 48, 1)),
    "stage4": ((288, 96, 2), (576, 96, 1), (576, 96, 1), (576, 96, 1)),
    "stage5": ((576, 144, 1), (864, 144, 1), (864, 144, 1)),
    "stage6": ((864, 240, 2), (1440, 240, 1), (1440, 240, 1), (1440, 480, 1)),
}
CELL_PX = 4
MAX_PEOPLE = 6
PEAK_WINDOW = 5
"""A centre is the highest of so many cells by so many."""
SAME = 1e-6
NEARNESS = 0.300048828125
"""Keypoints count exp(-d² / (NEARNESS * shorter side)) at d cells from where they are expected."""
SEEN = 0.126953125
"""A person's score is its centre's times the mean of its keypoints' above this."""


class MultiPoseHeads(NamedTuple):
    """Everything that MultiPose predicts for B pictures on a grid (h, w) of 4 px cells; vectors: (dy, dx)."""

    center_logits: Tensor
    """(B, 1, h, w) heatmap of persons' centres before the sigmoid."""
    box_sizes: Tensor
    """(B, 2, h, w) height and width of the person centred there, in cells."""
    box_offsets: Tensor
    """(B, 2, h, w) from a cell's upper left corner to the box's centre, in cells."""
    keypoint_logits: Tensor
    """(B, K, h, w) keypoint heatmaps before the sigmoid."""
    regression: Tensor
    """(B, K, 2, h, w) from a person's centre to keypoint k, in cells."""
    offsets: Tensor
    """(B, K, 2, h, w) from a cell's upper left corner to keypoint k, in cells."""


class People(NamedTuple):
    """The six likeliest people of each of B pictures, surest centres first."""

    boxes: Tensor
    """(B, 6, 4) left, top, right, bottom in px."""
    keypoints: Tensor
    """(B, 6, K, 3) x, y in px, score in 0..1."""
    scores: Tensor
    """(B, 6) in 0..1."""


class MoveNetMultiPose(nn.Module):
    """Pictures whose sides are multiples of 32 (published for 256 px on the longer side) to its six heads."""

    def __init__(self, num_keypoints: int = 17) -> None:
        super().__init__()
        self.backbone = Backbone(STEM_CHANNELS, STAGES)
        self.pyramid = Pyramid(self.backbone.channels)
        self.center, self.box_size, self.box_offset = Head(1), Head(2), Head(2)
        self.heatmap = Head(num_keypoints)
        self.regression, self.offset = Head(2 * num_keypoints), Head(2 * num_keypoints)

    def forward(self, images: Tensor) -> MultiPoseHeads:
        """Return the outputs of all heads for (B, 3, H, W) RGB pictures in 0..255."""
        features = self.pyramid(self.backbone(images * INPUT_SCALE - 1))
        return MultiPoseHeads(
            center_logits=self.center(features),
            box_sizes=self.box_size(features),
            box_offsets=self.box_offset(features),
            keypoint_logits=self.heatmap(features),
            regression=self.regression(features).unflatten(1, (-1, 2)),
            offsets=self.offset(features).unflatten(1, (-1, 2)),
        )


def decode_multipose(heads: MultiPoseHeads) -> People:
    """Read up to six people a picture, as the published graph does.

    People are the six highest peaks of the centre heatmap. Each keypoint is the heatmap's highest value in
    the person's box, preferred near the regressed place, moved by the offset predicted in its cell.
    """
    height, width = heads.center_logits.shape[2:]
    centers, scores = _peaks(heads.center_logits.sigmoid())
    center_yx = torch.stack([centers // width, centers % width], dim=-1).float()  # (B, 6, 2)
    sizes, places = (_at(field, centers) for field in (heads.box_sizes, heads.box_offsets))
    limit = center_yx.new_tensor([height, width])
    middle, half = center_yx + places, sizes.clamp(min=0) / 2
    low = torch.minimum(middle - half, limit).clamp(min=0)
    high = torch.minimum(middle + half, limit).clamp(min=0)
    points, sure = _keypoints(heads, centers, center_yx, low, high)
    seen = sure > SEEN
    mean = torch.where(seen, scores[..., None] * sure, 0).sum(-1) / seen.sum(-1).clamp(min=1)
    boxes = CELL_PX * torch.cat([low.flip(-1), high.flip(-1)], dim=-1)
    return People(boxes, torch.cat([points, sure[..., None]], dim=-1), mean)


def _peaks(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return cells (B, 6) and values (B, 6) of the highest local maxima of (B, 1, h, w)."""
    highest = F.max_pool2d(values, PEAK_WINDOW, stride=1, padding=PEAK_WINDOW // 2)
    peaks = torch.where((values - highest).abs() < SAME, values, 0).flatten(1)
    found = peaks.topk(MAX_PEOPLE, dim=1)
    return found.indices, found.values


def _keypoints(
    heads: MultiPoseHeads, centers: Tensor, center_yx: Tensor, low: Tensor, high: Tensor
) -> tuple[Tensor, Tensor]:
    """Return (B, 6, K, 2) x, y in px and (B, 6, K) scores of the people with these centres and boxes."""
    probability = heads.keypoint_logits.sigmoid()
    count, height, width = probability.shape[1:]
    rows = torch.arange(height, device=probability.device).float()
    columns = torch.arange(width, device=probability.device).float()
    index = centers[:, None, None].expand(-1, count, 2, -1)
    regressed = heads.regression.flatten(3).gather(3, index).permute(0, 3, 1, 2)  # (B, 6, K, 2)
    expected = center_yx[:, :, None] + regressed
    scale = NEARNESS * min(height, width)
    near_y = torch.exp(-((rows - expected[..., :1]) ** 2) / scale)  # (B, 6, K, h)
    near_x = torch.exp(-((columns - expected[..., 1:]) ** 2) / scale)
    near_y = near_y * ((rows >= low[..., :1]) & (rows < high[..., :1]))[:, :, None]
    near_x = near_x * ((columns >= low[..., 1:]) & (columns < high[..., 1:]))[:, :, None]
    weighed = probability[:, None] * near_y[..., :, None] * near_x[..., None, :]  # (B, 6, K, h, w)
    cells = weighed.flatten(3).argmax(-1)
    sure = weighed.amax(1).flatten(2)[:, None].expand(-1, centers.shape[1], -1, -1)
    sure = sure.gather(3, cells[..., None])[..., 0]  # the published graph lets others' nearness count, too
    offsets = heads.offsets.flatten(3)[:, None].expand(-1, centers.shape[1], -1, -1, -1)
    moved = offsets.gather(4, cells[..., None, None].expand(-1, -1, -1, 2, 1))[..., 0]
    points = CELL_PX * (torch.stack([cells // width, cells % width], dim=-1) + moved)
    return points.flip(-1), sure


def _at(field: Tensor, cells: Tensor) -> Tensor:
    """Read a vector field (B, 2, h, w) at flat cell indices (B, N); returns (B, N, 2)."""
    return field.flatten(2).gather(2, cells[:, None].expand(-1, 2, -1)).transpose(1, 2)
