"""COCO keypoint files read for training: one checked record a labelled person, with its domain."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from syrip_gen.annotation.coco import ANNOTATION_FILE, IMAGE_FOLDER
from syrip_gen.keypoints.catalog import COCO17

__all__ = ["AnnotationSet", "PersonRecord", "dataset_files", "folder_records", "read_annotations"]

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
ID_PATTERNS = ("train%05d.jpg", "test%d.jpg")
"""How SyRIP names its pictures by id; its own loader ignores ``file_name``."""

MAX_NAMED = 10
"""Missing or broken pictures that an error names; all of them are counted."""


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """One person to train or validate on."""

    image_path: Path
    image_size: tuple[int, int] | None
    """(width, height) in px as the file says, or None."""
    image_id: int
    annotation_id: int
    box: tuple[float, float, float, float]
    """Left, top, width, height in px."""
    area: float
    """px² as the file says, or the box's."""
    keypoints: np.ndarray
    """(K, 3) float32: x and y in px, visibility 0, 1 or 2; (0, 0, 0) where not labelled."""
    is_synthetic: bool


@dataclass(frozen=True, slots=True)
class AnnotationSet:
    """The persons of one file and what was left out."""

    source: str
    records: tuple[PersonRecord, ...]
    notes: tuple[str, ...]
    """One line for each kind of thing that was skipped or mended, with counts."""
    failures: tuple[str, ...] = ()
    """What is missing or could not be read and was left out, one line each."""


def dataset_files(folder: Path) -> tuple[Path, Path]:
    """Return the annotation file and the image folder of a dataset that ``syrip generate`` wrote.

    Raises:
        FileNotFoundError: If either is missing.
    """
    annotations, images = folder / ANNOTATION_FILE, folder / IMAGE_FOLDER
    for path in (annotations, images):
        if not path.exists():
            raise FileNotFoundError(
                f"{folder} is no dataset: {path} is missing. Make one with 'syrip generate -o {folder}'."
            )
    return annotations, images


def read_annotations(path: Path, images: Path, *, is_synthetic: bool) -> AnnotationSet:
    """Read a COCO person-keypoints file.

    Args:
        path: The file; ``info`` and ``licenses`` may be missing, as in SyRIP's.
        images: Folder of its pictures.
        is_synthetic: The domain of pictures that do not say ``is_synthetic`` themselves.

    Raises:
        FileNotFoundError: If the file or any picture is missing; ten of them are named.
        ValueError: If the file is not such a file, a name leaves the folder, or nobody in it is labelled.
    """
    data = _load(path)
    people, notes = _labelled_people(data["annotations"], path)
    images_by_id = {image["id"]: image for image in data["images"]}
    unknown = sorted({p["image_id"] for p in people} - set(images_by_id))
    if unknown:
        raise ValueError(f"{path}: annotations refer to unknown images {unknown[:5]} ({len(unknown)} in all)")
    if not people:
        raise ValueError(
            f"{path}: no annotation has labelled keypoints. {'; '.join(notes) or 'It is empty.'}"
        )
    used = {p["image_id"] for p in people}
    paths = _find_images((images_by_id[i] for i in sorted(used)), images, path)
    records = tuple(_record(p, images_by_id[p["image_id"]], paths, is_synthetic) for p in people)
    return AnnotationSet(str(path), records, tuple(notes))


def _load(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"annotation file {path} not found")
    try:
        data = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    if not isinstance(data, dict) or not all(
        isinstance(data.get(k), list) for k in ("images", "annotations")
    ):
        raise ValueError(f"{path} is not a COCO file: it needs the lists 'images' and 'annotations'")
    for key, needed in (("images", ("id", "file_name")), ("annotations", ("image_id", "bbox"))):
        for i, entry in enumerate(data[key]):
            missing = [n for n in needed if not isinstance(entry, Mapping) or n not in entry]
            if missing:
                raise ValueError(f"{path}: {key}[{i}] lacks {', '.join(map(repr, missing))}")
    return data


def _labelled_people(annotations: list[Any], path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Return annotations with a (K, 3) ``points`` array added, and notes on what was skipped."""
    counts = {"crowd": 0, "without keypoints": 0, "with a box without area": 0}
    people, broken = [], 0
    for i, annotation in enumerate(annotations):
        name = f"{path}: annotation {annotation.get('id', i)} of image {annotation['image_id']}"
        if annotation.get("iscrowd"):
            counts["crowd"] += 1
            continue
        points = _points(annotation.get("keypoints") or [0] * 3 * len(COCO17), name)
        broken += int((~np.isfinite(points)).any(axis=1).sum())
        points[~np.isfinite(points).all(axis=1)] = 0
        points[points[:, 2] <= 0] = 0  # SyRIP writes (-45, -45, 0) for deleted ones
        box = _box(annotation["bbox"], name)
        if not (points[:, 2] > 0).any():
            counts["without keypoints"] += 1
        elif not (box[2] > 0 and box[3] > 0):
            counts["with a box without area"] += 1
        else:
            people.append({**annotation, "id": annotation.get("id", i), "points": points, "bbox": box})
    notes = [f"{n} annotations {what} skipped" for what, n in counts.items() if n]
    if broken:
        notes.append(f"{broken} keypoints that are not finite numbers taken as unlabelled")
    return people, notes


def _points(values: Any, name: str) -> np.ndarray:
    try:
        points = np.asarray(values, np.float32).reshape(-1)
    except (ValueError, TypeError):
        raise ValueError(f"{name}: 'keypoints' must be a flat list of numbers") from None
    if points.size != 3 * len(COCO17):
        raise ValueError(
            f"{name}: expected {3 * len(COCO17)} keypoint numbers (COCO-17), got {points.size}. "
            f"Map other schemas first ('syrip generate --poses' and 'syrip fit' read them)."
        )
    return points.reshape(-1, 3)


def _box(values: Any, name: str) -> tuple[float, float, float, float]:
    try:
        left, top, width, height = (float(v) for v in values)
    except (ValueError, TypeError):
        raise ValueError(f"{name}: 'bbox' must be 4 numbers, got {values!r}") from None
    if not np.isfinite([left, top, width, height]).all():
        return 0.0, 0.0, 0.0, 0.0
    return left, top, width, height


def _find_images(images: Iterable[Mapping[str, Any]], folder: Path, source: Path) -> dict[int, Path]:
    """Return the path of every picture by id."""
    if not folder.is_dir():
        raise FileNotFoundError(f"image folder {folder} of {source} not found")
    found, missing = {}, []
    for image in images:
        name = str(image["file_name"])
        if Path(name).is_absolute() or ".." in Path(name).parts or "\\" in name:
            raise ValueError(f"{source}: image name {name!r} leaves the image folder")
        names = [name, Path(name).name]
        if isinstance(image["id"], int):
            names += [pattern % image["id"] for pattern in ID_PATTERNS]
        path = next((folder / n for n in names if (folder / n).is_file()), None)
        if path is None:
            missing.append(name)
        else:
            found[image["id"]] = path
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of {len(missing) + len(found)} images of {source} are not in {folder}: "
            f"{', '.join(missing[:MAX_NAMED])}{' …' if len(missing) > MAX_NAMED else ''}"
        )
    return found


def _record(
    person: Mapping[str, Any], image: Mapping[str, Any], paths: Mapping[int, Path], is_synthetic: bool
) -> PersonRecord:
    size = (image.get("width"), image.get("height"))
    own = image.get("is_synthetic")
    return PersonRecord(
        image_path=paths[image["id"]],
        image_size=size if all(isinstance(n, int) for n in size) else None,
        image_id=image["id"],
        annotation_id=person["id"],
        box=person["bbox"],
        area=float(person.get("area") or person["bbox"][2] * person["bbox"][3]),
        keypoints=person["points"],
        is_synthetic=own if isinstance(own, bool) else is_synthetic,
    )


def folder_records(folder: Path, *, is_synthetic: bool) -> tuple[PersonRecord, ...]:
    """Return one unlabelled record for every picture below a folder, with the whole picture as its box.

    Enough for the domain classifier, which needs no keypoints.

    Raises:
        ValueError: If there is no picture, or one cannot be opened.
    """
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES)
    if not paths:
        raise ValueError(f"no pictures ({', '.join(PICTURE_SUFFIXES)}) in {folder}")
    records = []
    for number, path in enumerate(paths):
        try:
            with Image.open(path) as picture:
                width, height = picture.size
        except OSError as error:
            raise ValueError(f"{path} does not decode as a picture: {error}") from None
        records.append(
            PersonRecord(
                image_path=path,
                image_size=(width, height),
                image_id=number,
                annotation_id=number,
                box=(0.0, 0.0, float(width), float(height)),
                area=float(width * height),
                keypoints=np.zeros((len(COCO17), 3), np.float32),
                is_synthetic=is_synthetic,
            )
        )
    return tuple(records)
