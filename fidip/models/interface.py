"""What every pose network looks like to the trainer, the evaluation and the predictor."""

from dataclasses import dataclass
from typing import NamedTuple, Self

from torch import Tensor, nn

from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "NetworkSpec", "PoseNetwork", "PoseOutput", "check_input_size"]

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """How pictures go into a network and how its heatmaps are read."""

    name: str
    input_size: tuple[int, int]
    """(width, height) of the crop in px."""
    stride: int
    """Side of a heatmap cell in px of the crop."""
    cell_center: float
    """Cell ``i`` is centred at ``stride * (i + cell_center)`` px of the crop (pixel-corner convention)."""
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    """The network expects (rgb / 255 - mean) / std."""
    has_logits: bool
    """Heatmaps are logits (binary cross-entropy), not values (mean squared error)."""
    feature_channels: int
    feature_stride: int
    """Channels of the features that the domain classifier sees; side of their cell in px of the crop."""

    @property
    def heatmap_size(self) -> tuple[int, int]:
        """(width, height) of the heatmaps in cells."""
        return self.input_size[0] // self.stride, self.input_size[1] // self.stride


class PoseOutput(NamedTuple):
    """What a pose network returns for a batch of B crops."""

    features: Tensor
    """(B, C, h, w) features that the domain classifier sees."""
    heatmaps: Tensor
    """(B, K, H, W) one heatmap per keypoint; see :attr:`NetworkSpec.has_logits`."""


class PoseNetwork(nn.Module):
    """Base of the networks: crops (B, 3, H, W), normalised as ``spec`` says, to a :class:`PoseOutput`.

    Loading weights may replace ``spec``: files differ in the order of colours and the place of cells.
    """

    spec: NetworkSpec
    schema: KeypointSchema = COCO17
    """Of the heatmaps; loading weights and training set it."""
    is_one_of_a_kind: bool = False
    """All files of this network follow one convention, the one of ``spec`` as it is built."""
    freeze_groups: tuple[str, ...]
    """Names of child modules (dotted prefixes) from the input on; recipes freeze a leading run of them."""
    imagenet_parts: tuple[str, ...] = ()
    """Child modules that a classifier trained on ImageNet fills; empty where there is no such classifier."""
    frozen_statistics: tuple[str, ...] = ()
    """Modules that stay in evaluation mode whatever :meth:`train` says; see :mod:`fidip.models.freezing`."""

    def forward(self, images: Tensor) -> PoseOutput:
        """Return features and heatmaps of a batch of crops."""
        raise NotImplementedError

    def train(self, mode: bool = True) -> Self:
        """Switch between training and evaluation, except for the modules in ``frozen_statistics``."""
        super().train(mode)
        for name in self.frozen_statistics:
            self.get_submodule(name).eval()
        return self


def check_input_size(name: str, input_size: tuple[int, int]) -> None:
    """Refuse crops that the coarsest map of a network, at a stride of 32, does not tile.

    Raises:
        ValueError: When a side is not a positive multiple of 32 px.
    """
    if any(side <= 0 or side % 32 for side in input_size):
        raise ValueError(f"{name} reads crops whose sides are multiples of 32 px, not {tuple(input_size)}")
