"""The .npz that VideoPose3D's detectron scripts write for a video: boxes and keypoints of everybody in it."""

from pathlib import Path
from typing import Any

import numpy as np

from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.motion.clip import MotionClip
from syrip_gen.motion.mending import check_frames
from syrip_gen.motion.points_2d import clip_from_pixels, image_size_of

__all__ = ["follow_person", "read_detections"]

MIN_OVERLAP = 0.3
"""Intersection over union above which a box continues the person of the frame before."""


def read_detections(arrays: dict[str, np.ndarray], path: Path, *, fps: float | None) -> MotionClip:
    """Make a 2D clip of the most prominent person.

    ``boxes[t]`` is ``[[], (n, 5)]`` (x1, y1, x2, y2, score), ``keypoints[t]`` is ``[[], (n, 4, 17)]``
    (rows x, y, unused, score). Frames in which nobody is found are gaps.

    Raises:
        ValueError: If the structure is another, or more than 20 % of the frames show nobody.
    """
    boxes, keypoints = arrays["boxes"], arrays["keypoints"]
    if boxes.ndim < 1 or keypoints.ndim < 1 or len(boxes) != len(keypoints):
        raise ValueError(
            f"{path}: expected as many frames of boxes as of keypoints, found shapes {boxes.shape} and "
            f"{keypoints.shape}"
        )
    check_frames(len(boxes), str(path))
    people = [_people(boxes[t], keypoints[t], f"{path}: frame {t}") for t in range(len(boxes))]
    chosen = follow_person([box for box, _ in people])
    points = np.full((len(people), 17, 2), np.nan)
    scores = np.zeros((len(people), 17))
    for t, index in enumerate(chosen):
        if index is not None:
            points[t] = people[t][1][index, :2].T
            scores[t] = _unit_scores(people[t][1][index])
    if all(index is None for index in chosen):
        raise ValueError(f"{path}: nobody was detected in any of the {len(people)} frames")
    metadata = arrays.get("metadata")
    size = (
        metadata.item() if metadata is not None and metadata.dtype == object and metadata.size == 1 else None
    )
    image_size = image_size_of(size, str(path))
    clip = clip_from_pixels(points, COCO17, image_size, str(path), path.stem, fps=fps, scores=scores)
    crowded = sum(len(box) > 1 for box, _ in people)
    if crowded:
        clip = clip.with_notes(
            f"several people in {crowded} of {len(people)} frames: one is followed by its box"
        )
    return clip


def _people(boxes: Any, keypoints: Any, source: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the (n, 5) boxes and (n, 4, 17) keypoints of one frame; n may be 0."""
    try:
        box, points = (np.asarray(frame[1], dtype=np.float64) for frame in (boxes, keypoints))
    except (TypeError, ValueError, IndexError, KeyError):
        raise ValueError(f"{source}: expected [[], boxes] and [[], keypoints] of arrays") from None
    if box.size == 0 or points.size == 0:
        return np.zeros((0, 5)), np.zeros((0, 4, 17))
    if box.ndim != 2 or box.shape[1] != 5 or points.shape != (len(box), 4, 17):
        raise ValueError(
            f"{source}: expected (n, 5) boxes and (n, 4, 17) keypoints, found {box.shape} and {points.shape}"
        )
    sound = np.isfinite(box).all(axis=1)
    return box[sound], points[sound]


def _unit_scores(keypoints: np.ndarray) -> np.ndarray:
    """Return scores of (4, 17) keypoints; detectron's logits (above 1) become all ones."""
    scores = np.nan_to_num(keypoints[3])
    return scores if scores.min() >= 0 and scores.max() <= 1 else np.ones(17)


def follow_person(boxes: list[np.ndarray]) -> list[int | None]:
    """Return which box of every frame belongs to one person, None in frames without boxes.

    The best-scored box of the clip is the start; from there, forwards and backwards, the box that overlaps
    the last one most is taken, or the frame's best-scored one where none does.

    Args:
        boxes: (n, 5) of every frame: corners in pixels, score.
    """
    best = [float(box[:, 4].max()) if len(box) else -np.inf for box in boxes]
    start = int(np.argmax(best))
    chosen: list[int | None] = [None] * len(boxes)
    if not len(boxes[start]):
        return chosen
    for frames in (range(start, len(boxes)), range(start, -1, -1)):
        last = None
        for t in frames:
            if not len(boxes[t]):
                continue
            index = int(np.argmax(boxes[t][:, 4]))
            if last is not None:
                overlap = _overlap(boxes[t][:, :4], last)
                if overlap.max() > MIN_OVERLAP:
                    index = int(np.argmax(overlap))
            chosen[t], last = index, boxes[t][index, :4]
    return chosen


def _overlap(boxes: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return the intersection over union of (n, 4) boxes with one, all given by corners."""
    size = np.minimum(boxes[:, 2:], box[2:]) - np.maximum(boxes[:, :2], box[:2])
    shared = np.prod(np.maximum(size, 0.0), axis=1)
    area = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0), axis=1)
    own = float(np.prod(np.maximum(box[2:] - box[:2], 0.0)))
    return shared / np.maximum(area + own - shared, 1e-12)
