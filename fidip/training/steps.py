"""One step of training: what is computed from a batch and who learns from it."""

import math

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from fidip.data.dataset import CropBatch
from fidip.data.targets import draw_targets
from fidip.domain.reversal import reverse_gradient
from fidip.losses import domain_loss, heatmap_bce, heatmap_mse, visible_mse
from fidip.training.processes import average_gradients, average_over_processes
from fidip.training.state import State
from fidip.training.validation import normalized

__all__ = ["Totals", "classifier_step", "network_step", "pose_loss_of", "targets_of"]

CHANCE = math.log(2)
"""Cross-entropy of a classifier that knows nothing."""
Numbers = dict[str, Tensor]
"""Detached means over a batch, by name."""


def targets_of(state: State, batch: CropBatch) -> tuple[Tensor, Tensor]:
    """Return target heatmaps (B, K, H, W) and weights (B, K) of a batch."""
    settings = state.recipe.targets
    return draw_targets(batch.points, batch.labelled, state.network.spec, settings.sigma, settings.encoding)


def pose_loss_of(state: State, heatmaps: Tensor, batch: CropBatch, sample_weights: Tensor | None) -> Tensor:
    """Return L_P of a batch as the recipe and the network have it."""
    chosen = {"half_mse": heatmap_mse, "visible_mse": visible_mse}[state.recipe.targets.loss]
    loss = heatmap_bce if state.network.spec.has_logits else chosen
    return loss(heatmaps, *targets_of(state, batch), sample_weights)


def network_step(state: State, batch: CropBatch) -> Numbers:
    """Train the pose network on one batch by the recipe's mechanism (Stage II), the classifier with some.

    * ``none``: descend L_P.
    * ``reversal``: network and classifier in one backward pass through a gradient reversal layer.
    * ``per_batch``: first the classifier on the features, then the network on L_P - lambda L_D with the
      classifier just updated, as the published code does.
    * ``per_epoch``: the network on L_P - lambda L_D; the classifier is trained in other epochs.
    """
    mechanism = state.recipe.domain.mechanism
    with state.fabric.autocast():
        output = state.network(normalized(batch.images, state.network.spec))
    s = _sample_weights(state, batch)
    pose_loss = pose_loss_of(state, output.heatmaps, batch, s)
    numbers = {"loss_pose": pose_loss.detach()}
    loss = pose_loss
    if mechanism == "reversal":
        strength = torch.zeros((), device=batch.images.device)
        logits, its_loss = _judge(state, reverse_gradient(output.features, strength), batch, s)
        strength.copy_(_push(state, its_loss))
        loss = pose_loss + its_loss
        numbers |= _domain_numbers(logits, its_loss, batch)
        state.domain_optimizer.zero_grad(set_to_none=True)
    elif mechanism in ("per_batch", "per_epoch"):
        if mechanism == "per_batch":
            numbers |= _classifier_update(state, output.features.detach(), batch, s)
        with _Locked(state.classifier):
            logits, its_loss = _judge(state, output.features, batch, s)
        loss = pose_loss - _push(state, its_loss) * its_loss
        if mechanism == "per_epoch":
            numbers |= _domain_numbers(logits, its_loss, batch)
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    _apply(state.fabric, state.network, state.optimizer, state.recipe.optimizer.clip_norm)
    if mechanism == "reversal":
        _apply(state.fabric, state.classifier, state.domain_optimizer, None)
    return numbers


@torch.no_grad()
def _features(state: State, batch: CropBatch) -> Tensor:
    with state.fabric.autocast():
        return state.network(normalized(batch.images, state.network.spec)).features


def classifier_step(state: State, batch: CropBatch) -> Numbers:
    """Train the classifier on one batch, the network locked (pre-stage and Stage I)."""
    return _classifier_update(state, _features(state, batch), batch, _sample_weights(state, batch))


def _classifier_update(state: State, features: Tensor, batch: CropBatch, s: Tensor) -> Numbers:
    logits, loss = _judge(state, features, batch, s)
    state.domain_optimizer.zero_grad(set_to_none=True)
    loss.backward()
    _apply(state.fabric, state.classifier, state.domain_optimizer, None)
    return _domain_numbers(logits, loss, batch)


def _push(state: State, its_loss: Tensor) -> Tensor:
    """Return lambda, or 0 where the classifier is to be left alone."""
    strength = torch.full_like(its_loss, state.lambda_domain, requires_grad=False)
    if not state.recipe.domain.rest_at_chance:
        return strength
    return strength * (average_over_processes(state.fabric, its_loss.detach()) < CHANCE)


def _judge(state: State, features: Tensor, batch: CropBatch, s: Tensor) -> tuple[Tensor, Tensor]:
    """Return the classifier's logits (B,) and its loss, in 32 bits: lambda makes its gradients small."""
    logits = state.classifier(features.float())
    return logits, domain_loss(logits, batch.is_synthetic, s)


def _domain_numbers(logits: Tensor, loss: Tensor, batch: CropBatch) -> Numbers:
    right = (logits.detach() > 0) == (batch.is_synthetic > 0.5)
    return {"loss_domain": loss.detach(), "domain_accuracy": right.float().mean()}


def _sample_weights(state: State, batch: CropBatch) -> Tensor:
    real, synthetic = state.domain_weights
    return real + (synthetic - real) * batch.is_synthetic


def _apply(
    fabric: Fabric, network: nn.Module, optimizer: torch.optim.Optimizer, clip_norm: float | None
) -> None:
    """Step with the gradients' mean over all processes."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    average_gradients(fabric, parameters)
    if clip_norm is not None:
        nn.utils.clip_grad_norm_(parameters, clip_norm)
    optimizer.step()


class _Locked:
    """Keep a module from learning: no gradients for its parameters within the block."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def __enter__(self) -> None:
        self.module.requires_grad_(False)

    def __exit__(self, *_: object) -> None:
        self.module.requires_grad_(True)


class Totals:
    """Sums of numbers over steps, on the device; asking for their means costs a synchronisation."""

    def __init__(self, fabric: Fabric) -> None:
        self.fabric = fabric
        self.sums: Numbers = {}
        self.count = 0

    def add(self, numbers: Numbers) -> None:
        """Count one step."""
        self.count += 1
        for name, value in numbers.items():
            self.sums[name] = self.sums.get(name, torch.zeros_like(value)) + value

    def means(self) -> dict[str, float]:
        """Return the means over steps and processes."""
        if not self.sums:
            return {}
        values = torch.stack([self.sums[name].float() for name in self.sums]) / self.count
        return dict(zip(self.sums, average_over_processes(self.fabric, values).tolist(), strict=True))
