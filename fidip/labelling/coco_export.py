"""A labelling project as a COCO keypoint file."""

import json
import os
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from fidip.labelling.documents import ImageLabel, LabelledPerson
from fidip.labelling.records import ImageRow, Revision
from fidip.labelling.store import LabelStore
from syrip_gen.annotation.coco import dataset_info, person_category

__all__ = [
    "IDS_PER_IMAGE",
    "REJECTED",
    "UNREADABLE",
    "Exported",
    "coco_of",
    "extent_box",
    "write_atomically",
    "write_coco",
]

REJECTED = "syrip_rejected"
"""Top-level list of the rejected images with their annotations; COCO's readers pass over it."""
UNREADABLE = "syrip_unreadable"
"""Top-level list of images that cannot be opened and that nobody labelled."""
IDS_PER_IMAGE = 1000
"""The annotation of person p of image i has the id 1000 i + p: the same in every export."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote."""

    path: Path
    images: int
    annotations: int
    change: int
    """Number of the last change of the project that is in the file."""


def coco_of(store: LabelStore) -> dict[str, Any]:
    """Return a project as the content of a COCO keypoint file.

    Rejected images are not in ``images`` and ``annotations`` but in ``syrip_rejected``. Annotations of images
    that nobody reviewed carry the network's ``score``. Areas are those of the boxes; a person without a box
    gets the extent of the keypoints and ``bbox_from_keypoints``.
    """
    images, annotations, rejected, unreadable = [], [], [], []
    for row, newest in store.labels():
        label = newest.label
        image = {**_image_record(row, label), **_by(newest)}
        people = [_annotation(row, label, newest, person) for person in label.people]
        if label.status == "rejected":
            rejected.append({"image": image, "annotations": people})
        elif row.state != "ok" and not people:
            unreadable.append({"image": image, "state": row.state})
        else:
            images.append(image)
            annotations += people
    return {
        "info": dataset_info(
            "Labels made with syrip label", _version(), keypoint_schema=store.schema.name, kind=store.kind
        ),
        "licenses": [],
        "categories": [person_category(store.schema)],
        "images": images,
        "annotations": annotations,
        REJECTED: rejected,
        UNREADABLE: unreadable,
    }


def write_coco(store: LabelStore, path: Path | None = None) -> Exported:
    """Write a project as a COCO keypoint file, whole or not at all.

    Args:
        store: The project.
        path: File to write; None for the project's own output.

    Raises:
        OSError: If the file cannot be written; says why. An earlier file stays as it was.
    """
    path = path or store.output
    change = store.last_change()  # before reading: a save in between makes the next export necessary
    content = coco_of(store)
    write_atomically(path, _json_bytes(content))
    return Exported(path, len(content["images"]), len(content["annotations"]), change)


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file by another that is on the disk as a whole first.

    Raises:
        OSError: With one line that says which file and why.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.part")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise OSError(
            f"cannot write {path}: {error.strerror or error}; the file is as it was before"
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _image_record(row: ImageRow, label: ImageLabel) -> dict[str, Any]:
    """Return COCO's record of an image; what is not known or empty is left out."""
    postures = {person.posture for person in label.people}
    more = {
        "posture": next(iter(postures)) if len(postures) == 1 else None,
        "reasons": list(label.reasons),
        "note": label.note,
        "doubtful": row.doubtful,
    }
    record = {"id": row.id, "file_name": row.name, "width": row.width, "height": row.height}
    record |= {"status": label.status} | {key: value for key, value in more.items() if value}
    if row.frame is not None:
        record |= {"sequence": row.frame.video, "frame": row.frame.index}
        record |= {} if row.frame.time_s is None else {"time_s": row.frame.time_s}
    return record


def _annotation(row: ImageRow, label: ImageLabel, newest: Revision, person: LabelledPerson) -> dict[str, Any]:
    """Return COCO's record of a person."""
    is_reviewed = label.status != "unreviewed"
    box = list(person.bbox) if person.bbox is not None else extent_box(person)
    record: dict[str, Any] = {
        "id": row.id * IDS_PER_IMAGE + person.id,
        "image_id": row.id,
        "category_id": person_category()["id"],
        "iscrowd": 0,
        "keypoints": [number for point in person.keypoints for number in point],
        "num_keypoints": sum(v > 0 for _, _, v in person.keypoints),
        "bbox": box,
        "area": round(box[2] * box[3], 3),
        "reviewed": is_reviewed,
    }
    if person.bbox is None:
        record["bbox_from_keypoints"] = True
    if person.posture is not None:
        record["posture"] = person.posture
    if person.score is not None:
        record["network_score" if is_reviewed else "score"] = person.score
    return record | _by(newest)


def _by(newest: Revision) -> dict[str, str]:
    return {"labelled_by": newest.who, "labelled_at": newest.when}


def extent_box(person: LabelledPerson) -> list[float]:
    """Return the box around a person's labelled keypoints; zeros where none is labelled."""
    points = [(x, y) for x, y, v in person.keypoints if v > 0]
    if not points:
        return [0.0, 0.0, 0.0, 0.0]
    left, top = (min(axis) for axis in zip(*points, strict=True))
    right, bottom = (max(axis) for axis in zip(*points, strict=True))
    return [left, top, round(right - left, 3), round(bottom - top, 3)]


def _json_bytes(content: Mapping[str, Any]) -> bytes:
    """Return ASCII JSON with one record a line, so that a change of one is one line of a diff."""
    parts = []
    for key, value in content.items():
        is_list = isinstance(value, Sequence) and not isinstance(value, str)
        lines = ",\n".join(_dumps(item) for item in value) if is_list else ""
        parts.append(f"{_dumps(key)}: " + (f"[\n{lines}\n]" if lines else _dumps(value)))
    return ("{" + ",\n".join(parts) + "}\n").encode("ascii")


def _dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=True)


def _version() -> str:
    try:
        return version("syrip")
    except PackageNotFoundError:
        return "0"
