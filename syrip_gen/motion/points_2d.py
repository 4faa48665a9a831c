"""VideoPose3D's data_2d_*.npz: 2D keypoints of one or more videos, in pixels."""

from pathlib import Path
from typing import Any

import numpy as np

from syrip_gen.keypoints.catalog import COCO17, H36M17
from syrip_gen.keypoints.schema import KeypointSchema
from syrip_gen.motion.clip import MotionClip
from syrip_gen.motion.clip_choice import choose_clip
from syrip_gen.motion.mending import check_frames, fill_gaps
from syrip_gen.motion.points_3d import DEFAULT_FPS

__all__ = ["clip_from_pixels", "image_size_of", "read_data_2d"]

LAYOUTS: dict[str, KeypointSchema] = {"coco": COCO17, "h36m": H36M17}
MAX_SIDE_PX = 100_000


def read_data_2d(
    arrays: dict[str, np.ndarray], path: Path, *, fps: float | None, clip: str | None
) -> MotionClip:
    """Make a clip of ``positions_2d[video][action][camera]`` and ``metadata``.

    Args:
        arrays: Members of the .npz file.
        path: For messages.
        fps: Frames a second; None assumes 30, the file does not say.
        clip: ``video``, or ``video/action/camera`` where a video has several.

    Raises:
        ValueError: If the structure is another, or the size of the video is not there.
    """
    positions, metadata = (_dictionary(arrays.get(name), name, path) for name in ("positions_2d", "metadata"))
    clips = _listed(positions, path)
    chosen = choose_clip(list(clips), clip, str(path))
    video, points = clips[chosen]
    layout = metadata.get("layout_name")
    if layout not in LAYOUTS:
        raise ValueError(f"{path}: keypoint layout {layout!r}; expected one of {', '.join(LAYOUTS)}")
    sizes = metadata.get("video_metadata")
    size = sizes.get(video) if isinstance(sizes, dict) else None
    source = f"{path}: '{chosen}'"
    return clip_from_pixels(points, LAYOUTS[layout], image_size_of(size, source), source, chosen, fps=fps)


def clip_from_pixels(
    points: np.ndarray,
    schema: KeypointSchema,
    image_size: tuple[int, int],
    source: str,
    name: str,
    *,
    fps: float | None,
    scores: np.ndarray | None = None,
) -> MotionClip:
    """Check (T, K, 2) pixels, mend gaps, and make a clip of them.

    Raises:
        ValueError: One line, what was found and what was expected.
    """
    expected = f"expected (T, {len(schema)}, 2) pixels of {schema.name}"
    if points.dtype.kind not in "fiu" or points.ndim != 3 or points.shape[1:] != (len(schema), 2):
        raise ValueError(f"{source}: {expected}, found shape {points.shape} of {points.dtype}")
    check_frames(len(points), source)
    points, missing, notes = fill_gaps(points, schema, source)
    extent = float(np.nanmax(np.abs(points)))
    if extent > 100 * max(image_size):
        raise ValueError(f"{source}: pixels up to {extent:.4g} in a video of {image_size[0]}x{image_size[1]}")
    if scores is None and missing.any():
        scores = np.ones(missing.shape)
    if scores is not None:
        scores = np.where(missing, 0.0, np.clip(np.nan_to_num(scores), 0.0, 1.0))
    if fps is None and len(points) > 1:
        notes = (*notes, f"no frame rate in the file: {DEFAULT_FPS:g} frames a second assumed")
    rate = float(DEFAULT_FPS if fps is None else fps)
    return MotionClip(points, schema, rate, name=name, image_size=image_size, scores=scores, notes=notes)


def image_size_of(value: Any, source: str) -> tuple[int, int]:
    """Return (width, height) of VideoPose3D's ``{"w": ..., "h": ...}``.

    Raises:
        ValueError: If it is not there or no size.
    """
    try:
        width, height = (float(value[key]) for key in ("w", "h"))
    except (TypeError, KeyError, ValueError, IndexError):
        raise ValueError(
            f"{source}: the file does not say the size of the video (metadata w and h)"
        ) from None
    if not (1 <= width <= MAX_SIDE_PX and 1 <= height <= MAX_SIDE_PX):
        raise ValueError(f"{source}: a video of {width:g}x{height:g} pixels")
    return round(width), round(height)


def _dictionary(array: np.ndarray | None, name: str, path: Path) -> dict[str, Any]:
    value = array.item() if array is not None and array.dtype == object and array.size == 1 else None
    if not isinstance(value, dict):
        raise ValueError(f"{path}: '{name}' is no dictionary; expected VideoPose3D's data_2d_custom_*.npz")
    return value


def _listed(positions: dict[str, Any], path: Path) -> dict[str, tuple[str, np.ndarray]]:
    """Return clip name -> (video, points); a video's only clip bears the video's name."""
    clips: dict[str, tuple[str, np.ndarray]] = {}
    for video, actions in positions.items():
        if not isinstance(actions, dict):
            raise ValueError(f"{path}: positions_2d[{video!r}] is a {type(actions).__name__}, no dictionary")
        found = []
        for action, cameras in actions.items():
            cameras = cameras if isinstance(cameras, list | tuple | np.ndarray) else [cameras]
            if isinstance(cameras, np.ndarray) and cameras.dtype != object and cameras.ndim == 3:
                cameras = [cameras]
            found += [(f"{video}/{action}/{i}", np.asarray(_plain(c))) for i, c in enumerate(cameras)]
        if len(found) == 1:
            found = [(str(video), found[0][1])]
        clips |= {name: (video, points) for name, points in found}
    if not clips:
        raise ValueError(f"{path}: positions_2d holds no clip")
    return clips


def _plain(value: Any) -> Any:
    """Return an array as it is and anything else as an empty one, which is refused later by its shape."""
    return value if isinstance(value, np.ndarray) and value.dtype != object else np.zeros(0)
