"""A lifted pose as a skeleton that turns, beside its picture."""

import math
from functools import lru_cache

import cv2
import numpy as np

from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["TURN_DEG_PER_S", "beside", "draw_skeleton_3d"]

TURN_DEG_PER_S = 36.0
STILL_DEG = 40.0
"""How far the skeleton beside a photo is turned."""
GROUND, EDGE = (250, 250, 248), (205, 206, 203)
COLORS = {"left": (0, 114, 178), "right": (213, 94, 0), "centre": (70, 70, 74)}
"""Okabe and Ito's blue and vermilion: told apart by the colour-blind too."""
RADIUS_M = 0.45
"""Half the panel's side."""
_SHIFT = 4  # OpenCV's fixed-point coordinates: 1/16 px


def beside(
    picture: np.ndarray, pose: np.ndarray, time_s: float | None = None, *, schema: KeypointSchema = COCO17
) -> np.ndarray:
    """Return the picture with a square panel at its right that shows the pose, turned by the time.

    Args:
        picture: (H, W, 3) uint8 RGB.
        pose: (K, 3) metres, pelvis-relative, camera frame; NaN = a gap, which is said instead.
        time_s: Of a video's frame; None for photos.
        schema: Layout of ``pose``.
    """
    angle = math.radians(STILL_DEG if time_s is None else TURN_DEG_PER_S * time_s)
    height, width = picture.shape[:2]
    both = np.empty((height, width + height, 3), np.uint8)
    both[:, :width] = picture
    both[:, width:] = draw_skeleton_3d(height, pose, angle, schema=schema)
    return both


def draw_skeleton_3d(
    side_px: int, pose: np.ndarray, angle: float, *, schema: KeypointSchema = COCO17
) -> np.ndarray:
    """Return (side, side, 3) uint8 RGB: the pose turned about the picture's vertical by an angle (radians).

    Bones nearer to the viewer lie on top; left is blue, right is red.
    """
    panel = _empty_panel(side_px).copy()
    cv2.line(panel, (0, 0), (0, side_px), EDGE, 1)
    unit = max(8, round(0.03 * side_px))
    known = np.isfinite(pose).all(-1)
    if not known.any():
        _write(panel, "no pose", (unit, 2 * unit), unit)
        return panel
    cos, sin = math.cos(angle), math.sin(angle)
    turn = np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])
    centred = pose - (pose[known].max(0) + pose[known].min(0)) / 2
    radius = max(RADIUS_M, 1.05 * float(np.linalg.norm(centred[known], axis=1).max()))
    turned = np.where(known[:, None], centred, 0.0) @ turn.T
    pixels = np.round((turned[:, :2] / radius * 0.5 + 0.5) * side_px * (1 << _SHIFT)).astype(int)
    sides = schema.sides
    width = max(2, round(0.012 * side_px))
    bones = [bone for bone in schema.skeleton if known[list(bone)].all()]
    for a, b in sorted(bones, key=lambda bone: -turned[list(bone), 2].mean()):
        kind = sides[a] if sides[a] == sides[b] else "centre"
        ends = tuple(pixels[a].tolist()), tuple(pixels[b].tolist())
        cv2.line(panel, *ends, GROUND, width + 3, cv2.LINE_AA, _SHIFT)
        cv2.line(panel, *ends, COLORS[kind], width, cv2.LINE_AA, _SHIFT)
    _write(panel, f"{math.degrees(angle) % 360:.0f} deg", (unit, side_px - unit), unit)
    return panel


@lru_cache(maxsize=1)
def _empty_panel(side_px: int) -> np.ndarray:
    return np.full((side_px, side_px, 3), GROUND, np.uint8)


def _write(panel: np.ndarray, text: str, place: tuple[int, int], unit: int) -> None:
    thickness = max(1, round(unit / 12))
    cv2.putText(
        panel, text, place, cv2.FONT_HERSHEY_SIMPLEX, unit / 22, COLORS["centre"], thickness, cv2.LINE_AA
    )
