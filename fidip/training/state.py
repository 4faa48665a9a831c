"""What a run has come to: networks, optimisers, counters; into a checkpoint and back, exactly."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from fidip.config import Recipe
from fidip.domain.classifiers import build_classifier
from fidip.models.interface import PoseNetwork
from fidip.training.optimizers import WeightAverage, make_adam
from fidip.training.preparation import RunData

__all__ = ["State", "checkpoint_of", "make_state", "restore"]

COUNTERS = ("epoch", "step", "initial_ap", "best_ap", "best_epoch", "best_loss", "stale")


@dataclass
class State:
    """Everything that a checkpoint holds, and the settings that the steps need."""

    recipe: Recipe
    fabric: Fabric
    network: PoseNetwork
    classifier: nn.Module | None
    optimizer: torch.optim.Optimizer | None
    domain_optimizer: torch.optim.Optimizer | None
    average: WeightAverage | None
    lambda_domain: float
    """Strength with which the classifier pushes the network; 0 in a control run."""
    domain_weights: tuple[float, float]
    """s(d) of real and synthetic samples."""
    epoch: int = 0
    """Finished epochs."""
    step: int = 0
    """Finished steps."""
    initial_ap: float = float("nan")
    best_ap: float = -1.0
    best_epoch: int = 0
    best_loss: float = float("inf")
    """Lowest validation loss that counted (``validation.criterion: loss``)."""
    stale: int = 0
    """Validations since the last improvement."""

    @property
    def is_finished(self) -> bool:
        """Whether all epochs are done, or the run stopped early."""
        training = self.recipe.training
        is_stale = training.patience is not None and self.stale >= training.patience
        return self.epoch >= training.epochs or is_stale

    def weights(self) -> Mapping[str, Tensor]:
        """Return the weights that are validated and saved for use."""
        return self.network.state_dict() if self.average is None else self.average.tensors


def make_state(
    recipe: Recipe, fabric: Fabric, network: PoseNetwork, data: RunData, *, is_control: bool
) -> State:
    """Build the classifier, the optimisers and the average of the weights around a network."""
    classifier = domain_optimizer = optimizer = None
    if recipe.domain.mechanism != "none":
        classifier = build_classifier(recipe.domain.classifier, network.spec)
        if fabric.world_size > 1 and fabric.device.type == "cuda":
            classifier = nn.SyncBatchNorm.convert_sync_batchnorm(classifier)
        classifier = classifier.to(fabric.device, memory_format=torch.channels_last)
        domain_optimizer = make_adam(classifier.parameters(), recipe.domain.learning_rate)
    settings = recipe.optimizer
    if recipe.training.epochs:
        optimizer = make_adam(
            network.parameters(),
            settings.learning_rate,
            scale_by_rms=settings.scale_by_rms,
            weight_decay=settings.weight_decay,
        )
    return State(
        recipe=recipe,
        fabric=fabric,
        network=network,
        classifier=classifier,
        optimizer=optimizer,
        domain_optimizer=domain_optimizer,
        average=WeightAverage(network, settings.ema_decay) if settings.ema_decay else None,
        lambda_domain=0.0 if is_control else recipe.domain.lambda_domain,
        domain_weights=_domain_weights(recipe, data),
    )


def _domain_weights(recipe: Recipe, data: RunData) -> tuple[float, float]:
    """Return s(d) of real and synthetic samples (FiDIP, eq. 4): N / (2 N_d) unless the sampler balances."""
    real, synthetic = recipe.training.real_weight, recipe.training.synthetic_weight
    if recipe.training.balance == "weights" and data.num_real and data.num_synthetic:
        total = data.num_real + data.num_synthetic
        return real * total / (2 * data.num_real), synthetic * total / (2 * data.num_synthetic)
    return real, synthetic


def checkpoint_of(state: State) -> dict[str, Any]:
    """Return everything that :func:`restore` needs, as tensors and plain values."""
    parts = {
        "classifier": state.classifier,
        "optimizer": state.optimizer,
        "domain_optimizer": state.domain_optimizer,
    }
    content: dict[str, Any] = {name: p.state_dict() for name, p in parts.items() if p is not None}
    content["network"] = dict(state.network.state_dict())
    content["network_name"] = state.network.spec.name
    if state.average is not None:
        content["average"] = state.average.tensors
    content["rng"] = {"cpu": torch.get_rng_state()}
    if state.fabric.device.type == "cuda":
        content["rng"]["cuda"] = torch.cuda.get_rng_state()
    for name in COUNTERS:
        content[name] = getattr(state, name)
    return content


def restore(state: State, content: Mapping[str, Any]) -> None:
    """Set a freshly made state to where a checkpoint was.

    Raises:
        ValueError: If the checkpoint is of another network or another kind of run.
    """
    parts = {
        "network": state.network,
        "classifier": state.classifier,
        "optimizer": state.optimizer,
        "domain_optimizer": state.domain_optimizer,
    }
    wanted = {name for name, part in parts.items() if part is not None}
    if state.average is not None:
        wanted.add("average")
    name = content.get("network_name")
    if name != state.network.spec.name or not wanted <= set(content):
        raise ValueError(
            f"the checkpoint is of {name} and holds {', '.join(sorted(wanted & set(content)))}; this run has "
            f"{state.network.spec.name} and needs {', '.join(sorted(wanted))}. Use the run's settings."
        )
    try:
        for part_name in sorted(wanted - {"average"}):
            parts[part_name].load_state_dict(content[part_name])
    except (RuntimeError, KeyError) as error:
        raise ValueError(
            f"the checkpoint does not fit this run's {part_name}: {str(error).splitlines()[0]}"
        ) from None
    if state.average is not None:
        state.average.tensors = {
            key: tensor.to(state.fabric.device) for key, tensor in content["average"].items()
        }
    torch.set_rng_state(content["rng"]["cpu"])
    if state.fabric.device.type == "cuda" and "cuda" in content["rng"]:
        torch.cuda.set_rng_state(content["rng"]["cuda"])
    for field_name in COUNTERS:
        if field_name in content:  # early stopping is younger than some checkpoints
            setattr(state, field_name, content[field_name])
