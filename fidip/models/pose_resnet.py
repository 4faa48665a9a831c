"""Pose-ResNet (Xiao et al. 2018, "Simple Baselines"): a ResNet, three transposed and one 1x1 convolution.

Names of the tensors are those of the published checkpoints (`pose_resnet_50_384x288.pth.tar`).
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

__all__ = ["PoseResNet"]

DECONV_CHANNELS = 256


class PoseResNet(PoseNetwork):
    """Pose-ResNet of 18, 34, 50, 101 or 152 layers; the domain classifier sees the output of ``layer4``.

    Args:
        depth: Layers of the ResNet.
        num_keypoints: K, the number of heatmaps.
        input_size: (width, height) of the crops in px, multiples of 32.

    Raises:
        ValueError: When a side of the crop is not a positive multiple of 32.
    """

    freeze_groups = ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "deconv_layers", "final_layer")
    imagenet_parts = ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4")

    def __init__(
        self, depth: int = 50, num_keypoints: int = 17, input_size: tuple[int, int] = (288, 384)
    ) -> None:
        super().__init__()
        name = f"pose_resnet{depth}"
        check_input_size(name, input_size)
        resnet = torchvision.models.get_model(f"resnet{depth}", weights=None)
        channels = resnet.fc.in_features
        self.spec = NetworkSpec(
            name=name,
            input_size=input_size,
            stride=4,
            cell_center=0.5,
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            has_logits=False,
            feature_channels=channels,
            feature_stride=32,
        )
        self.conv1, self.bn1, self.relu, self.maxpool = resnet.conv1, resnet.bn1, resnet.relu, resnet.maxpool
        self.layer1, self.layer2 = resnet.layer1, resnet.layer2
        self.layer3, self.layer4 = resnet.layer3, resnet.layer4
        self.deconv_layers = nn.Sequential(
            *doubling(channels), *doubling(DECONV_CHANNELS), *doubling(DECONV_CHANNELS)
        )
        self.final_layer = nn.Conv2d(DECONV_CHANNELS, num_keypoints, 1)
        nn.init.normal_(self.final_layer.weight, std=0.001)
        nn.init.zeros_(self.final_layer.bias)

    def forward(self, images: Tensor) -> PoseOutput:
        """Return ``layer4``'s features (B, C, H/32, W/32) and heatmaps (B, K, H/4, W/4)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        features = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return PoseOutput(features, self.final_layer(self.deconv_layers(features)))


def doubling(inputs: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    """Return the three layers that double height and width."""
    deconv = nn.ConvTranspose2d(inputs, DECONV_CHANNELS, 4, stride=2, padding=1, bias=False)
    nn.init.normal_(deconv.weight, std=0.001)
    return deconv, nn.BatchNorm2d(DECONV_CHANNELS), nn.ReLU(inplace=True)
