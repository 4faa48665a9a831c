"""torchvision's Keypoint R-CNN (He et al. 2017), for the paper's Faster R-CNN rows; not trained here."""

from pathlib import Path

import numpy as np
import torch
import torchvision
from torch import nn
from torchvision.models.detection import KeypointRCNN
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.ops.misc import FrozenBatchNorm2d

from fidip.models.tensor_match import some
from fidip.models.weight_files import WeightFile, read_weight_file
from fidip.models.whole_image import FoundPeople

__all__ = ["KeypointRCNNEstimator", "build_keypoint_rcnn", "is_keypoint_rcnn", "open_keypoint_rcnn"]

TRAINED_WITHOUT_EPSILON = "fc266e95"
"""In the name of torchvision's COCO_V1 file, whose batch norms add nothing to the variance."""


class KeypointRCNNEstimator:
    """Wraps a detection network of torchvision as a :class:`fidip.models.whole_image.WholeImageEstimator`.

    Args:
        network: Returns for a list of (3, H, W) RGB pictures in 0..1 a list of dictionaries with ``boxes``
            (N, 4) as left, top, right, bottom, ``scores`` (N,), ``keypoints`` (N, K, 3) and
            ``keypoints_scores`` (N, K), the heatmaps' logits.
        device: Where to compute.
        min_score: People below this score are left out.
        max_people: At most so many, the surest.
    """

    name = "keypoint_rcnn"

    def __init__(
        self,
        network: nn.Module,
        *,
        device: torch.device | str = "cpu",
        min_score: float = 0.05,
        max_people: int = 20,
    ) -> None:
        self.network = network.to(device).eval()
        self.device = torch.device(device)
        self.min_score, self.max_people = min_score, max_people

    @torch.inference_mode()
    def find_people(self, image: np.ndarray) -> FoundPeople:
        """Return the people of an (H, W, 3) uint8 RGB picture, surest first.

        A keypoint's score is the sigmoid of its heatmap's highest logit.

        Raises:
            ValueError: When the picture is not (H, W, 3) uint8.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(f"a picture is (H, W, 3) uint8 RGB, not {image.shape} {image.dtype}")
        picture = torch.from_numpy(np.ascontiguousarray(image)).to(self.device)
        (found,) = self.network([picture.permute(2, 0, 1).float() / 255])
        order = found["scores"].argsort(descending=True, stable=True)
        order = order[found["scores"][order] >= self.min_score][: self.max_people]
        left_top, right_bottom = found["boxes"][order].split(2, dim=1)
        points = found["keypoints"][order, :, :2]
        sure = found["keypoints_scores"][order].sigmoid()[..., None]
        return FoundPeople(
            boxes_xywh=torch.cat([left_top, right_bottom - left_top], dim=1).float().cpu().numpy(),
            keypoints=torch.cat([points, sure], dim=2).float().cpu().numpy(),
            scores=found["scores"][order].float().cpu().numpy(),
        )


def build_keypoint_rcnn(num_keypoints: int = 17) -> KeypointRCNN:
    """Return the network of torchvision's published files, with random weights."""
    backbone = resnet_fpn_backbone(
        backbone_name="resnet50", weights=None, norm_layer=FrozenBatchNorm2d, trainable_layers=5
    )
    return KeypointRCNN(backbone, num_classes=2, num_keypoints=num_keypoints)


def is_keypoint_rcnn(file: WeightFile) -> bool:
    """Return whether a file's tensors are a Keypoint R-CNN's."""
    return "roi_heads.keypoint_predictor.kps_score_lowres.weight" in file.tensors


def open_keypoint_rcnn(
    path: str | Path | None,
    *,
    device: torch.device | str = "cpu",
    min_score: float = 0.05,
) -> KeypointRCNNEstimator:
    """Return torchvision's Keypoint R-CNN with trained weights.

    Args:
        path: A weights file, such as ``keypointrcnn_resnet50_fpn_coco-fc266e95.pth``; None takes
            torchvision's COCO weights from its cache, else from its server.
        device: Where to compute.
        min_score: People below this score are left out.

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When it cannot be read safely or is of another network.
        OSError: When the weights were to come from the server and did not.
    """
    file = fetch_coco_weights() if path is None else read_weight_file(path)
    if not is_keypoint_rcnn(file):
        names = some(list(file.tensors))
        raise ValueError(f"{file.path} is not torchvision's Keypoint R-CNN: its tensors are {names}")
    num_keypoints = file.tensors["roi_heads.keypoint_predictor.kps_score_lowres.weight"].shape[1]
    network = build_keypoint_rcnn(num_keypoints)
    try:  # torchvision's own loading renames what older versions called otherwise
        result = network.load_state_dict(dict(file.tensors), strict=False)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise ValueError(f"{file.path} does not fit Keypoint R-CNN: {reason}") from None
    missing, unexpected = result
    if missing or unexpected:
        raise ValueError(
            f"{file.path} does not fit Keypoint R-CNN: {len(missing)} tensors missing ({some(missing)}), "
            f"{len(unexpected)} unexpected ({some(unexpected)})"
        )
    if TRAINED_WITHOUT_EPSILON in file.path.name:
        for module in network.modules():
            if isinstance(module, FrozenBatchNorm2d):
                module.eps = 0.0
    return KeypointRCNNEstimator(network, device=device, min_score=min_score)


def fetch_coco_weights() -> WeightFile:
    """Return torchvision's COCO weights from its cache or its server."""
    weights = torchvision.models.get_model_weights("keypointrcnn_resnet50_fpn")["COCO_V1"]
    try:
        tensors = weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise OSError(
            f"torchvision's Keypoint R-CNN weights could not be fetched ({reason}). "
            f"Download {weights.url} elsewhere and name the file."
        ) from error
    return WeightFile(Path(weights.url.rsplit("/", 1)[1]), dict(tensors))
