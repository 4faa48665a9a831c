"""Walls with a skirting board, or a panorama, behind the support."""

from typing import Any

import cv2
import numpy as np

from syrip_gen.sampling.materials import MaterialLibrary
from syrip_gen.sampling.perspective import NEAR, View, coverage, half_plane, project_outline
from syrip_gen.sampling.props import build_furniture
from syrip_gen.sampling.scene import LightSpec
from syrip_gen.sampling.solids import Solids, paint_solids
from syrip_gen.sampling.spherical_harmonics import evaluate, irradiance_matrix
from syrip_gen.sampling.surfaces import fill_surface, response, to_linear, to_srgb

__all__ = ["Wall", "draw_solids", "paint_furniture", "paint_panorama", "paint_walls", "room_walls"]

Wall = tuple[np.ndarray, float]
"""Unit horizontal direction away from the room and distance from the origin, metres."""
UP = np.array([0.0, 0.0, 1.0])
SRGB_TABLE = np.round(255 * np.clip(to_srgb(np.linspace(0, 1, 4096)), 0, 1)).astype(np.uint8)


def room_walls(params: dict[str, Any], view: View) -> tuple[Wall, Wall]:
    """Return the wall that the camera faces and the one beside it."""
    forward = view.R[2, :2]
    azimuth = np.arctan2(forward[1], forward[0]) if np.hypot(*forward) > 1e-6 else 0.0
    azimuth += float(params["wall_turn"])
    shift = float(params["corner_shift"])
    side = azimuth + (np.pi / 2 if shift > 0 else -np.pi / 2)
    ahead, beside = (np.array([np.cos(a), np.sin(a), 0.0]) for a in (azimuth, side))
    return (ahead, float(params["wall_distance"])), (beside, 0.7 + abs(shift))


def paint_walls(
    picture: np.ndarray,
    view: View,
    params: dict[str, Any],
    walls: tuple[Wall, Wall],
    floor_height: float,
    materials: MaterialLibrary,
    light: LightSpec,
) -> None:
    """Fill the whole picture with the two walls."""
    (ahead, d0), (beside, d1) = walls
    centre = view.position
    rays = view.R.T @ np.linalg.inv(view.K)
    first = (d1 - beside @ centre) * (ahead @ rays) - (d0 - ahead @ centre) * (beside @ rays)
    polygons = (half_plane(view.corners(), first), half_plane(view.corners(), -first))
    for (normal, distance), polygon in zip(walls, polygons, strict=True):
        if len(polygon) < 3:
            continue
        mask = coverage(polygon, view.width, view.height)
        level = np.maximum(evaluate(np.array(light.sh), -normal), 0.45)
        level = level + 0.6 * np.array(light.key_color) * max(-normal @ np.array(light.key_direction), 0.0)
        along = np.cross(UP, normal)
        origin = normal * distance + (0.0, 0.0, floor_height)
        tile = str(params["wall"])
        fill_surface(
            picture,
            mask,
            view.plane_from_pixels(origin, along, UP),
            materials,
            tile=tile,
            colors=response(level * to_linear(np.array(params["wall_color"])) / 0.6),
        )
        _skirting(picture, view, params, mask, origin, along, level)


def paint_furniture(
    picture: np.ndarray,
    view: View,
    params: dict[str, Any],
    wall: Wall,
    floor_height: float,
    light: LightSpec,
) -> None:
    """Draw what stands at the wall, as much out of focus as the wall; worked out at half size."""
    normal, distance = wall
    origin = normal * distance + (0.0, 0.0, floor_height)
    pieces = build_furniture(params["furniture"], origin, np.cross(UP, normal), normal)
    half = view.halved()
    boxes = [bounding_boxes(half, piece)[0] for piece in pieces]
    if not any((b[:, 2:] > b[:, :2]).all(axis=1).any() for b in boxes):
        return
    before = cv2.resize(picture, (half.width, half.height), interpolation=cv2.INTER_AREA)
    drawn = before.copy()
    for piece in pieces:
        draw_solids(drawn, half, piece, light, None, samples=1)
    changed = ((drawn != before).any(axis=2) * np.uint8(255)).astype(np.uint8)
    sigma = 0.5 * float(params["far_blur"]) + 0.3
    drawn = cv2.GaussianBlur(drawn, (0, 0), sigma)
    alpha = cv2.resize(cv2.GaussianBlur(changed, (0, 0), sigma), (view.width, view.height))
    blend(picture, cv2.resize(drawn, (view.width, view.height), interpolation=cv2.INTER_LINEAR), alpha)


def blend(picture: np.ndarray, layer: np.ndarray, alpha: np.ndarray) -> None:
    """Lay ``layer`` (a picture or one colour) over ``picture`` by ``alpha`` (H, W) uint8, in place."""
    x, y, w, h = cv2.boundingRect(alpha)
    if w == 0:
        return
    part = (slice(y, y + h), slice(x, x + w))
    share = alpha[part][..., None].astype(np.uint16)
    over = layer[part] if layer.ndim == 3 else layer.astype(np.uint16)
    picture[part] = ((over * share + picture[part] * (255 - share)) // 255).astype(np.uint8)


def bounding_boxes(view: View, solids: Solids) -> tuple[np.ndarray, np.ndarray]:
    """Return where solids may be seen.

    Returns:
        (n, 4) int64 pixels x0, y0, x1, y1 that cover each solid, empty where it is out of sight or too near
        the camera to be drawn, and (n, 8, 2) pixel indices of its corners.
    """
    signs = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float64)
    axes = solids[:, 4:13].reshape(-1, 3, 3)
    corners = solids[:, None, 1:4] + (signs[None] * solids[:, None, 13:16]) @ axes
    cam = corners @ view.R.T + view.t
    image = cam @ view.K.T
    image = image[..., :2] / np.maximum(image[..., 2:], NEAR)
    size = np.array([view.width, view.height])
    low = np.clip(np.floor(image.min(1)), 0, size).astype(np.int64)
    high = np.clip(np.ceil(image.max(1)) + 1, 0, size).astype(np.int64)
    high[(cam[..., 2] < NEAR).any(axis=1)] = 0
    return np.concatenate([low, high], axis=1), image


def draw_solids(
    picture: np.ndarray,
    view: View,
    solids: Solids,
    light: LightSpec,
    gain: np.ndarray | None,
    samples: int = 2,
) -> None:
    """Ray-cast solids over a picture with ``samples`` squared rays a pixel."""
    boxes, corners = bounding_boxes(view, solids)
    seen = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    if not seen.any():
        return
    factor = np.ones(3) if gain is None else gain
    paint_solids(
        picture, boxes[seen], corners[seen], samples, view.R.T @ np.linalg.inv(view.K), view.position,
        solids[seen],
        irradiance_matrix(np.array(light.sh)) * factor[:, None, None], np.array(light.key_direction),
        np.array(light.key_color) * factor, SRGB_TABLE,
    )  # fmt: skip


def _skirting(
    picture: np.ndarray,
    view: View,
    params: dict[str, Any],
    mask: np.ndarray,
    origin: np.ndarray,
    along: np.ndarray,
    level: np.ndarray,
) -> None:
    """Paint the board at the wall's foot."""
    height = float(params["skirting"])
    if height <= 0.02:
        return
    ends = [origin + along * x + UP * z for x, z in ((-6, 0), (6, 0), (6, height), (-6, height))]
    polygon = project_outline(view, np.array(ends))
    board = coverage(polygon, view.width, view.height)
    board = cv2.min(board, mask)
    color = np.clip(255 * to_srgb(to_linear(np.full(3, float(params["skirting_tone"]))) * level), 0, 255)
    blend(picture, color.astype(np.uint8), board)


def paint_panorama(panorama: np.ndarray, view: View, yaw: float) -> np.ndarray:
    """Return what the camera sees of a panorama (H, W, 3), worked out at a quarter of the size."""
    w, h = max(view.width // 4, 16), max(view.height // 4, 16)
    columns, rows = np.meshgrid(
        (np.arange(w) + 0.5) * view.width / w - 0.5, (np.arange(h) + 0.5) * view.height / h - 0.5
    )
    rays = view.rays(np.stack([columns, rows], axis=-1))
    azimuth = (np.arctan2(rays[..., 1], rays[..., 0]) + yaw) % (2 * np.pi)
    polar = np.arccos(np.clip(rays[..., 2] / np.linalg.norm(rays, axis=-1), -1, 1))
    ph, pw = panorama.shape[:2]
    x = (azimuth / (2 * np.pi) * pw - 0.5).astype(np.float32)
    y = (polar / np.pi * ph - 0.5).astype(np.float32)
    small = cv2.remap(panorama, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return cv2.resize(small, (view.width, view.height), interpolation=cv2.INTER_CUBIC)
