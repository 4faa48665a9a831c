"""Object keypoint similarity, who is whose prediction, and OKS non-maximum suppression."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from fidip.evaluation.ground_truth import GroundTruth
from syrip_gen.keypoints.catalog import COCO17

__all__ = ["Matches", "keypoint_similarity", "match_persons", "oks_nms"]

SIGMAS = np.array(COCO17.oks_sigmas)
NO_AREA = float(np.spacing(1.0))


@dataclass(frozen=True, slots=True)
class Matches:
    """Each labelled person (``GroundTruth.labelled``, P of them, K keypoints) beside its prediction."""

    distances_px: np.ndarray
    """(P, K) distance of each labelled keypoint; infinite where the person has no prediction, NaN where the
    keypoint is not labelled."""
    similarities: np.ndarray
    """(P, K) OKS term of each keypoint, 0..1; 0 and NaN likewise."""
    result_index: np.ndarray
    """(P,) int64 number of each person's prediction among the results, -1 where it has none."""

    @property
    def num_found(self) -> int:
        """Number of persons with a prediction."""
        return int(np.isfinite(self.distances_px).any(axis=1).sum())


def keypoint_similarity(distances_px: np.ndarray, areas: np.ndarray) -> np.ndarray:
    """Return COCO's exp(-d² / (2 area (2 sigma)²)) of distances (..., K) and areas (...,) in px²."""
    variances = (2 * SIGMAS) ** 2
    return np.exp(-(distances_px**2) / (2 * variances * (areas[..., None] + NO_AREA)))


def match_persons(gt: GroundTruth, results: Sequence[Mapping[str, Any]], areas: np.ndarray) -> Matches:
    """Pair persons and predictions of each picture one to one so that the sum of OKS is the highest.

    Args:
        gt: Ground truth.
        results: Checked COCO results.
        areas: (N,) px² for ``gt.persons``.
    """
    predicted: dict[tuple[int, int], list[np.ndarray]] = {}
    numbers_of: dict[tuple[int, int], list[int]] = {}
    for number, result in enumerate(results):
        key = result["image_id"], result["category_id"]
        predicted.setdefault(key, []).append(np.reshape(result["keypoints"], (-1, 3))[:, :2])
        numbers_of.setdefault(key, []).append(number)
    area_of = {id(person): area for person, area in zip(gt.persons, areas, strict=True)}
    people = gt.labelled
    groups: dict[tuple[int, int], list[int]] = {}
    for number, person in enumerate(people):
        groups.setdefault((person.image_id, person.category_id), []).append(number)
    distances = np.full((len(people), len(COCO17)), np.inf)
    similarities = np.zeros_like(distances)
    result_index = np.full(len(people), -1)
    for key, numbers in groups.items():
        if key not in predicted:
            continue
        truth = np.stack([people[n].keypoints for n in numbers])
        apart = np.linalg.norm(truth[:, None, :, :2] - np.stack(predicted[key])[None], axis=-1)
        terms = keypoint_similarity(apart, np.array([[area_of[id(people[n])]] for n in numbers]))
        labelled = truth[:, None, :, 2] > 0
        oks = np.where(labelled, terms, 0).sum(-1) / labelled.sum(-1)
        for row, column in zip(*linear_sum_assignment(-oks), strict=True):
            distances[numbers[row]] = apart[row, column]
            similarities[numbers[row]] = terms[row, column]
            result_index[numbers[row]] = numbers_of[key][column]
    unlabelled = np.stack([person.keypoints[:, 2] <= 0 for person in people])
    return Matches(
        distances_px=np.where(unlabelled, np.nan, distances),
        similarities=np.where(unlabelled, np.nan, similarities),
        result_index=result_index,
    )


def oks_nms(keypoints: np.ndarray, scores: np.ndarray, areas: np.ndarray, threshold: float) -> np.ndarray:
    """Return the indices of the persons to keep, best first; none is too much like a better one.

    Args:
        keypoints: (N, K, 2 or more) persons of one picture, px.
        scores: (N,) the higher the better.
        areas: (N,) area of each person, px²; two are compared with their mean.
        threshold: OKS above which two are the same person, 0..1 (the papers: 0.9).
    """
    waiting = list(np.argsort(-scores, kind="stable"))
    kept = []
    while waiting:
        best = waiting.pop(0)
        kept.append(best)
        if waiting:
            apart = np.linalg.norm(keypoints[waiting, :, :2] - keypoints[best, :, :2], axis=-1)
            alike = keypoint_similarity(apart, (areas[waiting] + areas[best]) / 2).mean(axis=1)
            waiting = [n for n, value in zip(waiting, alike, strict=True) if value <= threshold]
    return np.array(kept, dtype=np.int64)
