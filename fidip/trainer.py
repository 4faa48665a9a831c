"""One training run, top to bottom: prepare, pre-stage of the domain classifier, epochs, files.

FiDIP (Huang et al. 2021): a pose network that was trained on adults learns infants from synthetic and a few
real pictures, while a domain classifier on its features tries to tell the two apart and the network is pushed
to make that hard. The network descends L_P - lambda L_D, the classifier L_D: see fidip/training/steps.py.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import torch

from fidip.checkpoint import load_checkpoint
from fidip.config import TrainOptions
from fidip.data.images import ImageStore
from fidip.interruption import interruption_flag
from fidip.output_check import check_output_folder
from fidip.progress import Progress, SilentProgress
from fidip.training.epoch_end import finish_epoch, save_state, validation_of
from fidip.training.epochs import pre_stage, train_epoch
from fidip.training.failures import failure_lines
from fidip.training.feeds import Feeds
from fidip.training.logs import Metrics, StoppableProgress
from fidip.training.networks import prepare_network
from fidip.training.preparation import RunData, check_recipe, load_data
from fidip.training.processes import keep_memory, open_fabric
from fidip.training.run_folder import RunFolder
from fidip.training.state import State, make_state, restore

__all__ = ["TrainResult", "train"]


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
    check = validation_of(state, data, feeds.validation(data.val), progress)
    if state.epoch == 0:  # an early look: a fault in the validation shows before an epoch is spent
        before = check()
        state.initial_ap = before.ap
        metrics.write("epoch", 0, 0, {"val_ap": before.ap, "val_ar": before.ar})
        progress.note(f"before training: AP {before.ap:.3f} on {len(data.val)} validation persons")
        if state.classifier is not None and recipe.training.epochs > 0:
            pre_stage(state, feeds.pre_stage(data.pre) if data.pre else (), metrics, progress)
    loader = feeds.training(data.train)
    numbers: dict[str, float] = {}
    for epoch in range(state.epoch, recipe.training.epochs):
        numbers = train_epoch(state, loader, epoch, folder, metrics, progress)
        state.epoch = epoch + 1
        finish_epoch(state, check, numbers, folder, metrics, progress)
        if state.is_finished:
            break
    if recipe.training.epochs == 0:
        state.best_ap = state.initial_ap
        save_state(state, folder, is_best=True)
    return numbers
