"""Read MPI-INF-3DHP's training sequences: S1 to S8, two sequences each, many cameras."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fidip.data.layouts.collector import extent_boxes, found_names, listed
from fidip.data.layouts.mat_files import load_mat
from fidip.data.pose_samples import PoseSamples, concatenate
from syrip_gen.keypoints.catalog import MPI_INF_3DHP28

__all__ = ["CAMERAS", "SPLITS", "find_sequences", "read_mpi_inf_3dhp"]

CAMERAS = tuple(range(1, 9))
"""Camera numbers that Ellershaw uses of 0 to 13."""
SPLITS = {"train": range(1, 7), "val": range(7, 9)}
"""Subject numbers."""
NUM_JOINTS = len(MPI_INF_3DHP28)
PICTURES = ("imageSequence/video_{camera}", "imageFrames/video_{camera}", "video_{camera}")
"""Where pictures of the videos are usually put, as frame_%06d.jpg from 1."""
IDS_PER_SEQUENCE, IDS_PER_CAMERA = 10_000_000, 100_000


def find_sequences(folder: Path) -> list[Path]:
    """Return the folders ``S*/Seq*`` that hold an ``annot.mat``, in order."""
    names = re.compile(r"S\d+/Seq\d+")
    found = [p.parent for p in folder.glob("S*/Seq*/annot.mat") if names.fullmatch("/".join(p.parts[-3:-1]))]
    return sorted(found, key=lambda p: (int(p.parent.name[1:]), int(p.name[3:])))


def read_mpi_inf_3dhp(
    folder: str | Path,
    *,
    split: str = "all",
    cameras: Sequence[int] = CAMERAS,
    every: int = 1,
    with_images: bool = True,
) -> PoseSamples:
    """Read ``annot.mat`` (annot2 in px, annot3 in mm of the camera frame) and ``camera.calibration``.

    The dataset comes as videos: pictures are found only where they were extracted to
    ``imageSequence/video_<camera>/frame_%06d.jpg`` (numbers from 1).

    Args:
        folder: Holds S1, S2 ...
        split: train (S1-S6), val (S7, S8) or all.
        cameras: Camera numbers to read.
        every: Read each n-th frame only: there are 1.3 million.
        with_images: Find extracted pictures; frames whose picture is missing are left out and listed.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it has another layout, or a file cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; expected MPI-INF-3DHP's, with S1/Seq1/annot.mat")
    if split != "all" and split not in SPLITS:
        raise ValueError(f"unknown split {split!r} of MPI-INF-3DHP; choose from {', '.join(SPLITS)}, all")
    found = find_sequences(folder)
    if not found:
        raise ValueError(
            f"{folder} is not in MPI-INF-3DHP's layout: expected S1/Seq1/annot.mat and so on, "
            f"{found_names(folder)}"
        )
    wanted = [p for p in found if split == "all" or int(p.parent.name[1:]) in SPLITS[split]]
    if not wanted:
        subjects = listed(sorted({p.parent.name for p in found}))
        raise ValueError(f"{folder}: the split {split} has no subject here; found {subjects}")
    parts = [part for path in wanted for part in _read_sequence(path, cameras, every, with_images)]
    if not parts:
        raise ValueError(f"{folder}: no frame of the cameras {listed(list(cameras))} could be read")
    return concatenate(parts)


def _read_sequence(
    sequence: Path, cameras: Sequence[int], every: int, with_images: bool
) -> list[PoseSamples]:
    path = sequence / "annot.mat"
    data = load_mat(path, simplify=False)
    missing = [name for name in ("annot2", "annot3", "cameras") if name not in data]
    if missing:
        raise ValueError(f"{path}: no {' and no '.join(missing)}; expected annot2, annot3, frames, cameras")
    numbers = _camera_numbers(data["cameras"], path)
    calibration = _read_calibration(sequence / "camera.calibration")
    parts = []
    for position, camera in enumerate(numbers):
        if camera not in cameras:
            continue
        keypoints = _cell(data["annot2"], position, 2, path)[::every]
        points = _cell(data["annot3"], position, 3, path)[::every] / 1000
        if len(keypoints) != len(points):
            counts = f"{len(keypoints)} frames in 2D, {len(points)} in 3D"
            raise ValueError(f"{path}: camera {camera} has {counts}")
        frames = np.arange(len(keypoints)) * every
        part = _samples(sequence, camera, frames, keypoints, points, calibration.get(camera))
        parts.append(_with_pictures(part, sequence, camera) if with_images else part)
    return [part for part in parts if len(part)]


def _camera_numbers(value: Any, path: Path) -> list[int]:
    array = value if isinstance(value, np.ndarray) else np.zeros(0)
    if array.dtype.kind not in "fiu" or not np.isfinite(array).all() or not array.size:
        raise ValueError(f"{path}: cameras are no numbers; expected 0 to 13")
    return [int(number) for number in array.ravel()]


def _cell(cells: Any, position: int, dims: int, path: Path) -> np.ndarray:
    """Return the (T, 28, dims) numbers of one camera of Matlab's (cameras, 1) cell."""
    is_cell = isinstance(cells, np.ndarray) and cells.dtype == object and position < cells.size
    array = cells.ravel()[position] if is_cell else None
    shape = array.shape if isinstance(array, np.ndarray) else None
    if shape is None or shape[1:] != (NUM_JOINTS * dims,) or array.dtype.kind not in "fiu":
        what = f"annot{dims} of camera {position} is {'no array' if shape is None else shape}"
        raise ValueError(f"{path}: {what}; expected (frames, {NUM_JOINTS * dims})")
    return array.astype(np.float64).reshape(-1, NUM_JOINTS, dims)


def _samples(
    sequence: Path,
    camera: int,
    frames: np.ndarray,
    keypoints: np.ndarray,
    points: np.ndarray,
    calibration: "_Calibration | None",
) -> PoseSamples:
    subject, name = sequence.parent.name, f"{sequence.parent.name}/{sequence.name}/camera{camera}"
    labelled = np.isfinite(keypoints).all(axis=-1, keepdims=True)
    keypoints = np.concatenate([np.where(labelled, keypoints, 0), np.where(labelled, 2.0, 0.0)], axis=-1)
    count = len(frames)
    size = (0, 0) if calibration is None else calibration.size
    first_id = (int(subject[1:]) * 10 + int(sequence.name[3:])) * IDS_PER_SEQUENCE + camera * IDS_PER_CAMERA
    return PoseSamples(
        source=str(sequence),
        schema=MPI_INF_3DHP28,
        keypoints=keypoints,
        boxes=extent_boxes(keypoints),
        image_ids=first_id + frames,
        frames=frames,
        subjects=(subject,) * count,
        sequences=(name,) * count,
        image_paths=(None,) * count,
        image_sizes=np.tile(np.array(size, np.int64), (count, 1)),
        keypoints_3d=np.where(np.isfinite(points).all(axis=-1, keepdims=True), points, np.nan),
        intrinsics=None if calibration is None else np.tile(calibration.intrinsics, (count, 1)),
        notes=() if calibration else (f"{name}: camera.calibration says nothing of it, intrinsics unknown",),
    )


def _with_pictures(part: PoseSamples, sequence: Path, camera: int) -> PoseSamples:
    """Return the samples with their pictures; unchanged, with a note, where the video was not unpacked."""
    folders = [sequence / pattern.format(camera=camera) for pattern in PICTURES]
    folder = next((f for f in folders if f.is_dir()), None)
    if folder is None:
        where = f"{sequence.parent.name}/{sequence.name}/{PICTURES[0].format(camera=camera)}"
        return replace(part, notes=(*part.notes, f"no pictures in {where}: extract the video's frames there"))
    paths = [folder / f"frame_{frame + 1:06d}.jpg" for frame in part.frames]
    there = np.array([path.is_file() for path in paths], bool)
    part = replace(part, image_paths=tuple(paths))
    if there.all():
        return part
    absent = part.frames[~there].tolist()
    text = f"{part.sequences[0]}: {len(absent)} of {len(part)} frames left out, no picture: {listed(absent)}"
    return replace(part.select(there), failures=(*part.failures, text))


@dataclass(frozen=True, slots=True)
class _Calibration:
    size: tuple[int, int]
    intrinsics: np.ndarray


def _read_calibration(path: Path) -> dict[int, _Calibration]:
    """Return the cameras of a calibration file: lines ``name``, ``size`` and ``intrinsic`` (4x4) of each."""
    if not path.is_file():
        return {}
    cameras: dict[int, _Calibration] = {}
    name, size = -1, (0, 0)
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        key, *words = line.split() or [""]
        try:
            if key == "name":
                name, size = int(words[0]), (0, 0)
            elif key == "size":
                size = int(float(words[0])), int(float(words[1]))
            elif key == "intrinsic":
                matrix = np.array([float(word) for word in words]).reshape(4, 4)
                cameras[name] = _Calibration(size, matrix[[0, 1, 0, 1], [0, 1, 2, 2]])
        except (ValueError, IndexError, OverflowError):
            raise ValueError(f"{path}: not a camera.calibration of MPI-INF-3DHP: {line[:60]!r}") from None
    return cameras
