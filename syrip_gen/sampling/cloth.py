"""What the infant lies on: a sheet over a mattress, a blanket, a rug or a mat, with edges, thickness and folds."""

from typing import Any

import cv2
import numpy as np

from syrip_gen.sampling.build_relief import LIGHT as RELIEF_LIGHT
from syrip_gen.sampling.materials import MaterialLibrary
from syrip_gen.sampling.perspective import View, outline_mask, project_outline
from syrip_gen.sampling.scene import LightSpec
from syrip_gen.sampling.surfaces import fill_surface, palette, response, to_linear, to_srgb

__all__ = ["bed_sides", "cloth_outline", "paint_cloth"]

CORNER_POINTS, EDGE_POINTS = 6, 10


def cloth_outline(params: dict[str, Any]) -> np.ndarray:
    """Return the (n, 3) outline on z = 0: a rounded rectangle whose edge wanders a little."""
    half_x, half_y, corner, yaw, cx, cy, wobble, _ = params["patch"]
    corner = min(corner, half_x * 0.98, half_y * 0.98)
    points = []
    for k, (sx, sy) in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        angles = (k + np.linspace(0, 1, CORNER_POINTS)) * np.pi / 2
        centre = np.array([sx * (half_x - corner), sy * (half_y - corner)])
        points.append(centre + corner * np.stack([np.cos(angles), np.sin(angles)], 1))
    ring = np.concatenate(points)
    following = np.roll(ring, -1, axis=0)
    steps = np.linspace(0, 1, EDGE_POINTS, endpoint=False)[:, None]
    dense = np.concatenate(
        [
            a + steps * (b - a) if np.linalg.norm(b - a) > 0.1 else a[None]
            for a, b in zip(ring, following, strict=True)
        ]
    )
    rng = np.random.default_rng(int(params["patch_seed"]))
    phase = np.arange(len(dense)) / len(dense) * 2 * np.pi
    wave = sum(rng.normal() / k**0.7 * np.sin(k * phase + rng.uniform(0, 6.3)) for k in range(2, 9))
    radius = np.linalg.norm(dense, axis=1, keepdims=True)
    dense = dense * (1 + wobble * wave[:, None] / radius)
    c, s = np.cos(yaw), np.sin(yaw)
    turned = dense @ np.array([[c, s], [-s, c]]) + (cx, cy)
    return np.concatenate([turned, np.zeros((len(turned), 1))], axis=1)


def bed_sides(
    picture: np.ndarray, view: View, outline: np.ndarray, params: dict[str, Any], level: np.ndarray
) -> None:
    """Paint the shadow under the cloth and its sides, from the floor or the mattress's lower edge up to z = 0."""
    thickness = float(params["patch"][7])
    shadow_height = float(params["floor_height"]) if params["setting"] == "bed" else -thickness
    spread = 0.05 if params["setting"] == "bed" else 0.015
    centre = outline.mean(0)
    grown = centre + (outline - centre) * (
        1 + spread / np.linalg.norm(outline - centre, axis=1, keepdims=True)
    )
    grown[:, 2] = shadow_height
    shade = outline_mask(view, grown)
    small = cv2.resize(shade, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 2.0 if params["setting"] == "bed" else 1.0)
    soft = cv2.resize(small, shade.shape[::-1], interpolation=cv2.INTER_LINEAR)
    darkness = np.repeat(255 - (soft * 0.45).astype(np.uint8)[..., None], 3, axis=2)
    cv2.multiply(picture, darkness, picture, 1 / 255)
    _fill_sides(picture, view, outline, thickness, params, level)


def _fill_sides(
    picture: np.ndarray,
    view: View,
    outline: np.ndarray,
    depth: float,
    params: dict[str, Any],
    level: np.ndarray,
) -> None:
    base = to_linear(np.array(params["cloth_colors"][:3]))
    to_camera = view.position[:2]
    lower = outline - (0.0, 0.0, depth)
    following, lower_following = np.roll(outline, -1, 0), np.roll(lower, -1, 0)
    edge = (following - outline)[:, :2]
    normal = np.stack([edge[:, 1], -edge[:, 0]], 1) / np.maximum(
        np.linalg.norm(edge, axis=1, keepdims=True), 1e-9
    )
    facing = ((to_camera - outline[:, :2]) * normal).sum(1) > 0
    for i in np.flatnonzero(facing):
        quad = project_outline(view, np.stack([outline[i], following[i], lower_following[i], lower[i]]))
        if len(quad) < 3 or np.abs(quad).max() > 30000:
            continue
        tone = 0.62 + 0.12 * normal[i, 0]
        color = np.clip(255 * to_srgb(base * level * tone), 0, 255)
        cv2.fillConvexPoly(picture, np.round(quad * 16).astype(np.int32), color.tolist(), cv2.LINE_AA, 4)


def paint_cloth(
    picture: np.ndarray,
    view: View,
    mask: np.ndarray,
    params: dict[str, Any],
    materials: MaterialLibrary,
    light: LightSpec,
    level: np.ndarray,
) -> None:
    """Fill the cloth's mask with its fabric; folds are lit from where the key light stands."""
    tile = str(params["cloth_tile"])
    is_swatch = bool(tile) and materials.index[tile]["kind"] not in ("pattern",)
    # One plain colour lives at level 128 of the palette: repeat the base colour there.
    stops = params["cloth_colors"] if tile else list(params["cloth_colors"][:3]) * 3
    colors = response(level) if is_swatch else palette(stops, level)
    key = np.array(light.key_direction)
    tile_angle = np.arctan2(RELIEF_LIGHT[1], RELIEF_LIGHT[0])
    bx, by = params["ramp"]
    fill_surface(
        picture,
        mask,
        view.plane_from_pixels(np.zeros(3), np.array([1.0, 0, 0]), np.array([0, 1.0, 0])),
        materials,
        tile=tile,
        colors=colors,
        yaw=float(params["cloth_yaw"]),
        shift=params["cloth_shift"],
        scale=float(params["cloth_scale"]),
        relief=str(params["relief"]),
        relief_strength=float(params["relief_strength"]),
        relief_yaw=float(tile_angle - np.arctan2(key[1], key[0])),
        weave=str(params["weave"]),
        weave_strength=float(params["weave_strength"]),
        ramp=(1 - (bx + by) / 2, bx / view.width, by / view.height),
    )
