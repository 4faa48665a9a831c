"""All figures of one set of predictions: overall, by posture, by keypoint."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fidip.evaluation.areas import AreaPolicy, choose_areas
from fidip.evaluation.coco_ap import FIGURES, KeypointMetrics, coco_figures
from fidip.evaluation.ground_truth import GroundTruth
from fidip.evaluation.metric_words import MetricSet
from fidip.evaluation.pck import correct_keypoints
from fidip.evaluation.pose_figures import PoseFigures, measure_poses
from fidip.evaluation.pose_pairs import PosePairs, pair_poses
from fidip.evaluation.predictions import Predictions
from fidip.evaluation.similarity import match_persons
from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["KeypointFigures", "PostureFigures", "RunFigures", "measure"]

NO_FIGURES = KeypointMetrics(*[float("nan")] * len(FIGURES))


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
    poses: PoseFigures | None = None
    """AJPE, MPJPE and the like, where they were asked for."""
    notes: tuple[str, ...] = ()
    """What to tell about these figures, one line each."""


def measure(
    gt: GroundTruth,
    name: str,
    predictions: Predictions,
    area: AreaPolicy = "auto",
    metrics: MetricSet | None = None,
    *,
    schema: KeypointSchema = COCO17,
    thesis: bool = False,
) -> RunFigures:
    """Compare predictions with the ground truth.

    Args:
        gt: Ground truth.
        name: Of the run, for the tables.
        predictions: Checked predictions.
        area: See :func:`fidip.evaluation.areas.choose_areas`.
        metrics: Figures to compute beside AP and AR.
        schema: Keypoints that all but AP and AR are computed of; labels and predictions are mapped to it.
        thesis: Count distances of exactly zero as wrong in PCK.
    """
    metrics = metrics or MetricSet()
    choice = choose_areas(gt, area)
    results = predictions.results
    is_coco = predictions.schema is COCO17
    switched = area == "auto" and choice.used == "bbox"
    file_areas = choose_areas(gt, "file").areas if switched else None
    matches = match_persons(gt, results, choice.areas)
    pairs = pair_poses(gt, predictions, matches, schema)
    correct = {
        metric.name: correct_keypoints(metric, gt, pairs.distances_px, thesis=thesis)
        for metric in metrics.pck
    }
    return RunFigures(
        name=name,
        num_images=len(gt.images),
        num_persons=len(gt.labelled),
        num_predictions=len(results),
        num_found=matches.num_found,
        coco=coco_figures(gt, results, choice.areas) if is_coco else NO_FIGURES,
        area_used=choice.used,
        coco_other_area=coco_figures(gt, results, file_areas) if is_coco and switched else None,
        coco_id_zero=_with_id_zero(gt, results, choice.areas) if is_coco else None,
        pck=_means(correct),
        postures=_by_posture(gt, predictions, choice.areas, correct) if is_coco else (),
        keypoints=_by_keypoint(gt, pairs, matches.similarities if schema is COCO17 else None, correct),
        poses=measure_poses(pairs, metrics, correct, thesis=thesis) if metrics.has_pose_figures else None,
        notes=_notes(name, predictions, pairs),
    )


def _notes(name: str, predictions: Predictions, pairs: PosePairs) -> tuple[str, ...]:
    notes = []
    if predictions.schema is not COCO17:
        notes.append(f"{name}: its keypoints are {predictions.schema.name}; AP and AR need COCO-17's.")
    if pairs.undefined:
        without = ", ".join(pairs.undefined)
        notes.append(f"{name}: {predictions.schema.name} has no {without}; not compared.")
    return tuple(notes)


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
    gt: GroundTruth,
    pairs: PosePairs,
    similarities: np.ndarray | None,
    correct: dict[str, np.ndarray],
) -> tuple[KeypointFigures, ...]:
    sides = np.array([max(person.box[2:]) for person in gt.labelled])
    errors = pairs.distances_px / np.maximum(sides, 1e-9)[:, None]
    figures = []
    for k, name in enumerate(pairs.schema.keypoints):
        found = errors[np.isfinite(errors[:, k]), k]
        figures.append(
            KeypointFigures(
                keypoint=name,
                num_labelled=int((~np.isnan(pairs.distances_px[:, k])).sum()),
                similarity=float("nan") if similarities is None else _mean(similarities[:, k]),
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
