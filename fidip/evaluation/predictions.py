"""Predictions as COCO results: read and check a file, write one."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fidip.evaluation.ground_truth import COORDINATE_LIMIT, GroundTruth, some
from fidip.evaluation.pairing import PictureNames, picture_name
from syrip_gen.keypoints.catalog import COCO17, get_schema
from syrip_gen.keypoints.json_input import load_json, number_list, whole_number
from syrip_gen.keypoints.mapping import map_keypoints
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["Predictions", "check_predictions", "read_predictions", "result_record", "write_predictions"]

MAX_PER_IMAGE = 20
"""COCO's keypoint evaluation looks at the 20 best persons of a picture."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """Predicted persons that can be compared with a ground truth."""

    name: str
    """Where they come from, for texts and tables."""
    results: tuple[dict[str, Any], ...]
    """COCO results: image_id, category_id, keypoints (51 numbers), score, bbox where every record had one.

    And ``native`` ((K, 3) keypoints in :attr:`schema`) where that is not COCO's, ``points_3d_mm`` ((K, 3),
    NaN where unknown) where the file has 3D keypoints."""
    failures: tuple[str, ...] = ()
    """Records that could not be used, a sentence each."""
    notes: tuple[str, ...] = ()
    schema: KeypointSchema = COCO17
    """What the records' own keypoints are."""
    schema_3d: KeypointSchema | None = None
    """What their 3D keypoints are; None = ``schema``."""

    @property
    def space_schema(self) -> KeypointSchema:
        """Schema of the 3D keypoints."""
        return self.schema_3d or self.schema


def read_predictions(path: str | Path, gt: GroundTruth) -> Predictions:
    """Read a COCO results file.

    Beyond COCO's fields a record may have ``keypoint_schema`` (the name of one of our schemas, whose
    keypoints it then holds; the same in the whole file) and ``keypoints_3d_mm`` (x, y, z of each of them,
    relative to the pelvis or the hips' midpoint, camera axes; null where unknown), and
    ``keypoint_schema_3d`` where those are of another schema.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not one, is empty, or nothing in it can be used with this ground truth.
    """
    path = Path(path)
    data = load_json(path)
    if isinstance(data, Mapping) and isinstance(data.get("annotations"), list):
        data = data["annotations"]  # results wrapped into a COCO file
    if not isinstance(data, list):
        raise ValueError(f"{path}: expected a list of COCO results, got {type(data).__name__}")
    if not data:
        raise ValueError(f"{path}: the file holds no predictions; expected a list of COCO results")
    predictions = check_predictions(data, gt, str(path))
    if not predictions.results:
        remedy = "image_id, or file_name where records have one, must be that of the ground truth"
        raise ValueError(f"none of the {len(data)} records can be used: {predictions.failures[0]}\n{remedy}")
    return predictions


def check_predictions(
    records: Sequence[Any], gt: GroundTruth, name: str, *, strict: bool = False
) -> Predictions:
    """Keep the records that can be compared with the ground truth and say what is wrong with the others.

    A record that names its picture's file belongs to the image of that name, whatever its image id.

    Args:
        records: COCO results.
        gt: Ground truth.
        name: Where they come from, for texts.
        strict: Raise at the first record that cannot be used.

    Raises:
        ValueError: If file names cannot be paired (see :class:`~fidip.evaluation.pairing.PictureNames`); with
            ``strict``, if a record cannot be used.
    """
    known = set(gt.image_ids)
    names = PictureNames(records, gt, name)
    schema = _file_schema(records, name, "keypoint_schema", COCO17)
    schema_3d = _file_schema(records, name, "keypoint_schema_3d", schema)
    results, failures, strays, moved = [], [], [], 0
    for number, record in enumerate(records):
        try:
            result = _checked(record, f"{name}: record {number}", gt.category_ids, (schema, schema_3d))
        except ValueError as error:
            if strict:
                raise
            failures.append(str(error))
            continue
        image_id = names.image_id({**record, "image_id": result["image_id"]})
        if image_id in known:
            moved += image_id != result["image_id"]
            results.append({**result, "image_id": image_id})
        else:
            strays.append(result["image_id"] if image_id is not None else picture_name(record))
    if strays:
        ids = sorted(set(strays), key=lambda stray: (isinstance(stray, str), stray))
        text = f"{name}: {len(strays)} predictions for images that {gt.name} does not have: {some(ids)}"
        if strict:
            raise ValueError(text)
        failures.append(text)
    if not all("bbox" in result for result in results):
        for result in results:
            result.pop("bbox", None)
    notes = _notes(results, gt, name)
    if moved:
        notes = (
            f"{name}: paired by file name; the image_id of {moved} records is another picture's.",
            *notes,
        )
    return Predictions(name, tuple(results), tuple(failures), notes, schema, schema_3d)


def result_record(image_id: int, category_id: int, keypoints: np.ndarray, score: float) -> dict[str, Any]:
    """Return one COCO result from (K, 3) x, y, score; px to a hundredth."""
    rows = [round(float(v), 4 if i % 3 == 2 else 2) for i, v in enumerate(np.asarray(keypoints).ravel())]
    return {
        "image_id": image_id,
        "category_id": category_id,
        "keypoints": rows,
        "score": round(float(score), 6),
    }


def write_predictions(path: str | Path, results: Sequence[Mapping[str, Any]]) -> None:
    """Write COCO results, atomically."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    lines = ",\n".join(json.dumps(dict(r), separators=(",", ":"), allow_nan=False) for r in results)
    temporary.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    os.replace(temporary, path)


def _file_schema(records: Sequence[Any], name: str, key: str, default: KeypointSchema) -> KeypointSchema:
    """Return the schema that all records name, or the default where they name none."""
    words = [r.get(key, default.name) for r in records if isinstance(r, Mapping)]
    named = dict.fromkeys(word if isinstance(word, str) else repr(word) for word in words)
    if len(named) > 1:
        raise ValueError(f"{name}: records of several schemas ({some(list(named))}); expected one a file")
    try:
        return get_schema(next(iter(named), default.name))
    except ValueError as error:
        raise ValueError(f"{name}: {key}: {error}") from None


def _checked(
    record: Any, what: str, category_ids: Sequence[int], schemas: tuple[KeypointSchema, KeypointSchema]
) -> dict[str, Any]:
    """Return the fields of one record that count, or say what is wrong with it."""
    schema, schema_3d = schemas
    if not isinstance(record, Mapping):
        raise ValueError(f"{what}: expected an object with image_id, keypoints and score")
    for key in ("image_id", "keypoints", "score"):
        if key not in record:
            raise ValueError(f"{what} has no {key}")
    image_id = whole_number(record["image_id"], f"{what} image_id")
    category = whole_number(record.get("category_id", category_ids[0]), f"{what} category_id")
    if category not in category_ids:
        wanted = some(list(category_ids))
        raise ValueError(f"{what}: category_id {category}; the ground truth's persons have {wanted}")
    keypoints = number_list(record["keypoints"], f"{what} keypoints")
    if len(keypoints) != 3 * len(schema):
        expected = f"expected {len(schema)} × (x, y, score) = {3 * len(schema)}"
        expected += "" if schema is COCO17 else f" of {schema.name}"
        raise ValueError(f"{what}: {len(keypoints)} numbers in keypoints; {expected}")
    points = np.array(keypoints).reshape(-1, 3)[:, :2]
    if not (np.isfinite(points).all() and (np.abs(points) < COORDINATE_LIMIT).all()):
        raise ValueError(f"{what}: keypoints hold NaN, infinity or a number beyond {COORDINATE_LIMIT:g}")
    score = number_list([record["score"]], f"{what} score")[0]
    if not np.isfinite(score):
        raise ValueError(f"{what}: the score is {score}; expected a finite number")
    result = {"image_id": image_id, "category_id": category, "keypoints": keypoints, "score": score}
    if schema is not COCO17:
        native = np.array(keypoints).reshape(-1, 3)
        result["native"] = native
        result["keypoints"] = map_keypoints(native, schema, COCO17).ravel().tolist()
    points_3d = _points_3d(record.get("keypoints_3d_mm"), len(schema_3d), what)
    if points_3d is not None:
        result["points_3d_mm"] = points_3d
    box = record.get("bbox")
    if isinstance(box, list) and len(box) == 4 and np.isfinite(number_list(box, f"{what} bbox")).all():
        result["bbox"] = [float(v) for v in box]
    return result


def _points_3d(value: Any, count: int, what: str) -> np.ndarray | None:
    """Return (count, 3) of rows or of one flat list; None without any."""
    if value is None:
        return None
    rows = value if isinstance(value, list) else [value]
    is_nested = any(isinstance(row, list) for row in rows)
    flat = [v for row in rows for v in number_list(row, f"{what} keypoints_3d_mm")] if is_nested else rows
    numbers = number_list(flat, f"{what} keypoints_3d_mm")
    if len(numbers) != 3 * count:
        raise ValueError(f"{what}: {len(numbers)} numbers in keypoints_3d_mm; expected {count} × (x, y, z)")
    points = np.array(numbers).reshape(-1, 3)
    if np.isinf(points).any() or np.nanmax(np.abs(points), initial=0) > COORDINATE_LIMIT:
        raise ValueError(f"{what}: keypoints_3d_mm hold infinity or a number beyond {COORDINATE_LIMIT:g}")
    return points


def _notes(results: Sequence[Mapping[str, Any]], gt: GroundTruth, name: str) -> tuple[str, ...]:
    counts: dict[int, int] = {}
    for result in results:
        counts[result["image_id"]] = counts.get(result["image_id"], 0) + 1
    notes = []
    silent = sorted({p.image_id for p in gt.labelled} - set(counts))
    if silent and results:
        notes.append(f"{name}: no prediction for {len(silent)} images with persons: {some(silent)}.")
    crowded = sum(count > MAX_PER_IMAGE for count in counts.values())
    if crowded:
        notes.append(f"{name}: {crowded} images have more than {MAX_PER_IMAGE} persons; COCO takes the best.")
    return tuple(notes)
