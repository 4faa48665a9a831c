"""Networks, domain classifiers and devices that ``syrip eval`` is told to use."""

from pathlib import Path

import torch
import yaml
from torch import nn

from fidip.checkpoint import load_checkpoint
from fidip.domain.classifiers import build_classifier
from fidip.evaluation.sources import KEYPOINT_RCNN, SHIPPED, Source
from fidip.models.interface import NetworkSpec, PoseNetwork
from fidip.models.keypoint_rcnn import is_keypoint_rcnn, open_keypoint_rcnn
from fidip.models.weight_files import read_weight_file
from fidip.models.weights import open_network
from fidip.models.whole_image import WholeImageEstimator

__all__ = ["choose_device", "open_classifier", "open_source"]

CLASSIFIER_CHECKPOINT = "checkpoints/best.pt"


def open_source(source: Source, device: torch.device) -> PoseNetwork | WholeImageEstimator:
    """Return what a source names: a top-down network, or an estimator that finds the people itself.

    Raises:
        FileNotFoundError: If a run folder is not finished.
        ValueError: If a file holds no weights of a network that syrip knows.
        OSError: If torchvision's weights are asked for and cannot be fetched.
    """
    if source.path == SHIPPED:
        return open_network(None)
    if source.path == KEYPOINT_RCNN:
        return open_keypoint_rcnn(None, device=device)
    if Path(source.path).is_file() and is_keypoint_rcnn(read_weight_file(source.path)):
        return open_keypoint_rcnn(source.path, device=device)
    return open_network(source.path)


def open_classifier(source: Source, spec: NetworkSpec) -> nn.Module | None:
    """Return the domain classifier of a run folder, or None where there is none.

    Raises:
        ValueError: If the run's checkpoint does not fit its config.
    """
    folder = Path(source.path)
    path = folder / CLASSIFIER_CHECKPOINT
    if source.path == SHIPPED or not path.is_file():
        return None
    tensors = load_checkpoint(path).get("classifier")
    if not tensors:
        return None
    try:
        config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
        classifier = build_classifier(config["domain"]["classifier"], spec)
        classifier.load_state_dict(tensors)
    except (OSError, yaml.YAMLError, KeyError, TypeError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"{path}: its domain classifier does not fit {folder / 'config.yaml'} ({reason})"
        ) from None
    return classifier


def choose_device(name: str) -> torch.device:
    """Return the device to run on.

    Raises:
        ValueError: If there is no such device, or no GPU although one is asked for.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f"--device {name!r}: expected auto, cpu, cuda or cuda:0") from None
    if device.type == "cuda":
        count = torch.cuda.device_count()
        if (device.index or 0) >= count:
            raise ValueError(f"--device {name}: this machine has {count} usable GPUs; use --device cpu")
    elif device.type != "cpu":
        raise ValueError(f"--device {name!r}: expected auto, cpu, cuda or cuda:0")
    return device
