"""Arrays of 3D points, as VideoPose3D exports them: (T, 17, 3), camera axes, metres."""

from pathlib import Path

import numpy as np

from syrip_gen.keypoints.catalog import H36M17
from syrip_gen.keypoints.mapping import map_points
from syrip_gen.keypoints.schema import KeypointSchema
from syrip_gen.motion.clip import Frame, MotionClip
from syrip_gen.motion.clip_choice import choose_clip
from syrip_gen.motion.mending import check_frames, fill_gaps
from syrip_gen.motion.outliers import count_jumps, drop_wild_points
from syrip_gen.motion.proportions import choose_schema, stature, to_metres

__all__ = ["DEFAULT_FPS", "clip_from_points", "read_points_npy", "read_points_npz"]

DEFAULT_FPS = 30.0
"""Assumed where a file has no frame rate: that of most videos."""
ROOT_TOLERANCE = 0.02
"""A root that stays this near the origin, as a share of the stature, is one that was subtracted."""
EXPECTED = "expected (T, 17, 3) numbers, as VideoPose3D's --viz-export writes them"


def clip_from_points(
    points: np.ndarray,
    source: str,
    name: str,
    *,
    fps: float | None,
    schema: str | KeypointSchema | None = None,
    frame: Frame = "camera",
) -> MotionClip:
    """Check an array of 3D points and make a clip of it: layout, gaps, unit, root.

    Args:
        points: (T, K, 3) of any unit.
        source: File and clip, for messages.
        name: Name of the clip.
        fps: Frames a second, None where not known.
        schema: Of the points; None to recognise it.
        frame: Axes of the points.

    Raises:
        ValueError: One line, what was found and what was expected.
    """
    check_shape(points, source)
    check_frames(len(points), source)
    points = np.where(np.isfinite(points), points, np.nan).astype(np.float64)
    if np.isnan(points).any(axis=2).all():
        raise ValueError(f"{source}: no frame has a single finite point")
    notes = []
    if fps is None:
        fps = DEFAULT_FPS
        if len(points) > 1:
            notes.append(f"no frame rate in the file: {fps:g} frames a second assumed")
    chosen = choose_schema(points, schema, source)
    points, wild = drop_wild_points(points, chosen)
    points, _, mended = fill_gaps(points, chosen, source)
    points, size = to_metres(points, chosen, source)
    points, is_absolute = _settle_root(points, chosen)
    if not is_absolute:
        notes.append("root-relative: the path of the body through space is not in the file")
    notes += count_jumps(points, chosen)
    return MotionClip(
        points, chosen, float(fps), frame, is_absolute, name, notes=(*wild, *mended, size, *notes)
    )


def check_shape(points: np.ndarray, source: str) -> None:
    """Refuse arrays that are no (T, K, 3) numbers; says what was found."""
    if points.dtype.kind not in "fiu":
        raise ValueError(f"{source}: {EXPECTED}, found an array of type {points.dtype}")
    if points.ndim == 3 and points.shape[2] == 3 and points.shape[1] > 0:
        return
    hint = ""
    if points.ndim == 3 and points.shape[2] == 2:
        hint = "; 2D points are read from data_2d_custom_*.npz, which has the size of the video"
    elif points.ndim == 4 and points.shape[0] == 1:
        hint = "; drop the first axis"
    elif points.ndim == 2 and points.shape[1] == 3:
        hint = "; a single pose needs a first axis of length 1"
    raise ValueError(f"{source}: {EXPECTED}, found shape {points.shape}{hint}")


def _settle_root(points: np.ndarray, schema: KeypointSchema) -> tuple[np.ndarray, bool]:
    """Return the points, exactly root-relative if they all but are, and whether the root's path is known."""
    mapped, _ = map_points(points, schema, H36M17)
    root = mapped[:, 0]
    if not np.isfinite(root).all():
        root = (mapped[:, H36M17.index("left_hip")] + mapped[:, H36M17.index("right_hip")]) / 2
    if np.linalg.norm(root, axis=1).max() > ROOT_TOLERANCE * stature(points, schema):
        return points, True
    return points - root[:, None], False


def read_points_npy(
    array: np.ndarray, path: Path, *, fps: float | None, schema: str | KeypointSchema | None
) -> MotionClip:
    """Make a clip of the array of a .npy file."""
    return clip_from_points(array, str(path), path.stem, fps=fps, schema=schema)


def read_points_npz(
    arrays: dict[str, np.ndarray],
    path: Path,
    *,
    fps: float | None,
    clip: str | None,
    schema: str | KeypointSchema | None,
) -> MotionClip:
    """Make a clip of one (T, K, 3) array of a .npz file; a scalar ``fps`` beside it is heeded.

    Raises:
        ValueError: If there is no such array, or several and ``clip`` names none.
    """
    names = sorted(name for name, a in arrays.items() if a.ndim == 3 and a.shape[2] == 3)
    if not names:
        found = ", ".join(f"{name} {a.shape}" for name, a in list(arrays.items())[:6]) or "nothing"
        raise ValueError(f"{path}: {EXPECTED}, found {found}")
    chosen = choose_clip(names, clip, str(path))
    if fps is None and "fps" in arrays:
        rate = arrays["fps"]
        if rate.shape != () or rate.dtype.kind not in "fiu":
            raise ValueError(f"{path}: fps is {rate.dtype} of shape {rate.shape}, expected one number")
        fps = float(rate)
    name = path.stem if len(names) == 1 else chosen
    return clip_from_points(arrays[chosen], f"{path}: '{chosen}'", name, fps=fps, schema=schema)
