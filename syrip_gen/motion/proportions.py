"""What bone lengths tell of an array of points: which schema it is in, and in which unit."""

import numpy as np

from syrip_gen.keypoints.catalog import CATALOG, COCO17, H36M17, get_schema
from syrip_gen.keypoints.mapping import map_points
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["choose_schema", "stature", "to_metres"]

SIDED_BONES = (
    ("shoulder", "elbow"),
    ("elbow", "wrist"),
    ("hip", "knee"),
    ("knee", "ankle"),
)
STATURE_OF_LEGS_AND_TRUNK = 0.79
"""(thigh + shin + shoulders to hips) / stature: 0.79 for adults, 0.77 for infants (anthropometric tables)."""
STATURE_OF_TRUNK = 0.32
"""The same with the trunk alone: 0.29 for adults, 0.36 for infants."""
ADULT_STATURE_M = 1.7
INFANT_STATURE_M = 1.05
"""Shorter bodies are called infant-sized."""
UNITS = (
    ("metres", 0.3, 3.0, 1.0),
    ("centimetres", 40.0, 300.0, 0.01),
    ("millimetres", 350.0, 3000.0, 0.001),
)
"""Unit, smallest and largest stature in it, metres a unit."""
WILD = 3.0
"""Times its median that a bone's length is still one."""
MAX_ODDITY = 0.3
"""Arrays whose best reading is odder than this hold no body: motion capture scores up to 0.06 in its own
order and at least 0.25 in the other one."""


def choose_schema(points: np.ndarray, schema: str | KeypointSchema | None, source: str) -> KeypointSchema:
    """Return what the points of an array are.

    Seventeen points are Human3.6M's or COCO's: the reading in which left and right limbs are alike, bones
    keep their lengths and (Human3.6M) the pelvis lies between the hips. Other counts must be named: sixteen
    may be MPII's, or Human3.6M's without one.

    Args:
        points: (T, K, 3), NaN where missing.
        schema: Schema or its name, which settles it; or None.
        source: File and clip, for messages.

    Raises:
        ValueError: If the schema has another number of points, or no reading looks like a body.
    """
    count = points.shape[1]
    if schema is not None:
        chosen = get_schema(schema) if isinstance(schema, str) else schema
        if len(chosen) != count:
            raise ValueError(f"{source}: expected {len(chosen)} {chosen.name} points, found {count}")
        return chosen
    if count != 17:
        names = ", ".join(s.name for s in CATALOG.values() if len(s) == count)
        advice = f"name their order with --keypoint-schema: {names}" if names else "no schema has so many"
        raise ValueError(f"{source}: expected 17 points (Human3.6M or COCO), found {count}; {advice}")
    oddities = {s.name: (_oddity(points, s), s) for s in (H36M17, COCO17)}
    oddity, best = min(oddities.values(), key=lambda pair: pair[0])
    if not oddity < MAX_ODDITY:
        raise ValueError(
            f"{source}: neither Human3.6M's nor COCO's order of 17 points gives a body (limbs of unequal or "
            "changing length); name the order with --keypoint-schema if it is another"
        )
    return best


def _oddity(points: np.ndarray, schema: KeypointSchema) -> float:
    """Return how unlike a body a reading is: asymmetry + change of bone lengths (+ place of the pelvis)."""
    at = {name: points[:, i] for i, name in enumerate(schema.keypoints)}
    with np.errstate(all="ignore"):
        asymmetry, change = [], []
        for a, b in SIDED_BONES:
            left, right = (np.linalg.norm(at[f"{s}_{b}"] - at[f"{s}_{a}"], axis=1) for s in ("left", "right"))
            asymmetry.append(abs(np.log(_median(left) / _median(right))))
            change += [_spread(left), _spread(right)]
        hips = (at["left_hip"] + at["right_hip"]) / 2
        shoulders = (at["left_shoulder"] + at["right_shoulder"]) / 2
        trunk = _median(np.linalg.norm(shoulders - hips, axis=1))
        if not (np.isfinite(asymmetry).any() and np.isfinite(change).any()):
            return np.inf
        oddity = float(np.nanmean(asymmetry) + np.nanmean(change))
        if "pelvis" in at:
            oddity += float(_median(np.linalg.norm(at["pelvis"] - hips, axis=1)) / trunk)
        thigh = _median(np.linalg.norm(at["left_knee"] - at["left_hip"], axis=1))
        oddity += max(0.0, abs(float(np.log(thigh / trunk))) - 0.7)
    return oddity if np.isfinite(oddity) else np.inf


def _median(values: np.ndarray) -> np.float64:
    finite = values[np.isfinite(values)]
    return np.float64(np.median(finite)) if finite.size else np.float64("nan")


def _spread(values: np.ndarray) -> float:
    """Return the standard deviation over the mean; single wild values, which are mended later, left out."""
    finite = values[np.isfinite(values)]
    finite = finite[finite <= WILD * _median(finite)] if finite.size else finite
    return float(finite.std() / finite.mean()) if finite.size and finite.mean() > 0 else float("nan")


def stature(points: np.ndarray, schema: KeypointSchema) -> float:
    """Estimate the standing height, in the unit of the points, from legs and trunk (or the trunk alone)."""
    points, _ = map_points(points, schema, H36M17)
    at = {name: points[:, i] for i, name in enumerate(H36M17.keypoints)}
    hips = (at["left_hip"] + at["right_hip"]) / 2
    trunk = _median(np.linalg.norm((at["left_shoulder"] + at["right_shoulder"]) / 2 - hips, axis=1))
    legs = [
        _median(np.linalg.norm(at[f"{side}_{b}"] - at[f"{side}_{a}"], axis=1))
        for a, b in SIDED_BONES[2:]
        for side in ("left", "right")
    ]
    if not np.isfinite(legs).all():
        return float(trunk / STATURE_OF_TRUNK)
    return float(sum(legs) / 2 + trunk) / STATURE_OF_LEGS_AND_TRUNK


def to_metres(points: np.ndarray, schema: KeypointSchema, source: str) -> tuple[np.ndarray, str]:
    """Scale points to metres by what their bones measure.

    Returns:
        (T, K, 3) metres, and a note that says unit and size.

    Raises:
        ValueError: If the points of a frame all but coincide.
    """
    height = stature(points, schema)
    extent = np.nanmax(np.abs(points))
    if not np.isfinite(height) or height <= 1e-9 * max(extent, 1e-300):
        raise ValueError(f"{source}: the points of a frame coincide; there is no body in it")
    for unit, low, high, metres in UNITS:
        if low <= height < high:
            size = "infant-sized" if height * metres < INFANT_STATURE_M else "adult-sized"
            said = f"{size} body, about {height * metres:.2f} m tall"
            return points * metres, said if metres == 1.0 else f"{unit} recognised: {said}"
    return points * (ADULT_STATURE_M / height), (
        f"unit of length not recognised (stature {height:.3g}): scaled to {ADULT_STATURE_M:.2f} m"
    )
