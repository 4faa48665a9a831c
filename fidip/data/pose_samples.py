"""PoseSamples: labelled poses of any dataset, 2D and 3D, as arrays in one keypoint schema."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from syrip_gen.keypoints.mapping import map_keypoints, map_points
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["PoseSamples", "concatenate"]


@dataclass(frozen=True, slots=True, eq=False)
class PoseSamples:
    """N persons of K keypoints in file order. Pixels: x right, y down; metres: OpenCV's camera axes."""

    source: str
    """File or folder they come from."""
    schema: KeypointSchema
    keypoints: np.ndarray
    """(N, K, 3) float64 x, y in px and v: 0 not labelled (then all 0), 1 hidden, 2 visible."""
    boxes: np.ndarray
    """(N, 4) float64 x, y, width, height in px; the labelled keypoints' extent where the files have none."""
    image_ids: np.ndarray
    """(N,) int64; the files' own, or the number of the picture in reading order, from 1."""
    frames: np.ndarray
    """(N,) int64 frame number within the sequence; -1 for single pictures."""
    subjects: tuple[str, ...]
    """Who it is; ``''`` where unknown."""
    sequences: tuple[str, ...]
    """Recording that a frame belongs to, unique within the source; ``''`` for single pictures."""
    image_paths: tuple[Path | None, ...]
    """Picture of each sample; None where it is a frame of a video, or was not asked for."""
    image_sizes: np.ndarray
    """(N, 2) int64 width, height in px; 0 where unknown."""
    keypoints_3d: np.ndarray | None = None
    """(N, K, 3) float64 metres, camera frame, NaN where unknown; None if no sample has any."""
    intrinsics: np.ndarray | None = None
    """(N, 4) float64 fx, fy, cx, cy in px, NaN where unknown; None if no sample has any."""
    head_px: np.ndarray | None = None
    """(N,) float64 length of the head in the picture, for PCKh; NaN where unknown."""
    head_mm: np.ndarray | None = None
    """(N,) float64 length of the head in space, for 3D PCKh; NaN where unknown."""
    notes: tuple[str, ...] = ()
    """What the user should know, one line each."""
    failures: tuple[str, ...] = ()
    """What could not be read and was left out, one line each."""

    def __post_init__(self) -> None:
        count, size = len(self.keypoints), len(self.schema)
        expected = {
            "keypoints": (count, size, 3),
            "boxes": (count, 4),
            "image_ids": (count,),
            "frames": (count,),
            "image_sizes": (count, 2),
            "keypoints_3d": (count, size, 3),
            "intrinsics": (count, 4),
            "head_px": (count,),
            "head_mm": (count,),
        }
        for name, shape in expected.items():
            value = getattr(self, name)
            if value is not None and value.shape != shape:
                raise ValueError(f"{self.source}: {name} must be {shape}, got {value.shape}")
        for name in ("subjects", "sequences", "image_paths"):
            if len(getattr(self, name)) != count:
                raise ValueError(f"{self.source}: {count} poses but {len(getattr(self, name))} {name}")

    def __len__(self) -> int:
        """Return the number of samples N."""
        return len(self.keypoints)

    def select(self, index: Sequence[int] | np.ndarray) -> PoseSamples:
        """Return the samples at these positions (or of a mask), in this order."""
        index = np.asarray(index)
        chosen = np.arange(len(self))[index if index.size else index.astype(np.int64)]
        changes = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                changes[field.name] = value[chosen]
        for name in ("subjects", "sequences", "image_paths"):
            value = getattr(self, name)
            changes[name] = tuple(value[i] for i in chosen)
        return replace(self, **changes)

    def in_schema(self, schema: KeypointSchema) -> PoseSamples:
        """Return the samples in another schema; keypoints that it cannot get are v 0 and NaN in 3D."""
        if schema.name == self.schema.name:
            return self
        points = None if self.keypoints_3d is None else map_points(self.keypoints_3d, self.schema, schema)[0]
        keypoints = map_keypoints(self.keypoints, self.schema, schema)
        return replace(self, schema=schema, keypoints=keypoints, keypoints_3d=points)


def concatenate(parts: Sequence[PoseSamples]) -> PoseSamples:
    """Return the samples of several sources as one. Image ids and sequences stay as they are.

    Raises:
        ValueError: If there is no part, or their schemas differ (map them first).
    """
    if not parts:
        raise ValueError("no samples to put together")
    schemas = sorted({part.schema.name for part in parts})
    if len(schemas) > 1:
        raise ValueError(f"samples of different schemas ({', '.join(schemas)}): map them to one first")
    values = {}
    for field in fields(PoseSamples):
        own = [getattr(part, field.name) for part in parts]
        if field.name == "source":
            values[field.name] = ", ".join(dict.fromkeys(own))
        elif field.name == "schema":
            values[field.name] = own[0]
        elif isinstance(own[0], tuple):
            values[field.name] = tuple(item for items in own for item in items)
        else:
            values[field.name] = _joined(own, [len(part) for part in parts])
    return PoseSamples(**values)


def _joined(arrays: list[np.ndarray | None], counts: list[int]) -> np.ndarray | None:
    """Join arrays; samples without any get NaN, and all None stays None."""
    shape = next((array.shape[1:] for array in arrays if array is not None), None)
    if shape is None:
        return None
    filled = [np.full((n, *shape), np.nan) if a is None else a for a, n in zip(arrays, counts, strict=True)]
    return np.concatenate(filled)
