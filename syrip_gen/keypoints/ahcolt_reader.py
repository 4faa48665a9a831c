"""Read the pickles of AH-CoLT, the authors' labelling tool."""

from pathlib import Path
from typing import Any

import numpy as np

from syrip_gen.keypoints.catalog import COCO17, MPII16
from syrip_gen.keypoints.cleaning import PoseCollector
from syrip_gen.keypoints.poses import PoseSet

__all__ = ["read_ahcolt"]

_SCHEMAS = {len(schema): schema for schema in (COCO17, MPII16)}
ACCEPTED = 1
"""Reviewer's flag of a keypoint that needs no correction; 0 rejected, -1 deleted, 2 to be inserted."""


def read_ahcolt(path: Path) -> PoseSet:
    """Read a ``_gt``, ``_fRCNN``, ``_hg`` or ``_flag`` pickle (nothing in it is executed).

    A ``_flag`` file holds only the reviewer's verdicts: the labels it judges are read from the ``_fRCNN`` or
    ``_hg`` file beside it, and keypoints that were not accepted become unlabelled. Image sizes are estimated.

    Raises:
        ValueError: If the file is not one of AH-CoLT's or has no usable pose.
    """
    from syrip_gen import safe_pickle

    data = safe_pickle.load(path)
    if not isinstance(data, dict):
        raise ValueError(f"{path}: not an AH-CoLT file: expected a dictionary, got {type(data).__name__}")
    if "all_keyps" in data:
        return _read_keypoints(data, path, flags=None)
    if data and all(isinstance(key, str) and key.isdigit() for key in data):
        return _read_flagged(data, path, safe_pickle.load)
    keys = sorted(map(str, data))[:6]
    raise ValueError(f"{path}: not an AH-CoLT file of body poses: expected the key 'all_keyps', found {keys}")


def _read_flagged(flags: dict[str, Any], path: Path, load: Any) -> PoseSet:
    prefix = path.stem.removesuffix("_flag")
    siblings = [path.with_name(f"{prefix}_{model}.pkl") for model in ("fRCNN", "hg")]
    labels = next((s for s in siblings if s != path and s.is_file()), None)
    if labels is None:
        raise ValueError(
            f"{path}: holds a reviewer's verdicts but no coordinates; put {siblings[0].name} or "
            f"{siblings[1].name} beside it, or give the corrected _gt file"
        )
    data = load(labels)
    if not isinstance(data, dict) or "all_keyps" not in data:
        raise ValueError(f"{labels}: not an AH-CoLT file: expected the key 'all_keyps'")
    return _read_keypoints(data, path, flags=flags)


def _read_keypoints(data: dict[str, Any], path: Path, flags: dict[str, Any] | None) -> PoseSet:
    frames = _person_frames(data["all_keyps"], path)
    boxes = _person_frames(data.get("all_boxes"), path, required=False)
    images = data.get("images") or []
    collector = PoseCollector(path)
    for frame, people in enumerate(frames):
        for person, values in enumerate(people):
            what = f"{path}: frame {frame}, person {person}"
            array = np.asarray(values, dtype=np.float64)
            if array.ndim != 2 or array.shape[0] not in (2, 3) or array.shape[1] not in _SCHEMAS:
                raise ValueError(
                    f"{what}: expected (2 or 3, 16 or 17) keypoints, got shape {array.shape}; "
                    "face files (68 points) hold no body pose"
                )
            schema = _SCHEMAS[array.shape[1]]
            triples = np.column_stack([array[:2].T, _visibility(array, schema is COCO17)])
            if flags is not None:
                triples[~_accepted(flags, frame, person, len(schema), what), 2] = 0
            collector.add(
                triples,
                schema,
                is_score=False,
                image_id=frame + 1,
                annotation_id=len(collector.keypoints) + 1,
                bbox=_corner_box(boxes, frame, person),
                file_name=str(images[frame]) if frame < len(images) else "",
            )
    return collector.pose_set()


def _person_frames(value: Any, path: Path, *, required: bool = True) -> list[Any]:
    """Return the per-frame lists, wrapped as ``[[], frames]`` (Detectron's classes) or ``[frames]``."""
    if isinstance(value, list | tuple) and value:
        frames = value[-1]
        if isinstance(frames, list | tuple) and all(isinstance(f, list | tuple | np.ndarray) for f in frames):
            return list(frames)
    if required:
        raise ValueError(f"{path}: expected 'all_keyps' to be [[], frames], got {type(value).__name__}")
    return []


def _visibility(array: np.ndarray, is_coco: bool) -> np.ndarray:
    """Return v of each point; MPII-16 files write 1 visible and 0 occluded, COCO-17 files COCO's 2, 1, 0."""
    if array.shape[0] == 2:
        return np.full(array.shape[1], 2.0)
    return array[2] if is_coco else array[2] + 1


def _accepted(flags: dict[str, Any], frame: int, person: int, count: int, what: str) -> np.ndarray:
    verdicts = flags.get(str(frame), [])
    row = np.asarray(verdicts[person] if person < len(verdicts) else [], dtype=np.float64)
    if row.shape != (count,):
        raise ValueError(f"{what}: expected {count} reviewer's flags, got shape {row.shape}")
    return row == ACCEPTED


def _corner_box(boxes: list[Any], frame: int, person: int) -> list[float] | None:
    """Return xywh of a box stored by its corners, or None."""
    if frame >= len(boxes):
        return None
    corners = np.asarray(boxes[frame], dtype=np.float64)
    if corners.ndim == 2 and person < len(corners):
        corners = corners[person]
    if corners.ndim != 1 or corners.size < 4:
        return None
    x1, y1, x2, y2 = corners[:4]
    return [x1, y1, x2 - x1, y2 - y1]
