"""The data of a run: read, checked, split; everything that silently ruins a training is refused here."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fidip.config import DataSettings, Recipe, TrainOptions
from fidip.data.annotations import AnnotationSet, PersonRecord, folder_records
from fidip.data.images import content_hashes
from fidip.data.sample_records import whole_pictures
from fidip.training.label_files import read_labels, read_training_sets

__all__ = ["RunData", "check_recipe", "load_data"]

SPLIT_FILE = "split.json"
MAX_NAMED = 5


@dataclass(frozen=True, slots=True)
class RunData:
    """The persons of a run."""

    train: tuple[PersonRecord, ...]
    val: tuple[PersonRecord, ...]
    pre: tuple[PersonRecord, ...]
    """For the pre-stage of the domain classifier."""
    notes: tuple[str, ...]
    held_out: tuple[int, ...] | None
    """Synthetic images kept for validation, or None when a validation file was given."""
    failures: tuple[str, ...] = ()
    """What is missing or could not be read and was left out, one line each."""

    @property
    def num_real(self) -> int:
        """Persons to train on in real pictures."""
        return sum(not r.is_synthetic for r in self.train)

    @property
    def num_synthetic(self) -> int:
        """Persons to train on in synthetic pictures."""
        return sum(r.is_synthetic for r in self.train)


def check_recipe(recipe: Recipe, weights: str, *, is_control: bool) -> list[str]:
    """Refuse settings that silently ruin the result; return warnings about the doubtful ones.

    Args:
        recipe: What is to be trained.
        weights: What the network begins from, as the recipe and ``--weights`` say together.
        is_control: The user asked for no push by the classifier.

    Raises:
        ValueError: If nothing good can come of it.
    """
    fidip = recipe.domain.mechanism != "none"
    if weights == "required":
        hint = recipe.network.weights_hint or f"trained weights of {recipe.network.name}"
        raise ValueError(
            f"this recipe begins from trained weights, which syrip may not ship: bring {hint} and pass "
            "--weights FILE (or --weights imagenet, for worse results)"
        )
    if weights == "none" and recipe.freeze.through is not None:
        raise ValueError(
            f"layers through {recipe.freeze.through} are frozen, but the network begins from random weights "
            "(--weights none): they would stay random. Give trained weights or --set freeze.through=null."
        )
    if fidip and recipe.domain.lambda_domain == 0 and not is_control:
        raise ValueError(
            "domain.lambda_domain is 0: the domain classifier would have no effect and this would not be "
            "FiDIP. Use a finetune recipe, or --no-reversal for a control run."
        )
    if fidip and recipe.training.data != "both":
        raise ValueError(
            f"domain.mechanism {recipe.domain.mechanism} needs both domains, but training.data is "
            f"{recipe.training.data}"
        )
    warnings = []
    if weights == "none":
        warnings.append("the network begins from random weights: a small dataset will not be enough for it")
    if weights == "imagenet" and recipe.freeze.through is not None:
        warnings.append(
            f"layers through {recipe.freeze.through} stay as ImageNet left them; the paper begins from "
            "a network trained on COCO persons"
        )
    return warnings


def load_data(options: TrainOptions, recipe: Recipe, output: Path) -> RunData:
    """Read and check all pictures' labels of a run.

    Raises:
        FileNotFoundError: If files or pictures are missing.
        ValueError: If a domain that the recipe needs is missing, or train and validation share pictures.
    """
    sets = read_training_sets(options, recipe.data)
    notes = [f"{s.source}: {note}" for s in sets.values() for note in s.notes]
    failures = [f"{s.source}: {text}" for s in sets.values() for text in s.failures]
    records = [record for s in sets.values() for record in s.records]
    if recipe.training.data in ("real", "synthetic"):
        wanted = recipe.training.data == "synthetic"
        records = [r for r in records if r.is_synthetic == wanted]
    held_out = None
    if options.val is not None:
        val_set = read_labels(options.val, options.val_images, "--val-images", recipe.data)
        notes += [f"{val_set.source}: {note}" for note in val_set.notes]
        failures += [f"{val_set.source}: {text}" for text in val_set.failures]
        is_whole = recipe.data.crop == "picture"
        val = list(whole_pictures(val_set.records) if is_whole else val_set.records)
    else:
        held_out = _held_out_images(records, recipe, options.seed, output)
        val = [r for r in records if r.is_synthetic and r.image_id in held_out]
        records = [r for r in records if not (r.is_synthetic and r.image_id in held_out)]
        notes.append(
            f"no --val given: {len(held_out)} synthetic pictures are held out to compare the epochs. That "
            "says how well the network learnt the synthetic ones, not how it does on real infants."
        )
    _check_domains(records, recipe, sets)
    _check_overlap(records, val)
    has_pre_stage = recipe.domain.pre_epochs > 0 and recipe.training.epochs > 0
    pre, pre_failures = _pre_stage_records(options, records, recipe.data) if has_pre_stage else ((), ())
    failures += pre_failures
    return RunData(
        tuple(records),
        tuple(val),
        pre,
        tuple(notes),
        tuple(sorted(held_out)) if held_out is not None else None,
        tuple(dict.fromkeys(failures)),
    )


def _held_out_images(
    records: Sequence[PersonRecord], recipe: Recipe, seed: int, output: Path
) -> frozenset[int]:
    """Choose synthetic images for validation; a resumed run keeps its first choice."""
    kept = output / SPLIT_FILE
    if kept.is_file():
        return frozenset(json.loads(kept.read_text())["val_image_ids"])
    ids = sorted({r.image_id for r in records if r.is_synthetic})
    if len(ids) < 2:
        raise ValueError("no --val given, and no synthetic pictures to hold out: give --val FILE")
    count = min(max(1, round(recipe.validation.held_out * len(ids))), recipe.validation.held_out_max)
    chosen = np.random.default_rng((seed, 7)).choice(len(ids), count, replace=False)
    return frozenset(ids[i] for i in chosen)


def _check_domains(
    records: Sequence[PersonRecord], recipe: Recipe, sets: Mapping[str, AnnotationSet]
) -> None:
    needs_both = recipe.domain.mechanism != "none" or recipe.training.data == "both"
    if recipe.training.data == "any" and not needs_both and records:
        return
    missing = [
        name
        for name, flag in (("real", False), ("synthetic", True))
        if not any(r.is_synthetic == flag for r in records) and (needs_both or recipe.training.data == name)
    ]
    if missing:
        _check_marks(missing[0], sets)
        option = {"real": "--real FILE", "synthetic": "--synthetic DATASET"}[missing[0]]
        raise ValueError(
            f"this recipe trains on {'both domains' if needs_both else recipe.training.data}, but there is "
            f"no {' and no '.join(missing)} picture to train on. Give {option}, or take a recipe "
            "without adaptation and pass --set training.data=any."
        )


def _check_marks(domain: str, sets: Mapping[str, AnnotationSet]) -> None:
    """Say if the pictures given for a domain all claim to be of the other one."""
    is_other = domain == "real"
    if domain in sets and all(r.is_synthetic == is_other for r in sets[domain].records):
        found = sets[domain]
        raise ValueError(
            f"all {len(found.records)} records of {found.source} are marked is_synthetic: "
            f"{str(is_other).lower()}; --{domain} needs {domain} ones"
        )


def _check_overlap(train: Sequence[PersonRecord], val: Sequence[PersonRecord]) -> None:
    hashes = content_hashes(r.image_path for r in train)
    shared = {key: path for key, path in content_hashes(r.image_path for r in val).items() if key in hashes}
    if shared:
        pairs = [f"{path.name} = {hashes[key].name}" for key, path in list(shared.items())[:MAX_NAMED]]
        raise ValueError(
            f"{len(shared)} validation pictures are also training pictures (same bytes): {', '.join(pairs)}"
            f"{' …' if len(shared) > MAX_NAMED else ''}. Remove them from one of the files."
        )


def _pre_stage_records(
    options: TrainOptions, train: Sequence[PersonRecord], settings: DataSettings
) -> tuple[tuple[PersonRecord, ...], list[str]]:
    """Return the persons of the pre-stage: the files or folders named for it, else the training ones.

    And what of the files could not be read.
    """
    chosen: list[PersonRecord] = []
    failures: list[str] = []
    for name, is_synthetic in ((options.pre_real, False), (options.pre_synthetic, True)):
        if name is None:
            chosen += [r for r in train if r.is_synthetic == is_synthetic]
        elif Path(name).is_dir():
            chosen += folder_records(Path(name), is_synthetic=is_synthetic)
        else:
            option = "--pre-synthetic" if is_synthetic else "--pre-real"
            found = read_labels(name, None, option, settings, is_synthetic=is_synthetic)
            chosen += found.records
            failures += [f"{found.source}: {text}" for text in found.failures]
    if len({r.is_synthetic for r in chosen}) < 2:
        only = "synthetic" if chosen and chosen[0].is_synthetic else "real"
        raise ValueError(
            f"the pre-stage of the domain classifier has {only} pictures only: check --pre-real and "
            "--pre-synthetic, or skip it with --set domain.pre_epochs=0"
        )
    return tuple(chosen), failures
