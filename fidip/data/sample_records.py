"""Labelled persons of any dataset that syrip knows (MPII, MINI-RGBD, COCO ...) as records to train on."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from fidip.data.annotations import AnnotationSet, PersonRecord
from fidip.data.layouts.detect import read_pose_samples
from fidip.data.pose_samples import PoseSamples
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["sample_records", "whole_pictures"]


def sample_records(
    path: str | Path,
    schema: KeypointSchema,
    *,
    images: str | Path | None = None,
    is_synthetic: bool,
    by_order: bool = False,
) -> AnnotationSet:
    """Read a dataset and map its keypoints.

    Args:
        path: Folder or file.
        schema: Keypoints wanted.
        images: Folder of the pictures, where it is not in its usual place.
        is_synthetic: Their domain.
        by_order: Take the first keypoints as they come instead of mapping them by name (an ablation).

    Raises:
        FileNotFoundError: If something is missing.
        ValueError: If it is no dataset that syrip knows, or has no person with such keypoints.
    """
    samples = read_pose_samples(path, images=images)
    keypoints = _in_order(samples, schema) if by_order else samples.in_schema(schema).keypoints
    records = []
    for i, points in enumerate(keypoints):
        picture, box = samples.image_paths[i], samples.boxes[i]
        if picture is None or not (points[:, 2] > 0).any() or not (box[2:] > 0).all():
            continue
        size = tuple(int(n) for n in samples.image_sizes[i])
        left, top, width, height = (float(v) for v in box)
        records.append(
            PersonRecord(
                image_path=picture,
                image_size=size if min(size) > 0 else None,
                image_id=int(samples.image_ids[i]),
                annotation_id=i,
                box=(left, top, width, height),
                area=width * height,
                keypoints=points.astype(np.float32),
                is_synthetic=is_synthetic,
            )
        )
    if not records:
        raise ValueError(
            f"{path}: no person with a picture and keypoints of {schema.name}; "
            f"{'; '.join(samples.failures[:2]) or 'is it the right dataset?'}"
        )
    left_out = len(samples) - len(records)
    notes = [f"{left_out} persons without picture, box or keypoints skipped"] if left_out else []
    return AnnotationSet(str(path), tuple(records), (*samples.notes, *notes), samples.failures)


def whole_pictures(records: Sequence[PersonRecord]) -> tuple[PersonRecord, ...]:
    """Return records whose boxes are the whole pictures."""
    sizes = {r.image_path: r.image_size or _size(r.image_path) for r in records}
    return tuple(
        replace(r, box=(0.0, 0.0, *(float(n) for n in sizes[r.image_path])), image_size=sizes[r.image_path])
        for r in records
    )


def _size(path: Path) -> tuple[int, int]:
    try:
        with Image.open(path) as picture:
            return picture.size
    except OSError as error:
        raise ValueError(f"{path} does not decode as a picture: {error}") from None


def _in_order(samples: PoseSamples, schema: KeypointSchema) -> np.ndarray:
    """Return (N, K, 3) the first K keypoints, whatever they are."""
    if len(samples.schema) < len(schema):
        raise ValueError(
            f"{samples.source} has {len(samples.schema)} keypoints ({samples.schema.name}); taken as they "
            f"come there must be {len(schema)} ({schema.name}). Set data.mapping to names."
        )
    return samples.keypoints[:, : len(schema)]
