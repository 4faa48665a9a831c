"""``syrip eval --lift``: 2D predictions, or the 2D labels themselves, lifted before they are compared."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fidip.evaluation.ground_truth import GroundTruth
from fidip.evaluation.predictions import Predictions
from fidip.evaluation.similarity import match_persons
from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.keypoints.mapping import map_keypoints
from syrip_gen.keypoints.schema import KeypointSchema

if TYPE_CHECKING:
    from fidip.lifting.lift import Lifter

__all__ = ["label_predictions", "lift_predictions", "recordings"]

LONGEST_GAP = 30
"""Steps of a recording without a frame after which it counts as another one."""


def label_predictions(gt: GroundTruth, name: str, schema: KeypointSchema = COCO17) -> Predictions:
    """Return the labelled 2D keypoints as if somebody had predicted them, without any error.

    Args:
        gt: Ground truth.
        name: Of the run.
        schema: What the keypoints shall be.
    """
    results = []
    for person in gt.labelled:
        own = person.keypoints if person.native is None else person.native
        mapped = own if gt.schema is schema else map_keypoints(own, gt.schema, schema)
        keypoints = np.column_stack([mapped[:, :2], mapped[:, 2] > 0])
        result = {"image_id": person.image_id, "category_id": person.category_id, "score": 1.0}
        result["keypoints"] = (
            (keypoints if schema is COCO17 else map_keypoints(keypoints, schema, COCO17)).ravel().tolist()
        )
        result["bbox"] = list(person.box)
        if schema is not COCO17:
            result["native"] = keypoints
        results.append(result)
    return Predictions(name, tuple(results), schema=schema)


def lift_predictions(
    found: Predictions, gt: GroundTruth, lifter: "Lifter", *, use_camera: bool = True
) -> Predictions:
    """Return predictions with the 3D keypoints of a lifter.

    Only persons that are paired with a labelled one are lifted: frames of recordings with their neighbours,
    single pictures by themselves. Frames without a prediction are gaps.

    Args:
        found: Checked predictions of the lifter's schema.
        gt: Ground truth; says recordings, frames, sizes of pictures and cameras.
        lifter: The lifter.
        use_camera: Tell it the cameras that the dataset knows.

    Raises:
        ValueError: If it takes other keypoints, or the size of a picture is unknown.
    """
    if found.schema.name != lifter.schema.name:
        raise ValueError(
            f"--lift {lifter.name} takes {lifter.schema.name} keypoints; those of {found.name} are "
            f"{found.schema.name}"
        )
    sizes = {image["id"]: (image.get("width"), image.get("height")) for image in gt.images}
    people = gt.labelled
    if any(not all(isinstance(v, int) for v in sizes[person.image_id]) for person in people):
        raise ValueError(f"--lift: the width and height of pictures of {gt.name} are unknown")
    index = match_persons(gt, found.results, np.array([p.box_area for p in gt.persons])).result_index
    results = [dict(result) for result in found.results]
    known = recordings([p.sequence for p in people], [p.frame for p in people])
    for own, chosen in (
        (lifter.of_frames, [recording for recording in known if len(recording) == 1]),
        (lifter, [recording for recording in known if len(recording) > 1]),
    ):
        if chosen:
            rows = np.concatenate(chosen)
            results_of = np.where(rows >= 0, index[rows], -1)
            clip = np.repeat(np.arange(len(chosen)), [len(recording) for recording in chosen])
            persons = [people[n] for n in rows]  # of a missing frame anybody: nothing is lifted there
            cameras = [person.camera if use_camera else None for person in persons]
            frame_sizes = [sizes[person.image_id] for person in persons]
            _lift_rows(results, results_of, clip, frame_sizes, cameras, own)
    return replace(found, results=tuple(results), schema_3d=lifter.output_schema)


def _lift_rows(
    results: list[dict[str, Any]],
    results_of: np.ndarray,
    clip: np.ndarray,
    sizes: Sequence[tuple[int, int]],
    cameras: Sequence[tuple[float, ...] | None],
    lifter: "Lifter",
) -> None:
    """Give results their poses in 3D: those of N frames of recordings, -1 = nothing was found there."""
    keypoints = np.full((len(clip), len(lifter.schema), 3), np.nan)
    found = np.flatnonzero(results_of >= 0)
    for row in found:
        result = results[results_of[row]]
        keypoints[row] = result.get("native", np.reshape(result["keypoints"], (-1, 3)))
    camera = [(np.nan,) * 4 if camera is None else camera for camera in cameras]
    lifted = 1000.0 * lifter.lift(keypoints, sizes, camera, clip=clip, rows=found).astype(np.float64)
    for row, pose in zip(found, lifted, strict=True):
        results[results_of[row]]["points_3d_mm"] = pose


def recordings(sequences: Sequence[str], frames: Sequence[int]) -> list[list[int]]:
    """Return the frames of each recording in order: numbers of persons, -1 where a frame is missing.

    Single pictures are recordings of one frame. Evenly thinned recordings count in their own steps; where
    several persons share a frame, or frames are far apart, recordings are split.
    """
    found: list[list[int]] = []
    by_name: dict[str, list[int]] = {}
    for number, name in enumerate(sequences):
        if name and frames[number] >= 0:
            by_name.setdefault(name, []).append(number)
        else:
            found.append([number])
    for numbers in by_name.values():
        numbers.sort(key=lambda n: frames[n])
        steps = np.diff([frames[n] for n in numbers])
        step = int(steps[steps > 0].min()) if (steps > 0).any() else 1
        rows = [numbers[0]]
        for number, jump in zip(numbers[1:], steps.tolist(), strict=True):
            missing, rest = divmod(jump, step)
            if jump == 0 or rest or missing > LONGEST_GAP:
                found.append(rows)
                rows = []
            else:
                rows += [-1] * (missing - 1)
            rows.append(number)
        found.append(rows)
    return found
