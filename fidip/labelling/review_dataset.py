"""Review of a generated dataset: rejected images leave its COCO file, and come back unchanged."""

import hashlib
import os
import shutil
import uuid
from contextlib import suppress
from pathlib import Path

from fidip.labelling.coco_export import Exported, write_atomically
from fidip.labelling.coco_import import read_coco
from fidip.labelling.coco_lines import AnnotationFile, reviewed_annotations, reviewed_manifest
from fidip.labelling.store import LabelStore
from syrip_gen.annotation.coco import ANNOTATION_FILE, IMAGE_FOLDER

__all__ = ["PROJECT_FILE", "UNREVIEWED_FILE", "open_dataset_review", "write_dataset"]

PROJECT_FILE = "review.project"
UNREVIEWED_FILE = ANNOTATION_FILE.removesuffix(".json") + ".unreviewed.json"
"""The annotations as they were generated; made once, before the first change."""
MANIFEST_FILE = "manifest.jsonl"
UNFINISHED = ".syrip/run.json"
"""Is there while ``syrip generate`` is at work in a folder, or was stopped."""


def open_dataset_review(folder: Path) -> LabelStore:
    """Go on with the review of a dataset folder, or begin it; see :mod:`fidip.labelling.review`."""
    annotations = folder / ANNOTATION_FILE
    for path in (annotations, folder / IMAGE_FOLDER):
        if not path.exists():
            raise FileNotFoundError(
                f"--review {folder}: no dataset of 'syrip generate' ({path.relative_to(folder)} is missing)"
            )
    if (folder / UNFINISHED).exists():
        raise ValueError(
            f"--review {folder}: the dataset is not finished; run its command with --resume first"
        )
    project, base = folder / PROJECT_FILE, folder / UNREVIEWED_FILE
    if not project.exists():
        if base.exists():
            raise ValueError(
                f"--review {folder}: it was reviewed, but {PROJECT_FILE} is gone. Put it back; or, to begin "
                f"anew, move {UNREVIEWED_FILE} over {ANNOTATION_FILE}"
            )
        AnnotationFile.read(annotations)  # before anything is made: its layout must be ours
        store = LabelStore.create(
            project,
            kind="review",
            root=folder / IMAGE_FOLDER,
            output=annotations,
            settings={"annotations": _digest(annotations)},
        )
    else:
        store = LabelStore.open(project)
    try:
        _check_same(store, base if base.exists() else annotations, folder)
        if not store.counts().total:  # also after a kill between the two steps
            store.add_images(read_coco(annotations).images)
    except BaseException:
        store.close()
        raise
    return store


def write_dataset(store: LabelStore) -> Exported:
    """Write a dataset's COCO file and manifest as the review says.

    Rejected images are left out of the COCO file, corrected keypoints replace the generated ones, all other
    records keep their bytes. Every line of the manifest whose image was reviewed ends in ``review``: status,
    reasons, who and when.

    Raises:
        OSError: If a file cannot be written; it is then as it was.
        RuntimeError: If somebody else changed the annotations; nothing is written.
    """
    change = store.last_change()
    output = store.output
    base = output.with_name(Path(UNREVIEWED_FILE).name)
    reviews = {newest.image_id: (newest, first) for newest, first in store.edits()}
    if reviews and not base.exists():
        _keep(output, base, store.settings["annotations"])
    source = AnnotationFile.read(base if base.exists() else output)
    data, num_images, num_annotations = reviewed_annotations(source, reviews)
    _write_if_new(output, data)
    manifest = output.parent.parent / MANIFEST_FILE
    if manifest.is_file():
        _write_if_new(manifest, reviewed_manifest(manifest.read_bytes(), reviews))
    return Exported(output, num_images, num_annotations, change)


def _check_same(store: LabelStore, base: Path, folder: Path) -> None:
    expected = store.settings.get("annotations")
    if store.kind != "review" or expected is None:
        raise ValueError(f"{store.path} is no review of a dataset")
    if expected != _digest(base):
        raise ValueError(
            f"--review {folder}: {PROJECT_FILE} belongs to other annotations than {base.name}; was it all "
            f"made anew? Move {PROJECT_FILE} away to begin a new review"
        )


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _keep(path: Path, copy: Path, digest: str) -> None:
    """Keep a file under a second name; it appears whole or not at all.

    Raises:
        RuntimeError: If it is not the file of this digest any more.
        OSError: If no copy can be made.
    """
    _check_unchanged(path, digest)
    try:
        os.link(path, copy)  # free; replacing the first name leaves the second alone
        return
    except FileExistsError:
        return
    except OSError:
        pass  # a file system without links
    temporary = copy.with_name(f".{copy.name}.{uuid.uuid4().hex[:12]}.part")
    try:
        shutil.copyfile(path, temporary)
        _check_unchanged(temporary, digest)  # another process may have rewritten it meanwhile
        os.replace(temporary, copy)
    except OSError as error:
        raise OSError(f"cannot write {copy}: {error.strerror or error}; nothing was changed") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _check_unchanged(path: Path, digest: str) -> None:
    if _digest(path) != digest:
        raise RuntimeError(
            f"{path} is not the file any more that the review began with; nothing was written. Put it back, "
            f"or move {PROJECT_FILE} away to begin a new review"
        )


def _write_if_new(path: Path, data: bytes) -> None:
    if path.stat().st_size != len(data) or path.read_bytes() != data:
        write_atomically(path, data)
