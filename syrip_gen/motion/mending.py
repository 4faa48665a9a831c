"""Gaps in a clip: points that are not finite are interpolated over time, counted, and refused when many."""

import numpy as np

from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["MAX_FRAMES", "MAX_MISSING_SHARE", "check_frames", "fill_gaps"]

MAX_MISSING_SHARE = 0.2
"""Clips of which more frames than this lack a point are refused."""
MAX_FRAMES = 200_000
"""Almost two hours at 30 frames a second."""
NEEDED = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
"""Without these nothing can be said of how a body lies."""


def check_frames(count: int, source: str) -> None:
    """Refuse clips of no frames and of far too many.

    Raises:
        ValueError: With the limits.
    """
    if count < 1:
        raise ValueError(f"{source}: the clip has no frames")
    if count > MAX_FRAMES:
        raise ValueError(f"{source}: {count} frames, at most {MAX_FRAMES} are read; cut the clip into parts")


def fill_gaps(
    points: np.ndarray, schema: KeypointSchema, source: str
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Interpolate what is not finite, each point over time; at the ends the nearest frame is repeated.

    Args:
        points: (T, K, D).
        schema: Names of the K points.
        source: File and clip, for messages.

    Returns:
        (T, K, D) float64 points, NaN only in points that no frame has; the (T, K) mask of what was not finite
        before; notes.

    Raises:
        ValueError: If a shoulder or hip is in no frame, or more than 20 % of the frames lack a point.
    """
    count = len(points)
    points = np.array(points, dtype=np.float64)
    missing = ~np.isfinite(points).all(axis=2)
    points[missing] = np.nan
    never = missing.all(axis=0)
    if never.all():
        raise ValueError(f"{source}: no frame has a single finite point")
    lacking = [name for name in NEEDED if name in schema.keypoints and never[schema.index(name)]]
    if lacking:
        raise ValueError(f"{source}: {_listed(lacking)} in no frame; shoulders and hips are needed")
    gaps = missing & ~never
    frames = gaps.any(axis=1)
    num_missing = int(frames.sum())
    if num_missing > MAX_MISSING_SHARE * count:
        frame = int(np.argmax(frames))
        raise ValueError(
            f"{source}: {num_missing} of {count} frames ({num_missing / count:.0%}) lack points (first: "
            f"{schema.keypoints[int(np.argmax(gaps[frame]))]} of frame {frame}); at most "
            f"{MAX_MISSING_SHARE:.0%} are interpolated. Cut the clip to its good part"
        )
    for k in np.flatnonzero(gaps.any(axis=0)):
        seen = np.flatnonzero(~gaps[:, k])
        wanted = np.flatnonzero(gaps[:, k])
        for axis in range(points.shape[2]):
            points[wanted, k, axis] = np.interp(wanted, seen, points[seen, k, axis])
    return points, missing, _notes(points, schema, never, frames)


def _notes(
    points: np.ndarray, schema: KeypointSchema, never: np.ndarray, frames: np.ndarray
) -> tuple[str, ...]:
    count, notes = len(points), []
    if never.any():
        names = [name for name, absent in zip(schema.keypoints, never, strict=True) if absent]
        notes.append(f"{_listed(names)} in no frame")
    if frames.any():
        notes.append(f"{int(frames.sum())} of {count} frames interpolated (longest gap {_longest(frames)})")
    if count == 1:
        notes.append("one frame only: a still pose, nothing can be said of speed, contact or smoothness")
    elif not np.ptp(points[:, ~never], axis=0).any():
        notes.append(f"all {count} frames are the same: a still pose")
    return tuple(notes)


def _longest(frames: np.ndarray) -> int:
    """Return the length of the longest run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], frames, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max())


def _listed(names: list[str]) -> str:
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'}"
