"""The annotations of a COCO keypoint file as people of a label, mended where that loses nothing."""

import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from fidip.labelling.coco_export import IDS_PER_IMAGE
from fidip.labelling.documents import MAX_PEOPLE, MAX_PERSON_ID, POSTURES, SMALLEST_PX, LabelledPerson
from syrip_gen.keypoints.cleaning import MAX_COORDINATE_PX, clean_keypoints
from syrip_gen.keypoints.json_input import number_list
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["PeopleReader", "finite"]

Record = Mapping[str, Any]
KNOWN_KEYS = frozenset(
    (
        "id", "image_id", "category_id", "iscrowd", "keypoints", "num_keypoints", "bbox", "area", "posture",
        "score", "network_score", "reviewed", "bbox_from_keypoints", "labelled_by", "labelled_at",
    )
)  # fmt: skip
"""Keys of an annotation that are read or worked out anew; others are named in a note."""


class PeopleReader:
    """Reads the people of one file; ``repairs`` and ``left_out`` say what was mended or not kept."""

    def __init__(self, schema: KeypointSchema, repairs: Counter[str]) -> None:
        self.schema = schema
        self.repairs = repairs
        self.left_out: set[str] = set()

    def people(self, annotations: list[Record], image: Record, what: str) -> tuple[LabelledPerson, ...]:
        """Return the people of one image.

        Args:
            annotations: The image's.
            image: Its record; SyRIP's files have the posture there.
            what: File and image, for error texts.

        Raises:
            ValueError: If keypoints or a box have the wrong length, or there are too many people.
        """
        annotations = [annotation for annotation in annotations if not self._is_crowd(annotation)]
        if len(annotations) > MAX_PEOPLE:
            raise ValueError(f"{what}: {len(annotations)} annotations; at most {MAX_PEOPLE} people fit")
        ids = _person_ids(annotations)
        return tuple(
            self._person(annotation, person_id, image, f"{what}, annotation {annotation.get('id', i)}")
            for i, (annotation, person_id) in enumerate(zip(annotations, ids, strict=True))
        )

    def _person(self, annotation: Record, person_id: int, image: Record, what: str) -> LabelledPerson:
        self.left_out |= annotation.keys() - KNOWN_KEYS
        score = annotation.get("score", annotation.get("network_score"))
        return LabelledPerson(
            id=person_id,
            keypoints=self._keypoints(annotation.get("keypoints"), what),
            bbox=None if annotation.get("bbox_from_keypoints") is True else self._box(annotation, what),
            posture=self._posture(annotation.get("posture") or image.get("posture")),
            score=finite(score),
        )

    def _keypoints(self, values: Any, what: str) -> tuple[tuple[float, float, int], ...]:
        numbers = number_list(
            values if values is not None else [0] * 3 * len(self.schema), f"{what}, keypoints"
        )
        if len(numbers) != 3 * len(self.schema):
            raise ValueError(
                f"{what}: expected {3 * len(self.schema)} keypoint numbers (x, y, v of {len(self.schema)} "
                f"points), got {len(numbers)}"
            )
        raw = np.array(numbers).reshape(-1, 3)
        clean = clean_keypoints(raw, is_score=False, repairs=self.repairs)
        return tuple((float(x), float(y), int(v)) for x, y, v in clean)

    def _box(self, annotation: Record, what: str) -> tuple[float, float, float, float] | None:
        values = annotation.get("bbox")
        if values is None or values == []:
            return None
        box = number_list(values, f"{what}, bbox")
        if len(box) != 4:
            raise ValueError(f"{what}: expected a bbox of x, y, width, height, got {len(box)} numbers")
        if not np.isfinite(box).all() or min(box[2:]) < SMALLEST_PX or max(map(abs, box)) > MAX_COORDINATE_PX:
            self.repairs["boxes without extent left out"] += 1
            return None
        return box[0], box[1], box[2], box[3]

    def _posture(self, value: Any) -> Any:
        name = str(value or "").strip().lower()
        if name in ("", "unknown", "none"):
            return None
        if name not in POSTURES:
            self.repairs[f"postures that are not {', '.join(POSTURES)} read as other"] += 1
            return "other"
        return name

    def _is_crowd(self, annotation: Record) -> bool:
        is_crowd = annotation.get("iscrowd") == 1
        self.repairs["crowd regions left out"] += is_crowd
        return is_crowd


def finite(value: Any) -> float | None:
    """Return a number of a file; None where it is none, or too large for one."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) <= sys.float_info.max else None


def _person_ids(annotations: list[Record]) -> list[int]:
    """Return the ids that people had in our export, else 1, 2, 3 ..."""
    image_ids = [a.get("image_id") for a in annotations]
    raw = [a.get("id") for a in annotations]
    if all(isinstance(n, int) for n in raw + image_ids):
        ids = [a - i * IDS_PER_IMAGE for a, i in zip(raw, image_ids, strict=True)]
        if len(set(ids)) == len(ids) and all(1 <= n <= MAX_PERSON_ID for n in ids):
            return ids
    return list(range(1, len(annotations) + 1))
