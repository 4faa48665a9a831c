"""3D poses to learn from: dataset folders of ``syrip generate``, and .npz files of poses or movements."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fidip.data.layouts.coco import file_schema, intrinsics, points_3d, sequence_and_frame
from fidip.data.layouts.detect import read_pose_samples
from fidip.data.npz_files import load_arrays
from fidip.lifting.poses_3d import Poses3D
from syrip_gen.annotation.coco import ANNOTATION_FILE
from syrip_gen.keypoints.catalog import COCO17, get_schema
from syrip_gen.keypoints.json_input import load_json, number_list, whole_number
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["read_poses_3d"]

DOWN = np.array([0.0, 0.0, -1.0])
FARTHEST_M = 100.0
"""Coordinates beyond this cannot be metres."""
EXTENT_M = (0.05, 5.0)
"""Bodies that are smaller or larger than this are not in metres."""


def read_poses_3d(path: str | Path, schema: KeypointSchema = COCO17, *, by_order: bool = False) -> Poses3D:
    """Read a dataset folder of ours or of MINI-RGBD or MPI-INF-3DHP, an annotation file, or an .npz of poses.

    An .npz holds ``keypoints_3d_m`` (N, K, 3) in a camera frame and may hold ``schema`` (a name; coco17),
    ``gravity`` (N, 3), ``clip`` (N,). A fit bank (fits.npz) is such a file.

    Args:
        path: File or folder.
        schema: Schema wanted; keypoints are mapped to it by name.
        by_order: Take the file's keypoints as they come instead (an ablation); their number must agree.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it holds no such poses.
    """
    path = Path(path)
    if path.is_dir() and not (path / ANNOTATION_FILE).is_file():
        poses = _from_samples(path)
    else:
        path = path / ANNOTATION_FILE if path.is_dir() else path
        if not path.is_file():
            raise FileNotFoundError(
                f"{path} not found: expected a dataset folder of 'syrip generate', its annotation file or an "
                ".npz with keypoints_3d_m"
            )
        poses = _read_npz(path) if path.suffix == ".npz" else _read_dataset(path)
    if not len(poses):
        raise ValueError(f"{path} holds no 3D pose")
    _check_metres(poses.points, path)
    return poses.in_schema(schema, by_order=by_order)


def _check_metres(points: np.ndarray, path: Path) -> None:
    """Refuse (N, K, 3) points of which none is known, or that cannot be metres.

    Raises:
        ValueError: With what was found.
    """
    known = np.isfinite(points).all(-1)
    if not known.any():
        raise ValueError(f"{path}: no 3D keypoint is known, all are NaN or infinite")
    farthest = np.abs(points[known]).max()
    several = known.sum(1) > 1
    if several.any():
        some = np.where(known[several, :, None], points[several], np.nan)
        extents = (np.nanmax(some, 1) - np.nanmin(some, 1)).max(-1)
        if extents.max() < EXTENT_M[0]:
            raise ValueError(
                f"{path}: the largest body extends over {extents.max():.4f}; metres are expected: infants "
                "extend over some tenths"
            )
        if np.median(extents) > EXTENT_M[1]:
            raise ValueError(
                f"{path}: bodies extend over {np.median(extents):.0f} (median); metres are expected, these "
                "look like millimetres or centimetres"
            )
    if farthest > FARTHEST_M:
        raise ValueError(f"{path}: 3D keypoints reach {farthest:.0f}; metres are expected")


def _read_npz(path: Path) -> Poses3D:
    arrays = load_arrays(path)
    points = arrays.get("keypoints_3d_m")
    try:
        schema = get_schema(str(arrays["schema"])) if "schema" in arrays else COCO17
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    shape = None if points is None else points.shape
    if shape is None or len(shape) != 3 or shape[1:] != (len(schema), 3) or points.dtype.kind != "f":
        raise ValueError(
            f"{path}: expected keypoints_3d_m (N, {len(schema)}, 3) of {schema.name}, "
            f"{'it is missing' if shape is None else f'got {shape} {points.dtype}'}"
        )
    count = len(points)
    try:
        keep = np.asarray(arrays.get("accepted", np.ones(count)), bool)  # of a fit bank
        clip = np.asarray(arrays.get("clip", np.arange(count)), np.int64)
        gravity = np.asarray(arrays.get("gravity", np.full((count, 3), np.nan)), np.float32)
        group = np.asarray(arrays.get("pose_id", clip), str)
    except ValueError as error:
        raise ValueError(f"{path}: accepted, clip and gravity must be numbers: {error}") from None
    if clip.shape != (count,) or gravity.shape != (count, 3):
        raise ValueError(f"{path}: clip {clip.shape} and gravity {gravity.shape} must go with {count} poses")
    if keep.shape != (count,) or group.shape != (count,):
        raise ValueError(
            f"{path}: accepted {keep.shape} and pose_id {group.shape} must go with {count} poses"
        )
    if (np.diff(clip[keep]) < 0).any():
        raise ValueError(f"{path}: clip must not decrease: the frames of a movement lie side by side")
    poses = Poses3D(
        points=np.where(np.isfinite(points), points, np.nan).astype(np.float32),
        gravity=gravity,
        clip=clip,
        group=group,
        camera=np.full((count, 4), np.nan, np.float32),
        image_size=np.zeros((count, 2), np.int64),
        key=np.full(count, -1),
        labels=np.zeros((count, len(schema), 3), np.float32),
        schema=schema,
        source=str(path),
    )
    return poses.select(keep)


def _from_samples(path: Path) -> Poses3D:
    """Read MINI-RGBD or MPI-INF-3DHP; subjects are their sources, sequences their movements."""
    samples = read_pose_samples(path, with_images=False)
    if samples.keypoints_3d is None:
        raise ValueError(f"{path} has no 3D keypoints; a lifter learns from them")
    known = np.isfinite(samples.keypoints_3d).all(-1).any(-1)
    names = np.array([s or f"#{i:09}" for i, s in enumerate(samples.sequences)])  # a single picture's own
    order = np.lexsort((samples.frames, names))
    order = order[known[order]]
    _, clip = np.unique(names[order], return_inverse=True)
    samples = samples.select(order)
    group = np.array([s or name for s, name in zip(samples.subjects, names[order], strict=True)])
    count = len(samples)
    camera = np.full((count, 4), np.nan) if samples.intrinsics is None else samples.intrinsics
    return Poses3D(
        points=samples.keypoints_3d.astype(np.float32),
        gravity=np.full((count, 3), np.nan, np.float32),
        clip=clip,
        group=group,
        camera=camera.astype(np.float32),
        image_size=samples.image_sizes,
        key=samples.image_ids,
        labels=samples.keypoints.astype(np.float32),
        schema=samples.schema,
        source=samples.source,
        notes=samples.notes,
        failures=samples.failures,
    )


@dataclass(frozen=True, slots=True)
class _Person:
    """One annotation of a dataset."""

    points: np.ndarray
    labels: np.ndarray
    camera: list[float]
    gravity: np.ndarray
    size: tuple[int, int]
    place: tuple[str, int, int]
    """Movement, frame and image id."""
    group: str


def _read_dataset(path: Path) -> Poses3D:
    """Read COCO annotations with 3D keypoints; takes of a clip are movements of one source."""
    data = load_json(path)
    try:
        images = {whole_number(image["id"], f"{path}: image id"): image for image in data["images"]}
        records = [a for a in data["annotations"] if a.get("keypoints_3d_m") is not None]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not a COCO file with images and annotations: {error!r}") from None
    if not records:
        raise ValueError(
            f"{path}: no annotation has keypoints_3d_m; a lifter learns from datasets of 'syrip generate' or "
            "an .npz of 3D poses (for 2D keypoints alone there is --real-2d)"
        )
    schema = file_schema(data, path)
    people = [
        _person(record, images, len(schema), f"{path}: annotation {record.get('id', n)}")
        for n, record in enumerate(records)
    ]
    people.sort(key=lambda person: person.place)
    _, clip = np.unique([person.place[0] for person in people], return_inverse=True)
    return Poses3D(
        points=np.array([p.points for p in people], np.float32),
        gravity=np.array([p.gravity for p in people], np.float32),
        clip=clip,
        group=np.array([p.group for p in people]),
        camera=np.array([p.camera for p in people], np.float32),
        image_size=np.array([p.size for p in people], np.int64),
        key=np.array([p.place[2] for p in people], np.int64),
        labels=np.array([p.labels for p in people], np.float32),
        schema=schema,
        source=str(path),
    )


def _person(record: Mapping[str, Any], images: Mapping[int, Any], count: int, what: str) -> _Person:
    image_id = whole_number(record.get("image_id"), f"{what} image_id")
    image = images.get(image_id)
    if not isinstance(image, Mapping):
        raise ValueError(f"{what}: there is no image {image_id}")
    labels = np.zeros(3 * count)
    if record.get("keypoints"):
        labels = np.nan_to_num(number_list(record["keypoints"], f"{what} keypoints"), posinf=0, neginf=0)
    if len(labels) != 3 * count:
        raise ValueError(f"{what}: {len(labels)} numbers in keypoints; expected {3 * count}")
    camera = np.array(intrinsics(record.get("camera"), what) or [np.nan] * 4)
    if not (np.isfinite(camera).all() and (camera[:2] > 0).all()):
        camera[:] = np.nan
    sequence, frame = sequence_and_frame(image, record)
    source = record.get("source") if isinstance(record.get("source"), Mapping) else {}
    # poses of one clip are alike: its frames and takes are never split between training and validation
    group = source.get("clip", source.get("pose_id", sequence or image_id))
    return _Person(
        points=points_3d(record["keypoints_3d_m"], count, what),
        labels=labels.reshape(count, 3),
        camera=camera,
        gravity=_gravity(record.get("camera"), what),
        size=tuple(whole_number(image.get(side), f"{what} image {side}") for side in ("width", "height")),
        place=(sequence or f"#{image_id:012}", frame, image_id),
        group=str(group),
    )


def _gravity(camera: Any, what: str) -> np.ndarray:
    """Return the unit vector of gravity in the camera's frame, NaN where its pose is unknown."""
    rows = camera.get("T_cam_world") if isinstance(camera, Mapping) else None
    if rows is None:
        return np.full(3, np.nan)
    matrix = [number_list(row, f"{what} T_cam_world") for row in (rows if isinstance(rows, list) else [])]
    if [len(row) for row in matrix] != [4] * 4:
        raise ValueError(f"{what}: T_cam_world must be 4x4")
    return np.array(matrix)[:3, :3] @ DOWN
