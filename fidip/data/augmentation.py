"""Random views of a person: where to crop (scale, turn, mirror, half body) and what to do to the colours."""

from dataclasses import dataclass

import cv2
import numpy as np

from fidip.data.crops import crop_matrix, crop_region

__all__ = ["Augmentation", "change_colors", "sample_view"]

UPPER_BODY = 11
"""COCO-17's keypoints 0 to 10 are head and arms; hips and legs follow."""
HALF_BODY_BOX_GROWTH = 1.5
"""The box of half a body is its keypoints' extent times this, as in HRNet's code."""


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How much to vary; all zero = the plain crop."""

    scale: float = 0.35
    """Standard deviation of the scale factor around 1, which is cut to 1 ± scale."""
    rotation_deg: float = 45.0
    """Standard deviation of the rotation, cut to twice this."""
    rotation_probability: float = 0.6
    any_rotation_probability: float = 0.0
    """Probability of a rotation drawn evenly from ±180° instead: infants lie every way."""
    shift: float = 0.0
    """Largest shift of the crop's centre as a fraction of its side."""
    flip_probability: float = 0.5
    half_body_probability: float = 0.3
    half_body_min_keypoints: int = 8
    """Half-body crops need more labelled keypoints than this."""
    color: float = 0.0
    """Strength of brightness, contrast, saturation and colour balance changes, 0 to 1."""
    gray_probability: float = 0.0
    blur_probability: float = 0.0
    noise: float = 0.0
    """Largest standard deviation of added noise, in 0..255."""


def sample_view(
    augmentation: Augmentation | None,
    box: tuple[float, float, float, float],
    keypoints: np.ndarray,
    input_size: tuple[int, int],
    padding: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, bool]:
    """Draw a crop.

    Args:
        augmentation: How much to vary, or None for the plain crop.
        box: Left, top, width, height in px.
        keypoints: (K, 3) COCO-17 with visibility, for half-body crops.
        input_size: (width, height) of the crop in px.
        padding: See :func:`fidip.data.crops.crop_region`.
        rng: Source of all randomness.

    Returns:
        The (2, 3) map from image px to crop px, mirroring included, and whether it mirrors.
    """
    aspect = input_size[0] / input_size[1]
    if augmentation is None:
        return crop_matrix(*crop_region(box, aspect, padding), 0, input_size), False
    a = augmentation
    if rng.random() < a.half_body_probability:
        box = _half_body(keypoints, a.half_body_min_keypoints, rng) or box
    center, size = crop_region(box, aspect, padding)
    size = size * np.clip(1 + a.scale * rng.standard_normal(), 1 - a.scale, 1 + a.scale)
    center = center + size * rng.uniform(-a.shift, a.shift, 2)
    rotation = 0.0
    if rng.random() < a.any_rotation_probability:
        rotation = rng.uniform(-180, 180)
    elif rng.random() < a.rotation_probability:
        rotation = np.clip(rng.standard_normal(), -2, 2) * a.rotation_deg
    matrix = crop_matrix(center, size, rotation, input_size)
    mirrored = bool(rng.random() < a.flip_probability)
    if mirrored:
        matrix = np.array([[-matrix[0, 0], -matrix[0, 1], input_size[0] - matrix[0, 2]], matrix[1]])
    return matrix, mirrored


def _half_body(
    keypoints: np.ndarray, min_keypoints: int, rng: np.random.Generator
) -> tuple[float, float, float, float] | None:
    """Return the box of the upper or lower half, or None where too little is labelled."""
    labelled = keypoints[:, 2] > 0
    if labelled.sum() <= min_keypoints:
        return None
    upper = np.arange(len(keypoints)) < UPPER_BODY
    half = labelled & (upper if rng.random() < 0.5 else ~upper)
    if half.sum() < 3:
        return None
    low, high = keypoints[half, :2].min(0), keypoints[half, :2].max(0)
    side = np.maximum((high - low) * HALF_BODY_BOX_GROWTH, 8.0)
    corner = (low + high - side) / 2
    return float(corner[0]), float(corner[1]), float(side[0]), float(side[1])


def change_colors(crop: np.ndarray, augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Vary brightness, contrast, saturation, balance, sharpness and noise of a crop (H, W, 3) uint8."""
    a = augmentation
    if a.color > 0:
        contrast, saturation = np.exp(a.color * rng.uniform(-0.6, 0.6, 2))
        brightness = 255 * a.color * rng.uniform(-0.3, 0.3)
        balance = np.exp(a.color * rng.uniform(-0.25, 0.25, 3))
        # one affine map of colours: y = contrast * (S x - 128) * balance + 128 + brightness
        luma = np.array([0.299, 0.587, 0.114])
        linear = (saturation * np.eye(3) + (1 - saturation) * luma) * contrast * balance[:, None]
        offset = 128 + brightness - 128 * contrast * balance
        crop = cv2.transform(crop, np.column_stack([linear, offset]))
    if a.gray_probability and rng.random() < a.gray_probability:
        crop = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if a.blur_probability and rng.random() < a.blur_probability:
        crop = cv2.GaussianBlur(crop, (0, 0), float(rng.uniform(0.4, 1.6)))
    if a.noise > 0:
        sigma = a.noise * rng.random()
        noise = rng.integers(-127, 128, crop.shape, np.int8).astype(np.int16)  # even noise is quick to draw
        crop = np.clip(crop + noise * (sigma / 73.3), 0, 255).astype(np.uint8)
    return crop
