"""The pickles of AH-CoLT, the authors' labelling tool, as checked arrays (nothing in them is executed)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from syrip_gen.keypoints.catalog import COCO17, MPII16
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["ACCEPTED", "AhColtFile", "AhColtPerson", "read_ahcolt_file"]

_SCHEMAS = {len(schema): schema for schema in (COCO17, MPII16)}
ACCEPTED = 1
"""Reviewer's flag of a keypoint that needs no correction; 0 rejected, -1 deleted, 2 to be inserted."""


@dataclass(frozen=True, slots=True)
class AhColtPerson:
    """One person of one frame."""

    keypoints: np.ndarray
    """(K, 3) float64 x, y in px and v (2 visible, 1 occluded, 0 deleted); v is 2 where the tool's network
    placed the point. Deleted points lie at (-45, -45)."""
    schema: KeypointSchema
    """COCO-17 or MPII-16."""
    flags: np.ndarray | None
    """(K,) the reviewer's verdicts, where the file is a ``_flag`` file."""
    box: tuple[float, float, float, float] | None
    """Left, top, width, height in px."""


@dataclass(frozen=True, slots=True)
class AhColtFile:
    """What one pickle says, frame by frame."""

    kind: str
    """``labels`` (a network's), ``flag`` (a reviewer's verdicts on them) or ``gt`` (a person's labels)."""
    images: tuple[str, ...]
    """File names; empty where the file has none: frames are then the folder's pictures in order of name."""
    frames: tuple[tuple[AhColtPerson, ...], ...]
    """The people of each frame, at most one in the tool's own files."""


def read_ahcolt_file(path: Path) -> AhColtFile:
    """Read a ``_gt``, ``_fRCNN``, ``_hg`` or ``_flag`` pickle.

    A ``_flag`` file holds only the reviewer's verdicts: the labels it judges are read from the ``_fRCNN`` or
    ``_hg`` file beside it.

    Raises:
        ValueError: If the file is not one of AH-CoLT's.
    """
    from syrip_gen import safe_pickle

    data = safe_pickle.load(path)
    if not isinstance(data, dict):
        raise ValueError(f"{path}: not an AH-CoLT file: expected a dictionary, got {type(data).__name__}")
    if "all_keyps" in data:
        return _file_of(data, path, flags=None)
    if data and all(isinstance(key, str) and key.isdigit() for key in data):
        return _file_of(_judged_labels(path, safe_pickle.load), path, flags=data)
    keys = sorted(map(str, data))[:6]
    raise ValueError(f"{path}: not an AH-CoLT file of body poses: expected the key 'all_keyps', found {keys}")


def _judged_labels(path: Path, load: Any) -> dict[str, Any]:
    """Return the content of the file that a reviewer's verdicts are about."""
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
    return data


def _file_of(data: dict[str, Any], path: Path, flags: dict[str, Any] | None) -> AhColtFile:
    frames = _person_frames(data["all_keyps"], path)
    boxes = _person_frames(data.get("all_boxes"), path, required=False)
    images = data.get("images")
    names = tuple(map(str, images)) if isinstance(images, list | tuple) else ()
    people = tuple(
        tuple(
            _person(values, f"{path}: frame {frame}, person {person}", boxes, (frame, person), flags)
            for person, values in enumerate(values_of_frame)
        )
        for frame, values_of_frame in enumerate(frames)
    )
    return AhColtFile("flag" if flags is not None else "gt" if names else "labels", names, people)


def _person(
    values: Any, what: str, boxes: list[Any], place: tuple[int, int], flags: dict[str, Any] | None
) -> AhColtPerson:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2 or array.shape[0] not in (2, 3) or array.shape[1] not in _SCHEMAS:
        raise ValueError(
            f"{what}: expected (2 or 3, 16 or 17) keypoints, got shape {array.shape}; "
            "face files (68 points) hold no body pose"
        )
    schema = _SCHEMAS[array.shape[1]]
    return AhColtPerson(
        np.column_stack([array[:2].T, _visibility(array, schema is COCO17)]),
        schema,
        None if flags is None else _verdicts(flags, place, len(schema), what),
        _corner_box(boxes, *place),
    )


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


def _verdicts(flags: dict[str, Any], place: tuple[int, int], count: int, what: str) -> np.ndarray:
    verdicts = flags.get(str(place[0]), [])
    row = np.asarray(verdicts[place[1]] if place[1] < len(verdicts) else [], dtype=np.float64)
    if row.shape != (count,):
        raise ValueError(f"{what}: expected {count} reviewer's flags, got shape {row.shape}")
    return row


def _corner_box(boxes: list[Any], frame: int, person: int) -> tuple[float, float, float, float] | None:
    """Return xywh of a box stored by its corners, or None."""
    if frame >= len(boxes):
        return None
    corners = np.asarray(boxes[frame], dtype=np.float64)
    if corners.ndim == 2 and person < len(corners):
        corners = corners[person]
    if corners.ndim != 1 or corners.size < 4:
        return None
    x1, y1, x2, y2 = corners[:4].tolist()
    return x1, y1, x2 - x1, y2 - y1
