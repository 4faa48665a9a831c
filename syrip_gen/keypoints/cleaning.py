"""Turn raw keypoints, boxes and sizes of any file into clean arrays, counting every repair."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.keypoints.mapping import map_keypoints
from syrip_gen.keypoints.poses import MIN_LABELLED, PoseSet
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["MAX_COORDINATE_PX", "PoseCollector", "clean_keypoints", "score_to_visibility"]

MAX_COORDINATE_PX = 1e5
"""Coordinates beyond this are not pixels of any photo."""
MAX_IMAGE_SIDE_PX = 65_535
DELETED_PX = -45.0
"""AH-CoLT moves deleted keypoints to (-45, -45); SyRIP's files inherit that."""
SCORE_UNLABELLED = 0.05
SCORE_VISIBLE = 0.3
"""Scores in between say «somewhere here»: read as occluded (v = 1), the annotators' word for a guess."""


def score_to_visibility(scores: np.ndarray) -> np.ndarray:
    """Turn detector scores into v: 0 below 0.05, 1 below 0.3, else 2."""
    scores = np.nan_to_num(np.asarray(scores, dtype=np.float64), nan=0.0)
    return np.select([scores < SCORE_UNLABELLED, scores < SCORE_VISIBLE], [0.0, 1.0], 2.0)


def clean_keypoints(raw: np.ndarray, *, is_score: bool, repairs: Counter[str]) -> np.ndarray:
    """Return (K, 3) keypoints whose v is 0, 1 or 2 and whose unlabelled rows are zero.

    Args:
        raw: (K, 3) x, y and v or score; may hold NaN, infinities and sentinels.
        is_score: Whether the third column is a score.
        repairs: Counts of what was changed, added to in place.
    """
    keypoints = np.array(raw, dtype=np.float64)
    finite = np.isfinite(keypoints).all(axis=1)
    repairs["keypoints with NaN or infinite values read as unlabelled"] += int((~finite).sum())
    keypoints[~finite] = 0
    deleted = (keypoints[:, :2] == DELETED_PX).all(axis=1)
    repairs["keypoints at the (-45, -45) marker of deleted points read as unlabelled"] += int(
        (deleted & (keypoints[:, 2] > 0)).sum()
    )
    keypoints[deleted] = 0
    third = keypoints[:, 2]
    if not is_score and not np.isin(third, (0, 1, 2)).all():
        is_score = True
        repairs["poses whose visibility was not 0, 1 or 2 and was read as a score"] += 1
    keypoints[:, 2] = score_to_visibility(third) if is_score else third
    labelled = keypoints[:, 2] > 0
    absurd = labelled & (np.abs(keypoints[:, :2]) > MAX_COORDINATE_PX).any(axis=1)
    repairs[f"keypoints beyond {MAX_COORDINATE_PX:.0f} px read as unlabelled"] += int(absurd.sum())
    keypoints[~labelled | absurd] = 0
    return keypoints


def extent_box(keypoints: np.ndarray, margin: float = 0.0) -> np.ndarray | None:
    """Return the (4,) xywh box of labelled keypoints, widened by a fraction of its longer side, or None."""
    xy = keypoints[keypoints[:, 2] > 0, :2]
    if not len(xy):
        return None
    low, high = xy.min(axis=0), xy.max(axis=0)
    pad = max(margin * (high - low).max(), 1.0)
    return np.concatenate([low - pad, high - low + 2 * pad])


def estimate_image_size(keypoints: np.ndarray, bbox: np.ndarray | None) -> tuple[int, int]:
    """Guess the (width, height) of an unknown image: what is left of a person is also right of it."""
    boxes = [b for b in (extent_box(keypoints, 0.1), bbox) if b is not None]
    if not boxes:
        return 1, 1
    low = np.min([b[:2] for b in boxes], axis=0)
    high = np.max([b[:2] + b[2:] for b in boxes], axis=0)
    width, height = np.clip(np.ceil(high + np.maximum(low, 0)), 1, MAX_IMAGE_SIDE_PX).astype(int)
    return int(width), int(height)


@dataclass(slots=True)
class PoseCollector:
    """Gathers the poses of one source and turns them into a :class:`PoseSet`."""

    path: Path
    repairs: Counter[str] = field(default_factory=Counter)
    keypoints: list[np.ndarray] = field(default_factory=list)
    sizes: list[tuple[int, int] | None] = field(default_factory=list)
    boxes: list[np.ndarray | None] = field(default_factory=list)
    image_ids: list[int] = field(default_factory=list)
    annotation_ids: list[int] = field(default_factory=list)
    file_names: list[str] = field(default_factory=list)
    postures: list[str] = field(default_factory=list)

    def add(
        self,
        keypoints: np.ndarray,
        schema: KeypointSchema,
        *,
        is_score: bool,
        image_id: int,
        annotation_id: int,
        size: tuple[int, int] | None = None,
        bbox: Sequence[float] | None = None,
        file_name: str = "",
        posture: str = "",
    ) -> None:
        """Add one pose given as (K, 3) keypoints of ``schema``; size and box may be unknown."""
        cleaned = clean_keypoints(keypoints, is_score=is_score, repairs=self.repairs)
        if schema.keypoints != COCO17.keypoints:
            cleaned = map_keypoints(cleaned, schema, COCO17)
        self.keypoints.append(cleaned)
        self.sizes.append(size)
        self.boxes.append(self._clean_box(bbox, size, cleaned))
        self.image_ids.append(image_id)
        self.annotation_ids.append(annotation_id)
        self.file_names.append(file_name)
        self.postures.append(posture)

    def _clean_box(
        self, bbox: Sequence[float] | None, size: tuple[int, int] | None, keypoints: np.ndarray
    ) -> np.ndarray | None:
        """Return the box clipped to its image; the keypoints' extent where it is missing or useless."""
        if bbox is not None:
            box = np.asarray(bbox, dtype=np.float64)
            if np.isfinite(box).all() and (box[2:] > 0).all() and (np.abs(box) <= MAX_COORDINATE_PX).all():
                if size is None:
                    return box
                low = np.maximum(box[:2], 0)
                high = np.minimum(box[:2] + box[2:], size)
                if (high > low).all():
                    self.repairs["boxes clipped to their image"] += int(
                        not np.allclose(np.concatenate([low, high - low]), box, atol=1.0)
                    )
                    return np.concatenate([low, high - low])
        self.repairs["boxes missing, empty or outside their image, replaced by the keypoints' extent"] += 1
        return extent_box(keypoints, 0.1)

    def pose_set(self, *, share_size: bool = False) -> PoseSet:
        """Return the poses.

        Args:
            share_size: Take unknown image sizes as one for all poses (the frames of one video).

        Raises:
            ValueError: If there is no pose with enough labelled keypoints.
        """
        if not self.keypoints:
            raise ValueError(f"{self.path}: no pose found; expected at least one annotated person")
        labelled = [int((k[:, 2] > 0).sum()) for k in self.keypoints]
        if max(labelled) < MIN_LABELLED:
            raise ValueError(
                f"{self.path}: none of its {len(labelled)} poses is usable: the best has {max(labelled)} "
                f"labelled keypoints, at least {MIN_LABELLED} are needed"
            )
        few = sum(n < MIN_LABELLED for n in labelled)
        self.repairs[f"poses with fewer than {MIN_LABELLED} labelled keypoints, kept but not usable"] += few
        return PoseSet(
            keypoints=np.stack(self.keypoints),
            image_size=self._final_sizes(share_size),
            bbox=np.stack([np.array([0.0, 0, 1, 1]) if b is None else b for b in self.boxes]),
            image_id=np.array(self.image_ids, dtype=np.int64),
            annotation_id=np.array(self.annotation_ids, dtype=np.int64),
            file_name=tuple(self.file_names),
            posture=tuple(self.postures),
            pose_id=tuple(
                f"{self.path.stem}/{i}/{a}" for i, a in zip(self.image_ids, self.annotation_ids, strict=True)
            ),
            source=(str(self.path),),
            notes=tuple(f"{self.path.name}: {n} {what}" for what, n in self.repairs.items() if n),
        )

    def _final_sizes(self, share: bool) -> np.ndarray:
        """Return (N, 2) sizes with the unknown ones estimated, alike for all persons of one image."""
        unknown: dict[int, tuple[int, int]] = {}
        for size, box, keypoints, image_id in zip(
            self.sizes, self.boxes, self.keypoints, self.image_ids, strict=True
        ):
            if size is None:
                key = 0 if share else image_id
                guess = estimate_image_size(keypoints, box)
                known = unknown.get(key, (1, 1))
                unknown[key] = (max(known[0], guess[0]), max(known[1], guess[1]))
        estimated = sum(size is None for size in self.sizes)
        self.repairs["image sizes unknown and estimated from keypoints and boxes"] += estimated
        return np.array(
            [
                unknown[0 if share else i] if size is None else size
                for size, i in zip(self.sizes, self.image_ids, strict=True)
            ],
            dtype=np.int64,
        )
