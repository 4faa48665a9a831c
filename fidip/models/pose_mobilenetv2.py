"""FiDIP's Pose-MobileNetV2: MobileNetV2, three pixel shuffles, a 1x1 convolution, a softmax.

Names of the tensors are those of FiDIP's `mobile_fidip.pth`.
"""

import torchvision
from torch import Tensor, nn

from fidip.models.interface import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    NetworkSpec,
    PoseNetwork,
    PoseOutput,
    check_input_size,
)

__all__ = ["PoseMobileNetV2", "flat_names"]

LAST_CHANNELS, COMPRESSED_CHANNELS = 1280, 256


class PoseMobileNetV2(PoseNetwork):
    """Pose-MobileNetV2; the domain classifier sees the backbone's output.

    A softmax makes each heatmap sum to 1, as in the published network, so that its peak is far below 1.

    Args:
        num_keypoints: K, the number of heatmaps.
        input_size: (width, height) of the crops in px, multiples of 32.

    Raises:
        ValueError: When a side of the crop is not a positive multiple of 32.
    """

    freeze_groups = (
        *(f"features.{number}" for number in range(19)),
        *("conv_compress", "duc1", "duc2", "duc3", "hm_conv"),
    )
    imagenet_parts = ("features",)

    def __init__(self, num_keypoints: int = 17, input_size: tuple[int, int] = (224, 224)) -> None:
        super().__init__()
        check_input_size("pose_mobilenetv2", input_size)
        self.spec = NetworkSpec(
            name="pose_mobilenetv2",
            input_size=input_size,
            stride=4,
            cell_center=0.5,
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            has_logits=False,
            feature_channels=LAST_CHANNELS,
            feature_stride=32,
        )
        self.features = torchvision.models.mobilenet_v2(weights=None).features
        for block in self.features[1:18]:
            block.conv = nn.Sequential(*flat_layers(block.conv))
        self.conv_compress = nn.Conv2d(LAST_CHANNELS, COMPRESSED_CHANNELS, 1, bias=False)
        self.duc1 = ShuffleUp(COMPRESSED_CHANNELS, 128)
        self.duc2 = ShuffleUp(128, 64)
        self.duc3 = ShuffleUp(64, 32)
        self.hm_conv = nn.Conv2d(32, num_keypoints, 1, bias=False)

    def forward(self, images: Tensor) -> PoseOutput:
        """Return the backbone's output (B, 1280, H/32, W/32) and heatmaps (B, K, H/4, W/4) that sum to 1."""
        features = self.features(images)
        x = self.duc3(self.duc2(self.duc1(self.conv_compress(features))))
        x = self.hm_conv(x)
        return PoseOutput(features, x.flatten(2).softmax(2).view_as(x))


class ShuffleUp(nn.Module):
    """Double height and width: convolve to four times the channels, then spread them over 2x2 cells."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, 4 * outputs, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(4 * outputs)
        self.relu = nn.ReLU()
        self.pixel_shuffle = nn.PixelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, outputs, 2 H, 2 W)."""
        return self.pixel_shuffle(self.relu(self.bn(self.conv(x))))


def flat_layers(layers: nn.Sequential) -> list[nn.Module]:
    """Return a block's layers in one row, where torchvision nests convolution, norm and activation."""
    return [inner for layer in layers for inner in (layer if isinstance(layer, nn.Sequential) else [layer])]


def flat_names(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename torchvision's MobileNetV2 tensors to the published flat names; others stay as they are.

    torchvision has ``features.B.conv.PART.LAYER.KIND`` for the first one or two parts of a block, which
    hold three layers each (convolution, norm, activation), ``features.B.conv.PART.KIND`` for the last two.
    """
    words = {name: name.split(".") for name in tensors}
    inside = {name: part for name, part in words.items() if part[0] == "features" and part[2:3] == ["conv"]}
    nested = {part[1]: set() for part in inside.values()}
    for part in inside.values():
        if len(part) == 6:
            nested[part[1]].add(part[3])
    renamed = {}
    for name, tensor in tensors.items():
        part = words[name]
        if name in inside and nested[part[1]]:
            count = len(nested[part[1]])
            layer = 3 * int(part[3]) + int(part[4]) if len(part) == 6 else 2 * count + int(part[3])
            part = [*part[:3], str(layer), part[-1]]
        renamed[".".join(part)] = tensor
    return renamed
