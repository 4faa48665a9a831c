"""Faster R-CNN (Ren et al. 2015) of torchvision with two classes: background and person."""

from collections.abc import Callable
from functools import partial

from torch import nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import mobilenet_backbone, resnet_fpn_backbone
from torchvision.ops.misc import FrozenBatchNorm2d

from fidip.detection.config import DetectNetworkSettings

__all__ = ["BACKBONES", "NUM_CLASSES", "build_detector"]

NUM_CLASSES = 2
DOUBTFUL = 0.05
"""Boxes below this score are not given at all, as in torchvision."""
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


BACKBONES: dict[str, Callable[[Norm], tuple[nn.Module, dict]]] = {
    "mobilenet_v3_large_320_fpn": _mobilenet320,
    "resnet50_fpn": _resnet50,
}
"""Builders of a backbone from a norm layer, with the options of FasterRCNN that torchvision uses with it."""


def build_detector(settings: DetectNetworkSettings, *, is_frozen: bool) -> FasterRCNN:
    """Return the network with random weights and torchvision's names of tensors; nothing is downloaded.

    Args:
        settings: Which backbone and which size.
        is_frozen: Batch norms stay as they are (for weights that were trained elsewhere).
    """
    norm: Norm = FrozenBatchNorm2d if is_frozen else partial(nn.BatchNorm2d, eps=1e-3, momentum=0.03)
    backbone, options = BACKBONES[settings.backbone](norm)
    options = {"num_classes": NUM_CLASSES, **options}
    return FasterRCNN(
        backbone,
        min_size=settings.min_size,
        max_size=settings.max_size,
        box_score_thresh=DOUBTFUL,
        **options,
    )
