"""Freeze parts of a pose network by the names of its modules, their batch-norm statistics included.

FiDIP's code freezes by the index of a parameter, which locks one stray tensor of the next stage, and leaves
the statistics of frozen batch norms to drift, since its networks are in training mode. Here names say what is
frozen; the old behaviour is an option.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from fidip.models.interface import PoseNetwork

__all__ = ["FrozenPart", "freeze", "groups_through"]


@dataclass(frozen=True, slots=True)
class FrozenPart:
    """One frozen module or parameter, for the printed list."""

    name: str
    tensors: int
    """Parameter tensors that no longer train."""
    values: int
    """Numbers in those tensors."""
    batch_norms: int
    """Batch norms inside."""
    statistics: str
    """"kept", "drifting", or "none" where there are no batch norms."""

    def __str__(self) -> str:
        """Return one line of the list."""
        norms = f", {self.batch_norms} batch norms ({self.statistics})" if self.batch_norms else ""
        return f"{self.name}: {self.tensors} tensors, {self.values:,} values{norms}"


def groups_through(network: PoseNetwork, last: str) -> tuple[str, ...]:
    """Return the network's freeze groups from the input up to and including one of them.

    Raises:
        ValueError: When the network has no such group.
    """
    if last not in network.freeze_groups:
        raise ValueError(
            f"{network.spec.name} has no part {last!r} to freeze through; "
            f"its parts are {', '.join(network.freeze_groups)}"
        )
    return network.freeze_groups[: network.freeze_groups.index(last) + 1]


def freeze(
    network: PoseNetwork, names: Sequence[str], *, drifting_statistics: bool = False
) -> tuple[FrozenPart, ...]:
    """Stop modules or single parameters from training; may be called again to freeze more.

    Args:
        network: The network; its ``frozen_statistics`` grows by the modules named.
        names: Dotted names of modules ("layer1") or parameters ("stage3.0.branches.0.0.conv1.weight").
        drifting_statistics: Let the batch-norm statistics of frozen modules follow the data in training mode,
            as the authors' code does.

    Returns:
        What was frozen, one entry a name, for the log.

    Raises:
        ValueError: When a name is neither a module nor a parameter of the network.
    """
    modules, parameters = dict(network.named_modules()), dict(network.named_parameters())
    unknown = [name for name in names if not name or (name not in modules and name not in parameters)]
    if unknown:
        raise ValueError(
            f"{network.spec.name} has no module or parameter {', '.join(map(repr, unknown))} to freeze; "
            f"its parts are {', '.join(network.freeze_groups)}"
        )
    parts = []
    for name in names:
        tensors = list(modules[name].parameters()) if name in modules else [parameters[name]]
        for tensor in tensors:
            tensor.requires_grad_(False)
        norms = count_batch_norms(modules[name]) if name in modules else 0
        statistics = ("drifting" if drifting_statistics else "kept") if norms else "none"
        parts.append(FrozenPart(name, len(tensors), sum(t.numel() for t in tensors), norms, statistics))
    if not drifting_statistics:
        kept = [name for name in names if name in modules and name not in network.frozen_statistics]
        network.frozen_statistics = (*network.frozen_statistics, *kept)
    network.train(network.training)
    return tuple(parts)


def count_batch_norms(module: nn.Module) -> int:
    """Return the number of batch norms inside a module, itself included."""
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
    return sum(isinstance(inner, kinds) for inner in module.modules())
