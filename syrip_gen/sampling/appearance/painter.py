"""Turn an appearance into a texture, a gloss map and offsets of one body."""

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from syrip_gen.body.assets import BodyAssets
from syrip_gen.sampling.appearance.anatomy import Anatomy, measure
from syrip_gen.sampling.appearance.cloth import cloth_coordinates, cloth_layers, folds
from syrip_gen.sampling.appearance.decals import DECALS, make_decal
from syrip_gen.sampling.appearance.eyes import EyeParams, enlarge_eye_islands, eye_texels, paint_eyes
from syrip_gen.sampling.appearance.fabric import fabric_tile
from syrip_gen.sampling.appearance.garment_paint import (
    SHADOW_REACH,
    ClothParams,
    chunk_bounds,
    paint_garment,
    place_chunks,
)
from syrip_gen.sampling.appearance.garments import Cut, cut_garment, stand_off
from syrip_gen.sampling.appearance.hair import hair_layers, hair_offset
from syrip_gen.sampling.appearance.skin import PHOTOGRAPHED_TONES, SkinParams, blood_transmission, paint_skin
from syrip_gen.sampling.appearance.skin_layers import skin_layers
from syrip_gen.sampling.appearance.surface import Samples, build_surface
from syrip_gen.sampling.appearance.uv_maps import bleed_islands
from syrip_gen.sampling.scene import AppearanceSpec, GarmentSpec

__all__ = ["PaintedBody", "Painter", "paint"]

DEEP = 0.022
"""Metres inside a garment from which on no hem is felt."""
TEXTURE_SIZE = 768
"""Default width and height of painted textures: about 1 mm of skin a texel, two texels a pixel of a 640×480
image."""


@dataclass(frozen=True, slots=True, eq=False)
class PaintedBody:
    """What a renderer needs of an appearance."""

    texture: np.ndarray
    """(Ht, Wt, 3) uint8 sRGB albedo, first row = v 1. Read-only: it may be shared between images."""
    gloss: np.ndarray | None
    """(Ht, Wt) uint8: 255 eyes, about 35 skin, 0 cloth and hair."""
    offset_m: np.ndarray
    """(V,) float32 displacement of the rest body's vertices along their normals, metres, >= 0."""


class Painter:
    """Everything about one body that painting needs, computed once in seconds, and the latest paintings.

    ``uv`` and ``uv_faces`` are the coordinates that painted textures are laid out in: the asset's, but with
    larger
    islands for the eyes. Use them to render painted textures (a user's texture files keep the asset's own).
    """

    def __init__(self, assets: BodyAssets, size: int = TEXTURE_SIZE, cache_size: int = 24) -> None:
        anatomy = measure(assets)
        self.uv, self.uv_faces = enlarge_eye_islands(
            assets.v_template, assets.faces, assets.uv, assets.uv_faces, anatomy
        )
        surface = build_surface(assets, anatomy, self.uv, self.uv_faces, size)
        texels = surface.texels
        self.size = size
        self.anatomy: Anatomy = anatomy
        self.unit = anatomy.stature / 0.65
        self.vertices: Samples = surface.vertices
        self.flat = surface.texel_map.flat
        self.bleed = surface.texel_map.bleed
        self.fields = np.ascontiguousarray(texels.fields)
        self.bounds = chunk_bounds(self.fields)
        self.skin_layers = skin_layers(texels, anatomy)
        self.cloth_layers = cloth_layers(texels, anatomy)
        self.cloth = cloth_coordinates(texels, anatomy)
        self.front = np.where(texels.normal[:, 2:] > 0.05, texels.position[:, :2], 1e6).astype(np.float32)
        self.eyes = eye_texels(texels, self.flat, anatomy)
        self.fold = folds(surface.vertices.position, surface.vertices, anatomy)
        self.hair = hair_layers(surface.vertices, anatomy)
        self.fill = _hollows(assets, surface.vertices)
        self.texel_m = _texel_size(assets, self.uv, self.uv_faces, size)
        self._cache: OrderedDict[str, PaintedBody] = OrderedDict()
        self._cache_size = cache_size

    def paint(self, appearance: AppearanceSpec) -> PaintedBody:
        """Return the painting of an appearance, from the cache when it is one of the latest."""
        key = repr(appearance)
        painted = self._cache.get(key)
        if painted is None:
            painted = paint(appearance, self)
            self._cache[key] = painted
            while len(self._cache) > self._cache_size:
                self._cache.popitem(last=False)
        else:
            self._cache.move_to_end(key)
        return painted


def paint(appearance: AppearanceSpec, painter: Painter) -> PaintedBody:
    """Paint skin, eyes, hair and garments; a pure function of its arguments."""
    count = painter.size * painter.size
    texture = np.zeros((count, 3), np.uint8)
    gloss = np.zeros(count, np.uint8)
    skin = SkinParams(*(float(_number(appearance, name)) for name in SkinParams._fields))
    cuts = [(garment, cut_garment(garment, painter.anatomy)) for garment in appearance.garments]
    near, deep = SHADOW_REACH * painter.unit, DEEP * painter.unit
    places = [place_chunks(*painter.bounds, cut.field, cut.sign, cut.limit, near, deep) for _, cut in cuts]
    # A chunk need not be painted where something worn further out covers it wholly.
    hidden = [np.zeros(len(painter.bounds[0]), bool) for _ in range(len(cuts) + 1)]
    for layer in reversed(range(len(cuts))):
        hidden[layer] = hidden[layer + 1] | (places[layer] == 2)
    mix = np.array([np.cos(skin.mottle_mix), np.sin(skin.mottle_mix)], np.float32)
    paint_skin(
        painter.skin_layers,
        painter.flat,
        hidden[0],
        PHOTOGRAPHED_TONES,
        skin,
        mix,
        blood_transmission(),
        texture,
        gloss,
    )
    eyes = EyeParams(*(float(appearance.eyes[name]) for name in EyeParams._fields))
    e = painter.eyes
    paint_eyes(e.flat, e.place, e.opening, e.fiber, e.open_sky, eyes, texture, gloss)
    offset = hair_offset(painter.hair, skin, float(appearance.hair.get("volume", 0.0)))
    for layer, (garment, cut) in enumerate(cuts):
        _dress(garment, cut, painter, places[layer], hidden[layer + 1], texture, gloss)
        lift = stand_off(garment.kind, cut, painter.vertices, painter.fold, painter.fill, painter.unit)
        # A second layer lies on the first, but does not bridge the same hollows twice.
        offset = np.maximum(offset + np.minimum(lift, cut.thickness), lift)
    bleed_islands(painter.bleed, texture, gloss)
    side = painter.size
    texture.flags.writeable = False
    return PaintedBody(texture.reshape(side, side, 3), gloss.reshape(side, side), offset.astype(np.float32))


def _number(appearance: AppearanceSpec, name: str) -> float | str:
    source = appearance.hair if name in appearance.hair else appearance.skin
    if name not in source:
        raise ValueError(f"appearance lacks the skin or hair parameter {name!r}")
    return source[name]


def _dress(
    garment: GarmentSpec,
    cut: Cut,
    painter: Painter,
    place: np.ndarray,
    hidden: np.ndarray,
    texture: np.ndarray,
    gloss: np.ndarray,
) -> None:
    """Paint one garment where its ``place`` says so and nothing worn over it has ``hidden`` it."""
    p, unit = garment.params, painter.unit
    ground = np.array(garment.color, np.float64)
    second = np.array([p.get(f"second_{c}", g * 0.6) for c, g in zip("rgb", ground, strict=True)])
    third = np.array([p.get(f"third_{c}", g) for c, g in zip("rgb", second, strict=True)])
    trim = np.array([p.get(f"trim_{c}", g) for c, g in zip("rgb", ground, strict=True)]) * 255
    tile_m = p.get("tile", 0.06) * unit
    tile = fabric_tile(
        garment.fabric, np.stack([ground, second, third]), tile_m, painter.texel_m, p.get("tint", 0.0)
    )
    turn = p.get("turn", 0.0)
    params = ClothParams(
        tile_m, float(np.cos(turn)), float(np.sin(turn)),
        p.get("shift_across", 0.0), p.get("shift_along", 0.0), cut.trim,
        *map(float, trim), p.get("fold", 0.5), p.get("lint", 0.5), p.get("stitch", 0.7),
        painter.texel_m, unit,
    )  # fmt: skip
    j = painter.anatomy.joints
    decal = make_decal(
        DECALS[int(p.get("decal", 0))], int(p.get("motif", 0)), ground * 255, second * 255, painter.anatomy,
        j[0, 1] - 0.045 * unit, j[12, 1] - 0.002 * unit,
    )  # fmt: skip
    paint_garment(
        painter.flat, painter.fields, painter.cloth_layers, painter.cloth.across, painter.cloth.along,
        painter.front,
        place, hidden, cut.field, cut.sign, cut.limit, tile, params, decal, texture, gloss,
    )  # fmt: skip


def _hollows(assets: BodyAssets, vertices: Samples, rounds: int = 25) -> np.ndarray:
    """Return (V,) metres out to a smoothed surface: what cloth spans (folds, navel, groin)."""
    from scipy import sparse

    faces, count = assets.faces, assets.num_vertices
    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    ends = np.concatenate([ends, ends[:, ::-1]])
    links = sparse.csr_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), (count, count))
    links.data[:] = 1.0
    mean = sparse.diags(1.0 / np.maximum(np.asarray(links.sum(axis=1)).ravel(), 1)) @ links
    smooth = vertices.position.astype(np.float64)
    for _ in range(rounds):
        smooth = 0.5 * smooth + 0.5 * (mean @ smooth)
    out = np.einsum("ij,ij->i", smooth - vertices.position, vertices.normal)
    out = np.maximum(out, 0.0)
    for _ in range(3):
        out = 0.5 * out + 0.5 * (mean @ out)
    return out


def _texel_size(assets: BodyAssets, uv: np.ndarray, uv_faces: np.ndarray, size: int) -> float:
    """Return the side of a typical texel on the trunk and limbs, metres."""
    body = (assets.weights[:, 15] < 0.1)[assets.faces].all(axis=1)
    corners = assets.v_template[assets.faces[body]]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    flat = uv.astype(np.float64)[uv_faces[body]] * size
    a, b = flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]
    texels = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
    return float(np.sqrt(area.sum() / texels.sum()))
