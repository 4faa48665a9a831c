"""What the infant lies on: a sheeted mattress, a blanket, a rug or a mat, with edges and folds."""

from typing import Any

import cv2
import numpy as np

from syrip_gen.sampling.build_relief import LIGHT as RELIEF_LIGHT
from syrip_gen.sampling.materials import MaterialLibrary
from syrip_gen.sampling.perspective import FAR_PX, NEAR, SUBPIXEL_BITS, View, outline_mask
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
    """Paint the shadow under the cloth and its sides, up to z = 0."""
    thickness = float(params["patch"][7])
    shadow_height = float(params["floor_height"]) if params["setting"] == "bed" else -thickness
    spread = 0.05 if params["setting"] == "bed" else 0.015
    centre = outline.mean(0)
    grown = centre + (outline - centre) * (
        1 + spread / np.linalg.norm(outline - centre, axis=1, keepdims=True)
    )
    grown[:, 2] = shadow_height
    darken(picture, outline_mask(view, grown), 8.0 if params["setting"] == "bed" else 4.0)
    _fill_sides(picture, view, outline, thickness, params, level)


def darken(picture: np.ndarray, mask: np.ndarray, softness_px: float, amount: float = 0.45) -> None:
    """Darken a picture where ``mask`` is set, with a soft edge; worked out at a quarter of the size."""
    h, w = mask.shape
    small = cv2.resize(mask, (w // 4, h // 4), interpolation=cv2.INTER_AREA)
    if small.max() == 0:
        return
    keep = 255 - cv2.GaussianBlur(small, (0, 0), softness_px / 4) * np.float32(amount)
    full = cv2.resize(keep.astype(np.uint8), (w, h), interpolation=cv2.INTER_LINEAR)
    cv2.multiply(picture, cv2.cvtColor(full, cv2.COLOR_GRAY2RGB), picture, 1 / 255)


def _fill_sides(
    picture: np.ndarray,
    view: View,
    outline: np.ndarray,
    depth: float,
    params: dict[str, Any],
    level: np.ndarray,
) -> None:
    base = to_linear(np.array(params["cloth_colors"][:3]))
    rings = np.stack([outline, outline - (0.0, 0.0, depth)])
    cam = rings @ view.R.T + view.t
    image = cam @ view.K.T
    pixels = image[..., :2] / np.maximum(image[..., 2:], NEAR)
    following = np.roll(pixels, -1, axis=1)
    edge = (np.roll(outline, -1, 0) - outline)[:, :2]
    normal = np.stack([edge[:, 1], -edge[:, 0]], 1) / np.maximum(
        np.linalg.norm(edge, axis=1, keepdims=True), 1e-9
    )
    facing = ((view.position[:2] - outline[:, :2]) * normal).sum(1) > 0
    in_front = (cam[..., 2] > NEAR).all(0)
    quads = np.stack([pixels[0], following[0], following[1], pixels[1]], axis=1)
    drawn = facing & in_front & np.roll(in_front, -1) & (np.abs(quads).max((1, 2)) < FAR_PX)
    tones = np.clip(255 * to_srgb(base * level * (0.62 + 0.12 * normal[:, :1])), 0, 255)
    for i in np.flatnonzero(drawn):
        fixed = np.round(quads[i] * (1 << SUBPIXEL_BITS)).astype(np.int32)
        cv2.fillConvexPoly(picture, fixed, tones[i].tolist(), cv2.LINE_AA, SUBPIXEL_BITS)


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
