"""Read COCO keypoint annotations (SyRIP's files as they are) and COCO keypoint results."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from syrip_gen.keypoints.catalog import CATALOG, COCO17, get_schema
from syrip_gen.keypoints.cleaning import MAX_IMAGE_SIDE_PX, PoseCollector
from syrip_gen.keypoints.json_input import number_list, whole_number
from syrip_gen.keypoints.mapping import mapping_weights
from syrip_gen.keypoints.poses import MIN_LABELLED, PoseSet
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["read_coco_annotations", "read_coco_results"]


def read_coco_annotations(data: dict[str, Any], path: Path) -> PoseSet:
    """Turn the content of a COCO annotation file into poses.

    ``area``, ``num_keypoints``, ``bbox_head`` and ``info`` are not relied upon: SyRIP's files hold
    constants there.

    Raises:
        ValueError: If ids are duplicated, keypoint lists have the wrong length, or no pose is usable.
    """
    images = _images_by_id(_records(data, "images", path), path)
    annotations = _records(data, "annotations", path)
    schemas = _category_schemas(data.get("categories"), path)
    collector = PoseCollector(path)
    ids = _annotation_ids(annotations, collector.repairs, path)
    for annotation, annotation_id in zip(annotations, ids, strict=True):
        what = f"{path}: annotation {annotation_id}"
        if annotation.get("iscrowd") == 1:
            collector.repairs["crowd regions skipped"] += 1
            continue
        if "keypoints" not in annotation:
            collector.repairs["annotations without keypoints skipped"] += 1
            continue
        category = annotation.get("category_id")
        schema = schemas.get(category, COCO17) if isinstance(category, int | str) else COCO17
        keypoints = _triples(annotation["keypoints"], schema, what)
        declared = annotation.get("num_keypoints")
        actual = int((np.isfinite(keypoints).all(axis=1) & (keypoints[:, 2] > 0)).sum())
        if declared is not None and declared != actual:
            collector.repairs["annotations with a wrong num_keypoints, counted afresh"] += 1
        image_id = whole_number(annotation.get("image_id"), f"{what}, image_id")
        image = images.get(image_id, {})
        if not image:
            collector.repairs["annotations of images that the file does not list"] += 1
        collector.add(
            keypoints,
            schema,
            is_score=False,
            image_id=image_id,
            annotation_id=annotation_id,
            size=_image_size(image, f"{path}: image {image_id}"),
            bbox=_box(annotation.get("bbox"), f"{what}, bbox"),
            file_name=str(image.get("file_name", "")),
            posture=str(image.get("posture") or annotation.get("posture") or ""),
        )
    return collector.pose_set()


def read_coco_results(data: list[Any], path: Path) -> PoseSet:
    """Turn COCO keypoint results (a list of detections) into poses.

    Image sizes are ``width`` and ``height``, which ``syrip predict`` writes, else they are estimated.
    Scores become visibilities (see :func:`~syrip_gen.keypoints.cleaning.score_to_visibility`); annotation ids
    count the entries from 1.

    Raises:
        ValueError: If an entry is not a keypoint result or no pose is usable.
    """
    collector = PoseCollector(path)
    for i, entry in enumerate(data):
        what = f"{path}: entry {i}"
        if not isinstance(entry, dict) or "keypoints" not in entry or "image_id" not in entry:
            raise ValueError(
                f"{what}: not a COCO keypoint result; expected an object with 'image_id' and 'keypoints'"
            )
        schema = _named_schema(entry.get("keypoint_schema", COCO17.name), what)
        image_id = whole_number(entry["image_id"], f"{what}, image_id")
        collector.add(
            _triples(entry["keypoints"], schema, what),
            schema,
            is_score=True,
            image_id=image_id,
            annotation_id=i + 1,
            size=_image_size(entry, what),
            bbox=_box(entry.get("bbox"), f"{what}, bbox"),
            file_name=str(entry.get("file_name", "")),
        )
    return collector.pose_set()


def _named_schema(name: Any, what: str) -> KeypointSchema:
    try:
        return get_schema(str(name))
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None


def _records(data: dict[str, Any], key: str, path: Path) -> list[dict[str, Any]]:
    records = data.get(key)
    if not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
        raise ValueError(f"{path}: not a COCO keypoint file: expected '{key}' to be a list of objects")
    return records


def _images_by_id(images: list[dict[str, Any]], path: Path) -> dict[int, dict[str, Any]]:
    by_id = {}
    for i, image in enumerate(images):
        image_id = whole_number(image.get("id"), f"{path}: images[{i}], id")
        if image_id in by_id:
            raise ValueError(f"{path}: image id {image_id} occurs twice; ids must be unique")
        by_id[image_id] = image
    return by_id


def _annotation_ids(annotations: list[dict[str, Any]], repairs: Counter[str], path: Path) -> list[int]:
    if any("id" not in a for a in annotations):
        repairs["annotation lists without ids, numbered from 1"] += 1
        return list(range(1, len(annotations) + 1))
    ids = [whole_number(a["id"], f"{path}: annotations[{i}], id") for i, a in enumerate(annotations)]
    duplicate, times = Counter(ids).most_common(1)[0] if ids else (0, 0)
    if times > 1:
        raise ValueError(f"{path}: annotation id {duplicate} occurs {times} times; ids must be unique")
    return ids


def _category_schemas(categories: Any, path: Path) -> dict[Any, KeypointSchema]:
    """Return the keypoint schema of every category that names its keypoints."""
    schemas: dict[Any, KeypointSchema] = {}
    for category in categories if isinstance(categories, list) else []:
        names = category.get("keypoints") if isinstance(category, dict) else None
        if not isinstance(names, list) or not names or not isinstance(category.get("id"), int | str):
            continue
        normal = tuple(str(n).strip().lower().replace(" ", "_").replace("-", "_") for n in names)
        if len(set(normal)) != len(normal):
            raise ValueError(
                f"{path}: category {category.get('id')!r} names a keypoint twice: {list(normal)}"
            )
        known = next((s for s in CATALOG.values() if s.keypoints == normal), None)
        schema = known or KeypointSchema(f"category {category.get('id')} of {path.name}", normal)
        if mapping_weights(schema, COCO17).any(axis=1).sum() < MIN_LABELLED:
            raise ValueError(
                f"{path}: category {category.get('id')!r} has keypoints {list(normal)[:5]}...; fewer "
                f"than {MIN_LABELLED} of them are COCO's ({', '.join(COCO17.keypoints[:6])} ...)"
            )
        schemas[category.get("id")] = schema
    return schemas


def _triples(values: Any, schema: KeypointSchema, what: str) -> np.ndarray:
    numbers = number_list(values, f"{what}, keypoints")
    if len(numbers) != 3 * len(schema):
        raise ValueError(
            f"{what}: expected {3 * len(schema)} keypoint numbers (x, y, v of {len(schema)} points), "
            f"got {len(numbers)}"
        )
    return np.array(numbers).reshape(-1, 3)


def _box(values: Any, what: str) -> list[float] | None:
    """Return four numbers, or None for a missing box (null or an empty list)."""
    if values is None or values == []:
        return None
    numbers = number_list(values, what)
    if len(numbers) != 4:
        raise ValueError(f"{what}: expected x, y, width, height, got {len(numbers)} numbers")
    return numbers


def _image_size(image: dict[str, Any], what: str) -> tuple[int, int] | None:
    """Return (width, height), or None where the file does not say."""
    if image.get("width") is None or image.get("height") is None:
        return None
    width = whole_number(image["width"], f"{what}, width")
    height = whole_number(image["height"], f"{what}, height")
    if not (0 < width <= MAX_IMAGE_SIDE_PX and 0 < height <= MAX_IMAGE_SIDE_PX):
        raise ValueError(f"{what}: size {width}x{height} is outside 1..{MAX_IMAGE_SIDE_PX} pixels")
    return width, height
