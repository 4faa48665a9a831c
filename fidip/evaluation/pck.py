"""Percentage of correct keypoints: within a share of the head size (PCKh) or the box's longer side (PCK)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fidip.evaluation.ground_truth import GroundTruth, Person
from fidip.evaluation.pose_metrics import correct_within
from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.keypoints.mapping import map_points
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["DEFAULT_SHARE", "PckMetric", "correct_keypoints", "head_size_mm", "head_size_px", "pck_notes"]

HEAD_SEGMENT_OF_BOX = 0.6
"""MPII's head size: 0.6 times the diagonal of the head's box."""
DEFAULT_SHARE = {"pckh": 0.5, "pck": 0.05}
FACE = tuple(COCO17.index(name) for name in ("nose", "left_ear", "right_ear"))


@dataclass(frozen=True, slots=True)
class PckMetric:
    """One PCK: a keypoint is correct when it lies within ``share`` of the reference length."""

    kind: Literal["pckh", "pck"]
    share: float

    @property
    def name(self) -> str:
        """Name in tables: ``PCKh@0.5``, ``PCK@0.05``."""
        return f"{'PCKh' if self.kind == 'pckh' else 'PCK'}@{self.share:g}"


def correct_keypoints(
    metric: PckMetric, gt: GroundTruth, distances_px: np.ndarray, *, thesis: bool = False
) -> np.ndarray:
    """Return (P, K) 1 correct, 0 wrong, NaN where it cannot be told, for the persons of ``gt.labelled``.

    It cannot be told where the keypoint is not labelled and, for PCKh, where the head's size is unknown.

    Args:
        metric: What counts as correct.
        gt: Ground truth.
        distances_px: (P, K) of ``match_persons``.
        thesis: Count a distance of exactly zero as wrong.
    """
    lengths = np.array(_lengths_px(metric, gt.labelled))
    return correct_within(distances_px, metric.share * lengths, thesis=thesis)


def pck_notes(metrics: Sequence[PckMetric], gt: GroundTruth) -> list[str]:
    """Return what to tell about persons that PCK cannot be computed for."""
    persons = gt.labelled
    unknown = int(np.isnan([head_size_px(person) for person in persons]).sum())
    if not unknown or all(metric.kind != "pckh" for metric in metrics):
        return []
    what = f"PCKh leaves out {unknown} of {len(persons)} persons of {gt.name}"
    return [f"{what}: no head box, and nose and ears are not labelled."]


def head_size_px(person: Person) -> float:
    """Return the size of a head, NaN where it is unknown.

    It is the dataset's own, or MPII's where the file has a head box, or else comes from nose and ears:
    COCO's keypoints have no crown. An infant's ears lie about as far apart as MPII's head size is long, and
    in profile nose and ear do nearly; so the longest distance among labelled nose and ears serves.
    """
    if person.head_px > 0:
        return person.head_px
    if person.head_box is not None:
        return HEAD_SEGMENT_OF_BOX * float(np.hypot(*person.head_box))
    return _longest([person.keypoints[k, :2] for k in FACE if person.keypoints[k, 2] > 0])


def head_size_mm(person: Person, schema: KeypointSchema) -> float:
    """Return the size of a head in space, mm: the dataset's own, else from nose and ears, else NaN.

    Args:
        person: With 3D keypoints.
        schema: Theirs (``GroundTruth.space_schema``).
    """
    if person.head_mm > 0:
        return person.head_mm
    if person.points_3d_mm is None:
        return float("nan")
    points = map_points(person.points_3d_mm, schema, COCO17)[0]
    return _longest([points[k] for k in FACE if np.isfinite(points[k]).all()])


def _longest(points: Sequence[np.ndarray]) -> float:
    """Return the longest distance among points, NaN for fewer than two."""
    pairs = [np.linalg.norm(a - b) for i, a in enumerate(points) for b in points[i + 1 :]]
    longest = float(max(pairs, default=0.0))
    return longest if longest > 0 else float("nan")


def _lengths_px(metric: PckMetric, persons: Sequence[Person]) -> list[float]:
    if metric.kind == "pckh":
        return [head_size_px(person) for person in persons]
    return [max(person.box[2:]) for person in persons]
