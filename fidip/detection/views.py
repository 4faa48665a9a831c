"""Random views of whole pictures, and the boxes of what is still seen of each person."""

from collections.abc import Sequence

import cv2
import numpy as np

from fidip.config import AugmentationSettings
from fidip.data.crops import apply_matrix, crop_matrix, warp_crop
from fidip.detection.records import Instance

__all__ = ["MIN_SEEN", "TRIES", "canvas_size", "sample_matrix", "seen_boxes"]

QUARTER_DEG = 90.0
INSIDE = 128
"""A warped mask's pixel belongs to the person from this value on, of 255."""
MIN_SEEN = 0.3
"""A view must show this share of every person's mask (or box) ..."""
TRIES = 6
"""... or another is drawn; after so many the plain one is taken."""
MIN_SIDE_PX = 4


def canvas_size(image_size: Sequence[int], min_size: int, max_size: int) -> tuple[int, int]:
    """Return the (width, height) px at which a detector sees a picture of this size."""
    scale = min(min_size / min(image_size), max_size / max(image_size))
    return max(1, round(image_size[0] * scale)), max(1, round(image_size[1] * scale))


def sample_matrix(
    settings: AugmentationSettings | None,
    image_size: Sequence[int],
    canvas: Sequence[int],
    rng: np.random.Generator,
    *,
    any_angle: bool,
) -> np.ndarray:
    """Draw a (2, 3) map from px of the picture to px of the canvas, mirroring included.

    Args:
        settings: How much to vary; None = the whole picture as it is.
        image_size: (width, height) px.
        canvas: (width, height) px.
        rng: Source of all randomness.
        any_angle: False where a person has no mask: turned by quarters only, since no other turn of a box
            is the box of the turned person.
    """
    size = np.array(image_size, np.float64)
    center, region = size / 2, size.copy()
    if settings is None:  # canvas sides are rounded, each by its own factor
        return np.array([[canvas[0] / size[0], 0, 0], [0, canvas[1] / size[1], 0]])
    region *= np.clip(1 + settings.scale * rng.standard_normal(), 1 - settings.scale, 1 + settings.scale)
    center = center + region * rng.uniform(-settings.shift, settings.shift, 2)
    angle = 0.0
    if rng.random() < settings.any_rotation_probability:
        angle = rng.uniform(-180, 180)
        angle = angle if any_angle else QUARTER_DEG * round(angle / QUARTER_DEG)
    elif rng.random() < settings.rotation_probability and any_angle:
        angle = float(np.clip(rng.standard_normal(), -2, 2)) * settings.rotation_deg
    if round(angle / QUARTER_DEG) % 2:  # lying across the canvas: shrink so that all of it is seen
        region *= max(canvas) / min(canvas)
    matrix = crop_matrix(center, region, angle, canvas)
    if rng.random() < settings.flip_probability:
        matrix = np.array([[-matrix[0, 0], -matrix[0, 1], canvas[0] - matrix[0, 2]], matrix[1]])
    return matrix


def seen_boxes(
    instances: Sequence[Instance],
    masks: Sequence[np.ndarray | None],
    matrix: np.ndarray,
    canvas: Sequence[int],
) -> tuple[np.ndarray, float]:
    """Return (N, 4) left, top, right, bottom px of what a view shows, and the least share shown of a person.

    The box of a person with a mask is that of its warped mask, cut at the border; without one, that of the
    warped box (exact for turns by quarters).

    Args:
        instances: Persons.
        masks: Their (H, W) masks, or None.
        matrix: (2, 3) map from px of the picture to px of the canvas.
        canvas: (width, height) px.
    """
    factor = abs(float(np.linalg.det(matrix[:, :2])))
    boxes, least = [], 1.0
    for instance, mask in zip(instances, masks, strict=True):
        if mask is None:
            box, share = _warped_box(instance.box, matrix, canvas)
        else:
            seen = warp_crop(mask, matrix, canvas) >= INSIDE
            left, top, width, height = cv2.boundingRect(seen.view(np.uint8))
            box = (left, top, left + width, top + height)
            share = float(np.count_nonzero(seen)) / max(factor * np.count_nonzero(mask), 1e-9)
        least = min(least, share)
        if min(box[2] - box[0], box[3] - box[1]) >= MIN_SIDE_PX:
            boxes.append(box)
    return np.array(boxes, np.float32).reshape(-1, 4), least


def _warped_box(
    box: Sequence[float], matrix: np.ndarray, canvas: Sequence[int]
) -> tuple[tuple[float, ...], float]:
    left, top, width, height = box
    corners = [(left + i * width, top + j * height) for i in (0, 1) for j in (0, 1)]
    points = apply_matrix(matrix, corners)
    low, high = points.min(0), points.max(0)
    whole = float(np.prod(high - low))
    low, high = np.clip(low, 0, canvas), np.clip(high, 0, canvas)
    return (*low.tolist(), *high.tolist()), float(np.prod(high - low)) / max(whole, 1e-9)
