"""One picture's label file in YOLO's pose layout: a row a person, all numbers relative to the picture."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from fidip.exporting.source import ExportPicture
from syrip_gen.keypoints.cleaning import clean_keypoints, extent_box
from syrip_gen.keypoints.json_input import number_list

__all__ = ["LeftOut", "label_rows"]

BOX_MARGIN = 0.1
"""Boxes made from keypoints reach so far beyond them, as a part of their longer side."""


class LeftOut(Exception):
    """A picture that would teach YOLO something wrong; the text says why, for counting."""


def label_rows(picture: ExportPicture, num_keypoints: int, counts: Counter[str]) -> list[str]:
    """Return ``class cx cy w h`` and x, y, v of each keypoint, for every person of a picture.

    A person without labelled keypoints keeps its box, with every v = 0. Points outside the picture get v = 0
    (YOLO refuses them), boxes are cut at its border.

    Args:
        picture: With the records of its people.
        num_keypoints: K of the file.
        counts: Counts of what was mended or left out, added to in place.

    Returns:
        One row a person; none for a picture without anybody, which YOLO takes as background.

    Raises:
        LeftOut: If people in it have no labels: a crowd, or a picture that nobody looked at.
        ValueError: If records cannot be read.
    """
    if any(person.get("iscrowd") for person in picture.annotations):
        raise LeftOut("pictures with a crowd left out: its members have no boxes")
    if not picture.annotations and picture.image.get("status") == "unreviewed":
        raise LeftOut("unreviewed pictures on which the network found nobody left out")
    if picture.file.is_flagged and picture.size == picture.file.stored_size:
        raise ValueError("its picture has an EXIF flag to turn it, which YOLO obeys and its labels do not")
    rows = []
    for person in picture.annotations:
        points = _points(person, num_keypoints, picture.size, counts)
        box = _box(person, points, picture.size, counts)
        if box is None:
            raise LeftOut("pictures with a person who has neither box nor keypoints left out")
        rows.append(_row(points, box, picture.size))
    return rows


def _points(
    person: Mapping[str, Any], num_keypoints: int, size: tuple[int, int], counts: Counter[str]
) -> np.ndarray:
    """Return (K, 3) x, y in px and v; (0, 0, 0) where not labelled or outside the picture."""
    what = f"annotation {person.get('id')}"
    values = person.get("keypoints")
    if values is None or values == []:
        counts["people without keypoints written with their box only"] += 1
        return np.zeros((num_keypoints, 3))
    numbers = number_list(values, f"{what}, keypoints")
    if len(numbers) != 3 * num_keypoints:
        raise ValueError(f"{what}: expected {3 * num_keypoints} keypoint numbers, got {len(numbers)}")
    points = clean_keypoints(np.array(numbers).reshape(-1, 3), is_score=False, repairs=counts)
    if not (points[:, 2] > 0).any():
        counts["people without keypoints written with their box only"] += 1
    outside = (points[:, :2] < 0).any(axis=1) | (points[:, :2] > size).any(axis=1)
    counts["keypoints outside their picture written as not labelled"] += int(outside.sum())
    points[outside] = 0
    return points


def _box(
    person: Mapping[str, Any], points: np.ndarray, size: tuple[int, int], counts: Counter[str]
) -> np.ndarray | None:
    """Return (4,) xywh inside the picture: the file's, or else the keypoints' extent, or else None."""
    try:
        given = np.array(number_list(person.get("bbox"), "bbox"))
    except ValueError:
        given = np.zeros(0)
    for box, is_given in ((given, True), (extent_box(points, BOX_MARGIN), False)):
        if box is None or box.shape != (4,) or not np.isfinite(box).all():
            continue
        low, high = np.clip(box[:2], 0, size), np.clip(box[:2] + box[2:], 0, size)
        if (high > low).all() and (box[2:] > 0).all():
            counts["boxes missing or unusable, made from the keypoints"] += not is_given
            return np.concatenate([low, high - low])
    return None


def _row(points: np.ndarray, box: np.ndarray, size: tuple[int, int]) -> str:
    middle = (box[:2] + box[2:] / 2) / size
    numbers = [*middle, *(box[2:] / size)]
    words = ["0", *(f"{number:.6f}" for number in numbers)]
    for x, y, v in points:
        words += [f"{x / size[0]:.6f}", f"{y / size[1]:.6f}", f"{int(v)}"]
    return " ".join(words)
