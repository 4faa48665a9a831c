"""Networks, domain classifiers and devices that ``syrip eval`` is told to use."""

from pathlib import Path

import torch
import yaml
from torch import nn

from fidip.checkpoint import load_checkpoint
from fidip.domain.classifiers import build_classifier
from fidip.evaluation.sources import SHIPPED, Source
from fidip.models.interface import NetworkSpec, PoseNetwork
from fidip.models.weights import open_network

__all__ = ["choose_device", "open_classifier", "open_source"]

CLASSIFIER_CHECKPOINT = "checkpoints/best.pt"


def open_source(source: Source) -> PoseNetwork:
    """Return the network of a source; see :func:`fidip.models.weights.open_network`."""
    return open_network(None if source.path == SHIPPED else source.path)


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
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    classifier = build_classifier(config["domain"]["classifier"], spec)
    try:
        classifier.load_state_dict(tensors)
    except RuntimeError:
        raise ValueError(f"{path}: its domain classifier does not fit {folder / 'config.yaml'}") from None
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
