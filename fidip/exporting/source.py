"""The pictures and people that are exported: a dataset of ``syrip generate``, or any COCO keypoint file."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fidip.data.annotations import dataset_files
from fidip.evaluation.pictures import picture_folder
from fidip.exporting.picture_file import KeyMaker, PictureFile, find_picture, inspect_picture
from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.keypoints.json_input import load_json, whole_number
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["ExportPicture", "ExportSource", "read_source"]

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class ExportPicture:
    """One picture with the records that belong to it, as the file has them."""

    key: str
    """Its name in the export, unique, without suffix."""
    file: PictureFile
    size: tuple[int, int]
    """(width, height) px that its labels are for."""
    image: Record
    annotations: tuple[Record, ...]
    sources: frozenset[str]
    """What its people come from: input poses, a clip, a film; itself where nothing is said."""


@dataclass(frozen=True, slots=True, eq=False)
class ExportSource:
    """What there is to export."""

    path: Path
    """The annotation file."""
    schema: KeypointSchema
    category: str
    header: dict[str, Any]
    """``info``, ``licenses`` and ``categories`` as the file has them."""
    pictures: tuple[ExportPicture, ...]
    """In the order of the file."""
    failures: tuple[str, ...]
    """Pictures that cannot be exported, with the reason."""
    notes: tuple[str, ...]


def read_source(path: str | Path, images: str | Path | None = None) -> ExportSource:
    """Read a dataset folder or a COCO keypoint file, and check every picture.

    Args:
        path: Folder that ``syrip generate`` or ``syrip animate`` wrote, or a COCO keypoint file.
        images: Folder of the pictures; None = their usual place.

    Raises:
        FileNotFoundError: If the file or the folder of the pictures is missing.
        ValueError: If it is no COCO keypoint file, or no picture can be exported.
    """
    path = Path(path)
    if path.is_dir():
        path, usual = dataset_files(path)
        images = images or usual
    data = load_json(path)
    lists = [data.get(key) if isinstance(data, Mapping) else None for key in ("images", "annotations")]
    if not all(isinstance(x, list) and all(isinstance(v, Mapping) for v in x) for x in lists):
        raise ValueError(f"{path}: not a COCO keypoint file: expected 'images' and 'annotations'")
    schema, category, ids = _category(data.get("categories"), path)
    folder = picture_folder(path, images)
    people, counts = _people(lists[1], ids, {image.get("id") for image in lists[0] if _is_id(image)}, path)
    pictures, failures = [], []
    keys, seen = KeyMaker(), set()
    for i, image in enumerate(lists[0]):
        image_id = whole_number(image.get("id"), f"{path}: images[{i}], id")
        if image_id in seen:
            raise ValueError(f"{path}: image id {image_id} occurs twice; ids must be unique")
        seen.add(image_id)
        if image.get("status") == "rejected":
            counts["pictures that were rejected left out"] += 1
            continue
        try:
            pictures.append(_picture(image, people.get(image_id, ()), folder, keys))
        except ValueError as error:
            failures.append(f"image {image_id}: {error}")
    for key, what in (("syrip_rejected", "were rejected"), ("syrip_unreadable", "cannot be opened")):
        listed = data.get(key)
        counts[f"pictures that {what} left out"] += len(listed) if isinstance(listed, list) else 0
    if not pictures:
        raise ValueError(f"{path}: nothing to export: {failures[0] if failures else 'it has no pictures'}")
    header = {key: data.get(key) for key in ("info", "licenses", "categories") if key in data}
    notes = tuple(f"{n} {what}" for what, n in counts.items() if n)
    return ExportSource(path, schema, category, header, tuple(pictures), tuple(failures), notes)


def _is_id(image: Record) -> bool:
    return isinstance(image.get("id"), int | float)


def _category(categories: Any, path: Path) -> tuple[KeypointSchema, str, frozenset[Any] | None]:
    """Return the keypoints, the name and the ids of the category that has keypoints.

    A file without categories, or without keypoint names, is of COCO-17; all its annotations count (None).

    Raises:
        ValueError: If there are several layouts, or names occur twice.
    """
    listed = [c for c in categories if isinstance(c, Mapping)] if isinstance(categories, list) else []
    named = [c for c in listed if isinstance(c.get("keypoints"), list) and c["keypoints"]]
    if not named:
        return COCO17, str(listed[0].get("name", "person")) if len(listed) == 1 else "person", None
    if any(c["keypoints"] != named[0]["keypoints"] for c in named):
        raise ValueError(f"{path}: categories with different keypoints; expected one layout")
    names = tuple(str(name) for name in named[0]["keypoints"])
    pairs = tuple(
        (name, partner)
        for name in names
        if "left" in name.lower() and (partner := _mirrored(name)) in names and partner != name
    )
    edges = named[0].get("skeleton")
    edges = [e for e in edges if _is_edge(e, len(names))] if isinstance(edges, list) else []
    skeleton = tuple((int(a) - 1, int(b) - 1) for a, b in edges)
    try:
        schema = KeypointSchema("file", names, pairs, skeleton)
    except ValueError as error:
        raise ValueError(f"{path}: categories: {error}") from None
    return schema, str(named[0].get("name", "person")), frozenset(c.get("id") for c in named)


def _mirrored(name: str) -> str:
    return name.replace("left", "right").replace("Left", "Right").replace("LEFT", "RIGHT")


def _is_edge(edge: Any, count: int) -> bool:
    """Return whether something is a pair of 1-based numbers, as COCO's skeletons have them."""
    is_pair = isinstance(edge, list) and len(edge) == 2
    return is_pair and all(isinstance(end, int) and 1 <= end <= count for end in edge)


def _people(
    annotations: Sequence[Record], ids: frozenset[Any] | None, images: set[Any], path: Path
) -> tuple[dict[int, list[Record]], Counter[str]]:
    """Return annotations by image, and what was left out."""
    people: dict[int, list[Record]] = {}
    counts: Counter[str] = Counter()
    for i, annotation in enumerate(annotations):
        image_id = whole_number(annotation.get("image_id"), f"{path}: annotations[{i}], image_id")
        if image_id not in images:
            counts["annotations of pictures that the file does not list left out"] += 1
        elif ids is not None and annotation.get("category_id", next(iter(ids))) not in ids:
            counts["annotations of categories without keypoints left out"] += 1
        else:
            people.setdefault(image_id, []).append(annotation)
    return people, counts


def _picture(image: Record, people: Sequence[Record], folder: Path, keys: KeyMaker) -> ExportPicture:
    file = inspect_picture(find_picture(folder, image))
    size = image.get("width"), image.get("height")
    if size == (None, None):
        size = file.stored_size
    if size not in (file.stored_size, file.shown_size):
        width, height = file.stored_size
        raise ValueError(
            f"its picture is {width}x{height} px, but its labels are for {size[0]!r}x{size[1]!r} px"
        )
    return ExportPicture(keys.key(image), file, size, image, tuple(people), _sources(image, people))


def _sources(image: Record, people: Sequence[Record]) -> frozenset[str]:
    if isinstance(image.get("sequence"), str):
        return frozenset([f"film {image['sequence']}"])
    found = set()
    for person in people:
        source = person.get("source")
        source = source if isinstance(source, Mapping) else {}
        for key, word in (("clip", "clip"), ("pose_id", "pose")):
            if source.get(key) is not None:
                found.add(f"{word} {source[key]}")
                break
    return frozenset(found or [f"image {image['id']}"])
