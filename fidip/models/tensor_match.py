"""Whether the tensors of a file fit a network, and the copying of those that do."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from fidip.models.interface import PoseNetwork
from fidip.models.published import guess_network
from fidip.models.weight_files import WeightFile

__all__ = ["check_fit", "copy_tensors", "some"]


def check_fit(
    network: PoseNetwork,
    file: WeightFile,
    matched: Sequence[str],
    missing: Sequence[str],
    unexpected: Sequence[str],
) -> None:
    """Refuse a file that leaves tensors random, brings tensors of another network, or is broken.

    Batch norms' step counts may be missing: files of torch < 0.4.1 have none, and nothing here reads them.

    Raises:
        ValueError: Says how many tensors do not fit, and which network the file looks like.
    """
    own = network.state_dict()
    shapes = [
        f"{name} {tuple(file.tensors[name].shape)} instead of {tuple(own[name].shape)}"
        for name in matched
        if file.tensors[name].shape != own[name].shape
    ]
    missing = [name for name in missing if not name.endswith(".num_batches_tracked")]
    faults = {"missing": missing, "unexpected": unexpected, "of another shape": shapes}
    if any(faults.values()):
        counts = "; ".join(f"{len(names)} {word} ({some(names)})" for word, names in faults.items() if names)
        looks = guess_network(file.tensors)
        other = f" It looks like {looks}." if looks not in (None, network.spec.name) else ""
        raise ValueError(f"{file.path} does not fit {network.spec.name}: tensors {counts}.{other}")
    broken = [
        name
        for name in matched
        if file.tensors[name].is_floating_point() and not torch.isfinite(file.tensors[name]).all()
    ]
    if broken:
        raise ValueError(f"{file.path} holds NaN or infinite values in {some(broken)}")


def copy_tensors(own: Mapping[str, Tensor], tensors: Mapping[str, Tensor], names: Sequence[str]) -> None:
    """Copy tensors by name, in the network's precision and to its device."""
    with torch.no_grad():
        for name in names:
            own[name].copy_(tensors[name])


def some(names: Sequence[str]) -> str:
    """Return the first names of a list."""
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
