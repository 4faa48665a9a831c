"""``syrip train`` for every task: which trainer a recipe or a run to go on with belongs to."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fidip.config import TrainOptions
from fidip.progress import Progress
from fidip.recipes import load_any_recipe
from fidip.training.failures import failure_lines

__all__ = ["Finished", "run_training", "task_of"]

LIFTER_OPTIONS = ("poses_3d", "predictions", "real_2d")


@dataclass(frozen=True, slots=True)
class Finished:
    """What a training has to say."""

    summary: str
    figures: dict[str, Any]
    failures: tuple[str, ...] = ()
    """What of the data is missing or could not be read, one line each."""


def task_of(options: TrainOptions) -> str:
    """Return the task of the run to go on with, else of the recipe."""
    config = Path(options.output) / "config.yaml"
    if options.resume and config.is_file():
        try:
            stored = yaml.safe_load(config.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError, OSError):
            return "pose"  # its trainer says what is wrong with the file
        return str(stored.get("task", "pose")) if isinstance(stored, dict) else "pose"
    return load_any_recipe(options.recipe, options.set)[0]


def run_training(options: TrainOptions, progress: Progress) -> Finished:
    """Train as the recipe or the run says.

    Raises:
        ValueError: If options are given that the task does not know, and as the trainers.
    """
    task = task_of(options)
    if task == "detect":
        from fidip.detection.trainer import train_detector

        found = train_detector(options, progress)
        return _finished(found.summary(), found.figures(), found.failures)
    if task == "lift":
        from fidip.lifting.trainer import train_lifter

        result = train_lifter(options, progress)
        return _finished(result.summary(), result.figures(), result.failures)
    given = [name for name in LIFTER_OPTIONS if getattr(options, name)]
    if given:
        raise ValueError(
            f"--{given[0].replace('_', '-')} is for lifters; take a recipe such as lifter-infant"
        )
    from fidip.trainer import train
    from fidip.training.summaries import train_figures, train_summary

    finished = train(options, progress)
    return _finished(train_summary(finished), train_figures(finished), finished.failures)


def _finished(summary: str, figures: dict[str, Any], failures: tuple[str, ...]) -> Finished:
    """Return what a trainer says, and what of the data it had to leave out."""
    lines = "\n".join([*failure_lines(failures), summary])
    return Finished(lines, {**figures, "num_failures": len(failures)}, failures)
