"""Weights of pose networks from files: what fits is copied and reported, what does not fit is an error."""

from dataclasses import dataclass
from pathlib import Path

import yaml
from torch import Tensor

from fidip.models.catalog import build_network, catalog_entry
from fidip.models.interface import PoseNetwork
from fidip.models.weight_files import read_tensors

__all__ = ["LoadReport", "default_weights", "load_weights", "open_network"]


@dataclass(frozen=True, slots=True)
class LoadReport:
    """Names of tensors after a load."""

    matched: tuple[str, ...]
    """Tensors of the network that the file filled."""
    missing: tuple[str, ...]
    """Tensors of the network that the file did not have."""
    unexpected: tuple[str, ...]
    """Tensors of the file that the network does not have."""

    def __str__(self) -> str:
        """Return the three counts in one line."""
        counts = {"matched": self.matched, "missing": self.missing, "unexpected": self.unexpected}
        return "tensors: " + ", ".join(f"{len(names)} {word}" for word, names in counts.items())


def default_weights(name: str) -> Path | None:
    """Return the weights file that ships for a network, or None where none does.

    Raises:
        FileNotFoundError: When the file should be there and is not.
    """
    shipped = catalog_entry(name).shipped_weights
    if shipped is None:
        return None
    package = Path(__file__).resolve().parents[2]
    places = [package / "assets" / shipped, package / "syrip_gen" / "assets" / shipped]
    for path in places:
        if path.is_file():
            return path
    raise FileNotFoundError(f"syrip's own {shipped} is missing: looked for {places[0]} and {places[1]}")


def load_weights(network: PoseNetwork, path: str | Path | None, *, what: str = "pose") -> LoadReport:
    """Copy the tensors of a file into a network; see the module's first line."""
    path = default_weights(network.spec.name) if path is None else Path(path)
    if path is None:
        raise ValueError(f"no weights ship for {network.spec.name}; name a file")
    tensors = read_tensors(path)
    own = network.state_dict()
    matched = tuple(name for name in own if name in tensors and tensors[name].shape == own[name].shape)
    report = LoadReport(
        matched,
        missing=tuple(name for name in own if name not in tensors),
        unexpected=tuple(name for name in tensors if name not in own),
    )
    if len(matched) != len(own) or report.unexpected:
        raise ValueError(f"{path} does not fit {network.spec.name}: {report}")
    copy_tensors(network, tensors, matched)
    return report


def copy_tensors(network: PoseNetwork, tensors: dict[str, Tensor], names: tuple[str, ...]) -> None:
    """Copy tensors by name into a network's parameters and buffers, in the network's precision."""
    own = network.state_dict()
    for name in names:
        own[name].copy_(tensors[name])


def open_network(source: str | Path | None) -> PoseNetwork:
    """Return a trained network in evaluation mode: a run's, a weights file's, or MoveNet as it ships."""
    if source is None:
        network = build_network("movenet_thunder")
        load_weights(network, None)
        return network.eval()
    source = Path(source)
    settings = yaml.safe_load((source / "config.yaml").read_text(encoding="utf-8"))["network"]
    network = build_network(settings["name"], input_size=settings.get("input_size"))
    load_weights(network, source / "best.safetensors")
    return network.eval()
