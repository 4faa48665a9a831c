"""COCO visibility flags of keypoints: outside the picture, occluded, visible."""

import numpy as np

from syrip_gen.annotation.rays import first_hits
from syrip_gen.annotation.surface import NO_PART, BodySurface
from syrip_gen.geometry.camera import project

__all__ = ["OCCLUDED", "OUTSIDE", "VISIBLE", "keypoint_visibility"]

OUTSIDE, OCCLUDED, VISIBLE = 0, 1, 2


def keypoint_visibility(
    keypoints_3d: np.ndarray,
    vertices: np.ndarray,
    faces: np.ndarray,
    surface: BodySurface,
    intrinsics: tuple[float, float, float, float],
    size: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """Project COCO-17 keypoints and tell which of them the camera sees.

    One is visible when nothing lies in front of it, or when the first surface on its camera ray belongs to a
    part that adjoins it and is no farther in front of it than flesh is thick there (``BodySurface.reach``).

    Args:
        keypoints_3d: (17, 3) metres, camera frame.
        vertices: (V, 3) metres, camera frame: the surface as it is drawn, clothes included.
        faces: (F', 3) triangles; those beyond the body's own (props, say) adjoin nothing.
        surface: The body's parts.
        intrinsics: fx, fy, cx, cy, px.
        size: Width and height of the picture, px.

    Returns:
        pixels (17, 2) float64 projections, NaN behind the camera; visibility (17,) int64 of 0 outside the
        picture, 1 occluded, 2 visible.
    """
    keypoints_3d = np.asarray(keypoints_3d, np.float64)
    in_front = keypoints_3d[:, 2] > 0
    pixels = np.full((len(keypoints_3d), 2), np.nan)
    pixels[in_front] = project(keypoints_3d[in_front], *intrinsics)
    with np.errstate(invalid="ignore"):
        inside = ((pixels >= 0) & (pixels < size)).all(axis=1)
    visibility = np.full(len(keypoints_3d), OUTSIDE)
    rows = np.flatnonzero(inside)
    if len(rows):
        face, depth = first_hits(pixels[rows], vertices, faces, *intrinsics)
        visibility[rows] = np.where(
            _is_seen(keypoints_3d[rows], rows, face, depth, surface), VISIBLE, OCCLUDED
        )
    return pixels, visibility


def _is_seen(
    points: np.ndarray, rows: np.ndarray, face: np.ndarray, depth: np.ndarray, surface: BodySurface
) -> np.ndarray:
    """Return which points (of keypoints ``rows``) the first surface on their rays does not hide."""
    is_body = (face >= 0) & (face < len(surface.face_part))
    part = np.where(is_body, surface.face_part[np.where(is_body, face, 0)], NO_PART)
    adjoins = (part != NO_PART) & surface.adjoins[rows, np.maximum(part, 0)]
    # Metres of the ray between the surface and the keypoint; -inf where the ray meets nothing.
    gap = (points[:, 2] - depth) * np.linalg.norm(points, axis=1) / points[:, 2]
    return (gap <= 0) | (adjoins & (gap <= surface.reach[rows]))
