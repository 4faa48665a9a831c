"""PoseSet: the 2D poses of one or several files, as arrays in COCO-17 order."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

__all__ = ["MIN_LABELLED", "PoseSet"]

MIN_LABELLED = 6
"""A pose with fewer labelled keypoints than this constrains a body too little to be of use."""


@dataclass(frozen=True, slots=True, eq=False)
class PoseSet:
    """N poses in input order. Several may belong to one image. Coordinates are pixels, x right, y down."""

    keypoints: np.ndarray
    """(N, 17, 3) float64 COCO-17 x, y, v; v is 0 unlabelled (then x = y = 0), 1 occluded, 2 visible."""
    image_size: np.ndarray
    """(N, 2) int64 width, height in pixels."""
    bbox: np.ndarray
    """(N, 4) float64 x, y, width, height in pixels."""
    image_id: np.ndarray
    """(N,) int64."""
    annotation_id: np.ndarray
    """(N,) int64."""
    file_name: tuple[str, ...]
    """Image of each pose as its file names it; untrusted text."""
    posture: tuple[str, ...]
    """Supine, Prone, Sitting, Standing ... as its file says; ``''`` where unknown."""
    pose_id: tuple[str, ...]
    """Unique name of each pose: source stem, image id, annotation id."""
    source: tuple[str, ...] = ()
    """Files that the poses came from."""
    notes: tuple[str, ...] = ()
    """What was repaired or skipped while reading, with counts, a sentence each."""

    def __post_init__(self) -> None:
        count = len(self.pose_id)
        shapes = {
            "keypoints": (count, 17, 3),
            "image_size": (count, 2),
            "bbox": (count, 4),
            "image_id": (count,),
            "annotation_id": (count,),
        }
        for name, expected in shapes.items():
            actual = getattr(self, name).shape
            if actual != expected:
                raise ValueError(f"PoseSet.{name} must have shape {expected}, got {actual}")
        for name in ("file_name", "posture"):
            if len(getattr(self, name)) != count:
                raise ValueError(f"PoseSet.{name} must have {count} entries, got {len(getattr(self, name))}")
        if len(set(self.pose_id)) != count:
            raise ValueError("PoseSet.pose_id must be unique")
        if not (np.isfinite(self.keypoints).all() and np.isfinite(self.bbox).all()):
            raise ValueError("PoseSet keypoints and boxes must be finite; unlabelled keypoints are (0, 0, 0)")

    def __len__(self) -> int:
        return len(self.pose_id)

    @property
    def num_labelled(self) -> np.ndarray:
        """(N,) number of keypoints with v > 0."""
        return (self.keypoints[:, :, 2] > 0).sum(axis=1)

    @property
    def is_usable(self) -> np.ndarray:
        """(N,) bool: at least :data:`MIN_LABELLED` keypoints are labelled."""
        return self.num_labelled >= MIN_LABELLED

    def select(self, index: np.ndarray | slice) -> "PoseSet":
        """Return some of the poses, by boolean mask, integer index or slice."""
        rows = np.arange(len(self))[index]
        return PoseSet(
            keypoints=self.keypoints[rows],
            image_size=self.image_size[rows],
            bbox=self.bbox[rows],
            image_id=self.image_id[rows],
            annotation_id=self.annotation_id[rows],
            file_name=tuple(self.file_name[i] for i in rows),
            posture=tuple(self.posture[i] for i in rows),
            pose_id=tuple(self.pose_id[i] for i in rows),
            source=self.source,
            notes=self.notes,
        )

    @classmethod
    def concatenate(cls, sets: Iterable["PoseSet"]) -> "PoseSet":
        """Join pose sets in order; a pose name that occurs again gets ``#2``, ``#3`` ... appended.

        Raises:
            ValueError: If ``sets`` is empty.
        """
        parts = list(sets)
        if not parts:
            raise ValueError("expected at least one PoseSet to concatenate")
        return cls(
            keypoints=np.concatenate([p.keypoints for p in parts]),
            image_size=np.concatenate([p.image_size for p in parts]),
            bbox=np.concatenate([p.bbox for p in parts]),
            image_id=np.concatenate([p.image_id for p in parts]),
            annotation_id=np.concatenate([p.annotation_id for p in parts]),
            file_name=tuple(name for p in parts for name in p.file_name),
            posture=tuple(name for p in parts for name in p.posture),
            pose_id=_unique(name for p in parts for name in p.pose_id),
            source=tuple(name for p in parts for name in p.source),
            notes=tuple(note for p in parts for note in p.notes),
        )


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    taken: set[str] = set()
    result = []
    for name in names:
        candidate, copy = name, 1
        while candidate in taken:
            copy += 1
            candidate = f"{name}#{copy}"
        taken.add(candidate)
        result.append(candidate)
    return tuple(result)
