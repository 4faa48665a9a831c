"""Draw keypoints and skeletons into pictures."""

import numpy as np

from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["SIDE_COLORS", "draw_mask_outline", "draw_skeleton"]

SIDE_COLORS = {"left": (0, 158, 214), "right": (240, 128, 32), "centre": (120, 200, 96)}
"""RGB; the person's own left is blue, right is orange: apart for the colour-blind as well."""
_EDGE = (255, 255, 255)
_SHIFT = 4  # OpenCV's fixed-point coordinates: 1/16 px


def draw_skeleton(
    image: np.ndarray,
    keypoints: np.ndarray,
    *,
    schema: KeypointSchema = COCO17,
    scale: float | None = None,
) -> np.ndarray:
    """Return a copy of a picture with a skeleton drawn, anti-aliased and coloured by side.

    Visible keypoints (v = 2) are filled, occluded ones (v = 1) hollow, unlabelled ones (v = 0) are left out.
    Bones between two visible ends are solid, others thin.

    Args:
        image: (H, W, 3) uint8 RGB.
        keypoints: (K, 3) x, y, v, px.
        schema: Layout of ``keypoints``.
        scale: Width of a bone in px; None chooses it by the picture's size.
    """
    import cv2

    canvas = np.ascontiguousarray(image).copy()
    points = np.asarray(keypoints, np.float64)
    width = scale or max(1.5, 0.006 * max(image.shape[:2]))
    drawable = (points[:, 2] > 0) & (np.abs(points[:, :2]) < 1e4).all(axis=1)
    # The centre of the first pixel is (0.5, 0.5) in our coordinates and (0, 0) in OpenCV's.
    fixed = np.round((np.where(drawable[:, None], points[:, :2], 0) - 0.5) * (1 << _SHIFT)).astype(int)
    for a, b in schema.skeleton:
        if drawable[a] and drawable[b]:
            solid = min(points[a, 2], points[b, 2]) >= 2
            color = SIDE_COLORS[_edge_side(schema, a, b)]
            thickness = max(1, round(width if solid else 0.45 * width))
            ends = tuple(fixed[a].tolist()), tuple(fixed[b].tolist())
            cv2.line(canvas, *ends, color, thickness, cv2.LINE_AA, _SHIFT)
    radius = round(1.25 * width * (1 << _SHIFT))
    for k in np.flatnonzero(drawable):
        centre, color = tuple(fixed[k].tolist()), SIDE_COLORS[schema.sides[k]]
        rim = max(1, round(0.45 * width))
        if points[k, 2] >= 2:
            cv2.circle(canvas, centre, radius, color, -1, cv2.LINE_AA, _SHIFT)
            cv2.circle(canvas, centre, radius, _EDGE, max(1, round(0.3 * width)), cv2.LINE_AA, _SHIFT)
        else:
            cv2.circle(canvas, centre, radius, color, rim, cv2.LINE_AA, _SHIFT)
    return canvas


def draw_mask_outline(
    image: np.ndarray, mask: np.ndarray, color: tuple[int, int, int] = (255, 230, 80)
) -> np.ndarray:
    """Return a copy of an (H, W, 3) uint8 picture with the outline of an (H, W) bool mask drawn."""
    import cv2

    canvas = np.ascontiguousarray(image).copy()
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(canvas, contours, -1, color, max(1, round(0.003 * max(image.shape[:2]))), cv2.LINE_AA)
    return canvas


def _edge_side(schema: KeypointSchema, a: int, b: int) -> str:
    """Return the side that both ends are on, a limb's side where one end is in the middle."""
    sides = {schema.sides[a], schema.sides[b]} - {"centre"}
    return sides.pop() if len(sides) == 1 else "centre"
