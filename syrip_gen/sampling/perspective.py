"""Planes and outlines of the world as the camera sees them: homographies, clipped polygons, coverage masks.

Pixel coordinates here are array indices: the centre of the first pixel is (0, 0), half a pixel less than in
:class:`syrip_gen.sampling.scene.CameraSpec`.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from syrip_gen.sampling.scene import CameraSpec

__all__ = ["View", "coverage", "half_plane", "outline_mask"]

NEAR = 0.05
"""Metres; nearer parts of an outline are cut off."""
SUBPIXEL_BITS = 4
FAR_PX = 20_000.0


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A camera in matrix form."""

    K: np.ndarray
    """(3, 3) camera coordinates to pixel indices."""
    R: np.ndarray
    """(3, 3) world to camera."""
    t: np.ndarray
    """(3,)."""
    width: int
    height: int

    @classmethod
    def from_spec(cls, camera: CameraSpec) -> "View":
        """Build the matrices of a camera."""
        T = np.array(camera.T_cam_world)
        K = np.array([[camera.fx, 0, camera.cx - 0.5], [0, camera.fy, camera.cy - 0.5], [0, 0, 1.0]])
        return cls(K, T[:3, :3], T[:3, 3], camera.width, camera.height)

    def halved(self) -> "View":
        """Return the same view with half as many pixels each way."""
        w, h = max(self.width // 2, 8), max(self.height // 2, 8)
        sx, sy = w / self.width, h / self.height
        scale = np.array([[sx, 0.0, 0.5 * sx - 0.5], [0.0, sy, 0.5 * sy - 0.5], [0.0, 0.0, 1.0]])
        return View(scale @ self.K, self.R, self.t, w, h)

    @property
    def position(self) -> np.ndarray:
        """(3,) optical centre in the world."""
        return -self.R.T @ self.t

    def rays(self, pixels: np.ndarray) -> np.ndarray:
        """Return world directions (..., 3), not normalised, through pixel indices (..., 2)."""
        ones = np.ones((*np.shape(pixels)[:-1], 1))
        return np.concatenate([pixels, ones], axis=-1) @ (self.R.T @ np.linalg.inv(self.K)).T

    def plane_from_pixels(self, origin: np.ndarray, axis_u: np.ndarray, axis_v: np.ndarray) -> np.ndarray:
        """Return the (3, 3) map from pixel index to homogeneous (u, v) metres on a plane."""
        columns = [self.R @ axis_u, self.R @ axis_v, self.R @ origin + self.t]
        return np.linalg.inv(self.K @ np.stack(columns, axis=1))

    def corners(self) -> np.ndarray:
        """Return the (4, 2) pixel indices of the picture's outer corners."""
        w, h = self.width - 0.5, self.height - 0.5
        return np.array([[-0.5, -0.5], [w, -0.5], [w, h], [-0.5, h]])


def floor_line(view: View, height: float, limit: float = 1e-3) -> np.ndarray:
    """Return (a, b, c): the plane z = ``height`` is seen where a x + b y + c >= 0."""
    down = -(view.R.T @ np.linalg.inv(view.K))[2]
    return down - np.array([0.0, 0.0, limit])


def wall_line(view: View, height: float, normal: np.ndarray, distance: float) -> np.ndarray:
    """Return (a, b, c) that is >= 0 where z = ``height`` is met before the wall normal . X = distance."""
    rays = view.R.T @ np.linalg.inv(view.K)
    centre = view.position
    return (normal @ centre - distance) * rays[2] + (height - centre[2]) * (normal @ rays)


def half_plane(polygon: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Clip a convex polygon (n, 2) to a x + b y + c >= 0 (Sutherland and Hodgman 1974)."""
    return _clip(polygon, polygon @ line[:2] + line[2])


def _clip(polygon: np.ndarray, side: np.ndarray) -> np.ndarray:
    """Keep the part of a polygon where the per-vertex value ``side`` is >= 0."""
    inside = side >= 0
    if inside.all():
        return polygon
    before, side_before = np.roll(polygon, 1, axis=0), np.roll(side, 1)
    crosses = inside != np.roll(inside, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(crosses, side_before / (side_before - side), 0.0)[:, None]
    entering = before + (polygon - before) * share
    both = np.stack([entering, polygon], axis=1).reshape(-1, polygon.shape[1])
    return both[np.stack([crosses, inside], axis=1).ravel()]


def coverage(polygon: np.ndarray, width: int, height: int) -> np.ndarray:
    """Return the (H, W) uint8 anti-aliased coverage of a polygon (n, 2) of pixel indices."""
    mask = np.zeros((height, width), np.uint8)
    if len(polygon) >= 3 and np.abs(polygon).max() > FAR_PX:
        # Cut well outside the picture: fillPoly takes 32-bit integers with SUBPIXEL_BITS of fraction.
        for line in ((1, 0, FAR_PX), (-1, 0, FAR_PX), (0, 1, FAR_PX), (0, -1, FAR_PX)):
            if len(polygon) >= 3:
                polygon = half_plane(polygon, np.array(line, np.float64))
    if len(polygon) >= 3:
        fixed = np.round(polygon * (1 << SUBPIXEL_BITS)).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, SUBPIXEL_BITS)
    return mask


def project_outline(view: View, outline: np.ndarray) -> np.ndarray:
    """Return the pixel indices (m, 2) of a world outline (n, 3), clipped at the near plane."""
    cam = outline @ view.R.T + view.t
    cam = _clip(cam, cam[:, 2] - NEAR)
    if len(cam) < 3:
        return np.zeros((0, 2))
    image = cam @ view.K.T
    return image[:, :2] / image[:, 2:]


def outline_mask(view: View, outline: np.ndarray) -> np.ndarray:
    """Return the (H, W) uint8 coverage of a world outline (n, 3)."""
    return coverage(project_outline(view, outline), view.width, view.height)
