"""How long an infant's limbs may look: no limb of a picture can outgrow what the rest of the body allows."""

import numpy as np

from syrip_gen.keypoints.catalog import COCO17

__all__ = ["SEGMENTS", "TOLERANCE", "Segment", "segment_excess", "suspects"]

Segment = tuple[str, str, str, float]

SEGMENTS: tuple[Segment, ...] = (
    ("left upper arm", "left_shoulder", "left_elbow", 0.500),
    ("right upper arm", "right_shoulder", "right_elbow", 0.500),
    ("left forearm", "left_elbow", "left_wrist", 0.439),
    ("right forearm", "right_elbow", "right_wrist", 0.439),
    ("left thigh", "left_hip", "left_knee", 0.592),
    ("right thigh", "right_hip", "right_knee", 0.592),
    ("left shank", "left_knee", "left_ankle", 0.628),
    ("right shank", "right_knee", "right_ankle", 0.628),
    ("left flank", "left_shoulder", "left_hip", 1.006),
    ("right flank", "right_shoulder", "right_hip", 1.006),
    ("shoulder line", "left_shoulder", "right_shoulder", 0.694),
    ("hip line", "left_hip", "right_hip", 0.521),
)
"""Name, ends, and length in space over the trunk's (middle of the shoulders to middle of the hips): medians
of 2000 generated infants. ``python -m benchmarks.infant_limbs DATASET`` measures them, and the tolerance."""
TOLERANCE = 1.3
"""A segment may look so much longer than the longest-looking segment that shares no end with it. Of 2000
generated infants' segments 99.7 % stay below: builds differ, and what is nearer looks longer."""

ENDS = np.array([(COCO17.index(a), COCO17.index(b)) for _, a, b, _ in SEGMENTS])
LENGTHS = np.array([length for *_, length in SEGMENTS])
APART = np.array([[not {*a} & {*b} for b in ENDS.tolist()] for a in ENDS.tolist()])
"""(S, S) whether two segments share no end: a misplaced point cannot be long in both."""


def segment_excess(keypoints: np.ndarray, is_known: np.ndarray) -> np.ndarray:
    """Return how many times as long each segment looks as the rest of the body allows.

    Seen from anywhere a segment looks at most as long as it is (foreshortening only shortens), so the segment
    that looks longest for an infant tells the scale, and both sides of the body share it. NaN where an end,
    or every segment to compare with, is unknown.

    Args:
        keypoints: (17, 2) px, COCO-17.
        is_known: (17,) which of them are there.

    Returns:
        (S,) in the order of :data:`SEGMENTS`; values above :data:`TOLERANCE` are implausible.
    """
    spans = np.linalg.norm(keypoints[ENDS[:, 0]] - keypoints[ENDS[:, 1]], axis=1)
    scales = np.where(is_known[ENDS].all(axis=1), spans / LENGTHS, np.nan)
    allowed = np.where(APART & np.isfinite(scales), scales, 0.0).max(axis=1)
    return np.where(allowed > 0, scales / np.where(allowed > 0, allowed, 1.0), np.nan)


def suspects(keypoints: np.ndarray, scores: np.ndarray, is_known: np.ndarray) -> dict[int, tuple[str, float]]:
    """Return the keypoints that make a segment too long: of its two ends the one with the lower score.

    Args:
        keypoints: (17, 2) px, COCO-17.
        scores: (17,) how sure the network is of each.
        is_known: (17,) which of them are there.

    Returns:
        Name and excess of the worst segment by keypoint index.
    """
    excess = segment_excess(keypoints, is_known)
    found: dict[int, tuple[str, float]] = {}
    for i in np.flatnonzero(np.nan_to_num(excess) > TOLERANCE).tolist():
        a, b = ENDS[i].tolist()
        end = a if scores[a] < scores[b] else b
        if end not in found or excess[i] > found[end][1]:
            found[end] = SEGMENTS[i][0], float(excess[i])
    return found
