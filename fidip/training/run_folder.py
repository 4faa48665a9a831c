"""The folder of a run: opened for a new run or one to go on with, described in config.yaml and run.json."""

import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
import yaml
from pydantic import BaseModel

from fidip.checkpoint import write_atomically
from fidip.config import Recipe, TrainOptions
from fidip.models.interface import PoseNetwork
from fidip.recipes import load_any_recipe
from fidip.training.label_files import file_digests
from fidip.training.preparation import SPLIT_FILE, RunData

__all__ = ["POSE_RUN", "RunFolder", "RunKind"]

RUN_ONLY = ("epochs", "device", "precision", "workers", "cache_mib", "resume", "output")
"""Options that may change when a run is resumed."""
PACKAGES = ("torch", "torchvision", "timm", "lightning-fabric", "numpy", "opencv-python-headless")


@dataclass(frozen=True, slots=True)
class RunKind:
    """What differs between runs that train different things."""

    task: str
    """Of its recipes, see :data:`fidip.recipes.TASKS`."""
    recipe: type[BaseModel]
    inputs: tuple[str, ...]
    """Options one of which must be given."""
    missing_inputs: str
    """What to say where none is."""
    digests: Callable[[TrainOptions], dict[str, str]]
    """SHA-256 of the files of a run by option name; a resumed run must have the same."""


POSE_RUN = RunKind(
    task="pose",
    recipe=Recipe,
    inputs=("real", "synthetic"),
    missing_inputs="nothing to train on: give --synthetic DATASET, --real FILE, or both",
    digests=file_digests,
)
"""A 2D pose network."""


class RunFolder:
    """Paths of a run and the files that describe it."""

    def __init__(self, path: Path, kind: RunKind = POSE_RUN) -> None:
        self.path, self.kind = path, kind
        self.config = path / "config.yaml"
        self.last = path / "checkpoints" / "last.pt"
        self.best = path / "checkpoints" / "best.pt"
        self.weights = path / "best.safetensors"
        self.samples = path / "samples"

    def open(self, options: TrainOptions) -> tuple[TrainOptions, Any]:
        """Return the options and the recipe of a new run, or those of the run to go on with.

        With ``resume``, everything that the run was told is kept; options given now must agree with it,
        except those that do not change the result, and ``epochs``.

        Raises:
            ValueError: If the folder holds something else, no data is named, or an option disagrees with the
                run's.
        """
        if self.path.exists() and not self.path.is_dir():
            raise ValueError(f"-o {self.path} is a file; a run needs a folder")
        if options.resume and self.config.is_file():
            return self._reopened(options)
        has_inputs = any(getattr(options, name) for name in self.kind.inputs)
        is_occupied = self.path.is_dir() and any(self.path.iterdir())
        if options.resume and (is_occupied or not has_inputs):
            raise ValueError(f"{self.path} holds no run to resume (no {self.config.name})")
        if not has_inputs:
            raise ValueError(self.kind.missing_inputs)
        if is_occupied and self.config.is_file():
            raise ValueError(f"{self.path} holds a run. Choose another -o, or go on with it by --resume.")
        if is_occupied:
            raise ValueError(f"{self.path} is not empty, and holds no run. Choose another -o.")
        return options, _effective_recipe(options, self.kind.task)

    def _reopened(self, options: TrainOptions) -> tuple[TrainOptions, Any]:
        try:
            stored = yaml.safe_load(self.config.read_text(encoding="utf-8"))
            before = TrainOptions.model_validate(stored.pop("options"))
            digests = stored.pop("files")
            if stored.pop("task", "pose") != self.kind.task:
                raise ValueError(f"it is no run of the task {self.kind.task}")
            recipe = self.kind.recipe.model_validate(stored)
        except (yaml.YAMLError, KeyError, ValueError, AttributeError) as error:
            raise ValueError(
                f"{self.config} cannot be read: {str(error).splitlines()[0]}. Was it edited?"
            ) from None
        given = {name: getattr(options, name) for name in options.model_fields_set}
        for name, value in given.items():
            if name not in RUN_ONLY and value != getattr(before, name):
                raise ValueError(
                    f"--{name.replace('_', '-')} {value} differs from the run's {getattr(before, name)}: a "
                    "resumed run keeps its settings. Leave the option out, or start anew with another -o."
                )
        merged = before.model_copy(update={k: v for k, v in given.items() if k in RUN_ONLY})
        merged = merged.model_copy(update={"resume": True, "output": str(self.path)})
        for name, digest in self.kind.digests(merged).items():
            if digests.get(name) != digest:
                raise ValueError(
                    f"the annotations of --{name} have changed since the run began; a resumed run would not "
                    "be the same. Start anew with another -o."
                )
        if options.epochs is not None:
            training = recipe.training.model_copy(update={"epochs": options.epochs})
            recipe = recipe.model_copy(update={"training": training})
        return merged, recipe

    def write_settings(
        self,
        options: TrainOptions,
        recipe: Recipe,
        network: PoseNetwork,
        data: RunData,
        notes: Sequence[str],
    ) -> None:
        """Write config.yaml (what was asked for), run.json (what it was done with) and the split."""
        settings = recipe.model_dump(mode="json")
        settings["network"]["input_size"] = list(network.spec.input_size)
        self.write_config(options, settings)
        numbers = {
            "train_real": data.num_real,
            "train_synthetic": data.num_synthetic,
            "val": len(data.val),
        }
        device = next(network.parameters()).device
        self.write_about(options, numbers, device, [*notes, *data.notes], data.failures)
        if data.held_out is not None:
            self._write(self.path / SPLIT_FILE, json.dumps({"val_image_ids": list(data.held_out)}) + "\n")

    def write_config(self, options: TrainOptions, settings: Mapping[str, Any]) -> None:
        """Write config.yaml: the recipe's settings, the options and the digests of the files."""
        task = {} if self.kind.task == "pose" else {"task": self.kind.task}
        content = {
            **task,
            **settings,
            "options": options.model_dump(mode="json"),
            "files": self.kind.digests(options),
        }
        self._write(self.config, yaml.safe_dump(content, sort_keys=False))

    def write_about(
        self,
        options: TrainOptions,
        numbers: Mapping[str, Any],
        device: torch.device,
        notes: Sequence[str],
        failures: Sequence[str],
    ) -> None:
        """Write run.json: what the run was done with, and what of the data could not be used."""
        about = {
            "recipe": options.recipe,
            "seed": options.seed,
            **numbers,
            "python": platform.python_version(),
            "packages": {name: _version(name) for name in PACKAGES},
            "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
            "notes": list(notes),
            "failures": list(failures),
        }
        self._write(self.path / "run.json", json.dumps(about, indent=1) + "\n")

    def _write(self, path: Path, text: str) -> None:
        write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8") and None)


def _effective_recipe(options: TrainOptions, task: str) -> Any:
    """Return the recipe with the changes that the options ask for."""
    changes = list(options.set)
    changes += [f"training.epochs={options.epochs}"] if options.epochs is not None else []
    changes += [f"training.batch_size={options.batch_size}"] if options.batch_size is not None else []
    found, recipe = load_any_recipe(options.recipe, changes)
    if found != task:
        raise ValueError(f"recipe {options.recipe} is for the task {found}, not {task}")
    if options.weights is None:
        return recipe
    network = recipe.network.model_copy(update={"weights": options.weights})
    return recipe.model_copy(update={"network": network})


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
