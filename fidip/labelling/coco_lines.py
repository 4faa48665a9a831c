"""COCO file and manifest of a generated dataset, edited line by line: the rest keeps its bytes."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fidip.labelling.coco_export import IDS_PER_IMAGE, extent_box
from fidip.labelling.documents import ImageLabel, LabelledPerson
from fidip.labelling.records import Revision
from syrip_gen.annotation.coco import person_category

__all__ = ["AnnotationFile", "Reviews", "reviewed_annotations", "reviewed_manifest"]

Reviews = Mapping[int, tuple[Revision, ImageLabel]]
"""By image id: the newest revision, and the label as it was generated."""

IMAGES = b'"images": ['
ANNOTATIONS = b'"annotations": ['
IMAGE_ID = re.compile(rb'\{"id":(\d+),')
ANNOTATED_ID = re.compile(rb'\{"id":\d+,"image_id":(\d+),')
MANIFEST_IMAGE = re.compile(rb'\{"index":\d+,"file_name":"[^"]*","image_id":(\d+),')
REVIEW_FIELD = b',"review":{"status":'
"""Cannot occur inside a JSON text, where quotes are escaped; scenes have no key of this name."""


@dataclass(frozen=True, slots=True)
class AnnotationFile:
    """A COCO file that ``syrip generate`` wrote: one record a line."""

    head: bytes
    """All before the first image."""
    images: tuple[tuple[int, bytes], ...]
    """(image id, record)."""
    annotations: tuple[tuple[int, bytes], ...]
    """(image id, record)."""

    @classmethod
    def read(cls, path: Path) -> "AnnotationFile":
        """Read a file.

        Raises:
            ValueError: If its layout is another.
        """
        data = path.read_bytes()
        lines = data.split(b"\n")
        try:
            first, second = lines.index(IMAGES), lines.index(ANNOTATIONS)
            images = tuple(_records(lines[first + 1 : second - 1], IMAGE_ID))
            annotations = tuple(_records(lines[second + 1 : -2], ANNOTATED_ID))
            head = b"\n".join(lines[: first + 1])
        except ValueError as error:
            raise ValueError(_not_ours(path)) from error
        file = cls(head, images, annotations)
        if file.to_bytes() != data:
            raise ValueError(_not_ours(path))
        return file

    def to_bytes(self) -> bytes:
        """Return the file's content."""
        people = _list(self.annotations)
        return b"".join((self.head, _list(self.images), b"\n],\n", ANNOTATIONS, people, b"\n]}\n"))


def reviewed_annotations(file: AnnotationFile, reviews: Reviews) -> tuple[bytes, int, int]:
    """Return a file without its rejected images and with its corrected points; also what is left.

    Returns:
        The content, the number of images and the number of annotations.
    """
    images = []
    for image_id, record in file.images:
        review = reviews.get(image_id)
        if review is None:
            images.append((image_id, record))
        elif not _is_rejected(review):
            images.append((image_id, _with_posture(record, review[0].label, review[1])))
    annotations = []
    taken: Counter[int] = Counter()
    for image_id, record in file.annotations:
        taken[image_id] += 1
        review = reviews.get(image_id)
        if review is None:
            annotations.append((image_id, record))
        elif not _is_rejected(review):
            corrected = _corrected(record, taken[image_id], *review)
            annotations += [] if corrected is None else [(image_id, corrected)]
    annotations += _added(reviews, taken)
    left = AnnotationFile(file.head, tuple(images), tuple(annotations))
    return left.to_bytes(), len(images), len(annotations)


def reviewed_manifest(manifest: bytes, reviews: Reviews) -> bytes:
    """Return a manifest whose reviewed lines end in ``review``, and no others."""
    lines = []
    for line in manifest.split(b"\n"):
        at = line.rfind(REVIEW_FIELD)
        line = line if at < 0 else line[:at] + b"}"
        found = MANIFEST_IMAGE.match(line)
        review = reviews.get(int(found[1])) if found else None
        if review is not None and review[0].label.status != "unreviewed":
            line = line[:-1] + b',"review":' + _dumps(_review(*review)) + b"}"
        lines.append(line)
    return b"\n".join(lines)


def _review(newest: Revision, first: ImageLabel) -> dict[str, Any]:
    label = newest.label
    review: dict[str, Any] = {"status": label.status, "reasons": list(label.reasons)}
    review |= {"who": newest.who, "when": newest.when}
    review |= {"note": label.note} if label.note else {}
    review |= {"corrected": True} if label.people != first.people else {}
    return review


def _is_rejected(review: tuple[Revision, ImageLabel]) -> bool:
    return review[0].label.status == "rejected"


def _corrected(record: bytes, position: int, newest: Revision, generated: ImageLabel) -> bytes | None:
    """Return the nth annotation of an image with a reviewer's corrections.

    Returns:
        The same bytes where there are none; None where the person was removed.
    """
    person, first = _person(newest.label, position), _person(generated, position)
    if person is None:
        return None
    if person == first:
        return record
    annotation = json.loads(record)
    if first is None or person.keypoints != first.keypoints:
        annotation |= _points(person)
    if person.bbox is not None and (first is None or person.bbox != first.bbox):
        annotation |= _box(person)
    if person.posture is not None and (first is None or person.posture != first.posture):
        annotation["posture"] = person.posture
    return _dumps(annotation | {"corrected_by": newest.who})


def _added(reviews: Reviews, taken: Mapping[int, int]) -> Iterator[tuple[int, bytes]]:
    """Give annotations for the people whom a reviewer added."""
    for image_id, review in reviews.items():
        newest = review[0]
        for person in () if _is_rejected(review) else newest.label.people:
            if person.id > taken.get(image_id, 0):
                head = {"id": image_id * IDS_PER_IMAGE + person.id, "image_id": image_id}
                head |= {"category_id": person_category()["id"], "iscrowd": 0}
                posture = {"posture": person.posture} if person.posture else {}
                annotation = head | _points(person) | _box(person) | posture | {"corrected_by": newest.who}
                yield image_id, _dumps(annotation)


def _with_posture(record: bytes, label: ImageLabel, first: ImageLabel) -> bytes:
    """Return an image's record with the posture that a reviewer gave its one person; else the same bytes."""
    postures = [person.posture for person in label.people]
    if len(postures) != 1 or not postures[0] or postures == [person.posture for person in first.people]:
        return record
    return _dumps(json.loads(record) | {"posture": postures[0].capitalize()})


def _points(person: LabelledPerson) -> dict[str, Any]:
    return {
        "keypoints": [number for point in person.keypoints for number in point],
        "num_keypoints": sum(v > 0 for _, _, v in person.keypoints),
    }


def _box(person: LabelledPerson) -> dict[str, Any]:
    box = list(person.bbox) if person.bbox is not None else extent_box(person)
    return {"bbox": box, "area": round(box[2] * box[3], 3)}


def _person(label: ImageLabel, position: int) -> LabelledPerson | None:
    """Return the person of the nth annotation of an image; read_coco numbers them 1, 2, 3 ..."""
    return next((person for person in label.people if person.id == position), None)


def _records(lines: list[bytes], pattern: re.Pattern[bytes]) -> Iterator[tuple[int, bytes]]:
    for line in lines:
        found = pattern.match(line)
        if found is None:
            raise ValueError("not one record a line")
        yield int(found[1]), line.removesuffix(b",")


def _list(records: tuple[tuple[int, bytes], ...]) -> bytes:
    return b"".join((b",\n" if i else b"\n") + record for i, (_, record) in enumerate(records))


def _dumps(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=True).encode("ascii")


def _not_ours(path: Path) -> str:
    return f"{path}: not as 'syrip generate' wrote it; only such datasets can be reviewed in place"
