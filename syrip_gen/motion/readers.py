"""read_motion: a clip of motion from any file that syrip understands, told by its content."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from syrip_gen.motion.arrays import is_npy, is_zip, read_npy, read_npz
from syrip_gen.motion.clip import MotionClip
from syrip_gen.motion.sequence import BodySequence

if TYPE_CHECKING:
    from syrip_gen.body.assets import BodyAssets

__all__ = ["UNDERSTOOD", "read_motion"]

UNDERSTOOD = (
    "VideoPose3D's .npy of (T, 17, 3), a data_2d_custom or detectron .npz, a BVH file, a DeepMimic .txt, a "
    "fit bank or a dataset's sequence.npz"
)
MAX_TEXT_BYTES = 512 << 20
MIN_FPS, MAX_FPS = 0.1, 1000.0


def read_motion(
    path: str | Path,
    *,
    fps: float | None = None,
    clip: str | None = None,
    schema: str | None = None,
    body: BodyAssets | None = None,
) -> MotionClip | BodySequence:
    """Read a clip of one person's motion.

    Understood, whatever the file is called: VideoPose3D's (T, 17, 3) arrays and others of 3D points (.npy,
    .npz), 2D keypoints in ``data_2d_custom_*.npz`` and in the detectron files that those are made of, BVH,
    DeepMimic's clips, .npz files of several clips with ``joint_names``; and fit banks and a dataset's
    ``sequence.npz``, which are bodies already and come back as a :class:`BodySequence`.

    Args:
        path: The file.
        fps: Frames a second at which the frames are to be played; None takes the file's own rate, or 30
            where it has none (the clip's notes say so).
        clip: Name of the clip in a file that holds several; refused where a layout has no names for clips.
        schema: Name of the keypoint schema of an array of points, where it is not to be recognised from the
            bones; refused where a layout says itself what its points are.
        body: Body that a fit bank was made with; the shipped infant by default.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the content is not understood or no clip can be made of it: one line, what was found
            in which file, and what was expected.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path}: a folder; expected {UNDERSTOOD}")
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected {UNDERSTOOD}")
    if fps is not None and not MIN_FPS <= fps <= MAX_FPS:
        raise ValueError(f"frames a second must lie between {MIN_FPS:g} and {MAX_FPS:g}, got {fps!r}")
    with path.open("rb") as file:
        head = file.read(512)
    if is_npy(head):
        from syrip_gen.motion.points_3d import read_points_npy

        _refuse_clip(path, clip)
        return read_points_npy(read_npy(path), path, fps=fps, schema=schema)
    if is_zip(head):
        return _read_npz(path, fps, clip, schema, body)
    _refuse_clip(path, clip)
    _refuse_schema(path, schema)
    return _read_text(path, head, fps)


def _refuse_clip(path: Path, clip: str | None) -> None:
    """Refuse the name of a clip for a file whose layout holds one clip without a name."""
    if clip is not None:
        raise ValueError(f"{path}: holds one clip, which has no name; leave out the clip '{clip}'")


def _refuse_schema(path: Path, schema: str | None) -> None:
    """Refuse a schema for a file whose layout says itself what its points are."""
    if schema is not None:
        raise ValueError(f"{path}: says itself what its points are; leave out the keypoint schema '{schema}'")


def _read_npz(
    path: Path, fps: float | None, clip: str | None, schema: str | None, body: BodyAssets | None
) -> MotionClip | BodySequence:
    arrays = read_npz(path)
    if {"body_pose", "positions_2d", "boxes", "joint_names"} & set(arrays):
        _refuse_schema(path, schema)
    if "body_pose" in arrays and "fps" in arrays:
        from syrip_gen.motion.saved_motion import sequence_from_arrays

        _refuse_clip(path, clip)
        num_betas = body.num_betas if body is not None else None
        return sequence_from_arrays(arrays, str(path), fps=fps, num_betas=num_betas)
    if "body_pose" in arrays and "global_orient" in arrays:
        from syrip_gen.motion.fit_sequence import read_fit_sequence

        _refuse_clip(path, clip)
        return read_fit_sequence(path, fps=fps, body=body)
    if "positions_2d" in arrays:
        from syrip_gen.motion.points_2d import read_data_2d

        return read_data_2d(arrays, path, fps=fps, clip=clip)
    if "boxes" in arrays and "keypoints" in arrays:
        from syrip_gen.motion.detections import read_detections

        _refuse_clip(path, clip)
        return read_detections(arrays, path, fps=fps)
    if "joint_names" in arrays:
        from syrip_gen.motion.named_clips import read_named_clip

        return read_named_clip(arrays, path, fps=fps, clip=clip)
    from syrip_gen.motion.points_3d import read_points_npz

    return read_points_npz(arrays, path, fps=fps, clip=clip, schema=schema)


def _read_text(path: Path, head: bytes, fps: float | None) -> MotionClip:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    is_bvh, is_json = start[:9].upper() == b"HIERARCHY", start[:1] == b"{"
    if not (is_bvh or is_json):
        raise ValueError(f"{path}: {_guess(head)}; expected {UNDERSTOOD}")
    if path.stat().st_size > MAX_TEXT_BYTES:
        raise ValueError(f"{path}: {path.stat().st_size} bytes of text, at most {MAX_TEXT_BYTES} are read")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        text = path.read_text(encoding="latin-1")
    if is_bvh:
        from syrip_gen.motion.bvh import read_bvh

        return read_bvh(text, path, fps=fps)
    from syrip_gen.motion.deepmimic import read_deepmimic

    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: starts like JSON, but is not: {error}") from error
    return read_deepmimic(content, path, fps=fps)


def _guess(head: bytes) -> str:
    """Say what a file that is not understood seems to be."""
    if not head:
        return "the file is empty"
    if head[:1] == b"\x80":
        return "a pickle, which is not read here (save the array with numpy.save)"
    if head[4:8] == b"ftyp" or head[:4] in (b"RIFF", b"\x1aE\xdf\xa3"):
        return "a video; run a pose estimator such as VideoPose3D on it first"
    if head[:8] == b"\x89HDF\r\n\x1a\n":
        return "an HDF5 file, which is not read"
    return "not a motion file"
