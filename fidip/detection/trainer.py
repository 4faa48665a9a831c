"""One detection run, top to bottom: ``syrip train --recipe detector``."""

import time
from dataclasses import asdict
from pathlib import Path

import torch
from lightning_fabric import Fabric

from fidip.checkpoint import load_checkpoint, save_checkpoint
from fidip.config import TrainOptions
from fidip.data.images import ImageStore
from fidip.detection.config import DetectRecipe
from fidip.detection.data import (
    DetectData,
    detect_file_digests,
    load_detect_data,
    training_loader,
    validation_loader,
)
from fidip.detection.metrics import BoxFigures
from fidip.detection.network import build_detector
from fidip.detection.result import DetectResult, result_of
from fidip.detection.state import DetectState, checkpoint_of, make_detect_state, restore
from fidip.detection.steps import detect_step, draw_boxes, validate_boxes
from fidip.detection.weights import begin_from, save_detector
from fidip.interruption import interruption_flag
from fidip.output_check import check_output_folder
from fidip.progress import Progress, SilentProgress
from fidip.training.failures import failure_lines
from fidip.training.logs import Metrics, StoppableProgress
from fidip.training.optimizers import averaged_weights
from fidip.training.processes import keep_memory, open_fabric
from fidip.training.run_folder import RunFolder, RunKind
from fidip.training.steps import Totals

__all__ = ["DETECT_RUN", "DetectResult", "train_detector"]

NUM_SAMPLE_PICTURES = 3
STEPS_BETWEEN_LOGS = 20
DETECT_RUN = RunKind(
    task="detect",
    recipe=DetectRecipe,
    inputs=("synthetic", "real"),
    missing_inputs="nothing to learn from: give --synthetic DATASET, --real DATASET, or both",
    digests=detect_file_digests,
)
OTHER_OPTIONS = ("poses_3d", "predictions", "real_2d", "pre_real", "pre_synthetic", "no_reversal")


def train_detector(options: TrainOptions, progress: Progress | None = None) -> DetectResult:
    """Train a detector as ``syrip train`` does.

    Raises:
        FileNotFoundError: If files or pictures are missing.
        ValueError: If the settings or the data are wrong.
        RuntimeError: If the loss becomes NaN; the last good checkpoint is kept.
        OSError: If a file cannot be written, or torchvision's weights cannot be fetched.
        KeyboardInterrupt: If SIGINT or SIGTERM came, at the next step; the last complete epoch is kept.
    """
    began = time.monotonic()
    folder = RunFolder(Path(options.output), DETECT_RUN)
    options, recipe = folder.open(options)
    _check(options)
    check_output_folder(options.output, "-o")
    progress = progress or SilentProgress()
    fabric = open_fabric(options.device, options.precision)
    if fabric.world_size > 1:
        raise ValueError("detectors train in one process; start without torchrun")
    if fabric.device.type == "cpu":
        keep_memory()
    torch.manual_seed(options.seed)
    data = load_detect_data(options, recipe)
    settings = recipe.network
    is_frozen = settings.norm == "frozen" or (settings.norm == "auto" and settings.weights != "none")
    network = build_detector(settings, is_frozen=is_frozen)
    is_resumed = options.resume and folder.last.is_file()
    begun = "" if is_resumed else begin_from(network, settings)
    state = make_detect_state(recipe, network, fabric.device, is_frozen=is_frozen)
    notes = [line for line in (*data.notes, begun) if line]
    for line in (*notes, *failure_lines(data.failures)):
        progress.note(line)
    if is_resumed:
        restore(state, load_checkpoint(folder.last))
        if state.epoch >= recipe.training.epochs:
            return result_of(state, folder.path, 0.0, began, was_finished=True, failures=data.failures)
        progress.note(f"going on after epoch {state.epoch}")
    folder.write_config(options, recipe.model_dump(mode="json"))
    numbers = {"train": len(data.train), "val": len(data.val)}
    folder.write_about(options, numbers, fabric.device, notes, data.failures)
    metrics = Metrics(folder.path, is_active=True, resume_epoch=state.epoch if is_resumed else None)
    try:
        with interruption_flag() as is_interrupted:
            stoppable = StoppableProgress(progress, is_interrupted)
            rate = _Run(state, data, options, fabric, folder, metrics, stoppable).run()
            if is_interrupted():
                raise KeyboardInterrupt
    finally:
        metrics.close()
    return result_of(state, folder.path, rate, began, failures=data.failures)


def _check(options: TrainOptions) -> None:
    for name in OTHER_OPTIONS:
        if getattr(options, name):
            raise ValueError(
                f"--{name.replace('_', '-')} is not for detectors; they take --synthetic, --real, "
                "--real-images, --val and --val-images"
            )


class _Run:
    """The epochs of a run."""

    def __init__(
        self,
        state: DetectState,
        data: DetectData,
        options: TrainOptions,
        fabric: Fabric,
        folder: RunFolder,
        metrics: Metrics,
        progress: StoppableProgress,
    ) -> None:
        self.state, self.fabric, self.folder = state, fabric, folder
        self.metrics, self.progress = metrics, progress
        store = ImageStore(options.cache_mib)
        store.fill([*data.train, *data.val])
        self.loader = training_loader(data, state.recipe, store, options, state.device)
        self.check = validation_loader(data, state.recipe, store, options, state.device)

    def run(self) -> float:
        """Go through the epochs; return the images per second of the last one."""
        state, recipe = self.state, self.state.recipe
        rate = 0.0
        if state.epoch == 0:  # an early look: a fault in the validation shows before an epoch is spent
            before = self._validate()
            state.initial_iou = before.mean_iou
            self.metrics.write("epoch", 0, 0, _validation(before))
            self.progress.note(f"before training: box IoU {before.mean_iou:.3f}")
            if recipe.training.epochs == 0:
                state.best_iou, state.best_ap = before.mean_iou, before.ap
                self._save(is_best=True)
        for epoch in range(state.epoch, recipe.training.epochs):
            numbers = self._epoch(epoch)
            state.epoch = epoch + 1
            rate = numbers["images_per_s"]
            self._finish(numbers)
        return rate

    def _epoch(self, epoch: int) -> dict[str, float]:
        state, training = self.state, self.state.recipe.training
        self.loader.batch_sampler.epoch = epoch
        self.progress.stage(f"epoch {epoch + 1}/{training.epochs}", len(self.loader))
        state.network.train()
        totals, recent, began = Totals(self.fabric), Totals(self.fabric), time.monotonic()
        for number, batch in enumerate(self.loader):
            if epoch == 0 and number < NUM_SAMPLE_PICTURES:
                draw_boxes(self.folder.samples / f"train_batch_{number + 1}.jpg", batch)
            numbers = detect_step(state, batch, self.fabric)
            totals.add(numbers)
            recent.add(numbers)
            if (number + 1) % STEPS_BETWEEN_LOGS == 0:
                self._check_finite(recent.means())
                self.metrics.write("step", epoch + 1, state.step, recent.means())
                recent = Totals(self.fabric)
            self.progress.advance()
        means = totals.means()
        self._check_finite(means)
        seconds = time.monotonic() - began
        rate = len(self.loader) * training.batch_size / seconds
        lr = state.optimizer.param_groups[0]["lr"]
        return {**means, "learning_rate": lr, "seconds": seconds, "images_per_s": rate}

    def _check_finite(self, numbers: dict[str, float]) -> None:
        broken = [name for name, value in numbers.items() if not abs(value) < float("inf")]
        if broken:
            raise RuntimeError(
                f"{', '.join(broken)} became NaN or infinite at step {self.state.step}: stopped; what "
                f"{self.folder.last.parent} holds is kept. Lower optimizer.learning_rate."
            )

    def _validate(self) -> BoxFigures:
        with averaged_weights(self.state.network, self.state.average):
            return validate_boxes(self.state, self.check, self.progress)

    def _finish(self, numbers: dict[str, float]) -> None:
        state, recipe = self.state, self.state.recipe
        is_best, text = False, ""
        if state.epoch == recipe.training.epochs or state.epoch % recipe.validation.every == 0:
            found = self._validate()
            numbers |= _validation(found)
            is_best = (found.mean_iou, found.ap) > (state.best_iou, state.best_ap)
            if is_best:
                state.best_iou, state.best_ap, state.best_epoch = found.mean_iou, found.ap, state.epoch
            text = f", box IoU {found.mean_iou:.3f}, recall {found.recall:.3f}, AP {found.ap:.3f}"
        self.metrics.write("epoch", state.epoch, state.step, numbers)
        self.progress.note(
            f"epoch {state.epoch}: loss {numbers['loss']:.4f}{text}{' (best)' if is_best else ''}, "
            f"{numbers['images_per_s']:.1f} images/s"
        )
        self._save(is_best=is_best)

    def _save(self, *, is_best: bool) -> None:
        content = checkpoint_of(self.state)
        if is_best:
            settings = self.state.recipe.network
            with averaged_weights(self.state.network, self.state.average):
                save_detector(
                    self.folder.weights, self.state.network, settings, is_frozen=self.state.is_frozen
                )
            save_checkpoint(self.folder.best, content)
        save_checkpoint(self.folder.last, content)


def _validation(figures: BoxFigures) -> dict[str, float]:
    names = {"mean_iou": "val_iou", "recall": "val_recall", "precision": "val_precision", "ap": "val_ap"}
    return {new: value for name, value in asdict(figures).items() if (new := names.get(name))}
