"""The pictures of a detection run: read, checked, split, and fed in batches."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import torch
from torch.utils.data import DataLoader

from fidip.config import TrainOptions
from fidip.data.images import ImageStore, content_hashes
from fidip.data.layouts.detect import layout_of
from fidip.data.loaders import automatic_workers
from fidip.data.samplers import DomainSampler, OrderedSampler
from fidip.detection.config import DetectRecipe
from fidip.detection.dataset import DetectionPictures, collate_pictures
from fidip.detection.records import PictureRecord, PictureSet, read_pictures, split_pictures
from syrip_gen.annotation.coco import ANNOTATION_FILE

__all__ = ["DetectData", "detect_file_digests", "load_detect_data", "training_loader", "validation_loader"]

MAX_NAMED = 5


@dataclass(frozen=True, slots=True)
class DetectData:
    """The pictures of a run."""

    train: tuple[PictureRecord, ...]
    val: tuple[PictureRecord, ...]
    notes: tuple[str, ...]
    failures: tuple[str, ...]
    """What is missing or could not be read and was left out, one line each."""


def load_detect_data(options: TrainOptions, recipe: DetectRecipe) -> DetectData:
    """Read the pictures of ``--synthetic``, ``--real`` and ``--val``.

    Raises:
        FileNotFoundError: If files or pictures are missing.
        ValueError: If there is no box, or training and validation share pictures.
    """
    sets: list[PictureSet] = []
    if options.synthetic is not None:
        sets.append(read_pictures(options.synthetic, is_synthetic=True))
    if options.real is not None:
        sets.append(read_pictures(options.real, options.real_images))
    train = tuple(record for found in sets for record in found.records)
    settings = recipe.validation
    if options.val is not None:
        sets.append(read_pictures(options.val, options.val_images))
        val = sets[-1].records
    else:
        train, val = split_pictures(train, settings.held_out, settings.held_out_max, options.seed)
    notes = [f"{found.source}: {note}" for found in sets for note in found.notes]
    if options.val is None:
        notes.append(f"no --val given: {len(val)} pictures are held out to compare the epochs")
    bare = sum(any(not i.has_mask for i in r.instances) for r in train)
    if bare:
        notes.append(f"{bare} of {len(train)} training pictures have no masks: turned by quarters only")
    _check_overlap(train, val)
    failures = tuple(f"{found.source}: {text}" for found in sets for text in found.failures)
    return DetectData(train, tuple(val), tuple(notes), failures)


def detect_file_digests(options: TrainOptions) -> dict[str, str]:
    """Return the SHA-256 of every annotation file of a run by option name.

    Of layouts with a file a frame, that of the files' names and sizes.
    """
    digests = {}
    for name, given in (("real", options.real), ("val", options.val), ("synthetic", options.synthetic)):
        if given is None:
            continue
        path = Path(given)
        if path.is_dir() and layout_of(path) == "syrip":
            path = path / ANNOTATION_FILE
        if not path.exists():
            raise FileNotFoundError(f"{path} of --{name} not found")
        digests[name] = hashlib.sha256(path.read_bytes() if path.is_file() else _listing(path)).hexdigest()
    return digests


def _listing(folder: Path) -> bytes:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return "\n".join(f"{p.relative_to(folder).as_posix()} {p.stat().st_size}" for p in files).encode()


def _check_overlap(train: Sequence[PictureRecord], val: Sequence[PictureRecord]) -> None:
    hashes = content_hashes(r.image_path for r in train)
    shared = {k: p for k, p in content_hashes(r.image_path for r in val).items() if k in hashes}
    if shared:
        pairs = [f"{path.name} = {hashes[key].name}" for key, path in list(shared.items())[:MAX_NAMED]]
        raise ValueError(
            f"{len(shared)} validation pictures are also training pictures (same bytes): {', '.join(pairs)}. "
            "Remove them from one of the files."
        )


def training_loader(
    data: DetectData, recipe: DetectRecipe, store: ImageStore, options: TrainOptions, device: torch.device
) -> DataLoader:
    """Return the loader of varied pictures; set ``batch_sampler.epoch`` before each epoch."""
    pictures = DetectionPictures(data.train, store, recipe.network, recipe.augmentation, options.seed)
    sampler = DomainSampler(
        [record.is_synthetic for record in data.train],
        recipe.training.batch_size,
        is_balanced=False,
        seed=options.seed,
        samples_per_epoch=recipe.training.samples_per_epoch,
    )
    return _loader(pictures, sampler, options, device)


def validation_loader(
    data: DetectData, recipe: DetectRecipe, store: ImageStore, options: TrainOptions, device: torch.device
) -> DataLoader:
    """Return the loader of plain validation pictures, in order."""
    pictures = DetectionPictures(data.val, store, recipe.network, None, options.seed)
    return _loader(pictures, OrderedSampler(len(data.val), recipe.training.batch_size), options, device)


def _loader(
    pictures: DetectionPictures,
    sampler: DomainSampler | OrderedSampler,
    options: TrainOptions,
    device: torch.device,
) -> DataLoader:
    workers = automatic_workers(device) if options.workers == "auto" else int(options.workers)
    cv2.setNumThreads(0)  # before the fork: a forked process waits for ever for its parent's threads
    return DataLoader(
        pictures,
        batch_sampler=sampler,
        num_workers=workers,
        collate_fn=collate_pictures,
        generator=torch.Generator(),  # its own: drawing workers' seeds must not touch the run's generator
        persistent_workers=workers > 0,
    )
