"""Read OpenPose JSON: BODY_25 and COCO-18 people lists, and FiDIP's 19-point fitting inputs."""

from pathlib import Path
from typing import Any

import numpy as np

from syrip_gen.keypoints.catalog import BODY19, BODY25, COCO17, OPENPOSE18
from syrip_gen.keypoints.cleaning import PoseCollector
from syrip_gen.keypoints.json_input import load_json, number_list
from syrip_gen.keypoints.poses import PoseSet
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["is_openpose", "read_openpose", "read_openpose_folder"]

_SCHEMAS = {3 * len(schema): schema for schema in (BODY25, BODY19, OPENPOSE18, COCO17)}


def is_openpose(data: Any) -> bool:
    """Tell whether the content of a JSON file is one OpenPose frame (or one of FiDIP's 19-point files)."""
    return isinstance(data, dict) and ("people" in data or _is_fidip(data))


def _is_fidip(data: dict[str, Any]) -> bool:
    values = data.get("annotations")
    return isinstance(values, list) and bool(values) and not isinstance(values[0], dict)


def read_openpose(data: dict[str, Any], path: Path) -> PoseSet:
    """Turn one OpenPose frame into poses; the image size is estimated.

    Raises:
        ValueError: If the frame is malformed or has no usable pose.
    """
    collector = PoseCollector(path)
    _add_frame(collector, data, path, image_id=1)
    return collector.pose_set()


def read_openpose_folder(folder: Path) -> PoseSet:
    """Read a folder of per-frame files in name order; frames are numbered from 1.

    OpenPose's frames share one image size (they come from one video), FiDIP's files do not.

    Raises:
        ValueError: If the folder has no JSON file, one is malformed, or no pose is usable.
    """
    files = sorted(folder.glob("*.json"))
    if not files:
        raise ValueError(f"{folder}: the folder has no .json file; expected one OpenPose file a frame")
    collector = PoseCollector(folder)
    is_video = True
    for image_id, file in enumerate(files, start=1):
        data = load_json(file)
        if not is_openpose(data):
            raise ValueError(f"{file}: not OpenPose JSON; expected an object with a 'people' list")
        is_video = is_video and not _is_fidip(data)
        before = len(collector.keypoints)
        _add_frame(collector, data, file, image_id)
        collector.repairs["frames without a person"] += int(len(collector.keypoints) == before)
    return collector.pose_set(share_size=is_video)


def _add_frame(collector: PoseCollector, data: dict[str, Any], path: Path, image_id: int) -> None:
    stem = path.stem.removesuffix("_keypoints")
    people = [{"pose_keypoints_2d": data["annotations"]}] if _is_fidip(data) else data["people"]
    if not isinstance(people, list):
        raise ValueError(f"{path}: expected 'people' to be a list, got {type(people).__name__}")
    for i, person in enumerate(people):
        what = f"{path}: person {i}"
        fields = person if isinstance(person, dict) else {}
        values = fields.get("pose_keypoints_2d", fields.get("pose_keypoints"))
        numbers = number_list(values, f"{what}, pose_keypoints_2d")
        schema = _schema_for(len(numbers), what)
        triples = np.array(numbers).reshape(-1, 3)
        # FiDIP writes COCO visibilities 0, 1, 2 where OpenPose has scores of at most 1.
        is_score = not np.isin(triples[:, 2], (0, 1, 2)).all() or not (triples[:, 2] == 2).any()
        collector.add(
            triples,
            schema,
            is_score=is_score,
            image_id=image_id,
            annotation_id=len(collector.keypoints) + 1,
            file_name=stem,
        )


def _schema_for(count: int, what: str) -> KeypointSchema:
    if count not in _SCHEMAS:
        options = ", ".join(f"{n} ({s.name})" for n, s in sorted(_SCHEMAS.items()))
        raise ValueError(f"{what}: expected {options} keypoint numbers, got {count}")
    return _SCHEMAS[count]
