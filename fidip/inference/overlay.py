"""Draw predicted skeletons, coloured by confidence, into a picture."""

from functools import lru_cache

import cv2
import numpy as np

from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["confidence_colors", "draw_caption", "draw_legend", "draw_poses"]

MIN_SCORE = 0.05
"""Keypoints with a lower score are not drawn at all."""
DOUBTFUL = 0.3
"""Keypoints with a lower score are drawn hollow, their bones thin."""
FAR_PX = 10_000
"""Points this far outside the picture are not drawn: OpenCV's fixed-point coordinates would overflow."""
OUTLINE = (20, 20, 24)
_SHIFT = 4  # OpenCV's fixed-point coordinates: 1/16 px


def confidence_colors(scores: np.ndarray) -> np.ndarray:
    """Return (..., 3) uint8 RGB of scores 0..1: plasma's dark violet over red to yellow.

    The brightness rises with the score, so the scale reads in grey and for the colour-blind too.
    """
    index = np.clip(np.nan_to_num(np.asarray(scores, np.float64)) * 255, 0, 255).astype(int)
    return _scale()[index]


def draw_poses(image: np.ndarray, keypoints: np.ndarray, *, schema: KeypointSchema = COCO17) -> np.ndarray:
    """Draw skeletons into a picture, in place.

    Args:
        image: (H, W, 3) uint8 RGB, contiguous and writable.
        keypoints: (N, K, 3) x, y px (pixel-corner) and score 0..1.
        schema: Layout of ``keypoints``.

    Returns:
        The same picture.
    """
    width = _stroke(image)
    for person in np.asarray(keypoints, np.float64):
        drawn = (person[:, 2] >= MIN_SCORE) & (np.abs(person[:, :2]) < FAR_PX).all(axis=1)
        # The centre of the first pixel is (0.5, 0.5) in our coordinates and (0, 0) in OpenCV's.
        fixed = np.round((np.where(drawn[:, None], person[:, :2], 0) - 0.5) * (1 << _SHIFT)).astype(int)
        bones = [(a, b) for a, b in schema.skeleton if drawn[a] and drawn[b]]
        bones.sort(key=lambda bone: person[list(bone), 2].min())  # the surest on top
        for is_outline in (True, False):
            for a, b in bones:
                score = person[[a, b], 2].min()
                thickness = width if score >= DOUBTFUL else 0.4 * width
                color = OUTLINE if is_outline else _color(score)
                pixels = max(1, round(thickness + (0.6 * width if is_outline else 0)))
                ends = tuple(fixed[a].tolist()), tuple(fixed[b].tolist())
                cv2.line(image, *ends, color, pixels, cv2.LINE_AA, _SHIFT)
        for k in np.flatnonzero(drawn):
            _draw_point(image, tuple(fixed[k].tolist()), person[k, 2], width)
    return image


def draw_legend(image: np.ndarray) -> np.ndarray:
    """Draw the colour scale of the confidence into the lower left corner, in place."""
    unit = _text_height(image)
    bottom = image.shape[0] - 2 * unit // 3
    left = _write(image, "confidence 0", (unit, bottom))
    right = left + 6 * unit
    if right + 2 * unit < image.shape[1] and 4 * unit < image.shape[0]:
        ramp = confidence_colors(np.linspace(0, 1, 6 * unit))
        image[bottom - unit : bottom, left:right] = ramp
        _write(image, "1", (right, bottom))
    return image


def draw_caption(image: np.ndarray, text: str) -> np.ndarray:
    """Write one line on a dark plate into the upper left corner, in place."""
    unit = _text_height(image)
    _write(image, text, (unit, 2 * unit))
    return image


def _write(image: np.ndarray, text: str, place: tuple[int, int]) -> int:
    """Write on a dark plate from the left end of the base line on; return where the plate ends."""
    unit = _text_height(image)
    size, thickness, gap = unit / 22, max(1, round(unit / 12)), unit // 3
    width = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, thickness)[0][0]
    x, y = place
    plate = image[max(0, y - unit - gap) : y + gap, max(0, x - gap) : x + width + gap]
    plate //= 4  # see-through
    white = (255, 255, 255)
    cv2.putText(image, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, white, thickness, cv2.LINE_AA)
    return x + width + gap


def _draw_point(image: np.ndarray, centre: tuple[int, int], score: float, width: float) -> None:
    radius = round(1.2 * width * (1 << _SHIFT))
    rim = max(1, round(0.4 * width))
    if score >= DOUBTFUL:
        cv2.circle(image, centre, radius, _color(score), -1, cv2.LINE_AA, _SHIFT)
        cv2.circle(image, centre, radius, OUTLINE, rim, cv2.LINE_AA, _SHIFT)
    else:
        cv2.circle(image, centre, radius, OUTLINE, 2 * rim + 1, cv2.LINE_AA, _SHIFT)
        cv2.circle(image, centre, radius, _color(score), rim, cv2.LINE_AA, _SHIFT)


def _color(score: float) -> tuple[int, int, int]:
    red, green, blue = confidence_colors(np.array(score)).tolist()
    return red, green, blue


def _stroke(image: np.ndarray) -> float:
    return max(1.5, 0.006 * max(image.shape[:2]))


def _text_height(image: np.ndarray) -> int:
    return max(8, round(0.022 * max(image.shape[:2])))


@lru_cache(maxsize=1)
def _scale() -> np.ndarray:
    ramp = np.arange(256, dtype=np.uint8)[None]
    return cv2.cvtColor(cv2.applyColorMap(ramp, cv2.COLORMAP_PLASMA), cv2.COLOR_BGR2RGB)[0]
