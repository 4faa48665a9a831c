"""The label files of a run: digests to know them by, and their persons, from whatever dataset they are."""

import hashlib
from dataclasses import replace
from pathlib import Path

from fidip.config import DataSettings, TrainOptions
from fidip.data.annotations import AnnotationSet, dataset_files, read_annotations
from fidip.data.layouts.detect import layout_of
from fidip.data.sample_records import sample_records, whole_pictures
from fidip.evaluation.ground_truth import annotation_file
from fidip.evaluation.pictures import picture_folder
from syrip_gen.keypoints.catalog import COCO17, get_schema

__all__ = ["file_digests", "read_labels", "read_training_sets"]


def file_digests(options: TrainOptions) -> dict[str, str]:
    """Return the SHA-256 of every annotation file of a run by option name."""
    paths = {"real": options.real, "val": options.val, "synthetic": options.synthetic}
    digests = {}
    for name, path in paths.items():
        if path is None:
            continue
        file = annotation_file(path)
        if Path(path).is_dir() and not file.is_file():  # MINI-RGBD and the like: thousands of files
            digests[name] = _folder_digest(Path(path))
        elif file.is_file():
            digests[name] = hashlib.sha256(file.read_bytes()).hexdigest()
        else:
            raise FileNotFoundError(f"annotation file {file} of --{name} not found")
    return digests


def _folder_digest(folder: Path) -> str:
    """Return the SHA-256 of the names and sizes of all files below a folder."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    listing = "".join(f"{p.relative_to(folder).as_posix()} {p.stat().st_size}\n" for p in files)
    return hashlib.sha256(listing.encode()).hexdigest()


def read_training_sets(options: TrainOptions, settings: DataSettings) -> dict[str, AnnotationSet]:
    """Return the persons of ``--real`` and ``--synthetic`` by these names.

    Raises:
        FileNotFoundError: If files or pictures are missing.
        ValueError: If something is no dataset, or nobody in it is labelled.
    """
    sets = {}
    if options.real is not None:
        sets["real"] = read_labels(options.real, options.real_images, "--real-images", settings)
    if options.synthetic is not None and _is_plain(options.synthetic, settings):
        annotations, images = dataset_files(Path(options.synthetic))
        sets["synthetic"] = read_annotations(annotations, images, is_synthetic=True)
    elif options.synthetic is not None:
        sets["synthetic"] = read_labels(options.synthetic, None, "--synthetic", settings, is_synthetic=True)
    if settings.crop == "picture":
        sets = {name: replace(s, records=whole_pictures(s.records)) for name, s in sets.items()}
    return sets


def _is_plain(path: str, settings: DataSettings) -> bool:
    """Return whether labels need no mapping: COCO-17 keypoints, of a COCO file or a dataset of ours.

    What is no dataset at all counts as one, too: its reader knows best what to say.
    """
    if settings.schema_name != COCO17.name:
        return False
    try:
        return layout_of(path) in ("coco", "syrip")
    except (ValueError, FileNotFoundError):
        return True


def read_labels(
    path: str, images: str | None, option: str, settings: DataSettings, *, is_synthetic: bool = False
) -> AnnotationSet:
    """Read a COCO file or a dataset folder, as ``syrip eval --gt`` finds them, or another dataset."""
    if not _is_plain(path, settings):
        file = annotation_file(path)
        folder = picture_folder(file, images, option) if layout_of(path) in ("coco", "syrip") else images
        return sample_records(
            path if folder is None or layout_of(path) != "syrip" else file,
            get_schema(settings.schema_name),
            images=folder,
            is_synthetic=is_synthetic,
            by_order=settings.mapping == "order",
        )
    file = annotation_file(path)
    if not file.is_file():
        raise FileNotFoundError(f"annotation file {file} not found")
    return read_annotations(file, picture_folder(file, images, option), is_synthetic=is_synthetic)
