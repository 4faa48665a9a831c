"""Points that no body can have: a wrist three metres off in one frame, a body that leaps across the room."""

import numpy as np

from syrip_gen.keypoints.schema import KeypointSchema
from syrip_gen.motion.proportions import WILD, stature

__all__ = ["count_jumps", "drop_wild_points"]

SLACK = 0.15
"""Share of the stature by which a bone must be too long besides: short ones (eye to ear) are noisy."""
JUMP = 0.5
"""Statures that the middle of the hips may move between two frames."""


def drop_wild_points(points: np.ndarray, schema: KeypointSchema) -> tuple[np.ndarray, tuple[str, ...]]:
    """Make NaN of points all of whose bones are several times as long as in the rest of the clip.

    Args:
        points: (T, K, 3) of any unit, NaN where missing.
        schema: Names and bones of the K points.

    Returns:
        (T, K, 3) points, and a note that counts the frames, if there are any.
    """
    if len(points) < 3 or not schema.skeleton:
        return points, ()
    ends = np.array(schema.skeleton)
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.linalg.norm(points[:, ends[:, 0]] - points[:, ends[:, 1]], axis=2)
    usual = np.array([np.median(column[np.isfinite(column)]) if np.isfinite(column).any() else np.inf
                      for column in lengths.T])  # fmt: skip
    is_long = lengths > np.maximum(WILD * usual, usual + SLACK * stature(points, schema))
    is_known = ~np.isnan(lengths)
    wild = np.zeros(points.shape[:2], dtype=bool)
    for k in range(points.shape[1]):
        mine = (ends == k).any(axis=1)
        wild[:, k] = is_long[:, mine].any(axis=1) & (is_long | ~is_known)[:, mine].all(axis=1)
    count = int(wild.any(axis=1).sum())
    if not count:
        return points, ()
    note = f"{count} of {len(points)} frames have points far off the body, which are taken as missing"
    return np.where(wild[..., None], np.nan, points), (note,)


def count_jumps(points: np.ndarray, schema: KeypointSchema) -> list[str]:
    """Return a note on frames between which the body leaps, if there are any; points as above."""
    hips = (points[:, schema.index("left_hip")] + points[:, schema.index("right_hip")]) / 2
    leaps = np.flatnonzero(np.linalg.norm(np.diff(hips, axis=0), axis=1) > JUMP * stature(points, schema))
    if not leaps.size:
        return []
    return [f"the body leaps {leaps.size} time{'s' * (leaps.size > 1)} between two frames (first after "
            f"frame {leaps[0]}): a cut? Cut the clip there"]  # fmt: skip
