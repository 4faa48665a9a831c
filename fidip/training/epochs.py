"""Epochs of a training run: the pre-stage of the domain classifier, and FiDIP's steps over all batches."""

import time
from pathlib import Path

from torch.utils.data import DataLoader

from fidip.data.dataset import CropBatch
from fidip.progress import Progress
from fidip.training.logs import Metrics
from fidip.training.optimizers import learning_rate_factor, set_learning_rates
from fidip.training.pictures import draw_batch
from fidip.training.run_folder import RunFolder
from fidip.training.state import State
from fidip.training.steps import Totals, classifier_step, network_step, targets_of

__all__ = ["pre_stage", "train_epoch"]

STEPS_BETWEEN_LOGS = 20
NUM_SAMPLE_PICTURES = 3


def pre_stage(state: State, loader: DataLoader, metrics: Metrics, progress: Progress) -> None:
    """Train the domain classifier alone, the network locked."""
    epochs = state.recipe.domain.pre_epochs
    for epoch in range(epochs):
        loader.batch_sampler.epoch = epoch
        progress.stage(f"pre-stage {epoch + 1}/{epochs}", len(loader))
        # the authors leave the network in training mode here, so that its statistics drift to these pictures
        state.network.train(state.recipe.freeze.batch_norm == "authors")
        totals = Totals(state.fabric)
        for batch in loader:
            totals.add(classifier_step(state, batch.to(state.fabric.device)))
            progress.advance()
        numbers = totals.means()
        metrics.write("pre_epoch", 0, epoch + 1, numbers)
        progress.note(
            f"pre-stage {epoch + 1}: domain loss {numbers['loss_domain']:.3f}, "
            f"accuracy {numbers['domain_accuracy']:.1%}"
        )


def train_epoch(
    state: State, loader: DataLoader, epoch: int, folder: RunFolder, metrics: Metrics, progress: Progress
) -> dict[str, float]:
    """Go once through the loader; return the means over the epoch."""
    recipe, settings = state.recipe, state.recipe.optimizer
    # the paper's stages take turns by the epoch, Stage I (classifier) first
    is_stage_one = recipe.domain.mechanism == "per_epoch" and epoch % 2 == 0
    loader.batch_sampler.epoch = epoch
    progress.stage(f"epoch {epoch + 1}/{recipe.training.epochs}", len(loader))
    state.network.train(not is_stage_one)
    if state.classifier is not None:
        state.classifier.train(recipe.domain.mechanism != "per_epoch" or is_stage_one)
    totals, recent = Totals(state.fabric), Totals(state.fabric)
    began, waited, ready = time.monotonic(), 0.0, time.monotonic()
    for number, batch in enumerate(loader):
        waited += time.monotonic() - ready
        if epoch == 0 and number < NUM_SAMPLE_PICTURES:
            _draw(state, batch, folder.samples / f"train_batch_{number + 1}.jpg")
        factor = learning_rate_factor(
            epoch,
            state.step,
            milestones=settings.milestones,
            factor=settings.factor,
            warmup_steps=settings.warmup_steps,
        )
        set_learning_rates(state.optimizer, factor)
        batch = batch.to(state.fabric.device)
        numbers = classifier_step(state, batch) if is_stage_one else network_step(state, batch)
        if state.average is not None and not is_stage_one:
            state.average.update(state.network, state.step)
        state.step += 1
        totals.add(numbers)
        recent.add(numbers)
        if (number + 1) % STEPS_BETWEEN_LOGS == 0 or state.fabric.device.type == "cpu":
            _check_finite(recent.means(), state, folder)
        if (number + 1) % STEPS_BETWEEN_LOGS == 0:
            metrics.write("step", epoch + 1, state.step, recent.means())
            recent = Totals(state.fabric)
        progress.advance()
        ready = time.monotonic()
    means = totals.means()
    _check_finite(means, state, folder)
    seconds = time.monotonic() - began
    images = len(loader) * loader.batch_sampler.batch_size
    return {
        **means,
        "learning_rate": state.optimizer.param_groups[0]["lr"],
        "seconds": seconds,
        "images_per_s": images / seconds,
        "data_wait_share": waited / seconds,
    }


def _draw(state: State, batch: CropBatch, path: Path) -> None:
    if state.fabric.is_global_zero:
        draw_batch(path, batch, *targets_of(state, batch), state.network.schema)


def _check_finite(numbers: dict[str, float], state: State, folder: RunFolder) -> None:
    """Stop before a broken state can replace a good checkpoint."""
    broken = [name for name, value in numbers.items() if not abs(value) < float("inf")]
    if broken:
        kept = (
            f"{folder.last} holds epoch {state.epoch}" if folder.last.is_file() else "no epoch was finished"
        )
        raise RuntimeError(
            f"{', '.join(broken)} became NaN or infinite at step {state.step}: stopped; {kept}. "
            "Lower optimizer.learning_rate or domain.lambda_domain."
        )
