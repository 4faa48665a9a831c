"""Ground truth of an evaluation: a COCO keypoint file, checked and made fit for pycocotools."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fidip.data.layouts.coco import intrinsics, points_3d, sequence_and_frame
from syrip_gen.annotation.coco import ANNOTATION_FILE, person_category
from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.keypoints.json_input import load_json, number_list, whole_number
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["GroundTruth", "Person", "annotation_file", "read_ground_truth", "some"]

NUM_KEYPOINTS = len(COCO17)
UNKNOWN_POSTURE = "unknown"
COORDINATE_LIMIT = 1e7
"""No picture is larger, px; squares of such numbers stay finite."""


@dataclass(frozen=True, slots=True)
class Person:
    """One annotated person of K keypoints; places and sizes in px of the picture."""

    image_id: int
    annotation_id: Any
    """The file's, for texts; evaluation numbers them anew, so that it may repeat or be missing."""
    category_id: int
    keypoints: np.ndarray
    """(K, 3) x, y and v (0 unlabelled, 1 occluded, 2 visible)."""
    box: tuple[float, float, float, float]
    """Left, top, width, height; the labelled keypoints' extent where the file has no box."""
    file_area: float
    """The file's ``area`` in px², NaN where it has none."""
    is_crowd: bool
    head_box: tuple[float, float] | None
    """Width and height of the head's box, where the file has one (``bbox_head``)."""
    native: np.ndarray | None = None
    """(K', 3) the keypoints in the ground truth's own schema; None where that is COCO-17."""
    points_3d_mm: np.ndarray | None = None
    """(K', 3) mm, camera frame, in ``GroundTruth.space_schema``, NaN where unknown; None without any."""
    head_px: float = float("nan")
    """Length of the head in the picture, where the dataset says it."""
    head_mm: float = float("nan")
    """Length of the head in space, where the dataset says it."""
    sequence: str = ""
    """Recording that the picture is a frame of."""
    frame: int = -1
    camera: tuple[float, float, float, float] | None = None
    """fx, fy, cx, cy in px, where the dataset says it."""

    @property
    def num_labelled(self) -> int:
        """Number of keypoints with v > 0."""
        return int((self.keypoints[:, 2] > 0).sum())

    @property
    def box_area(self) -> float:
        """Width times height of the box, px²."""
        return self.box[2] * self.box[3]


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """What predictions are compared with. Persons are in file order."""

    name: str
    """File name, for texts."""
    images: tuple[Mapping[str, Any], ...]
    """The file's image records."""
    persons: tuple[Person, ...]
    category_ids: tuple[int, ...]
    """Categories that carry keypoints; predictions must be of one of them."""
    zero_index: int | None
    """Which of ``persons`` has the annotation id 0, whose match pycocotools takes for a miss, if any."""
    notes: tuple[str, ...]
    """What was odd about the file, a sentence each."""
    schema: KeypointSchema = COCO17
    """The dataset's own, which may be richer than COCO-17."""
    schema_3d: KeypointSchema | None = None
    """Of the 3D keypoints, where they come from a file of their own; None = ``schema``."""
    picture_root: Path | None = None
    """Folder that file names are relative to, where the layout says it."""
    failures: tuple[str, ...] = ()
    """What of the dataset could not be read, a sentence each."""

    @property
    def space_schema(self) -> KeypointSchema:
        """Schema of the persons' 3D keypoints."""
        return self.schema_3d or self.schema

    @property
    def has_3d(self) -> bool:
        """Whether any person has 3D keypoints."""
        return any(person.points_3d_mm is not None for person in self.labelled)

    @property
    def image_ids(self) -> tuple[int, ...]:
        """Ids of all images, in file order."""
        return tuple(image["id"] for image in self.images)

    @property
    def labelled(self) -> tuple[Person, ...]:
        """Persons that count: with labelled keypoints, no crowds."""
        return tuple(p for p in self.persons if p.num_labelled and not p.is_crowd)

    def posture_images(self) -> dict[str, list[int]]:
        """Return the image ids of each posture, postures in order of their names; empty if none is named."""
        groups: dict[str, list[int]] = {}
        for image in self.images:
            posture = image.get("posture")
            name = posture.strip() if isinstance(posture, str) and posture.strip() else UNKNOWN_POSTURE
            groups.setdefault(name, []).append(image["id"])
        if set(groups) <= {UNKNOWN_POSTURE}:
            return {}
        return dict(sorted(groups.items(), key=lambda item: (item[0] == UNKNOWN_POSTURE, item[0])))


def read_ground_truth(source: str | Path | Mapping[str, Any] | GroundTruth) -> GroundTruth:
    """Read and check a COCO keypoint file (or a dataset folder's), or the content of one.

    Keypoints that are NaN, infinite or beyond 1e7 px count as unlabelled. Annotations without keypoints count
    as persons without labels, which COCO's evaluation leaves out. Missing categories are taken for COCO's
    person.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no COCO keypoint file; the text names the record.
    """
    if isinstance(source, GroundTruth):
        return source
    is_file = not isinstance(source, Mapping)
    path = annotation_file(source) if is_file else Path("ground truth")
    name = str(path)
    data = load_json(path) if is_file else source
    if not isinstance(data, Mapping) or not {"images", "annotations"} <= set(data):
        raise ValueError(f'{name}: expected a COCO keypoint file with "images" and "annotations"')
    images = _images(data["images"], name)
    records = _records(data["annotations"], f"{name}: annotations")
    category_ids = _keypoint_categories(data.get("categories"), records, name)
    by_id = {image["id"]: image for image in images}
    notes: list[str] = []
    persons = _persons(records, set(category_ids), by_id, name, notes)
    if not any(p.num_labelled and not p.is_crowd for p in persons):
        raise ValueError(
            f"{name}: no annotation has a labelled keypoint; expected {NUM_KEYPOINTS} × (x, y, v)"
        )
    return GroundTruth(
        name=path.name,
        images=images,
        persons=tuple(persons),
        category_ids=category_ids,
        zero_index=next((i for i, person in enumerate(persons) if person.annotation_id == 0), None),
        notes=tuple(notes),
    )


def annotation_file(path: str | Path) -> Path:
    """Return the COCO file that a path means: itself, or that of a dataset folder of ``syrip generate``."""
    path = Path(path)
    return path / ANNOTATION_FILE if path.is_dir() else path


def some(items: list[Any], limit: int = 5) -> str:
    """Return the first few items for a text: ``3, 4, 5 and 7 more``."""
    shown = ", ".join(str(item) for item in items[:limit])
    return shown if len(items) <= limit else f"{shown} and {len(items) - limit} more"


def _records(value: Any, what: str) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise ValueError(f"{what}: expected a list of objects")
    if not value:
        raise ValueError(f"{what}: the list is empty")
    return value


def _images(value: Any, name: str) -> tuple[Mapping[str, Any], ...]:
    images = []
    for number, image in enumerate(_records(value, f"{name}: images")):
        if "id" not in image:
            raise ValueError(f"{name}: images[{number}] has no id")
        images.append({**image, "id": whole_number(image["id"], f"{name}: images[{number}] id")})
    counts = Counter(image["id"] for image in images)
    twice = [key for key, count in counts.items() if count > 1]
    if twice:
        raise ValueError(f"{name}: image ids occur more than once: {some(twice)}")
    return tuple(images)


def _keypoint_categories(value: Any, records: list[Mapping[str, Any]], name: str) -> tuple[int, ...]:
    """Return the ids of the categories with keypoints; those of the annotations where the file names none."""
    categories = value if isinstance(value, list) else []
    with_keypoints = [c for c in categories if isinstance(c, Mapping) and c.get("keypoints")]
    for category in with_keypoints:
        count = len(category["keypoints"]) if isinstance(category["keypoints"], list) else 0
        if count != NUM_KEYPOINTS:
            what = f"category {category.get('name', '?')!r} has {count} keypoints"
            raise ValueError(f"{name}: {what}; expected COCO's {NUM_KEYPOINTS}")
    if with_keypoints:
        ids = [whole_number(c.get("id"), f"{name}: category id") for c in with_keypoints]
    else:
        ids = [
            whole_number(r.get("category_id", person_category()["id"]), f"{name}: category_id")
            for r in records
            if r.get("keypoints")
        ]
    return tuple(sorted(set(ids)))


def _persons(
    records: list[Mapping[str, Any]],
    categories: set[int],
    images: Mapping[int, Mapping[str, Any]],
    name: str,
    notes: list[str],
) -> list[Person]:
    persons, strays, bare, broken, boxless = [], [], [], [], []
    for number, record in enumerate(records):
        what = f"{name}: annotation {record.get('id', f'number {number}')}"
        category = whole_number(record.get("category_id", min(categories, default=1)), f"{what} category_id")
        if categories and category not in categories:
            continue
        image_id = whole_number(record.get("image_id"), f"{what} image_id")
        if image_id not in images:
            strays.append(record.get("id"))
            continue
        keypoints, num_broken = _keypoints(record.get("keypoints"), what)
        bare += [record.get("id")] if not record.get("keypoints") else []
        broken += [record.get("id")] if num_broken else []
        box = _box(record.get("bbox"))
        boxless += [record.get("id")] if box is None else []
        points = points_3d(record.get("keypoints_3d_m"), NUM_KEYPOINTS, what)
        sequence, frame = sequence_and_frame(images[image_id], record)
        camera = intrinsics(record.get("camera"), what)
        persons.append(
            Person(
                image_id=image_id,
                annotation_id=record.get("id"),
                category_id=category,
                keypoints=keypoints,
                box=box or _extent(keypoints),
                file_area=_number(record.get("area")),
                is_crowd=bool(record.get("iscrowd", 0)),
                head_box=_head_box(record.get("bbox_head")),
                points_3d_mm=None if points is None else points * 1000,
                sequence=sequence,
                frame=frame,
                camera=None if camera is None or not np.isfinite(camera).all() else tuple(camera),
            )
        )
    if strays:
        notes.append(
            f"{len(strays)} annotations of images that are not in the file left out: {some(strays)}."
        )
    if bare:
        notes.append(f"{len(bare)} annotations without keypoints do not count: {some(bare)}.")
    if broken:
        notes.append(
            f"NaN or infinite keypoints of {len(broken)} annotations count as unlabelled: {some(broken)}."
        )
    if boxless:
        notes.append(
            f"{len(boxless)} annotations without a box get their keypoints' extent: {some(boxless)}."
        )
    return persons


def _keypoints(value: Any, what: str) -> tuple[np.ndarray, int]:
    """Return (K, 3) keypoints and how many of them were not finite."""
    if not value:
        return np.zeros((NUM_KEYPOINTS, 3)), 0
    numbers = number_list(value, f"{what} keypoints")
    if len(numbers) != 3 * NUM_KEYPOINTS:
        expected = f"expected {NUM_KEYPOINTS} × (x, y, v) = {3 * NUM_KEYPOINTS}"
        raise ValueError(f"{what}: {len(numbers)} numbers in keypoints; {expected}")
    keypoints = np.array(numbers).reshape(-1, 3)
    finite = (np.abs(keypoints) < COORDINATE_LIMIT).all(axis=1)  # False for NaN, too
    keypoints[~finite] = 0.0
    return keypoints, int((~finite).sum())


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")


def _box(value: Any) -> tuple[float, float, float, float] | None:
    if not isinstance(value, list) or len(value) != 4:
        return None
    left, top, width, height = (_number(item) for item in value)
    if not (max(map(abs, (left, top, width, height))) < COORDINATE_LIMIT and width > 0 and height > 0):
        return None
    return left, top, width, height


def _head_box(value: Any) -> tuple[float, float] | None:
    box = _box(value)
    return None if box is None else (box[2], box[3])


def _extent(keypoints: np.ndarray) -> tuple[float, float, float, float]:
    points = keypoints[keypoints[:, 2] > 0, :2]
    if len(points) == 0:
        return 0.0, 0.0, 0.0, 0.0
    low, high = points.min(axis=0), points.max(axis=0)
    return float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])
