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
SAME_TONE = 3.0
"""Levels by which the sides of a cloth may differ to be drawn as one."""


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
    edge = np.roll(ring, -1, axis=0) - ring
    between = np.where(np.hypot(*edge.T) > 0.1, EDGE_POINTS, 1)
    number = np.arange(between.sum()) - np.repeat(np.cumsum(between) - between, between)
    along = np.repeat(edge, between, axis=0) * (number / EDGE_POINTS)[:, None]
    dense = np.repeat(ring, between, axis=0) + along
    rng = np.random.default_rng(int(params["patch_seed"]))
    phase = np.arange(len(dense)) / len(dense) * 2 * np.pi
    harmonics = np.arange(2, 9)
    draws = [(rng.normal(), rng.uniform(0, 6.3)) for _ in harmonics]
    size, shift = np.array(draws).T
    wave = (size / harmonics**0.7) @ np.sin(harmonics[:, None] * phase + shift[:, None])
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
    darken(picture, outline_mask(view.halved().halved(), grown), 8.0 if params["setting"] == "bed" else 4.0)
    _fill_sides(picture, view, outline, thickness, params, level)


def darken(picture: np.ndarray, mask: np.ndarray, softness_px: float, amount: float = 0.45) -> None:
    """Darken a picture where ``mask`` is set, with a soft edge.

    Args:
        picture: (H, W, 3) uint8, changed in place.
        mask: (h, w) uint8 of the view halved twice.
        softness_px: Standard deviation of the edge, pixels of the picture.
        amount: How much light is taken, 0..1.
    """
    if not mask.any():
        return
    height, width = picture.shape[:2]
    keep = 255 - cv2.GaussianBlur(mask, (0, 0), softness_px / 4) * np.float32(amount)
    full = cv2.resize(keep.astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)
    x, y, w, h = cv2.boundingRect(cv2.bitwise_not(full))
    part = picture[y : y + h, x : x + w]
    cv2.multiply(part, cv2.cvtColor(full[y : y + h, x : x + w], cv2.COLOR_GRAY2RGB), part, 1 / 255)


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
    fixed = np.round(pixels * (1 << SUBPIXEL_BITS)).astype(np.int32)
    for run in _runs(drawn, tones):
        ends = [*run, (run[-1] + 1) % len(drawn)]
        side = np.concatenate([fixed[0, ends], fixed[1, ends[::-1]]])
        cv2.fillPoly(picture, [side], tones[run[len(run) // 2]].tolist(), cv2.LINE_AA, SUBPIXEL_BITS)


def _runs(drawn: np.ndarray, tones: np.ndarray) -> list[list[int]]:
    """Group neighbouring edges that are drawn in nearly one tone."""
    runs: list[list[int]] = []
    for i in np.flatnonzero(drawn).tolist():
        last = runs[-1] if runs else None
        if last and last[-1] == i - 1 and np.abs(tones[i] - tones[last[0]]).max() < SAME_TONE:
            last.append(i)
        else:
            runs.append([i])
    return runs


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
