"""Weights of detectors: runs of syrip, torchvision's files, and MoveNet MultiPose as it ships."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from pydantic import ValidationError
from torch import Tensor
from torchvision.models.detection import FasterRCNN

from fidip.checkpoint import save_weights
from fidip.detection.config import DetectNetworkSettings
from fidip.detection.network import NUM_CLASSES, build_detector
from fidip.models.pose_mobilenetv2 import flat_names
from fidip.models.tensor_match import some
from fidip.models.weight_files import WeightFile, read_weight_file

__all__ = ["begin_from", "open_detector_weights", "run_file", "save_detector"]

TASK = "detect"
PREDICTOR = "roi_heads.box_predictor."
TORCHVISION = {
    "mobilenet_v2_fpn": (None, "mobilenet_v2"),
    "resnet50_fpn": ("fasterrcnn_resnet50_fpn", "resnet50"),
    "mobilenet_v3_large_320_fpn": ("fasterrcnn_mobilenet_v3_large_320_fpn", "mobilenet_v3_large"),
}
"""By backbone: torchvision's names of the detector and of the classifier."""


def save_detector(
    path: Path, network: FasterRCNN, settings: DetectNetworkSettings, *, is_frozen: bool
) -> None:
    """Write a detector as safetensors that describe themselves."""
    described = {
        "task": TASK,
        "network": settings.model_copy(
            update={"weights": "none", "norm": "frozen" if is_frozen else "batch"}
        ).model_dump_json(),
    }
    save_weights(path, network.state_dict(), described)


def run_file(name: str) -> Path:
    """Return the weights of a run folder, or the file itself.

    Raises:
        FileNotFoundError: If there is none.
    """
    path = Path(name)
    if path.is_dir():
        path = path / "best.safetensors"
        if not path.is_file():
            raise FileNotFoundError(f"{name} holds no detector (no best.safetensors): was it trained?")
    if not path.is_file():
        raise FileNotFoundError(
            f"detector {name} not found: give movenet_multipose, a run folder of syrip train --recipe "
            "detector, or a weights file"
        )
    return path


def open_detector_weights(name: str) -> FasterRCNN:
    """Return the detector of a run or of a file that :func:`save_detector` wrote, in evaluation mode.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is something else; a lifter or a pose network is named as such.
    """
    file = read_weight_file(run_file(name))
    task = file.metadata.get("task") or ("pose" if "spec" in file.metadata else None)
    if task != TASK:
        what = {"pose": "a 2D pose network", "lift": "a lifter"}.get(task or "", "no detector of syrip")
        raise ValueError(
            f"{file.path} is {what}: give the run folder of 'syrip train --recipe detector', or "
            "movenet_multipose"
        )
    try:
        settings = DetectNetworkSettings.model_validate(json.loads(file.metadata["network"]))
        network = build_detector(settings, is_frozen=settings.norm == "frozen")
        network.load_state_dict(dict(file.tensors))
    except (ValidationError, KeyError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{file.path} is not a detector of this version: {reason}") from None
    return network.eval()


def begin_from(network: FasterRCNN, settings: DetectNetworkSettings) -> str:
    """Load what a training begins from; return a line that says what was done.

    Args:
        network: Of :func:`fidip.detection.network.build_detector`.
        settings: ``weights`` is ``none``, ``imagenet``, ``coco``, or a run or file: a detector of syrip or
            torchvision (its person class is kept), or torchvision's classifier of that backbone.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it does not fit the network.
        OSError: If torchvision's weights were asked for and cannot be fetched.
    """
    words = settings.weights
    if words == "none":
        return (
            "WARNING: the detector begins from random weights: it needs thousands of pictures. Better give "
            "--weights FILE (torchvision's), or --weights coco"
        )
    if words in ("imagenet", "coco"):
        file = _fetched(settings.backbone, words)
    else:
        file = read_weight_file(run_file(words))
    own = network.state_dict()
    is_detector = any(name.startswith("roi_heads.") for name in file.tensors)
    given = _person_only(file) if is_detector else _classifier(file, own)
    wanted = [name for name in own if is_detector or name.startswith("backbone.body.")]
    wanted = [name for name in wanted if not name.endswith("num_batches_tracked")]
    missing = [name for name in wanted if name not in given]
    wrong = [name for name in wanted if name in given and given[name].shape != own[name].shape]
    if missing or wrong:
        raise ValueError(
            f"{file.path} does not fit a detector with the backbone {settings.backbone}: "
            + (f"it lacks {some(missing)}" if missing else f"other shapes of {some(wrong)}")
        )
    with torch.no_grad():
        for name in wanted:
            own[name].copy_(given[name])
    what = "detector" if is_detector else "backbone"
    return f"the {what} begins from {file.path}: {len(wanted)} of {len(own)} tensors"


def _person_only(file: WeightFile) -> Mapping[str, Tensor]:
    """Return a detector's tensors, its classes cut down to background and person (COCO's class 1)."""
    tensors = dict(file.tensors)
    for part, rows in (("cls_score", NUM_CLASSES), ("bbox_pred", 4 * NUM_CLASSES)):
        for kind in ("weight", "bias"):
            name = f"{PREDICTOR}{part}.{kind}"
            if name not in tensors or len(tensors[name]) < rows:
                raise ValueError(f"{file.path} is no Faster R-CNN with a person class: see {name}")
            tensors[name] = tensors[name][:rows]
    return _renamed(tensors)


def _renamed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors under today's names; older files of torchvision name convolutions without a block."""
    names = {}
    for name in tensors:
        new = name
        for part in ("backbone.fpn.inner_blocks.", "backbone.fpn.layer_blocks."):
            if name.startswith(part) and name.count(".") == part.count(".") + 1:
                new = name.replace(name.rsplit(".", 1)[1], f"0.{name.rsplit('.', 1)[1]}")
        for kind in ("weight", "bias"):
            if name == f"rpn.head.conv.{kind}":
                new = f"rpn.head.conv.0.0.{kind}"
        names[new] = tensors[name]
    return names


def _classifier(file: WeightFile, own: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return a classifier's tensors under the names that a detector has for its backbone."""
    body = "backbone.body."
    return {
        f"{body}{name.removeprefix('features.')}": tensor
        for name, tensor in flat_names(dict(file.tensors)).items()
        if f"{body}{name.removeprefix('features.')}" in own
    }


def _fetched(backbone: str, words: str) -> WeightFile:
    """Return torchvision's weights from its cache or its server."""
    import torchvision

    detector, classifier = TORCHVISION[backbone]
    name = detector if words == "coco" else classifier
    if name is None:
        raise ValueError(f"torchvision has no detector with the backbone {backbone}; give --weights imagenet")
    weights = torchvision.models.get_model_weights(name)
    entry = weights["COCO_V1" if words == "coco" else "IMAGENET1K_V1"]
    try:
        tensors = entry.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise OSError(
            f"torchvision's weights of {name} could not be fetched ({reason}). Download {entry.url} "
            "elsewhere and name the file with --weights."
        ) from error
    return WeightFile(Path(entry.url.rsplit("/", 1)[1]), dict(tensors))
