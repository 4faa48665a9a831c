"""One training run, top to bottom: prepare, pre-stage of the domain classifier, epochs, files.

FiDIP (Huang et al. 2021): a pose network that was trained on adults learns infants from synthetic and a few
real pictures, while a domain classifier on its features tries to tell the two apart and the network is pushed
to make that hard. The network descends L_P - lambda L_D, the classifier L_D: see fidip/training/steps.py.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from fidip.checkpoint import load_checkpoint, save_checkpoint, save_weights
from fidip.config import TrainOptions
from fidip.data.dataset import CropBatch
from fidip.data.images import ImageStore
from fidip.interruption import interruption_flag
from fidip.models.published import spec_metadata
from fidip.output_check import check_output_folder
from fidip.progress import Progress, SilentProgress
from fidip.training.failures import failure_lines
from fidip.training.feeds import Feeds
from fidip.training.logs import Metrics, StoppableProgress
from fidip.training.networks import prepare_network
from fidip.training.optimizers import averaged_weights, learning_rate_factor, set_learning_rates
from fidip.training.pictures import draw_batch
from fidip.training.preparation import RunData, check_recipe, load_data
from fidip.training.processes import keep_memory, open_fabric
from fidip.training.run_folder import RunFolder
from fidip.training.state import State, checkpoint_of, make_state, restore
from fidip.training.steps import Totals, classifier_step, network_step, pose_loss_of, targets_of
from fidip.training.validation import ValidationResult, coco_ground_truth, validate

__all__ = ["TrainResult", "train"]

STEPS_BETWEEN_LOGS = 20
NUM_SAMPLE_PICTURES = 3


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a run came to."""

    output: Path
    epochs: int
    best_epoch: int
    best_ap: float
    """COCO AP on the validation persons, 0..1."""
    initial_ap: float
    """The same before training."""
    domain_accuracy: float | None
    """Of the domain classifier in the last epoch, 0..1."""
    images_per_s: float
    """In the last epoch."""
    seconds: float
    was_finished: bool = False
    """The run to go on with had all its epochs; nothing was trained."""
    was_stopped_early: bool = False
    """No improvement in ``training.patience`` validations."""
    failures: tuple[str, ...] = ()
    """What of the data is missing or could not be read, one line each."""


def train(options: TrainOptions, progress: Progress | None = None) -> TrainResult:
    """Train as ``syrip train`` does.

    Raises:
        FileNotFoundError: If files or pictures are missing.
        ValueError: If the settings or the data are wrong or would silently ruin the result.
        RuntimeError: If the loss becomes NaN; the last good checkpoint is kept.
        OSError: If a file cannot be written; the last complete one is kept.
        KeyboardInterrupt: If SIGINT or SIGTERM came, at the next step; the last complete epoch is kept.
    """
    began = time.monotonic()
    folder = RunFolder(Path(options.output))
    options, recipe = folder.open(options)
    warnings = check_recipe(recipe, recipe.network.weights, is_control=options.no_reversal)
    fabric = open_fabric(options.device, options.precision)
    if fabric.is_global_zero:
        check_output_folder(options.output, "-o")
    progress = progress if progress is not None and fabric.is_global_zero else SilentProgress()
    if fabric.device.type == "cpu":
        keep_memory()
    torch.manual_seed(options.seed)
    data = load_data(options, recipe, folder.path)
    network, report = prepare_network(recipe, fabric)
    notes = [*(f"WARNING: {w}" for w in warnings), *report]
    for line in (*notes, *data.notes, *failure_lines(data.failures)):
        progress.note(line)
    state = make_state(recipe, fabric, network, data, is_control=options.no_reversal)
    is_resumed = options.resume and folder.last.is_file()
    if is_resumed:
        restore(state, load_checkpoint(folder.last))
        if state.is_finished:
            return _result(state, folder, data, {}, began, was_finished=True)
        progress.note(f"going on after epoch {state.epoch}")
    fabric.barrier()
    if fabric.is_global_zero:
        folder.write_settings(options, recipe, network, data, notes)
    metrics = Metrics(
        folder.path, is_active=fabric.is_global_zero, resume_epoch=state.epoch if is_resumed else None
    )
    try:
        last = _run_until_interrupted(state, options, data, folder, metrics, progress)
    finally:
        metrics.close()
    return _result(state, folder, data, last, began)


def _result(
    state: State,
    folder: RunFolder,
    data: RunData,
    last: dict[str, float],
    began: float,
    *,
    was_finished: bool = False,
) -> TrainResult:
    return TrainResult(
        output=folder.path,
        epochs=state.epoch,
        best_epoch=state.best_epoch,
        best_ap=state.best_ap,
        initial_ap=state.initial_ap,
        domain_accuracy=last.get("domain_accuracy"),
        images_per_s=last.get("images_per_s", 0.0),
        seconds=time.monotonic() - began,
        was_finished=was_finished,
        was_stopped_early=state.is_finished and state.epoch < state.recipe.training.epochs,
        failures=data.failures,
    )


def _run_until_interrupted(
    state: State,
    options: TrainOptions,
    data: RunData,
    folder: RunFolder,
    metrics: Metrics,
    progress: Progress,
) -> dict[str, float]:
    """Decode the pictures and run; a signal that comes while it runs is heeded at the next step."""
    store = ImageStore(options.cache_mib)
    store.fill([*data.train, *data.val, *data.pre])
    with interruption_flag() as is_interrupted:
        stoppable = StoppableProgress(progress, is_interrupted)
        try:
            numbers = _run(state, options, data, store, folder, metrics, stoppable)
        except (RuntimeError, OSError):
            if is_interrupted():  # the signal ended a worker or another training process
                raise KeyboardInterrupt from None
            raise
        if is_interrupted():
            raise KeyboardInterrupt
    return numbers


def _run(
    state: State,
    options: TrainOptions,
    data: RunData,
    store: ImageStore,
    folder: RunFolder,
    metrics: Metrics,
    progress: Progress,
) -> dict[str, float]:
    """Validate once, then go through pre-stage and epochs; return the last epoch's numbers."""
    recipe = state.recipe
    workers = None if options.workers == "auto" else int(options.workers)
    feeds = Feeds(recipe, state.network.spec, state.fabric, store, seed=options.seed, num_workers=workers)
    check = _validation(state, data, feeds.validation(data.val), progress)
    if state.epoch == 0:  # an early look: a fault in the validation shows before an epoch is spent
        before = check()
        state.initial_ap = before.ap
        metrics.write("epoch", 0, 0, {"val_ap": before.ap, "val_ar": before.ar})
        progress.note(f"before training: AP {before.ap:.3f} on {len(data.val)} validation persons")
        if state.classifier is not None and recipe.training.epochs > 0:
            _pre_stage(state, feeds.pre_stage(data.pre) if data.pre else (), metrics, progress)
    loader = feeds.training(data.train)
    numbers: dict[str, float] = {}
    for epoch in range(state.epoch, recipe.training.epochs):
        numbers = _train_epoch(state, loader, epoch, folder, metrics, progress)
        state.epoch = epoch + 1
        _finish_epoch(state, check, numbers, folder, metrics, progress)
        if state.is_finished:
            break
    if recipe.training.epochs == 0:
        state.best_ap = state.initial_ap
        _save(state, folder, is_best=True)
    return numbers


def _validation(
    state: State, data: RunData, loader: DataLoader, progress: Progress
) -> Callable[[], ValidationResult]:
    """Return the validation as a function without arguments."""
    truth, settings = coco_ground_truth(data.val, state.network.schema), state.recipe.validation

    def loss_of(heatmaps: Tensor, batch: CropBatch) -> Tensor:
        return pose_loss_of(state, heatmaps, batch, None)

    def check() -> ValidationResult:
        with averaged_weights(state.network, state.average):
            return validate(
                state.fabric,
                state.network,
                loader,
                data.val,
                truth,
                decode=settings.decode,
                flip_test=settings.flip_test,
                progress=progress,
                loss_of=loss_of if settings.criterion == "loss" else None,
            )

    return check


def _pre_stage(state: State, loader: DataLoader, metrics: Metrics, progress: Progress) -> None:
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


def _train_epoch(
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


def _finish_epoch(
    state: State,
    check: Callable[[], ValidationResult],
    numbers: dict[str, float],
    folder: RunFolder,
    metrics: Metrics,
    progress: Progress,
) -> None:
    """Validate, log, and save."""
    is_last = state.epoch == state.recipe.training.epochs
    is_best = False
    if is_last or state.epoch % state.recipe.validation.every == 0:
        result = check()
        numbers = {**numbers, "val_ap": result.ap, "val_ar": result.ar}
        if result.loss is not None:
            numbers["val_loss"] = result.loss
        is_best = _is_best(state, result)
    metrics.write("epoch", state.epoch, state.step, numbers)
    shown = (
        ("loss_pose", "loss {:.5f}"),
        ("domain_accuracy", "domain accuracy {:.1%}"),
        ("val_loss", "validation loss {:.5f}"),
        ("val_ap", "AP {:.3f}"),
    )
    texts = [text.format(numbers[name]) for name, text in shown if name in numbers]
    progress.note(
        f"epoch {state.epoch}: {', '.join(texts)}{' (best)' if is_best else ''}, "
        f"{numbers['images_per_s']:.1f} images/s"
    )
    _save(state, folder, is_best=is_best)


def _is_best(state: State, result: ValidationResult) -> bool:
    """Compare an epoch with the best so far and count those without improvement (early stopping).

    By loss, the best epoch is the last that improved by enough, as in the thesis's code; by AP, any higher AP
    is better, but only one that is higher by enough is an improvement.
    """
    least = state.recipe.training.min_improvement
    if result.loss is not None:
        is_best = improved = result.loss < state.best_loss * (1 - least)
    else:
        is_best = result.ap > state.best_ap
        improved = state.best_ap < 0 or result.ap > state.best_ap * (1 + least)
    if is_best:
        state.best_ap, state.best_epoch = result.ap, state.epoch
        state.best_loss = state.best_loss if result.loss is None else result.loss
    state.stale = 0 if improved else state.stale + 1
    return is_best


def _save(state: State, folder: RunFolder, *, is_best: bool) -> None:
    """Write last.pt, and best.pt and best.safetensors where this epoch is the best."""
    if state.fabric.is_global_zero:
        content = checkpoint_of(state)
        if is_best:
            described = spec_metadata(state.network.spec, state.network.schema)
            save_weights(folder.weights, state.weights(), described)
            save_checkpoint(folder.best, content)
        save_checkpoint(folder.last, content)
    state.fabric.barrier()
