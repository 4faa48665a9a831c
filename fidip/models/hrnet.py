"""HRNet for poses (Sun et al. 2019): parallel branches at strides 4, 8, 16, 32 that keep exchanging.

Names of the tensors are those of the published checkpoints (HRNet's, DarkPose's and FiDIP's are the same).
"""

from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from fidip.models.interface import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    NetworkSpec,
    PoseNetwork,
    PoseOutput,
    check_input_size,
)

__all__ = ["PoseHRNet"]

STEM_CHANNELS, LAYER1_CHANNELS, BLOCKS_PER_BRANCH = 64, 256, 4
EXCHANGES = {"stage2": 1, "stage3": 4, "stage4": 3}
"""Exchanges between the branches of a stage; stage n has n branches, each twice as wide as the last."""


class PoseHRNet(PoseNetwork):
    """HRNet-W32 or -W48; the domain classifier sees the finest branch, just before the last convolution.

    Args:
        width: Channels of the finest branch.
        num_keypoints: K, the number of heatmaps.
        input_size: (width, height) of the crops in px, multiples of 32.

    Raises:
        ValueError: When a side of the crop is not a positive multiple of 32.
    """

    imagenet_parts = (
        *("conv1", "bn1", "conv2", "bn2", "layer1", "transition1", "stage2"),
        *("transition2", "stage3", "transition3", "stage4"),
    )
    freeze_groups = (*imagenet_parts, "final_layer")

    def __init__(
        self, width: int = 48, num_keypoints: int = 17, input_size: tuple[int, int] = (288, 384)
    ) -> None:
        super().__init__()
        name = f"hrnet_w{width}"
        check_input_size(name, input_size)
        self.spec = NetworkSpec(
            name=name,
            input_size=input_size,
            stride=4,
            cell_center=0.5,
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            has_logits=False,
            feature_channels=width,
            feature_stride=4,
        )
        self.conv1 = nn.Conv2d(3, STEM_CHANNELS, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(STEM_CHANNELS)
        self.conv2 = nn.Conv2d(STEM_CHANNELS, STEM_CHANNELS, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(STEM_CHANNELS)
        self.relu = nn.ReLU(inplace=True)
        widen = conv_bn(STEM_CHANNELS, LAYER1_CHANNELS, 1)
        self.layer1 = nn.Sequential(
            Bottleneck(STEM_CHANNELS, STEM_CHANNELS, downsample=widen),
            *(Bottleneck(LAYER1_CHANNELS, STEM_CHANNELS) for _ in range(3)),
        )
        channels = [LAYER1_CHANNELS]
        for number, (stage, exchanges) in enumerate(EXCHANGES.items(), start=1):
            wider = [width * 2**branch for branch in range(number + 1)]
            self.add_module(f"transition{number}", Transition(channels, wider))
            outputs = [len(wider)] * exchanges
            if stage == "stage4":
                outputs[-1] = 1  # only the finest branch is read
            self.add_module(stage, nn.Sequential(*(Exchange(wider, count) for count in outputs)))
            channels = wider
        self.final_layer = nn.Conv2d(width, num_keypoints, 1)
        nn.init.normal_(self.final_layer.weight, std=0.001)
        nn.init.zeros_(self.final_layer.bias)

    def forward(self, images: Tensor) -> PoseOutput:
        """Return the finest branch (B, width, H/4, W/4) and heatmaps (B, K, H/4, W/4)."""
        x = self.relu(self.bn1(self.conv1(images)))
        x = self.relu(self.bn2(self.conv2(x)))
        branches = self.stage2(self.transition1([self.layer1(x)]))
        branches = self.stage3(self.transition2(branches))
        (features,) = self.stage4(self.transition3(branches))
        return PoseOutput(features, self.final_layer(features))


class Transition(nn.ModuleList):
    """Fit the branches to the next stage's widths and start one more branch from the coarsest."""

    def __init__(self, inputs: list[int], outputs: list[int]) -> None:
        fitted = [
            nn.Identity() if old == new else conv_bn(old, new, 3, relu=True)
            for old, new in zip(inputs, outputs, strict=False)
        ]
        started = nn.Sequential(conv_bn(inputs[-1], outputs[-1], 3, stride=2, relu=True))
        super().__init__([*fitted, started])

    def forward(self, branches: list[Tensor]) -> list[Tensor]:
        """Return one branch more than there were."""
        *fitted, started = self
        return [fit(x) for fit, x in zip(fitted, branches, strict=True)] + [started(branches[-1])]


class Exchange(nn.Module):
    """Four residual blocks on each branch, then every output adds up all branches at its own resolution."""

    def __init__(self, channels: list[int], outputs: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(*(BasicBlock(width, width) for _ in range(BLOCKS_PER_BRANCH))) for width in channels
        )
        self.fuse_layers = nn.ModuleList(
            nn.ModuleList(resampling(channels, source, target) for source in range(len(channels)))
            for target in range(outputs)
        )
        self.relu = nn.ReLU()

    def forward(self, inputs: list[Tensor]) -> list[Tensor]:
        """Return the first ``outputs`` branches."""
        branches = [branch(x) for branch, x in zip(self.branches, inputs, strict=True)]
        return [
            self.relu(sum(fuse(x) for fuse, x in zip(row, branches, strict=True))) for row in self.fuse_layers
        ]


def resampling(channels: list[int], source: int, target: int) -> nn.Module:
    """Return the layers that take a branch to another's width and resolution."""
    if source == target:
        return nn.Identity()
    if source > target:
        grow = nn.Upsample(scale_factor=2.0 ** (source - target), mode="nearest")
        return nn.Sequential(*conv_bn(channels[source], channels[target], 1), grow)
    width = channels[source]
    halvings = [conv_bn(width, width, 3, stride=2, relu=True) for _ in range(target - source - 1)]
    return nn.Sequential(*halvings, conv_bn(width, channels[target], 3, stride=2))


def conv_bn(inputs: int, outputs: int, kernel: int, *, stride: int = 1, relu: bool = False) -> nn.Sequential:
    """Return a convolution, a batch norm and, if asked, a ReLU."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
    layers = [convolution, nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if relu else nn.Sequential(*layers)
