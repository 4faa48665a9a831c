"""Persons beside their predictions, 2D and 3D, in the one schema that they are compared in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from fidip.evaluation.ground_truth import GroundTruth
from fidip.evaluation.pck import head_size_mm
from fidip.evaluation.pose_metrics import box_iou, consecutive_triples, joint_distances
from fidip.evaluation.predictions import Predictions
from fidip.evaluation.similarity import Matches
from syrip_gen.keypoints.mapping import map_keypoints, map_points, mapping_weights
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["PosePairs", "box_overlaps", "pair_poses"]


@dataclass(frozen=True, slots=True, eq=False)
class PosePairs:
    """P labelled persons (``GroundTruth.labelled``) and their predictions, K keypoints."""

    schema: KeypointSchema
    distances_px: np.ndarray
    """(P, K) as in :class:`Matches`; NaN also where the predictions' schema has no such keypoint."""
    truth_mm: np.ndarray
    """(P, K, 3) camera frame, NaN where unknown or not in the predictions' schema."""
    found_mm: np.ndarray
    """(P, K, 3) relative to the pelvis, NaN where there is none."""
    head_mm: np.ndarray
    """(P,) NaN where unknown."""
    triples: np.ndarray
    """(M, 3) persons that are consecutive frames of one recording."""
    sequences: tuple[str, ...]
    overlaps: np.ndarray
    """(P,) intersection over union of box and predicted box, 0 without one; NaN if predictions have none."""
    undefined: tuple[str, ...]
    """Labelled keypoints that the predictions' schema does not have; they are not compared."""


def pair_poses(
    gt: GroundTruth, predictions: Predictions, matches: Matches, schema: KeypointSchema
) -> PosePairs:
    """Bring persons and their predictions into one schema.

    Args:
        gt: Ground truth.
        predictions: Checked predictions.
        matches: Who is whose prediction.
        schema: Wanted.
    """
    people = gt.labelled
    truth = _mapped_keypoints(
        [p.keypoints if p.native is None else p.native for p in people], gt.schema, schema
    )
    found = np.full((len(people), len(schema), 2), np.nan)
    found_mm = np.full((len(people), len(schema), 3), np.nan)
    defined = mapping_weights(predictions.schema, schema).any(axis=1)
    defined_3d = mapping_weights(predictions.space_schema, schema).any(axis=1)
    for person, number in enumerate(matches.result_index.tolist()):
        if number < 0:
            continue
        result = predictions.results[number]
        points = result.get("native", np.reshape(result["keypoints"], (-1, 3)))[:, :2]
        found[person] = map_points(points, predictions.schema, schema)[0]
        if "points_3d_mm" in result:
            found_mm[person] = map_points(result["points_3d_mm"], predictions.space_schema, schema)[0]
    labelled = truth[..., 2] > 0
    distances = joint_distances(found, np.where(labelled[..., None], truth[..., :2], np.nan))
    names = np.array(schema.keypoints)
    return PosePairs(
        schema=schema,
        distances_px=np.where(defined, distances, np.nan),
        truth_mm=np.where(defined_3d[:, None], _truth_mm(gt, schema), np.nan),
        found_mm=found_mm,
        head_mm=np.array([head_size_mm(person, gt.space_schema) for person in people]),
        triples=consecutive_triples([p.sequence for p in people], np.array([p.frame for p in people])),
        sequences=tuple(person.sequence for person in people),
        overlaps=box_overlaps(gt, predictions.results),
        undefined=tuple(names[labelled.any(axis=0) & ~defined].tolist()),
    )


def box_overlaps(gt: GroundTruth, results: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Return (P,) overlaps of the labelled persons' boxes with predicted ones, paired for the highest sum.

    Keypoints play no part in the pairing. NaN for all where the results have no boxes.
    """
    people = gt.labelled
    if not results or "bbox" not in results[0]:
        return np.full(len(people), np.nan)
    predicted: dict[int, list] = {}
    for result in results:
        predicted.setdefault(result["image_id"], []).append(result["bbox"])
    groups: dict[int, list[int]] = {}
    for number, person in enumerate(people):
        groups.setdefault(person.image_id, []).append(number)
    overlaps = np.zeros(len(people))
    for image_id, numbers in groups.items():
        if image_id in predicted:
            iou = box_iou(np.array([people[n].box for n in numbers]), np.array(predicted[image_id]))
            for row, column in zip(*linear_sum_assignment(-iou), strict=True):
                overlaps[numbers[row]] = iou[row, column]
    return overlaps


def _mapped_keypoints(
    keypoints: list[np.ndarray], source: KeypointSchema, target: KeypointSchema
) -> np.ndarray:
    stacked = np.stack(keypoints)
    return stacked if source.name == target.name else map_keypoints(stacked, source, target)


def _truth_mm(gt: GroundTruth, schema: KeypointSchema) -> np.ndarray:
    unknown = np.full((len(gt.space_schema), 3), np.nan)
    points = [unknown if p.points_3d_mm is None else p.points_3d_mm for p in gt.labelled]
    return map_points(np.stack(points), gt.space_schema, schema)[0]
