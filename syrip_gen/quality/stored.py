"""Read back what a finished dataset on disk says about itself."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from syrip_gen.annotation.coco import iterate_coco
from syrip_gen.fitting.bank import FitBank
from syrip_gen.geometry.camera import project
from syrip_gen.keypoints.cleaning import extent_box
from syrip_gen.keypoints.json_input import load_json
from syrip_gen.keypoints.poses import PoseSet

__all__ = ["fitted_poses", "stored_records"]

Record = dict[str, Any]


def stored_records(annotations: Path, manifest: Path | None = None) -> Callable[[], Iterator[Record]]:
    """Return a function that streams the records of a COCO keypoint file, a person each.

    Files that syrip wrote are read a line at a time. With their manifest the records also have their scene
    (``spec``), and items that failed, or that a review rejected (``syrip label --review``), appear in their
    place.

    Raises:
        ValueError: While streaming, if the file is not COCO.
    """

    def records() -> Iterator[Record]:
        people = _people(annotations)
        if manifest is None or not manifest.is_file():
            yield from people
            return
        scenes = _manifest(manifest)
        line: Record = {}
        for person in people:
            while line.get("image_id") != person["image"]["id"]:
                line = next(scenes, {})
                if not line:
                    break  # an image that the manifest does not know
                if line.get("image_id") != person["image"]["id"]:
                    yield _without_image(line)
            yield {**person, "spec": line.get("scene"), "rejected": line.get("rejected")} if line else person
        yield from map(_without_image, scenes)

    return records


def _without_image(line: Record) -> Record:
    """Return the record of an item that has no annotation: it failed, or a review took it out."""
    review = line.get("review")
    if not isinstance(review, dict):
        return line
    if review.get("status") != "rejected":
        return {**line, "reason": "nobody left after the review"}
    return {
        **line,
        "reason": f"rejected in review: {', '.join(review.get('reasons') or ['no reason given'])}",
    }


def _manifest(path: Path) -> Iterator[Record]:
    with path.open("rb") as file:
        for line in file:
            yield json.loads(line)


def _people(path: Path) -> Iterator[Record]:
    """Yield image and annotation of everybody who has 17 keypoints, at least one of them labelled."""
    images: dict[Any, Record] = {}
    for section, record in _sections(path):
        if section == "images":
            images[record.get("id")] = record
        elif record.get("image_id") in images and _is_pose(record.get("keypoints")):
            yield {"image": images[record["image_id"]], "annotation": record}


def _sections(path: Path) -> Iterator[tuple[str, Record]]:
    is_ours = False
    with path.open("rb") as file:
        for entry in iterate_coco(file):
            is_ours = True
            yield entry
    if is_ours:
        return
    data = load_json(path)
    for section in ("images", "annotations"):
        if not isinstance(data, dict) or not isinstance(data.get(section), list):
            raise ValueError(f"{path}: not a COCO keypoint file: expected '{section}' to be a list")
        for record in data[section]:
            yield section, record


def _is_pose(keypoints: Any) -> bool:
    if not isinstance(keypoints, list) or len(keypoints) != 51:
        return False
    return any(isinstance(v, int | float) and v > 0 for v in keypoints[2::3])


def fitted_poses(path: Path) -> PoseSet | None:
    """Return the accepted bodies of a fit bank as they project into their pictures; None without any."""
    if not path.is_file():
        return None
    bank = FitBank.load(path)
    rows = np.flatnonzero(bank.accepted)
    if not len(rows):
        return None
    keypoints = np.full((len(rows), 17, 3), 2.0)
    for n, i in enumerate(rows):
        width, height = bank.image_size[i]
        focal = bank.focal_px[i]
        keypoints[n, :, :2] = project(bank.keypoints_3d_m[i], focal, focal, width / 2, height / 2)
    return PoseSet(
        keypoints=keypoints,
        image_size=bank.image_size[rows].astype(np.int64),
        bbox=np.stack([extent_box(pose, 0.1) for pose in keypoints]),
        image_id=bank.image_id[rows].astype(np.int64),
        annotation_id=bank.annotation_id[rows].astype(np.int64),
        file_name=tuple(bank.file_name[rows].tolist()),
        posture=tuple(bank.posture[rows].tolist()),
        pose_id=tuple(bank.pose_id[rows].tolist()),
        source=(str(path),),
    )
