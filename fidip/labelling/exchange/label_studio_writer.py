"""Write tasks for Label Studio, and the labelling configuration that belongs to them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fidip.labelling.coco_export import write_atomically
from fidip.labelling.documents import LabelledPerson
from fidip.labelling.exchange.label_studio_config import (
    BOX,
    IMAGE,
    KEYPOINTS,
    LOCAL_FILES,
    NOTE,
    PERSON,
    POSTURE,
    REASONS,
    VISIBILITY,
    label_studio_config,
)
from fidip.labelling.exchange.records import OutgoingImage
from syrip_gen.keypoints.catalog import COCO17

__all__ = ["config_path", "label_studio_task", "write_label_studio"]

POINT_WIDTH_PERCENT = 0.6
"""Of the picture's width; Label Studio draws points this large."""


def config_path(path: Path) -> Path:
    """Return the file for the labelling configuration that belongs to a task file."""
    return path.with_name(f"{path.stem}.config.xml")


def write_label_studio(
    images: Sequence[OutgoingImage], path: str | Path, image_url: str = LOCAL_FILES
) -> tuple[list[Path], list[str]]:
    """Write the JSON file of tasks, and beside it the configuration to make a project with.

    Args:
        images: COCO-17 labels; sizes must be known.
        path: File to write.
        image_url: What comes before the names of the pictures in their addresses.

    Returns:
        The files, and notes on what was left out.

    Raises:
        ValueError: If the size of an image is unknown.
        OSError: If a file cannot be written.
    """
    path = Path(path)
    lines = ",\n".join(
        json.dumps(label_studio_task(number, image, image_url), separators=(",", ":"), allow_nan=False)
        for number, image in enumerate(images, 1)
    )
    write_atomically(path, f"[\n{lines}\n]\n".encode("ascii"))
    configuration = config_path(path)
    write_atomically(configuration, label_studio_config().encode())
    boxless = sum(person.bbox is None for image in images for person in image.label.people)
    notes = []
    if boxless:
        notes.append(
            f"where a person has no box ({boxless}), that of the keypoints was written to tie them together"
        )
    return [path, configuration], notes


def label_studio_task(number: int, image: OutgoingImage, image_url: str = LOCAL_FILES) -> dict[str, Any]:
    """Return the task of one image: an unreviewed label as prediction, a reviewed one as annotation.

    A rejected image is an annotation that was cancelled (Label Studio's «skipped»).

    Raises:
        ValueError: If the size of the image is unknown.
    """
    if image.width < 1 or image.height < 1:
        raise ValueError(f"{image.name}: its size is unknown; Label Studio's coordinates are shares of it")
    label = image.label
    result = [r for person in label.people for r in _person(person, image)]
    texts = (
        (REASONS, "choices", list(label.reasons)),
        (NOTE, "textarea", [label.note] if label.note else []),
    )
    for name, kind, values in texts:
        if values:
            value = {"choices": values} if kind == "choices" else {"text": values}
            result.append({"id": name, "from_name": name, "to_name": IMAGE, "type": kind, "value": value})
    task: dict[str, Any] = {
        "id": number,
        "data": {IMAGE: image_url + quote(image.name, errors="surrogateescape"), "file_name": image.name},
        "annotations": [],
        "predictions": [],
    }
    if label.status == "unreviewed":
        scores = [person.score for person in label.people if person.score is not None]
        score = {"score": sum(scores) / len(scores)} if scores else {}
        task["predictions"].append({"model_version": "syrip", **score, "result": result})
    else:
        cancelled = label.status == "rejected"
        task["annotations"].append({"id": number, "result": result, "was_cancelled": cancelled})
    return task


def _person(person: LabelledPerson, image: OutgoingImage) -> list[dict[str, Any]]:
    """Return the box, the points inside its region, and what is said of them."""
    box_id = f"p{person.id}"
    left, top, width, height = person.bbox if person.bbox is not None else _extent(person)
    box = {
        "x": 100 * left / image.width,
        "y": 100 * top / image.height,
        "width": 100 * width / image.width,
        "height": 100 * height / image.height,
        "rotation": 0,
    }
    found = [_region(box_id, BOX, "rectanglelabels", {**box, "rectanglelabels": [PERSON]}, image)]
    found[0]["meta"] = {"bbox_from_keypoints": True} if person.bbox is None else {}
    if person.posture is not None:
        found.append(_region(box_id, POSTURE, "choices", {**box, "choices": [person.posture]}, image))
    for name, (x, y, v) in zip(COCO17.keypoints, person.keypoints, strict=True):
        if v == 0:
            continue
        region = f"{box_id}_{name}"
        point = {"x": 100 * x / image.width, "y": 100 * y / image.height, "width": POINT_WIDTH_PERCENT}
        own = {**point, "keypointlabels": [name]}
        found.append({**_region(region, KEYPOINTS, "keypointlabels", own, image), "parentID": box_id})
        seen = {**point, "choices": ["visible" if v == 2 else "occluded"]}
        found.append(_region(region, VISIBILITY, "choices", seen, image))
    return found


def _region(
    region: str, from_name: str, kind: str, value: dict[str, Any], image: OutgoingImage
) -> dict[str, Any]:
    return {
        "id": region,
        "from_name": from_name,
        "to_name": IMAGE,
        "type": kind,
        "original_width": image.width,
        "original_height": image.height,
        "image_rotation": 0,
        "value": value,
    }


def _extent(person: LabelledPerson) -> tuple[float, float, float, float]:
    """Return the box around the labelled points, at least a pixel wide and high."""
    points = [(x, y) for x, y, v in person.keypoints if v] or [(0.0, 0.0)]
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(max(xs) - min(xs), 1.0), max(max(ys) - min(ys), 1.0)
