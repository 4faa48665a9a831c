"""Optimisers, learning rates and the moving average of weights."""

import contextlib
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn

__all__ = ["WeightAverage", "averaged_weights", "learning_rate_factor", "make_adam", "set_learning_rates"]

RMS_STEPS_PER_OCTAVE = 2
"""Tensors of nearly the same size share a parameter group: one group each would make Adam slow."""
SMALLEST_RMS = 1e-3


def make_adam(
    parameters: Iterable[nn.Parameter],
    learning_rate: float,
    *,
    scale_by_rms: bool = False,
    weight_decay: float = 0.0,
) -> torch.optim.Adam:
    """Return Adam over the parameters that are not frozen.

    Args:
        parameters: All parameters of a network.
        learning_rate: Step size, or its ratio to each tensor's root mean square with ``scale_by_rms``.
        scale_by_rms: Group tensors by size (to half an octave) and scale the steps of each group.
        weight_decay: Decoupled (AdamW's); 0 = plain Adam.

    Raises:
        ValueError: If everything is frozen.
    """
    groups: dict[float, list[nn.Parameter]] = defaultdict(list)
    for parameter in parameters:
        if parameter.requires_grad:
            groups[_rms(parameter) if scale_by_rms else 1.0].append(parameter)
    if not groups:
        raise ValueError("every layer is frozen: there is nothing to train. Freeze fewer (freeze.through).")
    settings = [
        {"params": group, "lr": learning_rate * scale, "base_lr": learning_rate * scale}
        for scale, group in groups.items()
    ]
    kind = torch.optim.AdamW if weight_decay else torch.optim.Adam
    return kind(settings, lr=learning_rate, weight_decay=weight_decay)


def _rms(parameter: Tensor) -> float:
    size = max(float(parameter.detach().square().mean().sqrt()), SMALLEST_RMS)
    return 2 ** (round(RMS_STEPS_PER_OCTAVE * math.log2(size)) / RMS_STEPS_PER_OCTAVE)


def learning_rate_factor(
    epoch: int, step: int, *, milestones: Sequence[int], factor: float, warmup_steps: int
) -> float:
    """Return what the base learning rate is multiplied by.

    A pure function of the place in the run (epoch and step from 0), so that a resumed run needs no state and
    a longer run begins as a shorter one.
    """
    warmup = min(1.0, (step + 1) / warmup_steps) if warmup_steps else 1.0
    return warmup * factor ** sum(epoch >= milestone for milestone in milestones)


def set_learning_rates(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Set every group's learning rate to its base times ``factor``."""
    for group in optimizer.param_groups:
        group["lr"] = group["base_lr"] * factor


class WeightAverage:
    """Exponential moving average of a network's parameters and buffers."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.tensors = {name: t.detach().clone() for name, t in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after step ``step`` (from 0); early steps count more."""
        decay = min(self.decay, (1 + step) / (10 + step))
        averages, news = [], []
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point():
                averages.append(self.tensors[name])
                news.append(tensor)
            else:
                self.tensors[name].copy_(tensor)
        torch._foreach_lerp_(averages, news, 1 - decay)


@contextlib.contextmanager
def averaged_weights(network: nn.Module, average: WeightAverage | None) -> Iterator[None]:
    """Put averaged weights into a network for a while; afterwards it is bit for bit as before."""
    if average is None:
        yield
        return
    kept = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.load_state_dict(average.tensors)
    try:
        yield
    finally:
        network.load_state_dict(kept)
