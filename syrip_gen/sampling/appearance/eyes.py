"""Eyes: iris, pupil, limbus, sclera and catchlight, on eyeballs where the mesh has them, else on the face."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

from syrip_gen.sampling.appearance.anatomy import Anatomy
from syrip_gen.sampling.appearance.noise import fbm
from syrip_gen.sampling.appearance.surface import Samples
from syrip_gen.sampling.appearance.uv_maps import map_texels

__all__ = ["EyeParams", "EyeTexels", "enlarge_eye_islands", "eye_texels", "paint_eyes"]

IRIS_RADIUS = 0.140
"""Radius of the iris in eye gaps; an infant's iris fills half of the lid opening."""
ISLAND_RADIUS = 56 / 1024
"""Radius in UV units that an eyeball's new island gets at most."""
ISLAND_ANGLE_DEG = 105.0
"""Half angle of the eyeball that the island shows."""


class EyeParams(NamedTuple):
    """Numbers that one infant's eyes are painted with."""

    iris_red: float
    """sRGB 0..1, and green and blue below."""
    iris_green: float
    iris_blue: float
    pupil: float
    """Radius of the pupil as a share of the iris."""
    gaze_x: float
    """Where the eyes look, in iris radii to the infant's left."""
    gaze_y: float
    """Upwards, in iris radii."""
    closed: float
    """1 = asleep."""
    light_x: float
    """Place of the catchlight in iris radii."""
    light_y: float


@dataclass(frozen=True, slots=True, eq=False)
class EyeTexels:
    """The texels that show eyes."""

    rows: np.ndarray
    """(M,) int32 rows of the painter's tables."""
    flat: np.ndarray
    """(M,) int32 texels of the texture."""
    place: np.ndarray
    """(M, 2) float32 place relative to the middle of the eye in iris radii: to the infant's left, and up."""
    opening: np.ndarray
    """(M,) float32 how far inside the lids' opening, 0..1 (1 on eyeballs)."""
    fiber: np.ndarray
    """(M,) float32 noise of the iris, about -1..1."""
    open_sky: np.ndarray
    """(M,) float32"""


def eye_texels(s: Samples, flat: np.ndarray, anatomy: Anatomy) -> EyeTexels:
    """Collect the texels of both eyes."""
    if anatomy.eyeballs:
        rows = np.flatnonzero(s.eyeball > 0)
        direction = s.position[rows] - anatomy.eyes[s.eyeball[rows] - 1]
        direction /= np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-9)
        iris = IRIS_RADIUS * anatomy.eye_gap
        angle = np.arccos(np.clip(direction[:, 2], -1, 1))
        place = _unit(direction[:, :2]) * (angle / np.arcsin(iris / anatomy.eye_radius))[:, None]
        place[:, 0] -= np.where(s.eyeball[rows] == 1, 0.6, -0.6) * anatomy.gaze_offset / iris
        opening = np.ones(len(rows), np.float32)
    else:
        half_width, iris = 0.24 * anatomy.eye_gap, IRIS_RADIUS * anatomy.eye_gap
        side = np.where(s.position[:, 0] >= 0, 0, 1)
        offset = s.position - anatomy.eyes[side]
        x = np.abs(offset[:, 0]) / half_width
        lid = np.where(offset[:, 1] > 0, 0.62, 0.48) * half_width * (1 - x**2)
        near = (x < 1) & (np.abs(offset[:, 1]) < half_width) & (np.abs(offset[:, 2]) < 0.6 * anatomy.eye_gap)
        rows = np.flatnonzero(near & (lid - np.abs(offset[:, 1]) > 0) & (s.normal[:, 2] > 0.1))
        place = offset[rows, :2] / iris
        opening = np.clip((lid - np.abs(offset[:, 1]))[rows] / (0.025 * anatomy.eye_gap), 0, 1)
    radial = np.concatenate([_unit(place) * 2.2, 0.25 * np.linalg.norm(place, axis=1, keepdims=True)], axis=1)
    return EyeTexels(
        rows=rows.astype(np.int32),
        flat=flat[rows],
        place=np.ascontiguousarray(place, np.float32),
        opening=opening.astype(np.float32),
        fiber=np.clip(1.8 * fbm(radial, 0.35, 211, 3, 0.6), -1, 1),
        open_sky=s.open_sky[rows],
    )


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def enlarge_eye_islands(
    vertices: np.ndarray, faces: np.ndarray, uv: np.ndarray, uv_faces: np.ndarray, anatomy: Anatomy
) -> tuple[np.ndarray, np.ndarray]:
    """Move the fronts of the eyeballs to larger islands in empty parts of the UV map.

    Layouts made for adults' skin give a whole eyeball a dozen texels. Left alone where there are no eyeballs
    or no
    room.

    Returns:
        New ``uv`` (U', 2) and ``uv_faces`` (F, 3).
    """
    from scipy import ndimage

    uv, uv_faces = uv.astype(np.float32), uv_faces.astype(np.int32).copy()
    grid = 512
    taken = np.zeros((grid + 2, grid + 2), bool)
    taken[[0, -1]] = taken[:, [0, -1]] = True
    texels = map_texels(uv.astype(np.float64), uv_faces, grid, gutter=1.5).flat
    taken[1 + texels // grid, 1 + texels % grid] = True
    for ball, center in zip(anatomy.eyeballs, anatomy.eyes, strict=False):
        room = ndimage.distance_transform_edt(~taken)
        row, column = np.unravel_index(np.argmax(room), room.shape)
        radius = min(ISLAND_RADIUS, (room[row, column] - 2) / grid)
        if radius < 12 / 1024:
            continue
        direction = _unit(vertices[ball] - center)
        angle = np.degrees(np.arccos(np.clip(direction[:, 2], -1, 1)))
        number = np.full(len(vertices), -1)
        number[ball] = np.arange(len(ball))
        front = number[faces]
        moved = (front >= 0).all(axis=1) & (angle[front] < ISLAND_ANGLE_DEG).all(axis=1)
        spot = _unit(direction[:, :2]) * (angle / ISLAND_ANGLE_DEG * radius)[:, None]
        middle = np.array([(column - 0.5) / grid, 1 - (row - 0.5) / grid])
        uv_faces[moved] = len(uv) + front[moved]
        uv = np.concatenate([uv, (middle + spot).astype(np.float32)])
        yy, xx = np.mgrid[: grid + 2, : grid + 2]
        taken |= np.hypot(yy - row, xx - column) < radius * grid + 3
    return uv, uv_faces


@njit(cache=True, nogil=True, error_model="numpy")
def paint_eyes(rows, place, opening, fiber, open_sky, p, skin):
    """Paint the eyes over the skin; closed ones get a lash line on the lid instead.

    Args:
        rows: See :class:`EyeTexels`.
        place: See :class:`EyeTexels`.
        opening: See :class:`EyeTexels`.
        fiber: See :class:`EyeTexels`.
        open_sky: See :class:`EyeTexels`.
        p: :class:`EyeParams`.
        skin: (N, 4) uint8 of :func:`skin.paint_skin`, seen as bytes; changed.
    """
    for i in range(rows.shape[0]):
        x, y, j = place[i, 0], place[i, 1], rows[i]
        if p.closed > 0.5:
            # Undo the socket's shading: a closed lid bulges out of it.
            lift = 0.94 / (0.42 + 0.58 * open_sky[i])
            line = (y + 0.52 - 0.09 * x * x) / 0.15
            lash = 0.80 * np.exp(-line * line) * min(max((2.1 - abs(x)) / 0.5, 0.0), 1.0) * opening[i]
            skin[j, 0] = np.uint8(min(skin[j, 0] * lift * (1 - lash) + 38.0 * lash, 255.0))
            skin[j, 1] = np.uint8(min(skin[j, 1] * lift * (1 - lash) + 25.0 * lash, 255.0))
            skin[j, 2] = np.uint8(min(skin[j, 2] * lift * (1 - lash) + 21.0 * lash, 255.0))
            continue
        dx, dy = x - p.gaze_x, y - p.gaze_y
        r = np.sqrt(dx * dx + dy * dy)
        # Sclera: bluish white in infants, pinker towards the corners.
        corner = min(max((abs(x) - 0.9) / 1.1, 0.0), 1.0)
        red, green, blue = 194.0 - 14.0 * corner, 188.0 - 54.0 * corner, 188.0 - 56.0 * corner
        inside = min(max((1.06 - r) / 0.14, 0.0), 1.0)
        if inside > 0.0:
            light = 1.0 + 0.30 * fiber[i] * (1.0 - p.pupil)
            light *= 0.80 + 0.55 * min(max((r - p.pupil) / (1.0 - p.pupil), 0.0), 1.0) - 0.15 * dy
            light *= 1.0 - 0.70 * min(max((r - 0.78) / 0.24, 0.0), 1.0)
            pupil = min(max((p.pupil + 0.05 - r) / 0.12, 0.0), 1.0)
            light *= 1.0 - 0.93 * pupil
            red += (255.0 * p.iris_red * light - red) * inside
            green += (255.0 * p.iris_green * light - green) * inside
            blue += (255.0 * p.iris_blue * light - blue) * inside
        # The upper lid's shadow, and what the sockets hide.
        shade = (0.35 + 0.65 * open_sky[i]) * (1.0 - 0.35 * min(max((y + 0.1) / 1.0, 0.0), 1.0))
        red, green, blue = red * shade, green * shade, blue * shade
        lx, ly = dx - p.light_x, dy - p.light_y
        catch = 0.9 * min(max((0.27 - np.sqrt(lx * lx + ly * ly)) / 0.12, 0.0), 1.0)
        red, green, blue = (
            red + (250.0 - red) * catch,
            green + (250.0 - green) * catch,
            blue + (252.0 - blue) * catch,
        )
        a = opening[i]
        skin[j, 0] = np.uint8(min(max(skin[j, 0] * (1 - a) + red * a, 0.0), 255.0))
        skin[j, 1] = np.uint8(min(max(skin[j, 1] * (1 - a) + green * a, 0.0), 255.0))
        skin[j, 2] = np.uint8(min(max(skin[j, 2] * (1 - a) + blue * a, 0.0), 255.0))
        skin[j, 3] = np.uint8(min(skin[j, 3] + a * 230.0, 255.0))
