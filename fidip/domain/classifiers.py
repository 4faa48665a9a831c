"""Domain classifiers: features of a pose network to one logit a picture (positive = synthetic)."""

from typing import Literal

import torch
from torch import Tensor, nn

from fidip.models.interface import NetworkSpec

__all__ = ["ClassifierKind", "PaperClassifier", "SmallClassifier", "build_classifier"]

ClassifierKind = Literal["small", "paper"]
SMALL_WIDTH = 64


class SmallClassifier(nn.Module):
    """A few convolutions over features of any size, then mean and maximum over space.

    Nothing in it depends on the other samples of a batch (no batch norm), so that two processes with half a
    batch each compute what one computes with the whole.
    """

    def __init__(self, channels: int, width: int = SMALL_WIDTH) -> None:
        super().__init__()
        self.conv_layer = nn.Sequential(
            nn.GroupNorm(1, channels),
            nn.Conv2d(channels, width, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, stride=2, padding=1),
            nn.ReLU(inplace=True),
        )
        self.layer = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(inplace=True), nn.Linear(width, 1))

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (B,) of features (B, C, h, w)."""
        x = self.conv_layer(features)
        return self.layer(torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)).squeeze(1)


class PaperClassifier(nn.Module):
    """The authors' classifier: optional convolutions, flattening, three linear layers with batch norm.

    Its sizes are fixed by the input size of the network. Names of its parameters follow the authors' modules.
    """

    def __init__(self, conv_layer: nn.Module, flat_size: int, hidden: tuple[int, int]) -> None:
        super().__init__()
        self.conv_layer = conv_layer
        self.flat_size = flat_size
        first, second = hidden
        self.layer = nn.Sequential(
            nn.Linear(flat_size, first),
            nn.BatchNorm1d(first),
            nn.ReLU(inplace=True),
            nn.Linear(first, second),
            nn.BatchNorm1d(second),
            nn.ReLU(inplace=True),
            nn.Linear(second, 1),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (B,) of features (B, C, h, w)."""
        x = self.conv_layer(features).flatten(1)
        if x.shape[1] != self.flat_size:
            raise ValueError(
                f"the paper's domain classifier takes {self.flat_size} numbers a picture, got {x.shape[1]}: "
                "the network's input size is not the paper's. Use domain.classifier=small."
            )
        return self.layer(x).squeeze(1)


def build_classifier(kind: ClassifierKind, spec: NetworkSpec) -> nn.Module:
    """Return a domain classifier for the features of a network.

    Raises:
        ValueError: If the authors published no classifier for this network and input size.
    """
    if kind == "small":
        return SmallClassifier(spec.feature_channels)
    width, height = (side // spec.feature_stride for side in spec.input_size)
    if spec.name.startswith("pose_resnet"):
        _check_paper_size(spec, (288, 384))
        return PaperClassifier(nn.Identity(), spec.feature_channels * width * height, (2048, 512))
    if spec.name.startswith("hrnet"):
        _check_paper_size(spec, (288, 384))
        flat = 8 * _conv_pool_twice(width) * _conv_pool_twice(height)
        return PaperClassifier(_hrnet_convolutions(spec.feature_channels), flat, (256, 64))
    if spec.name == "pose_mobilenetv2":
        _check_paper_size(spec, (224, 224))
        return PaperClassifier(_mobile_convolutions(spec.feature_channels), 16 * 3 * 3, (256, 64))
    raise ValueError(f"the FiDIP paper has no domain classifier for {spec.name}; use domain.classifier=small")


def _check_paper_size(spec: NetworkSpec, size: tuple[int, int]) -> None:
    if tuple(spec.input_size) != size:
        raise ValueError(
            f"the paper's domain classifier for {spec.name} is made for crops of {size[0]}x{size[1]} px, not "
            f"{spec.input_size[0]}x{spec.input_size[1]}. Use domain.classifier=small or that input size."
        )


def _conv_pool_twice(side: int) -> int:
    """Return the side of a map after 3x3 convolution without padding and halving, twice."""
    return ((side - 2) // 2 - 2) // 2


def _hrnet_convolutions(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, 32, 3),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 8, 3),
        nn.BatchNorm2d(8),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
    )


def _mobile_convolutions(channels: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in ((channels, 512), (512, 256), (256, 16)):
        layers += [nn.Conv2d(inputs, outputs, 1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.MaxPool2d(2))
