"""Statistics of a dataset in one pass and constant memory."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.keypoints.poses import PoseSet
from syrip_gen.quality.measures import categories_of, measure_pose, measure_record

__all__ = [
    "HISTOGRAMS",
    "DatasetStatistics",
    "HistogramSpec",
    "Reservoir",
    "collect_statistics",
    "pose_statistics",
]


@dataclass(frozen=True, slots=True)
class HistogramSpec:
    """Title and bins of one histogram."""

    title: str
    unit: str
    edges: tuple[float, ...]
    hint: str = ""
    """What low and high values mean."""


def _even(low: float, high: float, count: int) -> tuple[float, ...]:
    return tuple(np.linspace(low, high, count + 1).tolist())


HISTOGRAMS: Mapping[str, HistogramSpec] = {
    "box_size": HistogramSpec("Size in the picture", "box side / picture side", _even(0, 1, 20)),
    "num_visible": HistogramSpec("Visible keypoints", "of 17", _even(-0.5, 17.5, 18)),
    "roll": HistogramSpec(
        "Head direction in the picture", "°", _even(-180, 180, 24), "0 up, +90 right, ±180 down"
    ),
    "camera_pitch": HistogramSpec("Camera looks down", "°", _even(-90, 90, 18), "0 level, 90 straight down"),
    "view_azimuth": HistogramSpec(
        "Seen around its length", "°", _even(-180, 180, 24), "0 front, +90 its left, −90 its right, ±180 back"
    ),
    "view_elevation": HistogramSpec(
        "Seen along its length", "°", _even(-90, 90, 18), "−90 from the feet, +90 from the head"
    ),
    "head_turn": HistogramSpec("Head turned", "°", _even(-90, 90, 18), "+ to its left"),
    "distance": HistogramSpec("Distance of the camera", "m", _even(0, 4, 20)),
    "field_of_view": HistogramSpec("Field of view", "°", _even(0, 100, 20)),
}
"""Every histogram of the report; values beyond the edges count in the first or last bin."""


@dataclass(slots=True)
class DatasetStatistics:
    """Counts that records are added to one by one."""

    num_images: int = 0
    num_failed: int = 0
    visibility: np.ndarray = field(default_factory=lambda: np.zeros((len(COCO17), 3), dtype=np.int64))
    """(17, 3) how often each keypoint had v = 0, 1, 2."""
    histograms: dict[str, np.ndarray] = field(default_factory=dict)
    """Counts by name of :data:`HISTOGRAMS`."""
    categories: dict[str, Counter[str]] = field(default_factory=dict)
    """Counts by group (posture, clothes ...) and value."""
    rejections: Counter[str] = field(default_factory=Counter)
    """Scenes that were drawn again, by reason."""
    failures: Counter[str] = field(default_factory=Counter)
    """Items without an image, by reason."""
    poses: Counter[str] = field(default_factory=Counter)
    """Images made from each input pose."""

    def add(self, record: Mapping[str, Any]) -> None:
        """Count one record; one without an annotation counts as failed."""
        self.rejections.update(record.get("rejected") or {})
        if "annotation" not in record:
            self.num_failed += 1
            self.failures[str(record.get("reason", "unknown"))] += 1
            return
        self.num_images += 1
        annotation = record["annotation"]
        self._count_visibility(np.asarray(annotation["keypoints"], np.float64).reshape(-1, 3))
        self._count_measures(measure_record(record))
        for group, values in categories_of(record).items():
            self.categories.setdefault(group, Counter()).update(values)
        pose_id = (annotation.get("source") or {}).get("pose_id")
        if pose_id is not None:
            self.poses[str(pose_id)] += 1

    def add_pose(
        self, keypoints: np.ndarray, bbox: np.ndarray, size: tuple[float, float], posture: str
    ) -> None:
        """Count one input pose."""
        self.num_images += 1
        self._count_visibility(keypoints)
        self._count_measures(measure_pose(keypoints, bbox, size))
        self.categories.setdefault("posture", Counter())[posture or "unknown"] += 1

    def _count_visibility(self, keypoints: np.ndarray) -> None:
        if len(keypoints) != len(COCO17):
            raise ValueError(f"expected {len(COCO17)} COCO keypoints a record, got {len(keypoints)}")
        self.visibility[np.arange(len(COCO17)), np.clip(keypoints[:, 2], 0, 2).astype(int)] += 1

    def _count_measures(self, measures: Mapping[str, float]) -> None:
        for name, value in measures.items():
            if name in HISTOGRAMS and np.isfinite(value):
                edges = HISTOGRAMS[name].edges
                counts = self.histograms.setdefault(name, np.zeros(len(edges) - 1, dtype=np.int64))
                counts[np.clip(np.searchsorted(edges, value, side="right") - 1, 0, len(counts) - 1)] += 1


class Reservoir:
    """An even sample of a stream whose length nobody knows (Vitter's algorithm R), kept in stream order."""

    def __init__(self, size: int, rng: np.random.Generator) -> None:
        self.size = size
        self._rng = rng
        self._seen = 0
        self._items: list[tuple[int, Any]] = []

    def offer(self, item: Any) -> None:
        """Consider one item."""
        if len(self._items) < self.size:
            self._items.append((self._seen, item))
        else:
            place = int(self._rng.integers(self._seen + 1))
            if place < self.size:
                self._items[place] = (self._seen, item)
        self._seen += 1

    @property
    def items(self) -> list[Any]:
        """The sample."""
        return [item for _, item in sorted(self._items, key=lambda entry: entry[0])]


def collect_statistics(
    records: Iterable[Mapping[str, Any]], reservoirs: Iterable[Reservoir] = ()
) -> DatasetStatistics:
    """Count a stream of records, offering those with an annotation to every reservoir."""
    statistics, samplers = DatasetStatistics(), list(reservoirs)
    for record in records:
        statistics.add(record)
        if "annotation" in record:
            for sampler in samplers:
                sampler.offer(record)
    return statistics


def pose_statistics(poses: PoseSet) -> DatasetStatistics:
    """Count the usable poses of a set in the same way."""
    statistics = DatasetStatistics()
    for i in np.flatnonzero(poses.is_usable):
        size = (float(poses.image_size[i, 0]), float(poses.image_size[i, 1]))
        statistics.add_pose(poses.keypoints[i], poses.bbox[i], size, poses.posture[i])
    return statistics
