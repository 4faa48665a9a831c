"""3D labels from a file of their own, for ground truth that has only 2D keypoints."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from fidip.data.npz_files import load_arrays
from fidip.evaluation.ground_truth import GroundTruth, some
from syrip_gen.keypoints.catalog import CATALOG
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["with_labels_3d"]

POINTS = ("keypoints_3d_m", "joints3d_m")
FARTHEST_M = 100.0
EXPECTED = (
    "expected keypoints_3d_m (N, K, 3) in metres, file_name or image_id (N,), and schema or joint_names"
)


def with_labels_3d(gt: GroundTruth, path: str | Path) -> GroundTruth:
    """Return the ground truth with the 3D keypoints of an ``.npz`` file.

    The file holds ``keypoints_3d_m`` (or ``joints3d_m``) (N, K, 3) in metres with a camera's axes,
    ``file_name`` or ``image_id`` (N,) to find the picture by, ``schema`` (a name) or ``joint_names`` (K,) of
    a schema that syrip knows, and may hold ``valid`` (N,). Poses may be relative to any point.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not one, or none of its poses belongs to a picture of the ground truth.
    """
    path = Path(path)
    arrays = _load(path)
    points = next((arrays[name] for name in POINTS if name in arrays), None)
    if points is None or points.ndim != 3 or points.shape[2] != 3 or points.dtype.kind != "f":
        raise ValueError(f"--gt-3d {path}: {EXPECTED}; found {some(sorted(arrays))}")
    schema = _schema(arrays, points.shape[1], path)
    if np.nanmax(np.abs(points), initial=0) > FARTHEST_M:
        raise ValueError(f"--gt-3d {path}: coordinates beyond {FARTHEST_M:g}; expected metres")
    counts = {name: arrays[name].shape for name in ("valid", "file_name", "image_id") if name in arrays}
    if set(counts.values()) - {(len(points),)}:
        raise ValueError(f"--gt-3d {path}: {len(points)} poses, but {counts}")
    valid = arrays.get("valid", np.ones(len(points), bool)).astype(bool)
    by_image = _by_image(gt, arrays, path)
    persons, found = [], 0
    for person in gt.persons:
        row = by_image.get(person.image_id)
        is_labelled = row is not None and valid[row] and np.isfinite(points[row]).all(-1).any()
        found += bool(is_labelled)
        own = points[row].astype(np.float64) * 1000 if is_labelled else None
        persons.append(replace(person, points_3d_mm=own))
    if not found:
        raise ValueError(
            f"--gt-3d {path}: none of its {len(points)} poses is of a picture of {gt.name}"
            f"{'' if np.isfinite(points).any() else ' and has numbers, all are NaN'}"
        )
    missing = len(gt.persons) - found
    notes = (
        [f"{missing} of {len(gt.persons)} persons have no 3D keypoints in {path.name}."] if missing else []
    )
    return replace(gt, persons=tuple(persons), schema_3d=schema, notes=(*gt.notes, *notes))


def _load(path: Path) -> dict[str, np.ndarray]:
    try:
        return load_arrays(path)
    except (FileNotFoundError, ValueError) as error:
        raise type(error)(f"--gt-3d {error}") from None


def _schema(arrays: Mapping[str, np.ndarray], count: int, path: Path) -> KeypointSchema:
    if "schema" in arrays:
        schema = CATALOG.get(str(arrays["schema"]))
    else:
        words = [str(name).lower() for name in np.ravel(arrays.get("joint_names", []))]
        names = tuple(_whole_word(word) for word in words)
        schema = next((s for s in CATALOG.values() if s.keypoints == names), None)
    if schema is None or len(schema) != count:
        raise ValueError(f"--gt-3d {path}: its {count} keypoints are of no known schema; {EXPECTED}")
    return schema


def _whole_word(name: str) -> str:
    for short, whole in (("r_", "right_"), ("l_", "left_")):
        if name.startswith(short):
            return whole + name.removeprefix(short)
    return name


def _by_image(gt: GroundTruth, arrays: Mapping[str, np.ndarray], path: Path) -> dict[int, int]:
    """Return the row of each image; images with several persons have none."""
    counts: dict[int, int] = {}
    for person in gt.persons:
        counts[person.image_id] = counts.get(person.image_id, 0) + 1
    if "file_name" in arrays:
        rows = {Path(str(name)).name: n for n, name in enumerate(arrays["file_name"])}
        keys = {image["id"]: Path(str(image.get("file_name", ""))).name for image in gt.images}
    elif "image_id" in arrays:
        rows = {int(number): n for n, number in enumerate(arrays["image_id"])}
        keys = {image["id"]: image["id"] for image in gt.images}
    else:
        raise ValueError(f"--gt-3d {path}: {EXPECTED}; found {some(sorted(arrays))}")
    return {i: rows[key] for i, key in keys.items() if key in rows and counts.get(i) == 1}
