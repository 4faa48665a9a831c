"""The body's shadow on the ground, as a share of the light that would fall there without it."""

from dataclasses import dataclass

import numpy as np
from camera import to_blender
from light_maths import map_irradiance
from lights import lamp_irradiance
from scene_file import Lamp, SceneFile

__all__ = ["ShadowLight", "add_shadow"]

FADE = 0.06
"""Shadows fade out over this share of the region next to its edges."""
LEAST = 0.01
"""Weaker shadows are left out, and the rest begins there: this is how well the light is known."""
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


def add_shadow(
    rgba: np.ndarray, lit: np.ndarray, light: ShadowLight, albedo: np.ndarray, scene: SceneFile
) -> np.ndarray:
    """Put the shadow behind the body.

    Where the shadow is not grey, the channel that keeps least decides its alpha; the others get their
    surplus, and the light that the body throws on the ground, as light of the ground's mean colour.

    Args:
        rgba: (h, w, 4) the body, linear premultiplied.
        lit: (h, w, 4) the ground as rendered, with the body's shadow.
        light: What falls on it without a body.
        albedo: (3,) of the rendered ground.
        scene: The scene.

    Returns:
        (h, w, 4) body and shadow.
    """
    covered = lit[..., 3:]
    bare = _bare_light(light, scene) * albedo
    kept = np.where(covered > 1e-3, lit[..., :3] / np.maximum(covered * bare, 1e-6), 1.0)
    least = kept.min(axis=-1, keepdims=True)
    alpha = np.clip((1.0 - least - LEAST) / (1.0 - LEAST), 0.0, 1.0)
    surplus = np.clip(kept - least, 0.0, 1.0) * scene.ground_color
    fade = _fade(*rgba.shape[:2], scene) * (covered > 1e-3)
    behind = np.concatenate([surplus * fade, alpha * fade], axis=-1)
    return rgba + (1.0 - rgba[..., 3:]) * behind


def _bare_light(light: ShadowLight, scene: SceneFile) -> np.ndarray:
    """Return the irradiance (h, w, 3) at the ground under each pixel, without the body."""
    x0, y0, x1, y1 = scene.region
    columns, to_columns = _lattice(x0, x1)
    rows, to_rows = _lattice(y0, y1)
    p = scene.pinhole
    rays = np.stack(
        [
            np.broadcast_to((columns - p.cx) / p.fx, (len(rows), len(columns))),
            np.broadcast_to((rows[:, None] - p.cy) / p.fy, (len(rows), len(columns))),
            np.ones((len(rows), len(columns))),
        ],
        axis=-1,
    )
    rays = to_blender(rays).reshape(-1, 3)
    towards = -(rays @ light.plane[:3])  # >= 0: the ray goes down to the plane
    height = max(light.plane[3], 1e-6)
    way = np.minimum(height / np.maximum(towards, 1e-3 * height), 50.0)
    values = light.at(rays * way[:, None]).reshape(len(rows), len(columns), 3)
    return np.einsum("hr,rcx,wc->hwx", to_rows, values, to_columns, optimize=True)


def _lattice(start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
    """Return places every few px that cover start..end, and the (n, places) weights that fill the gaps."""
    centres = np.arange(start, end) + 0.5
    places = np.linspace(start, end, max((end - start) // LATTICE_PX, 1) + 1)
    at = np.clip((centres - start) / (places[1] - places[0]), 0.0, len(places) - 1.0)
    first = np.minimum(at.astype(int), len(places) - 2)
    weights = np.zeros((len(centres), len(places)))
    rows = np.arange(len(centres))
    weights[rows, first], weights[rows, first + 1] = 1.0 - (at - first), at - first
    return places, weights


def _fade(h: int, w: int, scene: SceneFile) -> np.ndarray:
    """Return (h, w, 1) weights that fall to 0 at edges of the region inside the picture."""
    x0, y0, x1, y1 = scene.region
    band = max(FADE * max(h, w), 1.0)
    across, down = np.arange(w) + 0.5, np.arange(h) + 0.5
    x = np.minimum(across if x0 > 0 else band, (w - across) if x1 < scene.pinhole.width else band)
    y = np.minimum(down if y0 > 0 else band, (h - down) if y1 < scene.pinhole.height else band)
    x, y = (np.clip(np.broadcast_to(v, (n,)) / band, 0.0, 1.0) for v, n in ((x, w), (y, h)))
    weight = (x * x * (3 - 2 * x))[None, :] * (y * y * (3 - 2 * y))[:, None]
    return weight[..., None]
