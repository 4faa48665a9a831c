"""MoveNet Thunder (Google, 2021) as a plain torch module: a wide MobileNetV2, a feature pyramid, four heads.

The published graph has its batch norms folded into the convolutions, so every layer here is a convolution,
and there are no batch statistics to drift. Its own decoding is in :mod:`fidip.models.movenet_decoding`.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fidip.models.interface import NetworkSpec, PoseNetwork, PoseOutput, check_input_size

__all__ = ["INPUT_SCALE", "Backbone", "Head", "MoveNetHeads", "MoveNetThunder", "Pyramid", "Stages"]

INPUT_SCALE = 0.007843017578125
"""The published graph computes ``rgb * INPUT_SCALE - 1``: 1 / 127.5 rounded to half precision."""
STEM_CHANNELS, LAST_CHANNELS = 56, 1280
Stages = Mapping[str, tuple[tuple[int, int, int], ...]]
STAGES: Stages = {
    "stage1": ((56, 32, 1),),
    "stage2": ((192, 40, 2), (240, 40, 1)),
    "stage3": ((240, 56, 2), (336, 56, 1), (336, 56, 1)),
    "stage4": ((336, 112, 2), (672, 112, 1), (672, 112, 1), (672, 112, 1)),
    "stage5": ((672, 168, 1), (1008, 168, 1), (1008, 168, 1)),
    "stage6": ((1008, 280, 2), (1680, 280, 1), (1680, 280, 1), (1680, 560, 1)),
}
"""The inverted residuals of each stage: (expanded channels, output channels, stride)."""
PYRAMID_CHANNELS, HEAD_CHANNELS = 24, 96


class MoveNetHeads(NamedTuple):
    """Everything that MoveNet predicts for a batch of B crops, on the grid of its heatmaps (h, w)."""

    features: Tensor
    """(B, 24, h, w) output of the feature pyramid."""
    keypoint_logits: Tensor
    """(B, K, h, w) keypoint heatmaps before the sigmoid."""
    center_logits: Tensor
    """(B, 1, h, w) heatmap of persons' centres before the sigmoid."""
    regression: Tensor
    """(B, K, 2, h, w) from a person's centre to keypoint k as (dy, dx), in cells."""
    offsets: Tensor
    """(B, K, 2, h, w) from a cell's upper left corner to keypoint k as (dy, dx), in cells."""


class StridedConv(nn.Conv2d):
    """3x3 convolution, padded as TensorFlow's "SAME": a stride of 2 pads only below and on the right."""

    def __init__(self, inputs: int, outputs: int, stride: int, groups: int = 1) -> None:
        super().__init__(inputs, outputs, 3, stride, padding=1 if stride == 1 else 0, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (B, C, H, W)."""
        if self.stride[0] == 1:
            return super().forward(x)
        if torch.onnx.is_in_onnx_export():  # its convolutions want filters of a known shape
            return super().forward(F.pad(x, (0, 1, 0, 1)))
        # the same sums with zeros before the filter and padding all around: padding the maps costs more
        weight = F.pad(self.weight, (1, 0, 1, 0))
        return F.conv2d(x, weight, self.bias, self.stride, 1, groups=self.groups)


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; add the input where the shapes agree."""

    def __init__(self, inputs: int, expanded: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.expand = nn.Conv2d(inputs, expanded, 1) if expanded != inputs else None
        self.depthwise = StridedConv(expanded, expanded, stride, groups=expanded)
        self.project = nn.Conv2d(expanded, outputs, 1)
        self.is_residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, outputs, H / stride, W / stride)."""
        y = x if self.expand is None else F.relu6(self.expand(x), inplace=True)
        y = self.project(F.relu6(self.depthwise(y), inplace=True))
        return x + y if self.is_residual else y


class Backbone(nn.Module):
    """MobileNetV2; gives the four maps that the pyramid joins, finest first (strides 4, 8, 16, 32)."""

    def __init__(self, stem_channels: int = STEM_CHANNELS, stages: Stages = STAGES) -> None:
        super().__init__()
        self.stem = StridedConv(3, stem_channels, 2)
        inputs = stem_channels
        self.channels = tuple(stages[f"stage{number}"][-1][1] for number in (2, 3, 4))
        """Of the first three maps."""
        for name, blocks in stages.items():
            layers = []
            for expanded, outputs, stride in blocks:
                layers.append(InvertedResidual(inputs, expanded, outputs, stride))
                inputs = outputs
            self.add_module(name, nn.Sequential(*layers))
        self.last = nn.Conv2d(inputs, LAST_CHANNELS, 1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return maps of ``channels`` and of 1280 channels."""
        x = self.stage1(F.relu6(self.stem(images), inplace=True))
        quarter = self.stage2(x)
        eighth = self.stage3(quarter)
        sixteenth = self.stage4(eighth)
        x = self.stage6(self.stage5(sixteenth))
        return quarter, eighth, sixteenth, F.relu6(self.last(x), inplace=True)


class SeparableConv(nn.Module):
    """3x3 filter of each channel without a bias, 1x1 convolution, ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
        self.pointwise = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, outputs, H, W)."""
        return F.relu(self.pointwise(self.depthwise(x)), inplace=True)


class Pyramid(nn.Module):
    """Carry the coarse maps up to stride 4: double, add the finer map, smooth."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        quarter, eighth, sixteenth = channels
        self.top = nn.Conv2d(LAST_CHANNELS, 64, 1)
        self.lateral16 = nn.Conv2d(sixteenth, 64, 1)
        self.smooth16 = SeparableConv(64, 32)
        self.lateral8 = nn.Conv2d(eighth, 32, 1)
        self.smooth8 = SeparableConv(32, 24)
        self.lateral4 = nn.Conv2d(quarter, 24, 1)
        self.smooth4 = SeparableConv(24, PYRAMID_CHANNELS)

    def forward(self, maps: tuple[Tensor, Tensor, Tensor, Tensor]) -> Tensor:
        """Return (B, 24, H / 4, W / 4)."""
        quarter, eighth, sixteenth, last = maps
        x = self.smooth16(double(self.top(last)) + self.lateral16(sixteenth))
        x = self.smooth8(double(x) + self.lateral8(eighth))
        return self.smooth4(double(x) + self.lateral4(quarter))


def double(x: Tensor) -> Tensor:
    """Resize (B, C, H, W) to twice its height and width, bilinearly between cell centres."""
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class Head(nn.Module):
    """A separable convolution to 96 channels and a 1x1 convolution to the outputs."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.conv = SeparableConv(PYRAMID_CHANNELS, HEAD_CHANNELS)
        self.out = nn.Conv2d(HEAD_CHANNELS, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, outputs, H, W)."""
        return self.out(self.conv(x))


class MoveNetThunder(PoseNetwork):
    """MoveNet Thunder; crops of any size divisible by 32, of which it was trained at 256 x 256.

    ``forward`` computes the keypoint heatmaps only. The three heads that serve MoveNet's own decoding
    (centre, regression, offsets) run in :meth:`forward_heads` alone and do not ask for gradients: no loss
    here trains them, and distributed training refuses trainable tensors that a step leaves out.

    Args:
        num_keypoints: K, the number of heatmaps.
        input_size: (width, height) of the crops in px.

    Raises:
        ValueError: When a side of the crop is not a positive multiple of 32.
    """

    freeze_groups = (
        "backbone.stem",
        *(f"backbone.{name}" for name in STAGES),
        "backbone.last",
        "pyramid",
        "heatmap",
    )

    def __init__(self, num_keypoints: int = 17, input_size: tuple[int, int] = (256, 256)) -> None:
        super().__init__()
        check_input_size("movenet_thunder", input_size)
        unit = 1 / (255 * INPUT_SCALE)
        self.spec = NetworkSpec(
            name="movenet_thunder",
            input_size=input_size,
            stride=4,
            cell_center=0.5,
            mean=(unit, unit, unit),
            std=(unit, unit, unit),
            has_logits=True,
            feature_channels=PYRAMID_CHANNELS,
            feature_stride=4,
        )
        self.backbone = Backbone()
        self.pyramid = Pyramid(self.backbone.channels)
        self.heatmap = Head(num_keypoints)
        self.center = Head(1).requires_grad_(False)
        self.regression = Head(2 * num_keypoints).requires_grad_(False)
        self.offset = Head(2 * num_keypoints).requires_grad_(False)

    def forward(self, images: Tensor) -> PoseOutput:
        """Return the pyramid's features (B, 24, H/4, W/4) and keypoint logits (B, K, H/4, W/4)."""
        features = self.pyramid(self.backbone(images))
        return PoseOutput(features, self.heatmap(features))

    def forward_heads(self, images: Tensor) -> MoveNetHeads:
        """Return the outputs of all heads, for :func:`fidip.models.movenet_decoding.decode_movenet`."""
        features = self.pyramid(self.backbone(images))
        return MoveNetHeads(
            features=features,
            keypoint_logits=self.heatmap(features),
            center_logits=self.center(features),
            regression=self.regression(features).unflatten(1, (-1, 2)),
            offsets=self.offset(features).unflatten(1, (-1, 2)),
        )
