"""One step of a lifter's training."""

import math

import torch
from torch import Tensor, nn

from fidip.lifting.batches import LiftBatch
from fidip.lifting.config import LiftOptimizerSettings
from fidip.lifting.martinez import limit_norms
from fidip.lifting.network import AnyLifter
from fidip.lifting.selfsup import bone_change, bones_of, discriminator_loss, lift_cycle
from fidip.lifting.state import LiftState

__all__ = ["joint_loss", "learning_rate", "lift_step"]

LEAST = 1e-8
"""Added to squared distances (m²) so that their root has a gradient."""


def joint_loss(points: Tensor, target: Tensor, kind: str, output_m: float) -> Tensor:
    """Return the mean over the joints whose target is known.

    Args:
        points: (B, K, 3) metres.
        target: The same; NaN where unknown.
        kind: ``distance`` (metres), or ``squared`` coordinates in units of ``output_m`` (Martinez et al. eq.
            1).
        output_m: Unit of the network's output, metres.
    """
    known = torch.isfinite(target).all(-1)
    gap = torch.where(known[..., None], points - torch.nan_to_num(target), torch.zeros_like(points))
    if kind == "squared":
        per_joint = (gap / output_m).square().mean(-1)
    else:
        per_joint = (gap.square().sum(-1) + LEAST).sqrt()
    return (per_joint * known).sum() / known.sum().clamp(min=1)


def learning_rate(settings: LiftOptimizerSettings, epochs: int, step: int, steps_per_epoch: int) -> float:
    """Return the learning rate of a step: a pure function of the place in the run."""
    warmup = min(1.0, (step + 1) / settings.warmup_steps) if settings.warmup_steps else 1.0
    if settings.schedule == "exponential":
        return settings.learning_rate * warmup * settings.factor ** (step // steps_per_epoch)
    total = max(1, epochs * steps_per_epoch)
    return settings.learning_rate * warmup * 0.5 * (1 + math.cos(math.pi * min(step / total, 1.0)))


def lift_step(state: LiftState, batch: LiftBatch) -> dict[str, Tensor]:
    """Learn from one batch; return detached numbers."""
    recipe, network = state.recipe, state.network
    out = _lifted(network, batch)
    loss = joint_loss(out, batch.target, recipe.training.loss, network.output_m)
    numbers = {
        "loss": loss.detach(),
        "train_mm": 1000 * joint_loss(out.detach(), batch.target, "distance", 1.0),
    }
    cycle = None
    if batch.real is not None:
        settings = recipe.selfsup
        cycle = lift_cycle(network, batch.real, settings.turn_deg, state.generator)
        fooling = discriminator_loss(state.discriminator, cycle, for_network=True)
        loss = (
            loss
            + network.output_m * (settings.weight_2d * cycle.loss_2d + settings.weight_3d * cycle.loss_3d)
            + network.output_m * settings.weight_adversarial * fooling
        )
        numbers |= {"cycle_2d": cycle.loss_2d.detach(), "cycle_3d": cycle.loss_3d.detach()}
        if settings.weight_bones > 0:
            change = bone_change(cycle.points, cycle.mask, bones_of(network.schema))
            loss = loss + network.output_m * settings.weight_bones * change
            numbers["bone_change"] = change.detach()
    _apply(state, loss)
    if cycle is not None:
        told = discriminator_loss(state.discriminator, cycle, for_network=False)
        state.discriminator_optimizer.zero_grad()
        told.backward()
        state.discriminator_optimizer.step()
        numbers["loss_discriminator"] = told.detach()
    if state.average is not None:
        state.average.update(network, state.step)
    state.step += 1
    return numbers


def _lifted(network: AnyLifter, batch: LiftBatch) -> Tensor:
    if batch.index is None:
        return network(batch.keypoints)
    return network.lift_windows(batch.keypoints, batch.index)


def _apply(state: LiftState, loss: Tensor) -> None:
    settings, training = state.recipe.optimizer, state.recipe.training
    rate = learning_rate(settings, training.epochs, state.step, training.steps_per_epoch)
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    state.optimizer.zero_grad()
    loss.backward()
    if settings.clip_norm is not None:
        nn.utils.clip_grad_norm_(state.network.parameters(), settings.clip_norm)
    state.optimizer.step()
    if state.recipe.network.max_norm is not None:
        limit_norms(state.network, state.recipe.network.max_norm)
