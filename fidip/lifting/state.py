"""What a lifting run has come to: into a checkpoint and back, exactly; and lifters in files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from fidip.checkpoint import save_weights
from fidip.lifting.config import LiftNetworkSettings, LiftRecipe
from fidip.lifting.network import AnyLifter, build_lifter
from fidip.lifting.selfsup import PoseDiscriminator
from fidip.training.optimizers import WeightAverage, make_adam
from syrip_gen.keypoints.catalog import get_schema

__all__ = ["LiftState", "checkpoint_of", "make_lift_state", "open_lifter_weights", "restore", "save_lifter"]

COUNTERS = ("epoch", "step", "initial_mm", "best_mm", "best_epoch")


@dataclass
class LiftState:
    """Everything that a checkpoint holds, and the settings that the steps need."""

    recipe: LiftRecipe
    network: AnyLifter
    discriminator: PoseDiscriminator | None
    optimizer: torch.optim.Optimizer
    discriminator_optimizer: torch.optim.Optimizer | None
    average: WeightAverage | None
    device: torch.device
    generator: torch.Generator
    """For the turns of self-supervision."""
    epoch: int = 0
    """Finished epochs."""
    step: int = 0
    initial_mm: float = float("nan")
    best_mm: float = float("inf")
    best_epoch: int = 0

    def weights(self) -> Mapping[str, Tensor]:
        """Return the weights that are validated and saved for use."""
        return self.network.state_dict() if self.average is None else self.average.tensors


def make_lift_state(recipe: LiftRecipe, network: AnyLifter, device: torch.device, seed: int) -> LiftState:
    """Build optimisers and what self-supervision needs around a network."""
    settings = recipe.optimizer
    network = network.to(device)
    discriminator = discriminator_optimizer = None
    if recipe.selfsup.share > 0:
        discriminator = PoseDiscriminator(len(network.schema)).to(device)
        discriminator_optimizer = make_adam(
            discriminator.parameters(), recipe.selfsup.discriminator_learning_rate
        )
    return LiftState(
        recipe=recipe,
        network=network,
        discriminator=discriminator,
        optimizer=make_adam(network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay),
        discriminator_optimizer=discriminator_optimizer,
        average=WeightAverage(network, settings.ema_decay) if settings.ema_decay else None,
        device=device,
        generator=torch.Generator().manual_seed(seed + 1),
    )


def _parts(state: LiftState) -> dict[str, Any]:
    parts = {
        "network": state.network,
        "discriminator": state.discriminator,
        "optimizer": state.optimizer,
        "discriminator_optimizer": state.discriminator_optimizer,
    }
    return {name: part for name, part in parts.items() if part is not None}


def checkpoint_of(state: LiftState) -> dict[str, Any]:
    """Return everything that :func:`restore` needs, as tensors and plain values."""
    content: dict[str, Any] = {name: part.state_dict() for name, part in _parts(state).items()}
    content["network_name"] = "lifter"
    if state.average is not None:
        content["average"] = state.average.tensors
    content["rng"] = {"cpu": torch.get_rng_state(), "turns": state.generator.get_state()}
    if state.device.type == "cuda":
        content["rng"]["cuda"] = torch.cuda.get_rng_state()
    content.update({name: getattr(state, name) for name in COUNTERS})
    return content


def restore(state: LiftState, content: Mapping[str, Any]) -> None:
    """Set a freshly made state to where a checkpoint was.

    Raises:
        ValueError: If the checkpoint is of something else.
    """
    parts = _parts(state)
    missing = sorted((set(parts) | {"rng", *COUNTERS}) - set(content))
    if content.get("network_name") != "lifter" or missing:
        raise ValueError(
            f"the checkpoint is not of this lifting run: it lacks {', '.join(missing) or 'a lifter'}"
        )
    try:
        for name, part in parts.items():
            part.load_state_dict(content[name])
    except (RuntimeError, KeyError, ValueError) as error:
        raise ValueError(
            f"the checkpoint does not fit this run's {name}: {str(error).splitlines()[0]}"
        ) from None
    if state.average is not None:
        state.average.tensors = {k: t.to(state.device) for k, t in content["average"].items()}
    torch.set_rng_state(content["rng"]["cpu"])
    state.generator.set_state(content["rng"]["turns"])
    if state.device.type == "cuda" and "cuda" in content["rng"]:
        torch.cuda.set_rng_state(content["rng"]["cuda"])
    for name in COUNTERS:
        setattr(state, name, content[name])


def save_lifter(
    path: Path, network: AnyLifter, settings: LiftNetworkSettings, tensors: Mapping[str, Tensor]
) -> None:
    """Write a lifter as safetensors that describe themselves."""
    described = {
        "task": "lift",
        "network": json.dumps(settings.model_dump(mode="json", exclude={"weights"})),
        "keypoint_schema": network.schema.name,
    }
    if network.unlearnt:
        described["unlearnt"] = json.dumps(sorted(network.unlearnt))
    save_weights(path, tensors, described)


def open_lifter_weights(path: Path) -> AnyLifter:
    """Read a lifter that :func:`save_lifter` wrote (16-bit weights too); it computes in 32 bits.

    Raises:
        ValueError: If the file is no lifter.
    """
    try:
        with safe_open(path, "pt") as file:
            described = file.metadata() or {}
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} is not a safetensors file: {error}") from None
    if described.get("task") != "lift":
        raise ValueError(
            f"{path} is not a lifter: give the run folder of 'syrip train --recipe lifter-infant'"
        )
    try:
        settings = LiftNetworkSettings.model_validate_json(described["network"])
        network = build_lifter(settings, get_schema(described["keypoint_schema"]))
        floats = {k: t.float() if t.is_floating_point() else t for k, t in tensors.items()}
        network.load_state_dict(floats)
        network.unlearnt = frozenset(json.loads(described.get("unlearnt", "[]")))
    except (ValidationError, KeyError, RuntimeError, ValueError, TypeError) as error:
        raise ValueError(f"{path} is not a lifter of this version: {str(error).splitlines()[0]}") from None
    return network.eval()


def load_core(network: nn.Module, tensors: Mapping[str, Tensor], name: str) -> None:
    """Load the weights of a network.

    Raises:
        ValueError: If they do not fit.
    """
    try:
        network.load_state_dict(dict(tensors))
    except RuntimeError as error:
        raise ValueError(f"{name} does not fit the network: {str(error).splitlines()[1].strip()}") from None
