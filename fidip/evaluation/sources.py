"""What ``syrip eval`` is asked to measure: predictions files, and networks that make predictions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["KEYPOINT_RCNN", "LABELS", "SHIPPED", "Source", "file_stem", "list_sources"]

SHIPPED = "movenet_thunder"
"""Word for the network that ships, trained on adults."""
KEYPOINT_RCNN = "keypoint_rcnn"
"""Word for torchvision's network with its own weights, fetched by torchvision unless it has them."""


LABELS = "labels"
"""Word for the labelled 2D keypoints themselves, to be lifted."""


@dataclass(frozen=True, slots=True)
class Source:
    """One row of the table."""

    name: str
    """Short and unique among the rows."""
    path: str
    kind: Literal["predictions", "network", "labels"]


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
        if path not in (SHIPPED, KEYPOINT_RCNN, LABELS) and not Path(path).exists():
            raise FileNotFoundError(f"{path}: no such run folder, weights file or predictions file")
    twice = [path for path, count in Counter(path for path, _ in found).items() if count > 1]
    if twice:
        raise ValueError(f"{twice[0]} is named more than once")
    names = _unique_names([path for path, _ in found])
    return tuple(Source(name, path, kind) for name, (path, kind) in zip(names, found, strict=True))


def file_stem(name: str) -> str:
    """Return a row's name as part of a file name."""
    return name.replace("/", "_").replace("\\", "_")


def _kind(path: str) -> Literal["predictions", "network", "labels"]:
    if path == LABELS:
        return "labels"
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
