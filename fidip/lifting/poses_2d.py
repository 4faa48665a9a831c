"""2D poses to learn from: a 2D network's predictions on a dataset, and real 2D poses without 3D."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fidip.data.layouts.detect import read_pose_samples
from fidip.data.npz_files import load_arrays
from fidip.lifting.poses_3d import Poses3D
from syrip_gen.keypoints.catalog import COCO17, get_schema
from syrip_gen.keypoints.json_input import load_json, number_list
from syrip_gen.keypoints.mapping import map_keypoints
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["MIN_SCORE", "Poses2D", "read_poses_2d", "read_predictions"]

MIN_SCORE = 0.1
"""Predicted keypoints with a lower score count as missing."""
LEAST_REACH_PX = 2.0
"""If no keypoint reaches so far, the numbers are no pixels."""


@dataclass(frozen=True, slots=True)
class Poses2D:
    """N poses in pictures."""

    points_px: np.ndarray
    """(N, K, 2) float32."""
    mask: np.ndarray
    """(N, K) float32, 0 = missing."""
    camera: np.ndarray
    """(N, 4) float32, NaN where unknown."""
    image_size: np.ndarray
    """(N, 2) float32."""
    clip: np.ndarray
    """(N,) int64, non-decreasing."""
    source: str
    failures: tuple[str, ...] = ()
    """What is missing or could not be read and was left out, one line each."""

    def __len__(self) -> int:
        return len(self.points_px)


def read_predictions(path: str | Path, poses: Poses3D) -> np.ndarray:
    """Return (N, K, 3) x, y px and score for every pose: the best prediction in its picture, else zeros.

    Args:
        path: COCO results of a 2D network (``predictions.json`` of ``syrip predict`` or ``syrip eval``).
        poses: Poses of the dataset whose pictures were predicted.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no results file, has another schema, or is of other pictures.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"predictions {path} not found")
    records = load_json(path)
    try:
        best: dict[int, dict] = {}
        for record in records:
            kept = best.get(record["image_id"])
            if kept is None or float(record["score"]) > float(kept["score"]):
                best[record["image_id"]] = record
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a COCO results file: {error!r}") from None
    names = {str(record.get("keypoint_schema", poses.schema.name)) for record in best.values()}
    if names - {poses.schema.name}:
        raise ValueError(
            f"{path} holds {', '.join(sorted(names))} keypoints; this lifter takes {poses.schema.name}"
        )
    found = np.zeros((len(poses), len(poses.schema), 3), np.float32)
    for row, key in enumerate(poses.key.tolist()):
        if key in best:
            values = np.array(number_list(best[key].get("keypoints"), f"{path}: image {key}: keypoints"))
            if values.size != 3 * len(poses.schema):
                raise ValueError(
                    f"{path}: image {key}: expected {3 * len(poses.schema)} keypoint numbers "
                    f"({poses.schema.name}), got {values.size}"
                )
            found[row] = np.nan_to_num(values.reshape(-1, 3), posinf=0, neginf=0)
    if not found.any():
        raise ValueError(f"{path}: none of its {len(best)} pictures is in {poses.source}")
    return found


def read_poses_2d(path: str | Path, schema: KeypointSchema) -> Poses2D:
    """Read 2D poses of real infants: any dataset that syrip knows, or an .npz of sequences.

    An .npz holds ``keypoints_2d_px`` (N, K, 3) x, y, v or score, ``image_size`` (N, 2), and may hold
    ``schema``, ``clip`` (N,) and ``camera`` (4,) or (N, 4) fx, fy, cx, cy px.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If nobody is labelled or the sizes of the pictures are unknown.
    """
    path = Path(path)
    if path.suffix == ".npz":
        return _read_npz(path, schema)
    samples = read_pose_samples(path, with_images=False).in_schema(schema)
    mask = samples.keypoints[..., 2] > 0
    keep = mask.sum(1) >= 4
    if not keep.any():
        raise ValueError(f"{path}: no pose has 4 keypoints of {schema.name}")
    size = samples.image_sizes.astype(np.float32)
    if (size[keep] <= 0).any():
        raise ValueError(f"{path}: width and height of the pictures are missing")
    names = np.array([s or f"#{i:09}" for i, s in enumerate(samples.sequences)])
    order = np.lexsort((samples.frames, names))
    order = order[keep[order]]
    _, clip = np.unique(names[order], return_inverse=True)
    camera = np.full((len(samples), 4), np.nan) if samples.intrinsics is None else samples.intrinsics
    return Poses2D(
        samples.keypoints[order, :, :2].astype(np.float32),
        mask[order].astype(np.float32),
        camera[order].astype(np.float32),
        size[order],
        clip,
        str(path),
        samples.failures,
    )


def _read_npz(path: Path, schema: KeypointSchema) -> Poses2D:
    arrays = load_arrays(path)
    try:
        points = np.asarray(arrays["keypoints_2d_px"], np.float64)
        if points.ndim != 3 or points.shape[2] != 3:
            raise ValueError(f"keypoints_2d_px is {points.shape}")
        size = np.broadcast_to(np.asarray(arrays["image_size"], np.float32), (len(points), 2))
        if not (size > 0).all():
            raise ValueError("image_size must be above 0")
        own = get_schema(str(arrays["schema"])) if "schema" in arrays else COCO17
        points = map_keypoints(np.nan_to_num(points), own, schema)
        clip = np.asarray(arrays.get("clip", np.arange(len(points))), np.int64)
        camera = np.asarray(arrays.get("camera", np.full(4, np.nan)), np.float32)
        camera = np.broadcast_to(camera, (len(points), 4)).copy()
        if clip.shape != (len(points),) or (np.diff(clip) < 0).any():
            raise ValueError("clip must be (N,) and not decrease")
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"{path}: expected keypoints_2d_px (N, K, 3) and image_size (N, 2): {error}"
        ) from None
    mask = (points[..., 2] > 0).astype(np.float32)
    keep = mask.sum(1) >= 4
    if not keep.any():
        raise ValueError(f"{path}: no pose has 4 keypoints of {schema.name}")
    points, mask, camera, size, clip = (array[keep] for array in (points, mask, camera, size, clip))
    reach = np.abs(points[..., :2][mask > 0]).max()
    if reach < LEAST_REACH_PX < size.min():
        raise ValueError(
            f"{path}: keypoints reach {reach:.2f}; pixels are expected, not shares of the picture"
        )
    return Poses2D(points[..., :2].astype(np.float32), mask, camera, size, clip, str(path))
