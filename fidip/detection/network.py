"""Faster R-CNN (Ren et al. 2015) of torchvision with two classes: background and person."""

from collections.abc import Callable
from functools import cached_property, partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torchvision.models import mobilenet_v2
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import (
    BackboneWithFPN,
    mobilenet_backbone,
    resnet_fpn_backbone,
)
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.ops import MultiScaleRoIAlign
from torchvision.ops.misc import FrozenBatchNorm2d

from fidip.detection.config import DetectNetworkSettings
from fidip.models.pose_mobilenetv2 import flat_layers

__all__ = ["BACKBONES", "NUM_CLASSES", "FoldedLayers", "build_detector", "find_boxes"]

NUM_CLASSES = 2
DOUBTFUL = 0.05
"""Boxes below this score are not given at all, as in torchvision."""
LOOKS = 2
"""How often the head goes over a picture."""
Norm = Callable[[int], nn.Module]


def _resnet50(norm: Norm) -> tuple[nn.Module, dict]:
    backbone = resnet_fpn_backbone(
        backbone_name="resnet50", weights=None, norm_layer=norm, trainable_layers=5
    )
    return backbone, {}


def _mobilenet320(norm: Norm) -> tuple[nn.Module, dict]:
    backbone = mobilenet_backbone(
        backbone_name="mobilenet_v3_large", weights=None, fpn=True, norm_layer=norm, trainable_layers=6
    )
    anchors = AnchorGenerator(((32, 64, 128, 256, 512),) * 3, ((0.5, 1.0, 2.0),) * 3)
    options = {
        "rpn_anchor_generator": anchors,
        "rpn_pre_nms_top_n_test": 150,
        "rpn_post_nms_top_n_test": 150,
        "rpn_score_thresh": DOUBTFUL,
    }
    return backbone, options


class FoldedLayers(nn.Sequential):
    """Layers in a row; a frozen norm is made part of the convolution before it.

    The figures are the same, and training on a CPU a quarter quicker: a frozen norm by itself costs more
    than a depthwise convolution.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return what the layers make of ``x``."""
        layers = iter(self)
        for layer in layers:
            norm = self._norms.get(layer)
            if norm is None:
                x = layer(x)
                continue
            next(layers)
            scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
            bias = norm.bias - norm.running_mean * scale
            x = layer._conv_forward(x, layer.weight * scale[:, None, None, None], bias)
        return x

    @cached_property
    def _norms(self) -> dict[nn.Module, nn.Module]:
        pairs = pairwise(self)
        return {a: b for a, b in pairs if isinstance(a, nn.Conv2d) and isinstance(b, FrozenBatchNorm2d)}


def _mobilenet_v2(norm: Norm) -> tuple[nn.Module, dict]:
    """A light one for one or a few persons who fill much of the picture: 3 million parameters.

    The pyramid begins at stride 8, where the edges of a box are seen; half of the regions that the head
    learns from are the person's, since few others are worth telling apart.
    """
    features, width, grid = mobilenet_v2(weights=None, norm_layer=norm).features, 64, 7
    features[0] = FoldedLayers(*features[0])
    for block in features[1:18]:
        block.conv = FoldedLayers(*flat_layers(block.conv))  # names as in the published files
    levels = {"6": "0", "13": "1", "17": "2"}  # the last blocks of strides 8, 16 and 32
    backbone = BackboneWithFPN(features, levels, [32, 96, 320], width)
    sizes = ((32, 48), (72, 104), (144, 200), (256, 320))
    hidden = 256
    options = {
        "rpn_anchor_generator": AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * len(sizes)),
        "rpn_pre_nms_top_n_train": 300,
        "rpn_post_nms_top_n_train": 100,
        "rpn_pre_nms_top_n_test": 150,
        "rpn_post_nms_top_n_test": 32,
        "rpn_batch_size_per_image": 64,
        "box_roi_pool": MultiScaleRoIAlign(list(levels.values()), grid, 2),
        "box_head": TwoMLPHead(width * grid**2, hidden),
        "box_predictor": FastRCNNPredictor(hidden, NUM_CLASSES),
        "box_batch_size_per_image": 32,
        "box_positive_fraction": 0.5,
        "num_classes": None,
    }
    return backbone, options


BACKBONES: dict[str, Callable[[Norm], tuple[nn.Module, dict]]] = {
    "mobilenet_v2_fpn": _mobilenet_v2,
    "mobilenet_v3_large_320_fpn": _mobilenet320,
    "resnet50_fpn": _resnet50,
}
"""Builders of a backbone from a norm layer, with the options of FasterRCNN that torchvision uses with it."""


def build_detector(settings: DetectNetworkSettings, *, is_frozen: bool) -> FasterRCNN:
    """Return the network with random weights and torchvision's names of tensors; nothing is downloaded.

    Args:
        settings: Which backbone and which size.
        is_frozen: Batch norms stay as they are (for weights that were trained elsewhere).

    Raises:
        ValueError: If blocks are to be frozen that nobody trained.
    """
    if settings.frozen_blocks and not is_frozen:
        raise ValueError(
            f"the first {settings.frozen_blocks} blocks are to stay as they are, and would be random: give "
            "--weights FILE (the backbone trained on ImageNet), or --set network.frozen_blocks=0"
        )
    norm: Norm = FrozenBatchNorm2d if is_frozen else partial(nn.BatchNorm2d, eps=1e-3, momentum=0.03)
    backbone, options = BACKBONES[settings.backbone](norm)
    for block in list(backbone.body.children())[: settings.frozen_blocks]:
        block.requires_grad_(requires_grad=False)
    options = {"num_classes": NUM_CLASSES, **options}
    return FasterRCNN(
        backbone,
        min_size=settings.min_size,
        max_size=settings.max_size,
        box_score_thresh=DOUBTFUL,
        **options,
    )


@torch.no_grad()
def find_boxes(network: FasterRCNN, picture: Tensor) -> dict[str, Tensor]:
    """Return the boxes in one picture, each looked at twice.

    The head goes over the boxes that it found once more, as over proposals (Gidaris and Komodakis 2015,
    iterative regression): the second look begins nearer, costs little, and joins double finds.

    Args:
        network: In evaluation mode.
        picture: (3, H, W) float RGB in 0..1.

    Returns:
        ``boxes`` (N, 4) left, top, right, bottom px of the picture, ``scores`` (N,) and ``labels`` (N,).
    """
    pictures, _ = network.transform([picture])
    features = network.backbone(pictures.tensors)
    places = network.rpn(pictures, features)[0]
    for _ in range(LOOKS):
        found = network.roi_heads(features, places, pictures.image_sizes)[0]
        places = [found[0]["boxes"]]
    return network.transform.postprocess(found, pictures.image_sizes, [tuple(picture.shape[-2:])])[0]
