"""Gather the samples of a dataset one by one, mend what can be mended, and make PoseSamples of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fidip.data.pose_samples import PoseSamples
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["SampleCollector", "extent_boxes", "found_names", "listed"]

BOX_MARGIN = 0.1
"""Of the keypoints' extent, on every side, where files have no box."""
MAX_COORDINATE = 1e6
MAX_NAMED = 10


@dataclass(slots=True)
class SampleCollector:
    """Samples of one source on their way to :class:`PoseSamples`."""

    source: str
    schema: KeypointSchema
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    rows: list[dict] = field(default_factory=list)
    repairs: Counter[str] = field(default_factory=Counter)

    def add(
        self,
        keypoints: np.ndarray,
        *,
        image_id: int,
        points_3d: np.ndarray | None = None,
        intrinsics: Sequence[float] | None = None,
        box: Sequence[float] | None = None,
        image_path: Path | None = None,
        image_size: tuple[int, int] = (0, 0),
        subject: str = "",
        sequence: str = "",
        frame: int = -1,
        head_px: float = np.nan,
        head_mm: float = np.nan,
    ) -> None:
        """Add one person: (K, 3) x, y, v in px, (K, 3) metres, the rest as in :class:`PoseSamples`."""
        keypoints = np.array(keypoints, np.float64)
        finite = np.isfinite(keypoints).all(axis=1) & (np.abs(keypoints) < MAX_COORDINATE).all(axis=1)
        self.repairs["keypoints that are not finite numbers taken as not labelled"] += int((~finite).sum())
        keypoints[~finite] = 0
        keypoints[keypoints[:, 2] <= 0] = 0
        if points_3d is not None:
            points_3d = np.array(points_3d, np.float64)
            whole = np.isfinite(points_3d).all(axis=1)
            self.repairs["3D keypoints that are not finite numbers taken as unknown"] += int((~whole).sum())
            points_3d[~whole] = np.nan
        self.rows.append(
            {
                "keypoints": keypoints,
                "boxes": extent_boxes(keypoints[None])[0] if box is None else np.asarray(box, np.float64),
                "image_ids": image_id,
                "frames": frame,
                "subjects": subject,
                "sequences": sequence,
                "image_paths": image_path,
                "image_sizes": image_size,
                "keypoints_3d": points_3d,
                "intrinsics": None if intrinsics is None else np.asarray(intrinsics, np.float64),
                "head_px": head_px,
                "head_mm": head_mm,
            }
        )

    def samples(self) -> PoseSamples:
        """Return what was gathered.

        Raises:
            ValueError: If nothing was; the first failures are told.
        """
        if not self.rows:
            reasons = "; ".join(self.failures[:3]) or "it holds no labelled person"
            raise ValueError(f"{self.source}: nothing to read: {reasons}")
        notes = [*self.notes, *(f"{self.source}: {n} {what}" for what, n in self.repairs.items() if n)]
        return PoseSamples(
            source=self.source,
            schema=self.schema,
            keypoints=np.stack(self._column("keypoints")),
            boxes=np.stack(self._column("boxes")),
            image_ids=np.array(self._column("image_ids"), np.int64),
            frames=np.array(self._column("frames"), np.int64),
            subjects=tuple(self._column("subjects")),
            sequences=tuple(self._column("sequences")),
            image_paths=tuple(self._column("image_paths")),
            image_sizes=np.array(self._column("image_sizes"), np.int64),
            keypoints_3d=self._optional("keypoints_3d", (len(self.schema), 3)),
            intrinsics=self._optional("intrinsics", (4,)),
            head_px=self._lengths("head_px"),
            head_mm=self._lengths("head_mm"),
            notes=tuple(notes),
            failures=tuple(self.failures),
        )

    def _column(self, name: str) -> list:
        return [row[name] for row in self.rows]

    def _optional(self, name: str, shape: tuple[int, ...]) -> np.ndarray | None:
        values = self._column(name)
        if all(value is None for value in values):
            return None
        return np.stack([np.full(shape, np.nan) if value is None else value for value in values])

    def _lengths(self, name: str) -> np.ndarray | None:
        values = np.array(self._column(name), np.float64)
        return None if np.isnan(values).all() else values


def extent_boxes(keypoints: np.ndarray) -> np.ndarray:
    """Return (N, 4) boxes x, y, width, height around (N, K, 3) labelled keypoints, a tenth wider."""
    labelled = keypoints[..., 2:] > 0
    low = np.where(labelled, keypoints[..., :2], np.inf).min(axis=1)
    high = np.where(labelled, keypoints[..., :2], -np.inf).max(axis=1)
    empty = ~labelled.any(axis=(1, 2))
    low[empty], high[empty] = 0, 0
    margin = BOX_MARGIN * (high - low)
    return np.concatenate([low - margin, high - low + 2 * margin], axis=1)


def found_names(folder: Path) -> str:
    """Return what a folder holds, for an error: ``found 01, 02, notes.txt``."""
    names = sorted(path.name for path in folder.iterdir())
    return f"found {listed(names)}" if names else "found an empty folder"


def listed(items: Sequence) -> str:
    """Return the first ten items for a text."""
    shown = ", ".join(str(item) for item in items[:MAX_NAMED])
    return shown if len(items) <= MAX_NAMED else f"{shown} and {len(items) - MAX_NAMED} more"
