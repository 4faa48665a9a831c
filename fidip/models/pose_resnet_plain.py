"""The 2D network of Ellershaw's thesis: Pose-ResNet without batch norms above the ResNet.

Torchvision's ResNet-50 without its last two layers, three transposed convolutions with ReLU and no batch
norm, and a 1x1 transposed convolution to the heatmaps. Pictures go in as they are, in 0..1: nothing is
normalised by ImageNet's figures. Names of the tensors are those of the published checkpoints
(``SavedModels/*/model.tar``).
"""

import torchvision
from torch import Tensor, nn
from torch.nn import functional

from fidip.models.imagenet import RESNET_CHILDREN
from fidip.models.interface import NetworkSpec, PoseNetwork, PoseOutput, check_input_size
from fidip.models.pose_resnet import DECONV_CHANNELS

__all__ = ["PlainPoseResNet"]


class PlainPoseResNet(PoseNetwork):
    """The thesis's network; the domain classifier sees the ResNet's output.

    Args:
        depth: Layers of the ResNet; the thesis's 50.
        num_keypoints: K, the number of heatmaps; the thesis's 16 are MPII's.
        input_size: (width, height) of the crops in px, multiples of 32.

    Raises:
        ValueError: When a side of the crop is not a positive multiple of 32.
    """

    freeze_groups = ("0.0", "0.1", "0.4", "0.5", "0.6", "0.7", "1")
    imagenet_parts = ("0",)
    is_one_of_a_kind = True

    def __init__(
        self, depth: int = 50, num_keypoints: int = 16, input_size: tuple[int, int] = (256, 256)
    ) -> None:
        super().__init__()
        name = f"pose_resnet{depth}_plain"
        check_input_size(name, input_size)
        resnet = torchvision.models.get_model(f"resnet{depth}", weights=None)
        channels = resnet.fc.in_features
        self.spec = NetworkSpec(
            name=name,
            input_size=input_size,
            stride=4,
            cell_center=0.0,  # its targets put cell i at 4 i px
            mean=(0.0, 0.0, 0.0),
            std=(1.0, 1.0, 1.0),
            has_logits=False,
            feature_channels=channels,
            feature_stride=32,
        )
        self.add_module("0", nn.Sequential(*(getattr(resnet, child) for child in RESNET_CHILDREN)))
        self.add_module("1", _Upsampling(channels, num_keypoints))

    def forward(self, images: Tensor) -> PoseOutput:
        """Return the ResNet's features (B, C, H/32, W/32) and heatmaps (B, K, H/4, W/4)."""
        features = self.get_submodule("0")(images)
        return PoseOutput(features, self.get_submodule("1")(features))


class _Upsampling(nn.Module):
    """Three layers that double height and width, and one to the heatmaps."""

    def __init__(self, channels: int, num_keypoints: int) -> None:
        super().__init__()
        self.convTrans1 = nn.ConvTranspose2d(channels, DECONV_CHANNELS, 4, stride=2, padding=1)
        self.convTrans2 = nn.ConvTranspose2d(DECONV_CHANNELS, DECONV_CHANNELS, 4, stride=2, padding=1)
        self.convTrans3 = nn.ConvTranspose2d(DECONV_CHANNELS, DECONV_CHANNELS, 4, stride=2, padding=1)
        self.convTrans4 = nn.ConvTranspose2d(DECONV_CHANNELS, num_keypoints, 1)

    def forward(self, x: Tensor) -> Tensor:
        for layer in (self.convTrans1, self.convTrans2, self.convTrans3):
            x = functional.relu(layer(x))
        return self.convTrans4(x)
