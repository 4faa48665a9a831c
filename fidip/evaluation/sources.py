"""What ``syrip eval`` is asked to measure: predictions files, and networks that make predictions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
import yaml
from torch import nn

from fidip.checkpoint import load_checkpoint
from fidip.domain.classifiers import build_classifier
from fidip.models.interface import NetworkSpec, PoseNetwork
from fidip.models.weights import open_network

__all__ = ["SHIPPED", "Source", "choose_device", "list_sources", "open_classifier", "open_source"]

SHIPPED = "movenet_thunder"
"""Word for the network that ships, trained on adults."""
CLASSIFIER_CHECKPOINT = "checkpoints/best.pt"


@dataclass(frozen=True, slots=True)
class Source:
    """One row of the table."""

    name: str
    """Short and unique among the rows."""
    path: str
    kind: Literal["predictions", "network"]


def list_sources(
    runs: Sequence[str], checkpoints: Sequence[str] = (), predictions: Sequence[str] = ()
) -> tuple[Source, ...]:
    """Return what is measured, in the order given; the shipped network where nothing is named.

    Raises:
        FileNotFoundError: If a path does not exist.
        ValueError: If the same source is named twice.
    """
    found = [(path, _kind(path)) for path in runs]
    found += [(path, "network") for path in checkpoints]
    found += [(path, "predictions") for path in predictions]
    found = found or [(SHIPPED, "network")]
    for path, _ in found:
        if path != SHIPPED and not Path(path).exists():
            raise FileNotFoundError(f"{path}: no such run folder, weights file or predictions file")
    twice = [path for path, count in Counter(path for path, _ in found).items() if count > 1]
    if twice:
        raise ValueError(f"{twice[0]} is named more than once")
    names = _unique_names([path for path, _ in found])
    return tuple(Source(name, path, kind) for name, (path, kind) in zip(names, found, strict=True))


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


def _kind(path: str) -> Literal["predictions", "network"]:
    return "predictions" if path.lower().endswith(".json") else "network"


def _unique_names(paths: list[str]) -> list[str]:
    """Return the shortest unique ends of paths, without the extension."""
    parts = [Path(path).absolute().with_suffix("").parts for path in paths]
    names = []
    for own in parts:
        length = 1
        while length < len(own) and sum(other[-length:] == own[-length:] for other in parts) > 1:
            length += 1
        names.append("/".join(own[-length:]))
    return [name if names.count(name) == 1 else path for name, path in zip(names, paths, strict=True)]
