"""Percentage of correct keypoints: within a share of the head size (PCKh) or the box's longer side (PCK)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fidip.evaluation.ground_truth import GroundTruth, Person
from syrip_gen.keypoints.catalog import COCO17

__all__ = ["PckMetric", "correct_keypoints", "head_size_px", "parse_metrics", "pck_notes"]

HEAD_SEGMENT_OF_BOX = 0.6
"""MPII's head size: 0.6 times the diagonal of the head's box."""
DEFAULT_SHARE = {"pckh": 0.5, "pck": 0.05}
_NOSE, _EARS = COCO17.index("nose"), (COCO17.index("left_ear"), COCO17.index("right_ear"))


@dataclass(frozen=True, slots=True)
class PckMetric:
    """One PCK: a keypoint is correct when it lies within ``share`` of the reference length."""

    kind: Literal["pckh", "pck"]
    share: float

    @property
    def name(self) -> str:
        """Name in tables: ``PCKh@0.5``, ``PCK@0.05``."""
        return f"{'PCKh' if self.kind == 'pckh' else 'PCK'}@{self.share:g}"


def parse_metrics(text: str) -> tuple[PckMetric, ...]:
    """Read ``oks,pckh,pck@0.05``; OKS (AP and AR) is always computed and needs not be named.

    Raises:
        ValueError: If a word is none of these or a share is not above 0 and at most 10.
    """
    metrics = []
    for word in filter(None, (part.strip().lower() for part in text.split(","))):
        if word in ("oks", "ap"):
            continue
        match = re.fullmatch(r"(pckh|pck)(?:@(\d*\.?\d+))?", word)
        if not match:
            raise ValueError(f"--metrics {text!r}: {word!r} is not oks, pckh, pckh@0.5 or pck@0.05")
        share = float(match[2]) if match[2] else DEFAULT_SHARE[match[1]]
        if not 0 < share <= 10:
            raise ValueError(f"--metrics {text!r}: the share in {word!r} must be above 0 and at most 10")
        metrics.append(PckMetric("pckh" if match[1] == "pckh" else "pck", share))
    return tuple(dict.fromkeys(metrics))


def correct_keypoints(metric: PckMetric, gt: GroundTruth, distances_px: np.ndarray) -> np.ndarray:
    """Return (P, K) 1 correct, 0 wrong, NaN where it cannot be told, for the persons of ``gt.labelled``.

    It cannot be told where the keypoint is not labelled and, for PCKh, where the head's size is unknown.

    Args:
        metric: What counts as correct.
        gt: Ground truth.
        distances_px: (P, K) of ``match_persons``.
    """
    lengths = np.array(_lengths_px(metric, gt.labelled))[:, None]
    unknown = np.isnan(distances_px) | np.isnan(lengths)
    return np.where(unknown, np.nan, distances_px <= metric.share * np.nan_to_num(lengths))


def pck_notes(metrics: Sequence[PckMetric], gt: GroundTruth) -> list[str]:
    """Return what to tell about persons that PCK cannot be computed for."""
    persons = gt.labelled
    unknown = int(np.isnan([head_size_px(person) for person in persons]).sum())
    if not unknown or all(metric.kind != "pckh" for metric in metrics):
        return []
    what = f"PCKh leaves out {unknown} of {len(persons)} persons of {gt.name}"
    return [f"{what}: no head box, and nose and ears are not labelled."]


def head_size_px(person: Person) -> float:
    """Return the size of a head: MPII's where the file has a head box, else from nose and ears, else NaN.

    COCO's keypoints have no crown. An infant's ears lie about as far apart as MPII's head size is long, and
    in profile nose and ear do nearly; so the longest distance among labelled nose and ears serves.
    """
    if person.head_box is not None:
        return HEAD_SEGMENT_OF_BOX * float(np.hypot(*person.head_box))
    points = [person.keypoints[k, :2] for k in (_NOSE, *_EARS) if person.keypoints[k, 2] > 0]
    pairs = [np.linalg.norm(a - b) for i, a in enumerate(points) for b in points[i + 1 :]]
    longest = float(max(pairs, default=0.0))
    return longest if longest > 0 else float("nan")


def _lengths_px(metric: PckMetric, persons: Sequence[Person]) -> list[float]:
    if metric.kind == "pckh":
        return [head_size_px(person) for person in persons]
    return [max(person.box[2:]) for person in persons]
