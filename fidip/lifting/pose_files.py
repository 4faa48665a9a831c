"""3D poses to learn from: dataset folders of ``syrip generate``, and .npz files of poses or movements."""

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fidip.data.layouts.detect import read_pose_samples
from syrip_gen.annotation.coco import ANNOTATION_FILE
from syrip_gen.keypoints.catalog import COCO17, get_schema
from syrip_gen.keypoints.mapping import map_keypoints, map_points
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["Poses3D", "join_poses", "read_poses_3d"]

DOWN = np.array([0.0, 0.0, -1.0])
FARTHEST_M = 100.0
"""Coordinates beyond this cannot be metres."""
EXTENT_M = (0.05, 5.0)
"""Bodies that are smaller or larger than this are not in metres."""


@dataclass(frozen=True, slots=True)
class Poses3D:
    """N poses of one schema, in camera frames (x right, y down, z forward), metres."""

    points: np.ndarray
    """(N, K, 3) float32, NaN where missing."""
    gravity: np.ndarray
    """(N, 3) float32 unit vector of gravity, NaN where unknown."""
    clip: np.ndarray
    """(N,) int64: frames of one movement have the same number, in order and side by side."""
    group: np.ndarray
    """(N,) str: poses with the same source have the same name; train and test share none."""
    camera: np.ndarray
    """(N, 4) float32 fx, fy, cx, cy px, NaN where there is none."""
    image_size: np.ndarray
    """(N, 2) int64 width, height px, 0 where there is none."""
    key: np.ndarray
    """(N,) int64 image ids, by which predictions are found; -1 where there is none."""
    labels: np.ndarray
    """(N, K, 3) float32 labelled 2D keypoints x, y px, v; zeros where there are none."""
    schema: KeypointSchema
    fps: float | None
    source: str
    notes: tuple[str, ...] = ()
    """What to know about the source."""
    failures: tuple[str, ...] = ()
    """What is missing or could not be read and was left out, one line each."""

    def __len__(self) -> int:
        return len(self.points)

    def select(self, index: np.ndarray) -> "Poses3D":
        """Return some of the poses."""
        per_pose = ("points", "gravity", "clip", "group", "camera", "image_size", "key", "labels")
        return replace(self, **{name: getattr(self, name)[index] for name in per_pose})


def read_poses_3d(path: str | Path, schema: KeypointSchema = COCO17, *, by_order: bool = False) -> Poses3D:
    """Read a dataset folder of ours or of MINI-RGBD or MPI-INF-3DHP, an annotation file, or an .npz of poses.

    An .npz holds ``keypoints_3d_m`` (N, K, 3) in a camera frame and may hold ``schema`` (a name; coco17),
    ``gravity`` (N, 3), ``clip`` (N,), ``fps``. A fit bank (fits.npz) is such a file.

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
        return _mapped(_from_samples(path), schema, by_order)
    if path.is_dir():
        path = path / ANNOTATION_FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} not found: expected a dataset folder of 'syrip generate', its annotation file or an "
            ".npz with keypoints_3d_m"
        )
    poses = _read_npz(path) if path.suffix == ".npz" else _read_dataset(path)
    if not len(poses):
        raise ValueError(f"{path} holds no 3D pose")
    _check_metres(poses.points, path)
    return _mapped(poses, schema, by_order)


def join_poses(parts: Sequence[Poses3D]) -> Poses3D:
    """Put files together; clips and groups of different files stay apart."""
    clips, groups, begin = [], [], 0
    for number, part in enumerate(parts):
        _, clip = np.unique(part.clip, return_inverse=True)
        clips.append(clip + begin)
        begin += int(clip.max()) + 1
        groups.append(np.char.add(f"{number}:", part.group.astype(str)))
    joined = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("points", "gravity", "camera", "image_size", "key", "labels")
    }
    sources = ", ".join(part.source for part in parts)
    return replace(
        parts[0], clip=np.concatenate(clips), group=np.concatenate(groups), source=sources, **joined
    )


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


def _mapped(poses: Poses3D, schema: KeypointSchema, by_order: bool) -> Poses3D:
    if poses.schema.name == schema.name:
        return poses
    if by_order:
        if len(poses.schema) != len(schema):
            raise ValueError(
                f"{poses.source} has {len(poses.schema)} keypoints ({poses.schema.name}); taken as they come "
                f"they should be {len(schema)} ({schema.name}). Set data.mapping to names."
            )
        return replace(poses, schema=schema)
    points, defined = map_points(poses.points, poses.schema, schema)
    if not defined.any():
        raise ValueError(f"{poses.source}: no keypoint of {poses.schema.name} is in {schema.name}")
    labels = map_keypoints(poses.labels, poses.schema, schema).astype(np.float32)
    return replace(poses, points=points.astype(np.float32), labels=labels, schema=schema)


def _read_npz(path: Path) -> Poses3D:
    try:
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is not an .npz of plain arrays: {str(error).splitlines()[0]}") from None
    points = arrays.get("keypoints_3d_m")
    try:
        schema = get_schema(str(arrays["schema"])) if "schema" in arrays else COCO17
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    shape = None if points is None else points.shape
    if shape is None or len(shape) != 3 or shape[1:] != (len(schema), 3) or points.dtype.kind != "f":
        raise ValueError(
            f"{path}: expected keypoints_3d_m (N, {len(schema)}, 3) of {schema.name}, "
            f"{'it is missing' if shape is None else f'got {shape}'}"
        )
    if "accepted" in arrays:  # a fit bank
        keep = arrays["accepted"].astype(bool)
        arrays = {k: v[keep] if v.shape[:1] == keep.shape else v for k, v in arrays.items()}
        points = arrays["keypoints_3d_m"]
    count = len(points)
    clip = np.asarray(arrays.get("clip", np.arange(count)), np.int64)
    gravity = np.asarray(arrays.get("gravity", np.full((count, 3), np.nan)), np.float32)
    if clip.shape != (count,) or gravity.shape != (count, 3):
        raise ValueError(f"{path}: clip {clip.shape} and gravity {gravity.shape} must go with {count} poses")
    if (np.diff(clip) < 0).any():
        raise ValueError(f"{path}: clip must not decrease: the frames of a movement lie side by side")
    fps = float(arrays["fps"]) if "fps" in arrays and np.ndim(arrays["fps"]) == 0 else None
    group = arrays.get("pose_id", clip)
    return _without_pictures(points, gravity, clip, group.astype(str), schema, fps, str(path))


def _without_pictures(
    points: np.ndarray,
    gravity: np.ndarray,
    clip: np.ndarray,
    group: np.ndarray,
    schema: KeypointSchema,
    fps: float | None,
    source: str,
) -> Poses3D:
    count = len(points)
    return Poses3D(
        points=np.where(np.isfinite(points), points, np.nan).astype(np.float32),
        gravity=gravity,
        clip=clip,
        group=group,
        camera=np.full((count, 4), np.nan, np.float32),
        image_size=np.zeros((count, 2), np.int64),
        key=np.full(count, -1),
        labels=np.zeros((count, len(schema), 3), np.float32),
        schema=schema,
        fps=fps,
        source=source,
    )


def _from_samples(path: Path) -> Poses3D:
    """Read MINI-RGBD or MPI-INF-3DHP; subjects are their sources, sequences their movements."""
    samples = read_pose_samples(path, with_images=False)
    if samples.keypoints_3d is None:
        raise ValueError(f"{path} has no 3D keypoints; a lifter learns from them")
    known = np.isfinite(samples.keypoints_3d).all(-1).any(-1)
    order = np.lexsort((samples.frames, np.array(samples.sequences)))
    samples = samples.select(order[known[order]])
    _, clip = np.unique(np.array(samples.sequences), return_inverse=True)
    group = np.array([s or q for s, q in zip(samples.subjects, samples.sequences, strict=True)])
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
        fps=None,
        source=samples.source,
        notes=samples.notes,
        failures=samples.failures,
    )


def _read_dataset(path: Path) -> Poses3D:
    try:
        data = json.loads(path.read_bytes())
        images = {image["id"]: image for image in data["images"]}
        people = [a for a in data["annotations"] if a.get("keypoints_3d_m") is not None]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not a COCO file with images and annotations: {error!r}") from None
    if not people:
        raise ValueError(
            f"{path}: no annotation has keypoints_3d_m; a lifter learns from datasets of 'syrip generate' or "
            "an .npz of 3D poses (for 2D keypoints alone there is --real-2d)"
        )
    if any(p["image_id"] not in images for p in people):
        raise ValueError(f"{path}: annotations refer to images that the file does not list")
    people.sort(key=lambda p: (str(_clip_name(p)), p["image_id"]))
    try:
        columns = [_person(p, images[p["image_id"]]) for p in people]
        points, labels, camera, gravity, size, clip, group = (list(c) for c in zip(*columns, strict=True))
        points = np.array(points, np.float32).reshape(-1, len(COCO17), 3)
        labels = np.array(labels, np.float32).reshape(-1, len(COCO17), 3)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: an annotation is not as 'syrip generate' writes it: {error}") from None
    _, clip_index = np.unique(np.array(clip, str), return_inverse=True)
    return Poses3D(
        points=points,
        gravity=np.array(gravity, np.float32),
        clip=clip_index,
        group=np.array(group, str),
        camera=np.array(camera, np.float32),
        image_size=np.array(size, np.int64),
        key=np.array([p["image_id"] for p in people], np.int64),
        labels=labels,
        schema=COCO17,
        fps=None,
        source=str(path),
    )


def _clip_name(person: dict[str, Any]) -> Any:
    """Return the movement of an animated dataset's frame, or the picture itself."""
    source = person.get("source") or {}
    return source.get("clip", f"{person['image_id']:012}")


def _person(person: dict[str, Any], image: dict[str, Any]) -> tuple[Any, ...]:
    camera = person.get("camera")
    numbers, gravity = [np.nan] * 4, np.full(3, np.nan)
    if camera is not None:
        numbers = [camera[name] for name in ("fx", "fy", "cx", "cy")]
        if "T_cam_world" in camera:
            gravity = np.asarray(camera["T_cam_world"], float)[:3, :3] @ DOWN
    group = str((person.get("source") or {}).get("pose_id", person["image_id"]))
    size = (int(image["width"]), int(image["height"]))
    return (
        person["keypoints_3d_m"],
        person.get("keypoints") or [0] * 3 * len(COCO17),
        numbers,
        gravity,
        size,
        str(_clip_name(person)),
        group,
    )
