"""All figures of one set of predictions: overall, by posture, by keypoint."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fidip.evaluation.areas import AreaPolicy, choose_areas
from fidip.evaluation.coco_ap import KeypointMetrics, coco_figures
from fidip.evaluation.ground_truth import GroundTruth
from fidip.evaluation.pck import PckMetric, correct_keypoints
from fidip.evaluation.predictions import Predictions
from fidip.evaluation.similarity import match_persons
from syrip_gen.keypoints.catalog import COCO17

__all__ = ["KeypointFigures", "PostureFigures", "RunFigures", "measure"]


@dataclass(frozen=True, slots=True)
class PostureFigures:
    """Figures of the pictures of one posture."""

    posture: str
    num_images: int
    num_persons: int
    coco: KeypointMetrics
    pck: dict[str, float]


@dataclass(frozen=True, slots=True)
class KeypointFigures:
    """Figures of one keypoint over all persons."""

    keypoint: str
    num_labelled: int
    similarity: float
    """Mean OKS term, 0..1; persons without a prediction count 0."""
    median_error: float
    """Median distance over the longer side of the person's box, of persons with a prediction."""
    pck: dict[str, float]


@dataclass(frozen=True, slots=True)
class RunFigures:
    """Everything that is reported about one set of predictions."""

    name: str
    num_images: int
    num_persons: int
    num_predictions: int
    num_found: int
    """Persons that have a prediction of their own."""
    coco: KeypointMetrics
    area_used: str
    coco_other_area: KeypointMetrics | None
    """AP with the file's areas, where ``auto`` took the box's instead."""
    coco_id_zero: KeypointMetrics | None
    """What pycocotools gives for the file as it is, where an annotation has the id 0."""
    pck: dict[str, float]
    postures: tuple[PostureFigures, ...]
    keypoints: tuple[KeypointFigures, ...]


def measure(
    gt: GroundTruth,
    name: str,
    predictions: Predictions,
    area: AreaPolicy = "auto",
    pck: Sequence[PckMetric] = (),
) -> RunFigures:
    """Compare predictions with the ground truth.

    Args:
        gt: Ground truth.
        name: Of the run, for the tables.
        predictions: Checked predictions.
        area: See :func:`fidip.evaluation.areas.choose_areas`.
        pck: PCK figures to compute beside AP and AR.
    """
    choice = choose_areas(gt, area)
    results = predictions.results
    coco = coco_figures(gt, results, choice.areas)
    switched = area == "auto" and choice.used == "bbox"
    file_areas = choose_areas(gt, "file").areas if switched else None
    matches = match_persons(gt, results, choice.areas)
    correct = {metric.name: correct_keypoints(metric, gt, matches.distances_px) for metric in pck}
    return RunFigures(
        name=name,
        num_images=len(gt.images),
        num_persons=len(gt.labelled),
        num_predictions=len(results),
        num_found=matches.num_found,
        coco=coco,
        area_used=choice.used,
        coco_other_area=None if file_areas is None else coco_figures(gt, results, file_areas),
        coco_id_zero=_with_id_zero(gt, results, choice.areas),
        pck=_means(correct),
        postures=_by_posture(gt, predictions, choice.areas, correct),
        keypoints=_by_keypoint(gt, matches.distances_px, matches.similarities, correct),
    )


def _with_id_zero(gt: GroundTruth, results: Sequence[dict], areas: np.ndarray) -> KeypointMetrics | None:
    """Return the figures with pycocotools' fault at id 0 brought back, if the file has such an annotation."""
    if gt.zero_index is None:
        return None
    return coco_figures(gt, results, areas, first_annotation_id=-gt.zero_index)


def _by_posture(
    gt: GroundTruth, predictions: Predictions, areas: np.ndarray, correct: dict[str, np.ndarray]
) -> tuple[PostureFigures, ...]:
    figures = []
    for posture, image_ids in gt.posture_images().items():
        chosen = set(image_ids)
        rows = np.array([person.image_id in chosen for person in gt.labelled])
        figures.append(
            PostureFigures(
                posture=posture,
                num_images=len(image_ids),
                num_persons=int(rows.sum()),
                coco=coco_figures(gt, predictions.results, areas, image_ids),
                pck=_means({name: values[rows] for name, values in correct.items()}),
            )
        )
    return tuple(figures)


def _by_keypoint(
    gt: GroundTruth, distances_px: np.ndarray, similarities: np.ndarray, correct: dict[str, np.ndarray]
) -> tuple[KeypointFigures, ...]:
    sides = np.array([max(person.box[2:]) for person in gt.labelled])
    errors = distances_px / np.maximum(sides, 1e-9)[:, None]
    figures = []
    for k, name in enumerate(COCO17.keypoints):
        found = errors[np.isfinite(errors[:, k]), k]
        figures.append(
            KeypointFigures(
                keypoint=name,
                num_labelled=int((~np.isnan(distances_px[:, k])).sum()),
                similarity=_mean(similarities[:, k]),
                median_error=float(np.median(found)) if len(found) else float("nan"),
                pck=_means({metric: values[:, k] for metric, values in correct.items()}),
            )
        )
    return tuple(figures)


def _means(correct: dict[str, np.ndarray]) -> dict[str, float]:
    return {name: _mean(values) for name, values in correct.items()}


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")
