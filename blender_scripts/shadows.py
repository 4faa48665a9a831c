"""The body's shadow on the ground, as a share of the light that would fall there without it."""

from dataclasses import dataclass

import numpy as np
from camera import Pinhole, to_blender
from light_maths import map_irradiance
from lights import lamp_irradiance
from scene_file import Lamp, SceneFile

__all__ = ["ShadowLight", "add_shadow", "coarse_view"]

Region = tuple[int, int, int, int]

FADE = 0.06
"""Shadows fade out over this share of the region next to its edges."""
LEAST = 0.01
"""Weaker shadows and tints are left out, and the rest begins there: this is how well the light is known."""
REACH_M = (1.5, 2.5)
"""Shadows fade out between these distances from the middle of the body."""
LATTICE_PX = 8
"""The bare light is worked out so often and interpolated."""


@dataclass(frozen=True)
class ShadowLight:
    """The light on a bare plane. Blender's axes."""

    plane: np.ndarray
    """(4,)."""
    target: np.ndarray
    """(3,) where the lamps aim."""
    soft: np.ndarray
    """(h, 2h, 3) radiance of the world."""
    lamps: tuple[Lamp, ...]

    def at(self, points: np.ndarray) -> np.ndarray:
        """Return the irradiance (N, 3) at points (N, 3) of the plane."""
        normal = self.plane[:3]
        total = np.repeat(map_irradiance(self.soft, normal[None]), len(points), axis=0)
        for lamp in self.lamps:
            direction = to_blender(lamp.direction)
            total += lamp_irradiance(
                points, normal, self.target, direction, lamp.distance_m, lamp.radius_m, lamp.color
            )
        return total


def coarse_view(pinhole: Pinhole, region: Region) -> tuple[Pinhole, Region]:
    """Return the camera and the region at half the resolution: shadows are soft."""
    half = Pinhole(
        -(-pinhole.width // 2),
        -(-pinhole.height // 2),
        *(0.5 * v for v in (pinhole.fx, pinhole.fy, pinhole.cx, pinhole.cy)),
    )
    x0, y0, x1, y1 = region
    return half, (x0 // 2, y0 // 2, -(-x1 // 2), -(-y1 // 2))


def add_shadow(
    rgba: np.ndarray, lit: np.ndarray, light: ShadowLight, albedo: np.ndarray, scene: SceneFile
) -> np.ndarray:
    """Put the shadow behind the body.

    Where the shadow is not grey, the channel that keeps least decides its alpha; the others get their
    surplus, and the light that the body throws on the ground, as light of the ground's mean colour.

    Args:
        rgba: (h, w, 4) the body, linear premultiplied.
        lit: The ground of :func:`coarse_view` as rendered, with the body's shadow, 4 channels.
        light: What falls on it without a body.
        albedo: (3,) of the rendered ground.
        scene: The scene.

    Returns:
        (h, w, 4) body and shadow.
    """
    pinhole, region = coarse_view(scene.pinhole, scene.region)
    covered = lit[..., 3:]
    bare = _bare_light(light, pinhole, region) * albedo
    kept = np.where(covered > 1e-3, lit[..., :3] / np.maximum(covered * bare, 1e-6), 1.0)
    least = kept.min(axis=-1, keepdims=True)
    alpha = np.clip((1.0 - least - LEAST) / (1.0 - LEAST), 0.0, 1.0)
    surplus = np.clip(kept - least - LEAST, 0.0, 1.0) * scene.ground_color
    behind = np.concatenate([surplus, alpha], axis=-1) * _nearness(light, pinhole, region)
    x0, y0, x1, y1 = scene.region
    down = _weights(0.5 * (np.arange(y0, y1) + 0.5), np.arange(region[1], region[3]) + 0.5)
    across = _weights(0.5 * (np.arange(x0, x1) + 0.5), np.arange(region[0], region[2]) + 0.5)
    behind = np.einsum("hr,rcx,wc->hwx", down, behind, across, optimize=True)
    return rgba + (1.0 - rgba[..., 3:]) * behind * _fade(scene)


def _nearness(light: ShadowLight, p: Pinhole, region: Region) -> np.ndarray:
    """Return (h, w, 1) weights that fall to 0 on the ground far from the body, and at the horizon."""
    x0, y0, x1, y1 = region
    points = _ground_points(light, p, np.arange(x0, x1) + 0.5, np.arange(y0, y1) + 0.5)
    distance = np.linalg.norm(points - light.target, axis=-1, keepdims=True)
    far = np.clip((distance - REACH_M[0]) / (REACH_M[1] - REACH_M[0]), 0.0, 1.0)
    return 1.0 - far * far * (3 - 2 * far)


def _ground_points(light: ShadowLight, p: Pinhole, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return where (rows, columns, 3) the rays of a lattice of places meet the plane, 50 m off at most."""
    x, y = np.meshgrid((columns - p.cx) / p.fx, (rows - p.cy) / p.fy)
    rays = to_blender(np.stack([x, y, np.ones_like(x)], axis=-1))
    height = light.plane[3]
    towards = -(rays @ light.plane[:3]) / (height if abs(height) > 1e-6 else 1e-6)  # > 0: it meets the plane
    return rays * np.where(towards > 0.02, 1.0 / np.maximum(towards, 0.02), 50.0)[..., None]


def _bare_light(light: ShadowLight, p: Pinhole, region: Region) -> np.ndarray:
    """Return the irradiance (h, w, 3) at the ground under each pixel, without the body."""
    x0, y0, x1, y1 = region
    columns = np.linspace(x0, x1, max((x1 - x0) // LATTICE_PX, 1) + 1)
    rows = np.linspace(y0, y1, max((y1 - y0) // LATTICE_PX, 1) + 1)
    points = _ground_points(light, p, columns, rows)
    values = light.at(points.reshape(-1, 3)).reshape(points.shape)
    down = _weights(np.arange(y0, y1) + 0.5, rows)
    return np.einsum(
        "hr,rcx,wc->hwx", down, values, _weights(np.arange(x0, x1) + 0.5, columns), optimize=True
    )


def _weights(places: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Return (places, knots) weights that interpolate between evenly spaced ``knots``, held at the ends."""
    weights = np.zeros((len(places), len(knots)))
    if len(knots) == 1:
        return weights + 1.0
    at = np.clip((places - knots[0]) / (knots[1] - knots[0]), 0.0, len(knots) - 1.0)
    first = np.minimum(at.astype(int), len(knots) - 2)
    rows = np.arange(len(places))
    weights[rows, first], weights[rows, first + 1] = 1.0 - (at - first), at - first
    return weights


def _fade(scene: SceneFile) -> np.ndarray:
    """Return (h, w, 1) weights that fall to 0 at edges of the region inside the picture."""
    x0, y0, x1, y1 = scene.region
    w, h = x1 - x0, y1 - y0
    band = max(FADE * max(h, w), 1.0)
    across, down = np.arange(w) + 0.5, np.arange(h) + 0.5
    x = np.minimum(across if x0 > 0 else band, (w - across) if x1 < scene.pinhole.width else band)
    y = np.minimum(down if y0 > 0 else band, (h - down) if y1 < scene.pinhole.height else band)
    x, y = (np.clip(np.broadcast_to(v, (n,)) / band, 0.0, 1.0) for v, n in ((x, w), (y, h)))
    return ((y * y * (3 - 2 * y))[:, None] * (x * x * (3 - 2 * x))[None, :])[..., None]
