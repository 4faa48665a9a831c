"""Boxes that a network is run on: the ground truth's, or a detector's from a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fidip.evaluation.ground_truth import COORDINATE_LIMIT, GroundTruth, some
from syrip_gen.keypoints.json_input import load_json, number_list, whole_number

__all__ = ["BoxSet", "PersonBox", "ground_truth_boxes", "read_boxes"]


@dataclass(frozen=True, slots=True)
class PersonBox:
    """A box to estimate a pose in."""

    box: tuple[float, float, float, float]
    """Left, top, width, height, px."""
    score: float
    """The detector's confidence, 1 for the ground truth's."""
    category_id: int


@dataclass(frozen=True, slots=True)
class BoxSet:
    """Boxes by image id."""

    by_image: dict[int, tuple[PersonBox, ...]]
    are_detected: bool
    failures: tuple[str, ...] = ()
    """Records that could not be used, a sentence each."""

    def __len__(self) -> int:
        return sum(len(boxes) for boxes in self.by_image.values())


def ground_truth_boxes(gt: GroundTruth) -> BoxSet:
    """Return the boxes of the persons that count (labelled, no crowds), as the papers evaluate."""
    boxes: dict[int, tuple[PersonBox, ...]] = {}
    for person in gt.labelled:
        if person.box_area > 0:
            box = PersonBox(person.box, 1.0, person.category_id)
            boxes[person.image_id] = (*boxes.get(person.image_id, ()), box)
    return BoxSet(boxes, are_detected=False)


def read_boxes(path: str | Path, gt: GroundTruth) -> BoxSet:
    """Read a detector's boxes: COCO results (image_id, bbox, score), or a COCO file with annotations.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not one, or no box in it can be used.
    """
    data = load_json(Path(path))
    records = data.get("annotations") if isinstance(data, Mapping) else data
    if not isinstance(records, list) or not records:
        raise ValueError(f"--boxes {path}: expected a list of COCO detections with image_id, bbox and score")
    known = set(gt.image_ids)
    boxes: dict[int, tuple[PersonBox, ...]] = {}
    failures: list[str] = []
    strays = []
    for number, record in enumerate(records):
        try:
            image_id, box = _checked(record, f"{path}: record {number}", gt.category_ids)
        except ValueError as error:
            failures.append(str(error))
            continue
        if image_id not in known:
            strays.append(image_id)
        elif box is not None:
            boxes[image_id] = (*boxes.get(image_id, ()), box)
    if strays:
        ids = some(sorted(set(strays)))
        failures.append(f"{path}: {len(strays)} boxes for images that {gt.name} does not have: {ids}")
    if not boxes:
        reason = failures[0] if failures else f"{path}: no box is of a category with keypoints"
        raise ValueError(f"none of the {len(records)} boxes can be used: {reason}")
    return BoxSet(boxes, are_detected=True, failures=tuple(failures))


def _checked(record: Any, what: str, category_ids: tuple[int, ...]) -> tuple[int, PersonBox | None]:
    """Return image id and box of one record; no box where it is of another category."""
    if not isinstance(record, Mapping):
        raise ValueError(f"{what}: expected an object with image_id, bbox and score")
    image_id = whole_number(record.get("image_id"), f"{what} image_id")
    category = whole_number(record.get("category_id", category_ids[0]), f"{what} category_id")
    box = number_list(record.get("bbox"), f"{what} bbox")
    score = number_list([record.get("score", 1.0)], f"{what} score")[0]
    if len(box) != 4 or not (np.abs([*box, score]) < COORDINATE_LIMIT).all() or min(box[2:]) <= 0:
        raise ValueError(f"{what}: expected a bbox of 4 numbers with width and height > 0 and a finite score")
    if category not in category_ids:
        return image_id, None
    left, top, width, height = box
    return image_id, PersonBox((left, top, width, height), score, category)
