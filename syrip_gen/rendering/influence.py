"""Which pixels of a picture the body changes: those it covers and those where its shadow falls.

A path tracer spends the same time on a pixel of untouched background as on one of the body, so it is given
only this region.
"""

import math

import numpy as np

from syrip_gen.rendering.screen import NEAR_M
from syrip_gen.rendering.types import RenderInputs

__all__ = ["Region", "influence_region"]

Region = tuple[int, int, int, int]
"""First column, first row, end column, end row, px."""

_FADE = 0.07
"""Blender's side fades shadows out over this share of the region, at its edges: so much more is rendered."""
_BORDER_PX = 3
"""For the filter of a renderer and for fine hair or cloth that it lifts off the mesh."""
_SKY_REACH = 1.0
"""Ambient shadow, as a share of the height of what casts it: beyond, the body hides < 8 % of the sky's light
(form factor of parallel patches at 45 degrees, a body seen under a tenth of the half sphere)."""
_SKY_REACH_MIN_M, _SKY_REACH_MAX_M = 0.06, 0.35
_MIN_SLOPE = 0.3
"""Sine of the lowest light whose whole shadow is taken in; lower ones would cast it over the whole room."""
_STRIDE = 5
"""Every so many vertices stand for all: they lie a centimetre apart."""
_RING = np.array(
    [(math.cos(angle), math.sin(angle)) for angle in np.linspace(0.0, 2 * np.pi, 8, endpoint=False)]
)


def influence_region(inputs: RenderInputs) -> Region | None:
    """Return the pixels that the body and its shadow may change, None when it is out of the picture."""
    covered = _box(_moments(inputs), inputs, _BORDER_PX + _blur_px(inputs))
    if inputs.support_plane is None or covered is None:
        return _clipped(covered, inputs)
    shadow = _box(_shadow_points(inputs), inputs, 0.0)
    reach = np.array([covered, covered if shadow is None else shadow])
    low, high = reach[:, :2].min(axis=0), reach[:, 2:].max(axis=0)
    margin = _FADE * float((high - low).max())
    return _clipped((*(low - margin), *(high + margin)), inputs)


def _moments(inputs: RenderInputs) -> np.ndarray:
    """Return the vertices (N, 3) during the exposure."""
    moments = [inputs.vertices, inputs.vertices_open, inputs.vertices_close]
    return np.concatenate([np.asarray(m, dtype=np.float64) for m in moments if m is not None])


def _blur_px(inputs: RenderInputs) -> float:
    """Return the radius of the blur circle of the vertex that is most out of focus, pixels."""
    if not inputs.fstop or not inputs.focus_distance_m:
        return 0.0
    z = np.asarray(inputs.vertices[:, 2], dtype=np.float64)
    z = z[np.isfinite(z) & (z > NEAR_M)]
    if not len(z):
        return 0.0
    aperture_m = 0.036 * inputs.fx / inputs.width / inputs.fstop
    circle = inputs.fx * aperture_m * np.abs(1.0 / inputs.focus_distance_m - 1.0 / z).max()
    return float(0.5 * circle)


def _shadow_points(inputs: RenderInputs) -> np.ndarray:
    """Return points (N, 3) around where the body takes light from its support."""
    points = _moments(inputs)[::_STRIDE]
    points = points[np.isfinite(points).all(axis=1)]
    normal, offset = np.array(inputs.support_plane[:3]), inputs.support_plane[3]
    height = np.maximum(points @ normal + offset, 0.0)
    foot = points - height[:, None] * normal
    side = np.cross(normal, (1.0, 0.0, 0.0) if abs(normal[0]) < 0.8 else (0.0, 1.0, 0.0))
    side /= np.linalg.norm(side)
    ring = _RING @ np.stack([side, np.cross(normal, side)])
    radius = np.clip(_SKY_REACH * height, _SKY_REACH_MIN_M, _SKY_REACH_MAX_M)
    found = [_around(foot, ring, radius)]
    lights = [(inputs.key_direction, inputs.key_color, math.tan(min(inputs.shadow_softness, 1.0)))]
    lights += [(lamp.direction, lamp.color, lamp.radius_m / lamp.distance_m) for lamp in inputs.lamps]
    for direction, color, softness in lights:
        direction = np.asarray(direction, dtype=np.float64)
        slope = float(direction @ normal)
        if np.max(color) <= 0.0 or slope <= 0.0:
            continue
        slope = max(slope, _MIN_SLOPE)
        along = direction - (direction @ normal) * normal
        cast = foot - (height / slope)[:, None] * along
        found.append(_around(cast, ring, softness * height / slope**2))
    return np.concatenate(found)


def _around(centers: np.ndarray, ring: np.ndarray, radius: np.ndarray) -> np.ndarray:
    return (centers[:, None] + radius[:, None, None] * ring[None]).reshape(-1, 3)


def _box(points: np.ndarray, inputs: RenderInputs, margin: float) -> tuple[float, ...] | None:
    """Return the box around projected points; the whole picture when some lie behind the camera."""
    points = points[np.isfinite(points).all(axis=1)]
    front = points[:, 2] > NEAR_M
    if not front.any():
        return None
    if not front.all():
        return 0.0, 0.0, float(inputs.width), float(inputs.height)
    u = inputs.fx * points[:, 0] / points[:, 2] + inputs.cx
    v = inputs.fy * points[:, 1] / points[:, 2] + inputs.cy
    return u.min() - margin, v.min() - margin, u.max() + margin, v.max() + margin


def _clipped(box: tuple[float, ...] | None, inputs: RenderInputs) -> Region | None:
    if box is None:
        return None
    x0, y0 = max(math.floor(box[0]), 0), max(math.floor(box[1]), 0)
    x1, y1 = min(math.ceil(box[2]), inputs.width), min(math.ceil(box[3]), inputs.height)
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None
