"""Person boxes of a COCO annotation file, by picture."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from syrip_gen.keypoints.json_input import load_json, number_list, whole_number

__all__ = ["BoxFile", "PictureBoxes", "read_boxes"]


@dataclass(frozen=True, slots=True)
class PictureBoxes:
    """The persons of one picture."""

    image_id: int
    size: tuple[int, int] | None
    """(width, height) px that the boxes were drawn in; None where the file does not say."""
    boxes: np.ndarray
    """(N, 4) xywh px."""


@dataclass(frozen=True, slots=True)
class BoxFile:
    """All boxes of a file."""

    by_name: Mapping[str, PictureBoxes]
    """By ``file_name``, and by its last part where that is unique."""
    max_image_id: int
    num_unusable: int
    """Annotations without a box that has an area."""

    def find(self, name: str) -> PictureBoxes | None:
        """Return the boxes of a picture, by its name below the input folder or its file name alone."""
        return self.by_name.get(name) or self.by_name.get(PurePosixPath(name).name)


def read_boxes(path: str | Path) -> BoxFile:
    """Read the boxes of a COCO annotation file.

    Raises:
        FileNotFoundError: No such file.
        ValueError: Not a COCO file, or no usable box in it.
    """
    path = Path(path)
    data = load_json(path)
    lists = [data.get(key) if isinstance(data, dict) else None for key in ("images", "annotations")]
    if not all(isinstance(part, list) and all(isinstance(r, dict) for r in part) for part in lists):
        raise ValueError(f"{path}: expected a COCO annotation file with 'images' and 'annotations'")
    images, annotations = lists
    boxes: dict[int, list[list[float]]] = {}
    unusable = 0
    for i, annotation in enumerate(annotations):
        box = _box(annotation, f"{path}: annotations[{i}]")
        if box is None or annotation.get("iscrowd") == 1:
            unusable += 1
            continue
        image_id = whole_number(annotation.get("image_id"), f"{path}: annotations[{i}], image_id")
        boxes.setdefault(image_id, []).append(box)
    if not boxes:
        raise ValueError(
            f"{path}: none of the {len(annotations)} annotations has a box ('bbox') with an area"
        )
    return _by_name(images, boxes, unusable, path)


def _by_name(
    images: list[dict[str, Any]], boxes: dict[int, list[list[float]]], unusable: int, path: Path
) -> BoxFile:
    by_name: dict[str, PictureBoxes] = {}
    ids = [whole_number(image.get("id"), f"{path}: images[{i}], id") for i, image in enumerate(images)]
    last_parts = Counter(PurePosixPath(str(image.get("file_name", ""))).name for image in images)
    for image, image_id in zip(images, ids, strict=True):
        size = image.get("width"), image.get("height")
        known = all(isinstance(side, int) and side > 0 for side in size)
        found = np.array(boxes.get(image_id, []), np.float64).reshape(-1, 4)
        entry = PictureBoxes(image_id, size if known else None, found)
        name = str(image.get("file_name", ""))
        by_name[name] = entry
        last = PurePosixPath(name).name
        if last_parts[last] == 1:
            by_name[last] = entry
    return BoxFile(by_name, max([*ids, 0]), unusable)


def _box(annotation: dict[str, Any], what: str) -> list[float] | None:
    box = annotation.get("bbox")
    if not isinstance(box, list) or len(box) != 4:
        return None
    numbers = number_list(box, f"{what}, bbox")
    return list(numbers) if np.isfinite(numbers).all() and min(numbers[2:]) > 0 else None
