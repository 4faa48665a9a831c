"""Figures of poses in the picture and in space: overall, by recording, by keypoint."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fidip.evaluation.metric_words import MetricSet
from fidip.evaluation.pose_metrics import (
    acceleration,
    ajpe,
    correct_within,
    joint_distances,
    procrustes,
    root_relative,
    scale_aligned,
)
from fidip.evaluation.pose_pairs import PosePairs

__all__ = ["GroupFigures", "PoseFigures", "is_spatial", "measure_poses"]

GOOD_IOU = 0.5


def is_spatial(name: str) -> bool:
    """Return whether a figure is of places in space, by its name: millimetres, or a share of them."""
    return name.endswith(("(mm)", "(mm/frame²)", "in 3D")) or name.startswith("3D ")


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """Figures of one recording or of one keypoint."""

    name: str
    count: int
    """Persons, or how often the keypoint is labelled in 2D."""
    count_3d: int
    """Persons or keypoints that are compared in 3D: labelled there, found or not."""
    values: Mapping[str, float]

    @property
    def has_2d(self) -> bool:
        """Whether there are figures of places in the picture."""
        return any(not is_spatial(name) for name in self.values)

    @property
    def has_3d(self) -> bool:
        """Whether there are figures of places in space."""
        return any(is_spatial(name) for name in self.values)


@dataclass(frozen=True, slots=True)
class PoseFigures:
    """What is measured beside AP. Names carry their unit; shares are 0..1; NaN where nothing is known.

    Figures in space are missing where either side has no 3D keypoint at all.
    """

    schema: str
    overall: Mapping[str, float]
    sequences: tuple[GroupFigures, ...]
    """In order of their names; empty unless there are several."""
    keypoints: tuple[GroupFigures, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Errors:
    """Errors of P persons and K keypoints, each (P, K), by name; and (P,) overlaps."""

    distances: dict[str, np.ndarray]
    """AJPE (px), AJPE (mm), MPJPE (mm) ...; infinite where a keypoint was not found."""
    shares: dict[str, np.ndarray]
    """PCKh ...: 1, 0 or NaN."""


def measure_poses(
    pairs: PosePairs, metrics: MetricSet, correct: Mapping[str, np.ndarray], *, thesis: bool = False
) -> PoseFigures:
    """Compute what ``--metrics`` asks for.

    Args:
        pairs: Persons beside their predictions.
        metrics: What is asked for.
        correct: (P, K) of each 2D PCK by name, from :func:`fidip.evaluation.pck.correct_keypoints`.
        thesis: Count distances of exactly zero as wrong.
    """
    errors = _errors(pairs, metrics, correct, thesis)
    compared = _compared_3d(errors, pairs)
    everybody = np.ones(len(pairs.sequences), bool)
    names = sorted(set(pairs.sequences) - {""})
    sequences = [
        GroupFigures(
            name,
            int(rows.sum()),
            int(compared[rows].any(axis=1).sum()),
            _overall(errors, pairs, metrics, rows),
        )
        for name in (names if len(names) > 1 else ())
        for rows in [np.array([own == name for own in pairs.sequences])]
    ]
    return PoseFigures(
        schema=pairs.schema.name,
        overall=_overall(errors, pairs, metrics, everybody),
        sequences=tuple(sequences),
        keypoints=_by_keypoint(errors, pairs, compared),
    )


def _errors(pairs: PosePairs, metrics: MetricSet, correct: Mapping[str, np.ndarray], thesis: bool) -> _Errors:
    distances: dict[str, np.ndarray] = {}
    shares = dict(correct)
    if "ajpe" in metrics.pose:
        distances["AJPE (px)"] = pairs.distances_px
    if np.isnan(pairs.truth_mm).all() or np.isnan(pairs.found_mm).all():
        return _Errors(distances, shares)
    truth = root_relative(pairs.truth_mm, pairs.schema)
    found = root_relative(pairs.found_mm, pairs.schema)
    as_given = joint_distances(pairs.found_mm, truth)
    if "ajpe" in metrics.pose:
        distances["AJPE (mm)"] = as_given
    for metric in metrics.pck:
        if metric.kind == "pckh":
            limits = metric.share * pairs.head_mm
            shares[f"3D {metric.name}"] = correct_within(as_given, limits, thesis=thesis)
    for limit in metrics.pck3d_mm:
        limits = np.full(len(truth), limit)
        shares[f"3D PCK@{limit:g}mm"] = correct_within(as_given, limits, thesis=thesis)
    for word, name, aligned in (
        ("mpjpe", "MPJPE (mm)", lambda: found),
        ("pa-mpjpe", "PA-MPJPE (mm)", lambda: procrustes(pairs.found_mm, pairs.truth_mm)),
        ("n-mpjpe", "N-MPJPE (mm)", lambda: scale_aligned(found, truth)),
    ):
        if word in metrics.pose:
            goal = pairs.truth_mm if word == "pa-mpjpe" else truth
            distances[name] = joint_distances(aligned(), goal)
    return _Errors(distances, shares)


def _overall(errors: _Errors, pairs: PosePairs, metrics: MetricSet, rows: np.ndarray) -> dict[str, float]:
    figures = {name: ajpe(values[rows]) for name, values in errors.distances.items()}
    figures |= {name: _mean(values[rows]) for name, values in errors.shares.items()}
    for unit, name in (("(px)", "Found in 2D"), ("(mm)", "Found in 3D")):
        values = next((v[rows] for key, v in errors.distances.items() if key.endswith(unit)), None)
        if values is not None:
            figures[name] = _mean(np.where(np.isnan(values), np.nan, np.isfinite(values)))
    if "accel" in metrics.pose:
        triples = pairs.triples[rows[pairs.triples].all(axis=1)]
        figures["Acceleration (mm/frame²)"] = acceleration(
            root_relative(pairs.found_mm, pairs.schema), triples
        )
        figures["labels' (mm/frame²)"] = acceleration(root_relative(pairs.truth_mm, pairs.schema), triples)
    if "iou" in metrics.pose:
        overlaps = pairs.overlaps[rows]
        figures["Box IoU"] = _mean(overlaps)
        figures["Recall@0.5"] = _mean(np.where(np.isnan(overlaps), np.nan, overlaps >= GOOD_IOU))
    return figures


def _compared_3d(errors: _Errors, pairs: PosePairs) -> np.ndarray:
    """Return (P, K) whether a keypoint is compared in space."""
    compared = np.zeros(pairs.distances_px.shape, bool)
    for name, values in {**errors.distances, **errors.shares}.items():
        if is_spatial(name):
            compared |= ~np.isnan(values)
    return compared


def _by_keypoint(errors: _Errors, pairs: PosePairs, compared: np.ndarray) -> tuple[GroupFigures, ...]:
    figures = []
    for k, name in enumerate(pairs.schema.keypoints):
        values = {key: ajpe(d[:, k : k + 1]) for key, d in errors.distances.items()}
        values |= {key: _mean(share[:, k]) for key, share in errors.shares.items()}
        labelled = ~np.isnan(pairs.distances_px[:, k])
        if labelled.any() or not np.isnan(pairs.truth_mm[:, k]).any(axis=-1).all():
            figures.append(GroupFigures(name, int(labelled.sum()), int(compared[:, k].sum()), values))
    return tuple(figures)


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")
