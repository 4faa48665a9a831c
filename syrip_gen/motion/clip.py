"""MotionClip: the points of one person over time, in the camera's or the world's axes."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from syrip_gen.keypoints.catalog import H36M17
from syrip_gen.keypoints.mapping import map_points
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["MotionClip"]

Frame = Literal["camera", "world"]


@dataclass(frozen=True, slots=True, eq=False)
class MotionClip:
    """T frames of K points, read from a file: 3D in metres, or 2D in pixels (pixel-corner rule)."""

    points: np.ndarray
    """(T, K, 3) metres or (T, K, 2) pixels, float64. NaN = never seen; gaps are already interpolated."""
    schema: KeypointSchema
    """What the K points are."""
    fps: float
    """Frames a second."""
    frame: Frame = "camera"
    """``camera``: OpenCV's axes (x right, y down, z forward). ``world``: z up, floor at an unknown height."""
    is_absolute: bool = True
    """Whether the path of the root is known; False: points are relative to the root of their frame."""
    name: str = "clip"
    """Short name, such as the stem of the file."""
    image_size: tuple[int, int] | None = None
    """(width, height) of the video in pixels; 2D clips only."""
    scores: np.ndarray | None = None
    """(T, K) confidence of each point, 0 = interpolated or not seen; None where the file has none."""
    notes: tuple[str, ...] = ()
    """What was recognised or mended while reading, one line each."""

    def __post_init__(self) -> None:
        shape = self.points.shape
        if len(shape) != 3 or shape[0] < 1 or shape[1] != len(self.schema) or shape[2] not in (2, 3):
            raise ValueError(
                f"clip {self.name!r}: expected (T, {len(self.schema)}, 2 or 3) {self.schema.name} points, "
                f"not {shape}"
            )
        if self.points.dtype != np.float64:
            raise ValueError(f"clip {self.name!r}: points must be float64, not {self.points.dtype}")
        if not (np.isfinite(self.fps) and self.fps > 0):
            raise ValueError(f"clip {self.name!r}: fps must be above 0, not {self.fps}")
        if self.frame not in ("camera", "world"):
            raise ValueError(f"clip {self.name!r}: frame must be 'camera' or 'world', not {self.frame!r}")
        if self.scores is not None and self.scores.shape != shape[:2]:
            raise ValueError(f"clip {self.name!r}: expected scores {shape[:2]}, not {self.scores.shape}")

    def __len__(self) -> int:
        return len(self.points)

    @property
    def is_3d(self) -> bool:
        """Whether the points are metres in space rather than pixels."""
        return self.points.shape[2] == 3

    @property
    def duration_s(self) -> float:
        """Time from the first frame to the last."""
        return (len(self) - 1) / self.fps

    def to_schema(self, target: KeypointSchema = H36M17) -> "MotionClip":
        """Return the clip in another schema; points that it does not define are NaN (and score 0)."""
        if target is self.schema:
            return self
        points, _ = map_points(self.points, self.schema, target)
        scores = self.scores
        if scores is not None:
            mapped, defined = map_points(scores[..., None], self.schema, target)
            scores = np.where(defined, np.nan_to_num(mapped[..., 0]), 0.0)
        return replace(self, points=points, schema=target, scores=scores)

    def with_notes(self, *notes: str) -> "MotionClip":
        """Return the clip with further notes behind those it has."""
        return replace(self, notes=(*self.notes, *notes))
