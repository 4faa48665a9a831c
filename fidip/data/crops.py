"""Top-down crops: the region around a person, the map to crop pixels, and the picture that it cuts out.

All coordinates are pixel-corner: pixel i covers [i, i + 1) and its centre is i + 0.5 (docs/conventions.md).
OpenCV puts pixel centres on whole numbers; :func:`warp_crop` is the only place that converts.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import ArrayLike

__all__ = ["apply_matrix", "crop_matrix", "crop_region", "invert_matrix", "warp_crop"]

BOX_PADDING = 1.25
"""Sides of a crop over sides of the (aspect-corrected) box; that of Simple Baselines, HRNet and FiDIP."""


def crop_region(
    box_xywh: ArrayLike, aspect: float, padding: float = BOX_PADDING
) -> tuple[np.ndarray, np.ndarray]:
    """Return the region to cut out around a box.

    Args:
        box_xywh: (4,) left, top, width, height of the person's box in px.
        aspect: Width over height of the crop.
        padding: The region's sides over those of the smallest box of that aspect around ``box_xywh``.

    Returns:
        Centre (2,) and size (2,) (width, height) of the region in px; it may leave the picture.

    Raises:
        ValueError: If the box has no area or is not finite.
    """
    left, top, width, height = np.asarray(box_xywh, np.float64)
    if not (np.isfinite([left, top, width, height]).all() and width > 0 and height > 0):
        raise ValueError(
            f"a box needs a finite place, width and height > 0, got {[left, top, width, height]}"
        )
    side = max(width, height * aspect)
    return np.array([left + width / 2, top + height / 2]), padding * np.array([side, side / aspect])


def crop_matrix(
    center: ArrayLike, size: ArrayLike, rotation_deg: float, output_size: Sequence[int]
) -> np.ndarray:
    """Return the (2, 3) affine map from image px to crop px.

    Args:
        center: (2,) centre of the region in image px; it goes to the centre of the crop.
        size: (2,) width and height of the region in px. The width sets the scale, the same along both axes.
        rotation_deg: Turns the picture's content by this angle, clockwise as seen (y points down).
        output_size: (width, height) of the crop in px.
    """
    center = np.asarray(center, np.float64)
    scale = output_size[0] / float(np.asarray(size, np.float64)[0])
    angle = math.radians(rotation_deg)
    linear = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    offset = np.asarray(output_size, np.float64) / 2 - linear @ center
    return np.concatenate([linear, offset[:, None]], axis=1)


def invert_matrix(matrix: ArrayLike) -> np.ndarray:
    """Return the (2, 3) inverse of a (2, 3) affine map."""
    matrix = np.asarray(matrix, np.float64)
    linear = np.linalg.inv(matrix[:, :2])
    return np.concatenate([linear, -(linear @ matrix[:, 2])[:, None]], axis=1)


def apply_matrix(matrix: ArrayLike, points: ArrayLike) -> np.ndarray:
    """Map points (..., 2) with a (2, 3) affine map."""
    matrix = np.asarray(matrix, np.float64)
    return np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]


def warp_crop(image: np.ndarray, matrix: ArrayLike, output_size: Sequence[int]) -> np.ndarray:
    """Cut a crop out of a picture; black where it leaves the picture.

    Where the crop shrinks the picture by two or more, the region is averaged first, so that fine patterns do
    not alias.

    Args:
        image: (H, W, 3) uint8.
        matrix: (2, 3) map from image px to crop px, as :func:`crop_matrix` makes it.
        output_size: (width, height) of the crop in px.

    Returns:
        (height, width, 3) uint8.
    """
    matrix = np.asarray(matrix, np.float64)
    shrink = int(1 / math.sqrt(max(abs(np.linalg.det(matrix[:, :2])), 1e-12)) + 1e-9)
    if shrink >= 2:
        image, matrix = _averaged(image, matrix, output_size, shrink)
    to_centres = matrix.copy()
    to_centres[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    return cv2.warpAffine(image, to_centres, tuple(int(n) for n in output_size), flags=cv2.INTER_LINEAR)


def _averaged(
    image: np.ndarray, matrix: np.ndarray, output_size: Sequence[int], shrink: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the part of the picture under the crop, shrunk by a whole factor, and the map from it."""
    width, height = output_size
    corners = apply_matrix(invert_matrix(matrix), [(0, 0), (width, 0), (0, height), (width, height)])
    limit = np.array(image.shape[1::-1])
    low = np.clip(np.floor(corners.min(0)).astype(int) - shrink, 0, limit)
    high = np.clip(np.ceil(corners.max(0)).astype(int) + shrink, 0, limit)
    cells = (high - low) // shrink  # a rest of less than one cell at the picture's edge is lost
    if (cells < 1).any():
        return image, matrix
    high = low + cells * shrink
    part = image[low[1] : high[1], low[0] : high[0]]
    part = cv2.resize(part, (int(cells[0]), int(cells[1])), interpolation=cv2.INTER_AREA)
    offset = matrix[:, 2] + matrix[:, :2] @ low
    return part, np.concatenate([matrix[:, :2] * shrink, offset[:, None]], axis=1)
