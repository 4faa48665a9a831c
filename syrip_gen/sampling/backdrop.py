"""Paint what is behind and below the infant, seen by the scene's camera and lit by its light."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from syrip_gen.sampling.cloth import bed_sides, cloth_outline, darken, paint_cloth
from syrip_gen.sampling.lamps import with_lamps_folded
from syrip_gen.sampling.lights import LUMA, light_on_support
from syrip_gen.sampling.materials import MaterialLibrary
from syrip_gen.sampling.perspective import View, coverage, floor_line, half_plane, outline_mask, wall_line
from syrip_gen.sampling.photos import BrokenPhoto, PhotoSource
from syrip_gen.sampling.props import build_crib, build_toys, footprints
from syrip_gen.sampling.scene import LightSpec, SceneSpec
from syrip_gen.sampling.surfaces import fill_surface, response
from syrip_gen.sampling.walls import (
    Wall,
    draw_solids,
    paint_furniture,
    paint_panorama,
    paint_walls,
    room_walls,
)

__all__ = ["Backdrop", "BackdropPainter"]

HALF_SIZE_BLUR = 1.0
"""Pixels of blur from which on half the resolution does; a quarter does from twice as many."""
SOFT_SURROUNDINGS = 2.0
"""Pixels of blur in the distance from which on all that lies behind the cloth is painted at half size."""
BLURRED_SIDE = 0.75
"""A blurred photo may have so many pixels of those that it is shown with."""
STEEP = 0.93
"""Downward part of the view direction from which on all sides of a crib are seen."""
MAX_TRIES = 20
"""So many photos in a row may be broken before a scene gives up."""
TYPICAL_PHOTO_LUMA = 0.17
"""Mean linear luminance of an ordinary photo."""
GAMMA_TABLE = (np.arange(256) / 255) ** 2.2


@dataclass(frozen=True, slots=True, eq=False)
class Backdrop:
    """A painted background."""

    picture: np.ndarray
    """(H, W, 3) uint8 sRGB."""
    has_support: bool
    """Whether the plane z = 0 is shown, so that a shadow may fall on it."""
    light_gain: np.ndarray
    """(3,) factor for all light on the body, so that it suits the photo behind it."""
    source: str
    """Photo used, or empty."""
    notes: tuple[str, ...]


class BackdropPainter:
    """Paints backgrounds; holds the photos and the decoded materials of one process."""

    def __init__(self, photos: PhotoSource | None, materials: MaterialLibrary) -> None:
        self.photos, self.materials = photos, materials

    def paint(self, spec: SceneSpec) -> Backdrop:
        """Paint the background of one scene."""
        spec = dataclasses.replace(spec, light=with_lamps_folded(spec.light))
        params, view = spec.background.params, View.from_spec(spec.camera)
        w, h = view.width, view.height
        photo, source, notes, gain = None, "", (), np.ones(3)
        outline = cloth_outline(params) if params["setting"] in ("bed", "blanket") else None
        cloth = outline_mask(view, outline) if outline is not None else np.zeros((h, w), np.uint8)
        is_covered = cloth.min() == 255
        is_plain = params["setting"] == "plain"
        blur = float(params["far_blur"]) * (0.3 if is_plain else 1.0)
        is_soft = blur > SOFT_SURROUNDINGS
        far = view.halved() if is_soft else view
        walls = room_walls(params, far) if not is_plain else None
        floor = np.zeros((far.height, far.width), np.uint8) if is_plain else floor_mask(params, far, walls)
        is_hidden = is_covered or floor.min() == 255
        if spec.background.kind == "photo" and not is_hidden:  # decoding takes longer than all of the rest
            scale = reduction(blur)
            side = min(w, h) if scale == 1 else BLURRED_SIDE * min(w, h) / scale
            photo, source, notes = self._read_photo(int(params["photo"]), int(side))
            scaled = blur * far.width / w
            photo, gain = photo_layer(photo, params["photo_crop"], far.width, far.height, scaled)
        if is_plain:
            if photo is None:
                panorama = self.materials.view(str(params["view"]))
                photo = paint_panorama(panorama, view, float(params["view_yaw"]))
            return Backdrop(photo, False, gain, source, notes)
        level = light_on_support(spec.light) * gain
        if is_covered:
            picture = np.empty((h, w, 3), np.uint8)
        else:
            picture, wall = self._paint_surroundings(spec, far, level, photo, walls, floor, cloth)
            if is_soft:
                picture = cv2.resize(picture, (w, h), interpolation=cv2.INTER_LINEAR)
            if wall is not None:
                paint_furniture(picture, view, params, wall, float(params["floor_height"]), spec.light)
            if outline is not None:
                bed_sides(picture, view, outline, params, level)
        if outline is not None:
            paint_cloth(picture, view, cloth, params, self.materials, spec.light, level)
        if params.get("crib"):
            paint_crib(picture, view, params, spec.light, gain)
        paint_toys(picture, view, params["toys"], spec.light, gain)
        return Backdrop(picture, True, gain, source, notes)

    def _paint_surroundings(
        self,
        spec: SceneSpec,
        view: View,
        level: np.ndarray,
        photo: np.ndarray | None,
        walls: tuple[Wall, Wall],
        mask: np.ndarray,
        cloth: np.ndarray,
    ) -> tuple[np.ndarray, Wall | None]:
        """Paint floor, walls, panorama or photo where no cloth covers them.

        Args:
            spec: The scene.
            view: Its camera; halved where the picture is going to be enlarged, which blurs it enough.
            level: (3,) light on the support.
            photo: Of the view's size; None when the scene has none or shows none.
            walls: Of the room.
            mask: (h, w) uint8 of :func:`floor_mask`, changed.
            cloth: (H, W) uint8 coverage of the cloth at full size.

        Returns:
            (h, w, 3) uint8 of the view's size, and the wall that furniture may stand at if it is seen.
        """
        params = spec.background.params
        height = float(params["floor_height"])
        is_soft = mask.shape != cloth.shape
        picture, wall = np.zeros((view.height, view.width, 3), np.uint8), None
        if mask.min() < 255:
            if params["backdrop"] == "photo":
                picture = photo
            elif params["backdrop"] == "view":
                panorama = self.materials.view(str(params["view"]))
                picture = paint_panorama(panorama, view, float(params["view_yaw"]))
            else:
                half = view if is_soft else view.halved()  # walls are far and a little out of focus
                small = np.zeros((half.height, half.width, 3), np.uint8)
                paint_walls(small, half, params, walls, height, self.materials, spec.light)
                picture, wall = _soften(small, 0.5 * float(params["far_blur"])), walls[0]
                if not is_soft:
                    picture = cv2.resize(picture, (view.width, view.height), interpolation=cv2.INTER_LINEAR)
        if is_soft:
            cloth = cv2.resize(cloth, (view.width, view.height), interpolation=cv2.INTER_AREA)
        margin = 5 if is_soft else 9
        inner = cv2.erode(cloth, np.ones((margin, margin), np.uint8))
        cv2.bitwise_and(mask, cv2.compare(inner, 255, cv2.CMP_LT), dst=mask)
        fill_surface(
            picture,
            mask,
            view.plane_from_pixels(
                np.array([0.0, 0.0, height]), np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
            ),
            self.materials,
            tile=str(params["floor"]),
            colors=response(level * np.array(params["floor_tone"])),
            yaw=float(params["floor_yaw"]),
            shift=params["floor_shift"],
        )
        return picture, wall

    def _read_photo(self, number: int, min_side: int) -> tuple[np.ndarray, str, tuple[str, ...]]:
        """Return the photo, or the next one in order that can be read."""
        notes: list[str] = []
        for step in range(min(MAX_TRIES, len(self.photos))):
            candidate = (number + step) % len(self.photos)
            try:
                return self.photos.read(candidate, min_side), self.photos.names[candidate], tuple(notes)
            except BrokenPhoto as error:
                notes.append(str(error))
        raise ValueError(f"{len(notes)} background photos in a row cannot be read; first: {notes[0]}")


def floor_mask(params: dict[str, Any], view: View, walls: tuple[Wall, Wall]) -> np.ndarray:
    """Return the (h, w) uint8 coverage of the floor, up to the walls or the horizon."""
    height = float(params["floor_height"])
    floor = half_plane(view.corners(), floor_line(view, height))
    if params["backdrop"] != "view":
        for normal, distance in walls:
            if len(floor) >= 3:
                floor = half_plane(floor, wall_line(view, height, normal, distance))
    return coverage(floor, view.width, view.height)


def paint_crib(
    picture: np.ndarray, view: View, params: dict[str, Any], light: LightSpec, gain: np.ndarray
) -> None:
    """Draw the rails of a crib; those between a flat-looking camera and the infant are left out."""
    half_x, half_y, _, yaw, cx, cy = params["patch"][:6]
    height, *tone = params["crib"]
    looks_down = -view.R[2, 2] > STEEP
    rails = build_crib((half_x, half_y, yaw, cx, cy), height, tone, None if looks_down else view.position[:2])
    if len(rails):
        draw_solids(picture, view, rails, light, gain)


def paint_toys(picture: np.ndarray, view: View, toys: Any, light: LightSpec, gain: np.ndarray) -> None:
    """Draw the toys on z = 0 over their soft shadows, the farthest first."""
    groups = build_toys(toys)
    if not groups:
        return
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles), np.zeros_like(angles)], axis=1)
    lean = -0.4 * np.array([*light.key_direction[:2], 0.0])
    small = view.halved().halved()
    shade = np.zeros((small.height, small.width), np.uint8)
    for x, y, radius in np.concatenate([footprints(group) for group in groups]):
        cv2.max(shade, outline_mask(small, (circle + lean) * radius * 1.1 + (x, y, 0.0)), dst=shade)
    darken(picture, shade, 6.0)
    for group in sorted(groups, key=lambda g: -np.linalg.norm(g[0, 1:4] - view.position)):
        draw_solids(picture, view, group, light, gain)


def crop_photo(photo: np.ndarray, crop: Any, width: int, height: int) -> np.ndarray:
    """Cut a window with the picture's aspect ratio out of a photo and scale it to (height, width).

    Args:
        photo: (H, W, 3) uint8.
        crop: Zoom >= 1, horizontal and vertical place 0..1, flip 0 or 1.
        width: px.
        height: px.
    """
    zoom, x, y, flip = (float(v) for v in crop)
    h, w = photo.shape[:2]
    scale = max(width / w, height / h) * zoom
    part_w, part_h = min(round(width / scale), w), min(round(height / scale), h)
    x0, y0 = round(x * (w - part_w)), round(y * (h - part_h))
    part = photo[y0 : y0 + part_h, x0 : x0 + part_w]
    method = cv2.INTER_LINEAR if scale > 0.75 else cv2.INTER_AREA
    window = cv2.resize(part, (width, height), interpolation=method)
    return cv2.flip(window, 1) if flip else window


def reduction(blur: float) -> int:
    """Return the factor by which a layer may be smaller while it is blurred by ``blur`` px."""
    return 4 if blur > 2 * HALF_SIZE_BLUR else 2 if blur > HALF_SIZE_BLUR else 1


def photo_layer(
    photo: np.ndarray, crop: Any, width: int, height: int, blur: float
) -> tuple[np.ndarray, np.ndarray]:
    """Crop a photo and blur it by ``blur`` px; worked out at reduced size where that is as good.

    Returns:
        (H, W, 3) uint8 and the gain of :func:`photo_light`.
    """
    scale = reduction(blur)
    layer = crop_photo(photo, crop, max(width // scale, 8), max(height // scale, 8))
    gain = photo_light(layer)
    if scale == 1:
        return _soften(layer, blur), gain
    # Enlarging by linear interpolation blurs by itself, like a box of one small pixel.
    sigma = np.sqrt(max((blur / scale) ** 2 - 1 / 12, 0.09))
    layer = cv2.GaussianBlur(layer, (0, 0), sigma)
    return cv2.resize(layer, (width, height), interpolation=cv2.INTER_LINEAR), gain


def photo_light(photo: np.ndarray) -> np.ndarray:
    """Return the (3,) gain that makes a body's light suit a photo: dim in the dark, a little tinted as it."""
    step = max(min(photo.shape[:2]) // 32, 1)
    mean = GAMMA_TABLE[photo[step // 2 :: step, step // 2 :: step]].mean((0, 1))
    luma = float(mean @ LUMA)
    cast = np.clip(mean / max(luma, 1e-4), 0.6, 1.6) ** 0.3
    level = np.clip((luma / TYPICAL_PHOTO_LUMA) ** 0.35, 0.6, 1.15)
    return level * cast / (cast @ LUMA)


def _soften(picture: np.ndarray, sigma: float) -> np.ndarray:
    """Blur by ``sigma`` px, at reduced size where that is as good."""
    if sigma < 0.4:
        return picture
    scale = reduction(sigma)
    if scale == 1:
        return cv2.GaussianBlur(picture, (3, 3) if sigma < 0.6 else (5, 5), sigma)
    h, w = picture.shape[:2]
    small = cv2.resize(picture, (max(w // scale, 8), max(h // scale, 8)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / scale)
    return cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR)
