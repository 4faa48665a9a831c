"""COCO's keypoint AP and AR, computed by pycocotools."""

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from fidip.evaluation.areas import AreaPolicy, choose_areas
from fidip.evaluation.ground_truth import GroundTruth, read_ground_truth
from fidip.evaluation.predictions import check_predictions
from syrip_gen.annotation.coco import person_category

__all__ = ["FIGURES", "KeypointMetrics", "coco_figures", "evaluate_keypoints"]


@dataclass(frozen=True, slots=True)
class KeypointMetrics:
    """COCO's ten keypoint figures, 0..1; NaN where no person falls into the class."""

    ap: float
    """Average precision, mean over OKS thresholds 0.50:0.05:0.95."""
    ap50: float
    ap75: float
    ap_medium: float
    """Persons of 32² to 96² px² area."""
    ap_large: float
    """Persons of more than 96² px² area."""
    ar: float
    """Average recall, mean over the same thresholds, at most 20 predictions an image."""
    ar50: float
    ar75: float
    ar_medium: float
    ar_large: float

    def as_dict(self) -> dict[str, float | None]:
        """Return the figures by name, None for NaN (JSON has none)."""
        return {
            field.name: None if np.isnan(value) else float(value)
            for field in fields(self)
            for value in [getattr(self, field.name)]
        }


FIGURES: Mapping[str, str] = {
    "ap": "AP",
    "ap50": "AP50",
    "ap75": "AP75",
    "ap_medium": "APM",
    "ap_large": "APL",
    "ar": "AR",
    "ar50": "AR50",
    "ar75": "AR75",
    "ar_medium": "ARM",
    "ar_large": "ARL",
}
"""Field of :class:`KeypointMetrics` to the name in tables, in the order of the papers."""


def evaluate_keypoints(
    gt: str | Path | Mapping[str, Any] | GroundTruth,
    results: Sequence[Mapping[str, Any]],
    *,
    area: AreaPolicy = "auto",
) -> KeypointMetrics:
    """Return AP and AR of COCO results, as the trainer picks the best epoch by.

    Args:
        gt: COCO keypoint file, its content, or what ``read_ground_truth`` made of it (faster, many times).
        results: COCO results; an empty list gives 0.
        area: See :func:`fidip.evaluation.areas.choose_areas`.

    Raises:
        ValueError: If a result has another image, category or keypoint count, or is not finite.
    """
    truth = read_ground_truth(gt)
    checked = check_predictions(results, truth, "predictions", strict=True)
    return coco_figures(truth, checked.results, choose_areas(truth, area).areas)


def coco_figures(
    gt: GroundTruth,
    results: Sequence[Mapping[str, Any]],
    areas: np.ndarray,
    image_ids: Sequence[int] | None = None,
    *,
    first_annotation_id: int = 1,
) -> KeypointMetrics:
    """Run pycocotools.

    Args:
        gt: Ground truth.
        results: Checked COCO results (``Predictions.results``).
        areas: (N,) px² for the persons of ``gt``, in their order.
        image_ids: Count these images only.
        first_annotation_id: Annotations are numbered from here. pycocotools takes a match with annotation 0
            for a miss; a number below 1 brings that fault back for one person, to compare with figures that
            have it.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        truth, found = _as_coco(gt, results, areas, first_annotation_id)
        evaluation = COCOeval(truth, found, "keypoints")
        if image_ids is not None:
            evaluation.params.imgIds = list(image_ids)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return KeypointMetrics(*(float(v) if v >= 0 else float("nan") for v in evaluation.stats))


def _as_coco(
    gt: GroundTruth, results: Sequence[Mapping[str, Any]], areas: np.ndarray, first_id: int
) -> tuple[COCO, COCO]:
    """Return ground truth and results as pycocotools holds them."""
    truth = COCO()
    annotations = [
        {
            "id": number,
            "image_id": person.image_id,
            "category_id": person.category_id,
            "keypoints": person.keypoints.ravel().tolist(),
            "num_keypoints": person.num_labelled,
            "bbox": list(person.box),
            "area": float(area),
            "iscrowd": int(person.is_crowd),
        }
        for number, (person, area) in enumerate(zip(gt.persons, areas, strict=True), start=first_id)
    ]
    truth.dataset = {
        "info": {},
        "images": [{"id": image_id} for image_id in gt.image_ids],
        "annotations": annotations,
        "categories": [{**person_category(), "id": category} for category in gt.category_ids],
    }
    truth.createIndex()
    if results:
        return truth, truth.loadRes([dict(result) for result in results])
    empty = COCO()
    empty.dataset = {**truth.dataset, "annotations": []}
    empty.createIndex()
    return truth, empty
