"""One lifting run, top to bottom: ``syrip train --recipe lifter-...``."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from fidip.checkpoint import load_checkpoint, save_checkpoint
from fidip.config import TrainOptions
from fidip.interruption import interruption_flag
from fidip.lifting.augmentation import layout_of
from fidip.lifting.batches import Batches
from fidip.lifting.begin import begin_from
from fidip.lifting.config import LiftRecipe
from fidip.lifting.network import build_lifter
from fidip.lifting.selfsup import keep_statistics
from fidip.lifting.sources import LiftData, lift_file_digests, load_lift_data
from fidip.lifting.state import LiftState, checkpoint_of, make_lift_state, restore, save_lifter
from fidip.lifting.steps import lift_step
from fidip.lifting.validation import Validation
from fidip.output_check import check_output_folder
from fidip.progress import Progress, SilentProgress
from fidip.training.failures import failure_lines
from fidip.training.logs import Metrics, StoppableProgress
from fidip.training.optimizers import averaged_weights
from fidip.training.processes import open_fabric
from fidip.training.run_folder import RunFolder, RunKind
from fidip.training.steps import Totals

__all__ = ["LIFT_RUN", "LiftResult", "train_lifter"]

LIFT_RUN = RunKind(
    task="lift",
    recipe=LiftRecipe,
    inputs=("synthetic", "poses_3d"),
    missing_inputs="nothing to learn from: give --synthetic DATASET or --poses-3d FILE",
    digests=lift_file_digests,
)


@dataclass(frozen=True, slots=True)
class LiftResult:
    """What a run came to."""

    output: Path
    epochs: int
    best_epoch: int
    best_mm: float
    """AJPE on the validation poses, mm (from predictions where they were given)."""
    initial_mm: float
    poses_per_s: float
    seconds: float
    was_finished: bool = False
    failures: tuple[str, ...] = ()
    """What of the data is missing or could not be read, one line each."""

    def figures(self) -> dict[str, Any]:
        """Return the figures as flat JSON."""
        names = ("epochs", "best_epoch", "best_mm", "initial_mm", "poses_per_s", "seconds")
        return {**{name: getattr(self, name) for name in names}, "output": str(self.output)}

    def summary(self) -> str:
        """Return the closing lines of the command."""
        epochs = f"{self.epochs} epoch{'' if self.epochs == 1 else 's'}"
        if self.was_finished:
            first = f"{self.output} is already finished ({epochs}); --epochs N trains longer"
        else:
            minutes, seconds = divmod(round(self.seconds), 60)
            first = f"{epochs} in {minutes} min {seconds:02d} s, {self.poses_per_s:.0f} poses/s"
        lines = [
            first,
            f"  validation AJPE  {self.initial_mm:.1f} mm before, {self.best_mm:.1f} mm in epoch "
            f"{self.best_epoch}",
            f"  lifter           {self.output / 'best.safetensors'}",
            f"  figures          {self.output / 'metrics.jsonl'}",
            f"Next: syrip predict VIDEO --lift {self.output} --overlay",
        ]
        return "\n".join(lines)


def train_lifter(options: TrainOptions, progress: Progress | None = None) -> LiftResult:
    """Train a lifter as ``syrip train`` does.

    Raises:
        FileNotFoundError: If files are missing.
        ValueError: If the settings or the data are wrong.
        RuntimeError: If the loss becomes NaN; the last good checkpoint is kept.
        OSError: If a file cannot be written.
        KeyboardInterrupt: If SIGINT or SIGTERM came, at the next step; the last complete epoch is kept.
    """
    began = time.monotonic()
    folder = RunFolder(Path(options.output), LIFT_RUN)
    options, recipe = folder.open(options)
    _check(options, recipe)
    check_output_folder(options.output, "-o")
    progress = progress or SilentProgress()
    fabric = open_fabric(options.device, "32")
    torch.manual_seed(options.seed)
    data = load_lift_data(options, recipe)
    network = build_lifter(recipe.network, data.schema)
    notes = [*data.notes, begin_from(network, recipe.network.weights)]
    network.unlearnt &= data.unseen
    for line in (*notes, *failure_lines(data.failures)):
        progress.note(line)
    state = make_lift_state(recipe, network, fabric.device, options.seed)
    is_resumed = options.resume and folder.last.is_file()
    if is_resumed:
        restore(state, load_checkpoint(folder.last))
        if state.epoch >= recipe.training.epochs:
            return _result(state, folder, data, 0.0, began, was_finished=True)
        progress.note(f"going on after epoch {state.epoch}")
    folder.write_config(options, recipe.model_dump(mode="json"))
    numbers = {"train": len(data.train), "val": len(data.val)}
    folder.write_about(options, numbers, fabric.device, notes, data.failures)
    metrics = Metrics(folder.path, is_active=True, resume_epoch=state.epoch if is_resumed else None)
    try:
        with interruption_flag() as is_interrupted:
            stoppable = StoppableProgress(progress, is_interrupted)
            rate = _Run(state, data, options.seed, fabric, folder, metrics, stoppable).run()
            if is_interrupted():
                raise KeyboardInterrupt
    finally:
        metrics.close()
    return _result(state, folder, data, rate, began)


def _check(options: TrainOptions, recipe: LiftRecipe) -> None:
    if recipe.selfsup.share > 0 and (recipe.network.kind != "residual" or recipe.network.inputs != "view"):
        raise ValueError("self-supervision (selfsup.share > 0) needs network.kind residual and inputs view")
    learns_doubts = recipe.network.confidence and recipe.network.kind != "refined"
    begins = recipe.network.weights == "none" and learns_doubts
    if options.predictions is None and (begins or recipe.views.predicted_errors > 0):
        raise ValueError(
            f"{'network.confidence' if begins else 'views.predicted_errors'} is learnt from predictions: "
            "give --synthetic DATASET and --predictions FILE (predictions.json of its pictures)"
        )
    for name in ("real", "real_images", "val_images", "pre_real", "pre_synthetic"):
        if getattr(options, name) is not None:
            raise ValueError(
                f"--{name.replace('_', '-')} is for 2D networks; a lifter takes --synthetic, --poses-3d, "
                "--val, --predictions and --real-2d"
            )


def _result(
    state: LiftState,
    folder: RunFolder,
    data: LiftData,
    rate: float,
    began: float,
    *,
    was_finished: bool = False,
) -> LiftResult:
    return LiftResult(
        output=folder.path,
        epochs=state.epoch,
        best_epoch=state.best_epoch,
        best_mm=state.best_mm,
        initial_mm=state.initial_mm,
        poses_per_s=rate,
        seconds=time.monotonic() - began,
        was_finished=was_finished,
        failures=data.failures,
    )


class _Run:
    """The epochs of a run."""

    def __init__(
        self,
        state: LiftState,
        data: LiftData,
        seed: int,
        fabric: Any,
        folder: RunFolder,
        metrics: Metrics,
        progress: StoppableProgress,
    ) -> None:
        self.state, self.fabric, self.folder = state, fabric, folder
        self.metrics, self.progress = metrics, progress
        frames, layout = state.network.frames, layout_of(data.schema)
        self.batches = Batches(state.recipe, data, frames, seed)
        self.checks = {"val": Validation(data.val, layout, frames)}
        if data.val_predicted is not None:
            self.checks["val_predicted"] = Validation(data.val_predicted, layout, frames)

    def run(self) -> float:
        """Go through the epochs; return the poses per second of the last one."""
        state, epochs = self.state, self.state.recipe.training.epochs
        if state.epoch == 0:
            numbers = self._validate()
            state.initial_mm = numbers[self._criterion]
            self.metrics.write("epoch", 0, 0, numbers)
            self.progress.note(f"before training: AJPE {state.initial_mm:.1f} mm")
        rate = 0.0
        for epoch in range(state.epoch, epochs):
            numbers = self._epoch(epoch)
            state.epoch = epoch + 1
            rate = numbers["poses_per_s"]
            self._finish(numbers | self._validate())
        if epochs == 0:
            state.best_mm = state.initial_mm
            self._save(is_best=True)
        return rate

    @property
    def _criterion(self) -> str:
        return f"{list(self.checks)[-1]}_ajpe_mm"

    def _validate(self) -> dict[str, float]:
        with averaged_weights(self.state.network, self.state.average):
            return {
                f"{name}_{key}": value
                for name, check in self.checks.items()
                for key, value in check(self.state.network, self.state.device).items()
            }

    def _epoch(self, epoch: int) -> dict[str, float]:
        training = self.state.recipe.training
        self.progress.stage(f"epoch {epoch + 1}/{training.epochs}", training.steps_per_epoch)
        self.state.network.train()
        if self.state.recipe.selfsup.share > 0 and self.state.recipe.network.weights != "none":
            keep_statistics(self.state.network)
        totals, began = Totals(self.fabric), time.monotonic()
        for batch in self.batches.epoch(epoch):
            totals.add(lift_step(self.state, batch.to(self.state.device)))
            self.progress.advance()
        means = totals.means()
        if not all(abs(value) < float("inf") for value in means.values()):
            raise RuntimeError(
                f"the loss became NaN or infinite in epoch {epoch + 1}: stopped; the last epoch is kept. "
                "Lower optimizer.learning_rate."
            )
        seconds = time.monotonic() - began
        rate = training.steps_per_epoch * training.batch_size / seconds
        lr = self.state.optimizer.param_groups[0]["lr"]
        return {**means, "learning_rate": lr, "seconds": seconds, "poses_per_s": rate}

    def _finish(self, numbers: dict[str, float]) -> None:
        state = self.state
        error = numbers[self._criterion]
        is_best = error < state.best_mm or state.recipe.training.keep == "last"
        if is_best:
            state.best_mm, state.best_epoch = error, state.epoch
        self.metrics.write("epoch", state.epoch, state.step, numbers)
        shown = ", ".join(
            f"{name.removesuffix('_mm').replace('_', ' ')} {numbers[name]:.1f} mm"
            for name in numbers
            if name.endswith("_mm")
        )
        self.progress.note(f"epoch {state.epoch}: {shown}{' (best)' if is_best else ''}")
        self._save(is_best=is_best)

    def _save(self, *, is_best: bool) -> None:
        content = checkpoint_of(self.state)
        if is_best:
            settings = self.state.recipe.network
            save_lifter(self.folder.weights, self.state.network, settings, self.state.weights())
            save_checkpoint(self.folder.best, content)
        save_checkpoint(self.folder.last, content)
