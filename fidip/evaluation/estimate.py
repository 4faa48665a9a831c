"""Predictions of a pose network for a ground truth's pictures."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fidip.data.crops import crop_region
from fidip.evaluation.boxes import BoxSet, PersonBox
from fidip.evaluation.ground_truth import GroundTruth
from fidip.evaluation.pictures import find_pictures, read_ahead
from fidip.evaluation.predictions import Predictions, result_record
from fidip.evaluation.similarity import oks_nms
from fidip.inference.estimator import EstimatedPoses, PoseEstimator
from fidip.models.whole_image import WholeImageEstimator
from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.keypoints.mapping import map_keypoints
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["estimate_persons", "find_persons"]


def estimate_persons(
    estimator: PoseEstimator,
    gt: GroundTruth,
    boxes: BoxSet,
    folder: Path,
    *,
    name: str,
    nms_threshold: float | None = None,
    advance: Callable[[int], None] = lambda count: None,
) -> Predictions:
    """Run a network on every box.

    A person's score is the mean of its keypoint scores above 0.2 times the box's score. A picture that does
    not decode is a failure of its own and stops nothing.

    Args:
        estimator: The network and how it is run.
        gt: Ground truth, for the pictures' names and sizes.
        boxes: Where the persons are.
        folder: Folder of the pictures.
        name: Of the run, for texts.
        nms_threshold: OKS above which the worse of two persons of a picture is dropped; None keeps all.
        advance: Called with the number of pictures done.

    Raises:
        FileNotFoundError: If pictures are missing, before anything is run.
        ValueError: If the network returns NaN.
    """
    pictures = find_pictures(gt, folder, boxes.by_image)
    sizes = {image["id"]: _size(image) for image in gt.images}
    order: list[int] = []
    failures: list[str] = list(boxes.failures)

    def feed() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for image_id, picture in read_ahead(pictures.items(), sizes):
            if isinstance(picture, str):
                failures.append(picture)
                advance(1)
            else:
                order.append(image_id)
                yield picture, np.array([box.box for box in boxes.by_image[image_id]])

    results: list[dict[str, Any]] = []
    for number, poses in enumerate(estimator.predict_stream(feed())):
        image_id = order[number]
        results += _records(image_id, poses, boxes.by_image[image_id], estimator, nms_threshold)
        advance(1)
    records = tuple(_in_coco(record, estimator.schema) for record in results)
    return Predictions(name, records, tuple(failures), schema=estimator.schema)


def _in_coco(record: dict[str, Any], schema: KeypointSchema) -> dict[str, Any]:
    """Return a result with COCO's keypoints, and its own as ``native``, as a file's would be read."""
    if schema.name == COCO17.name:
        return record
    native = np.array(record["keypoints"]).reshape(-1, 3)
    return {**record, "native": native, "keypoints": map_keypoints(native, schema, COCO17).ravel().tolist()}


def find_persons(
    estimator: WholeImageEstimator,
    gt: GroundTruth,
    folder: Path,
    *,
    name: str,
    advance: Callable[[int], None] = lambda count: None,
) -> Predictions:
    """Run an estimator that needs no boxes on every picture, those without labelled persons too.

    Args:
        estimator: Finds people in a picture.
        gt: Ground truth, for the pictures' names and sizes.
        folder: Folder of the pictures.
        name: Of the run, for texts.
        advance: Called with the number of pictures done.

    Raises:
        FileNotFoundError: If pictures are missing, before anything is run.
    """
    pictures = find_pictures(gt, folder, gt.image_ids)
    sizes = {image["id"]: _size(image) for image in gt.images}
    results: list[dict[str, Any]] = []
    failures: list[str] = []
    for image_id, picture in read_ahead(pictures.items(), sizes):
        if isinstance(picture, str):
            failures.append(picture)
        else:
            found = estimator.find_people(picture)
            for keypoints, score in zip(found.keypoints, found.scores, strict=True):
                results.append(result_record(image_id, gt.category_ids[0], keypoints, float(score)))
        advance(1)
    return Predictions(name, tuple(results), tuple(failures))


def _records(
    image_id: int,
    poses: EstimatedPoses,
    boxes: tuple[PersonBox, ...],
    estimator: PoseEstimator,
    nms_threshold: float | None,
) -> list[dict[str, Any]]:
    scores = poses.scores.astype(np.float64) * [box.score for box in boxes]
    kept = np.arange(len(boxes))
    if nms_threshold is not None and len(boxes) > 1:
        width, height = estimator.spec.input_size
        regions = [crop_region(box.box, width / height, estimator.padding)[1] for box in boxes]
        kept = oks_nms(poses.keypoints, scores, np.prod(regions, axis=1), nms_threshold)
    return [
        result_record(image_id, boxes[n].category_id, poses.keypoints[n], scores[n])
        | ({"bbox": [round(v, 2) for v in boxes[n].box]} if nms_threshold is not None else {})
        for n in kept
    ]


def _size(image: Any) -> tuple[int, int] | None:
    width, height = image.get("width"), image.get("height")
    return (width, height) if isinstance(width, int) and isinstance(height, int) else None
