"""Turn an appearance into a texture, a gloss map and offsets of one body.

Skin and outfit are painted apart and laid over each other for each image: painting either costs several
times as much as that, so a few of both give many different infants.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from syrip_gen.body.assets import BodyAssets
from syrip_gen.sampling.appearance.decals import DECALS, make_decal
from syrip_gen.sampling.appearance.eyes import EyeParams, paint_eyes
from syrip_gen.sampling.appearance.fabric import fabric_tile
from syrip_gen.sampling.appearance.garment_paint import (
    SHADOW_REACH,
    ClothParams,
    pack_tile,
    paint_garment,
    place_chunks,
    wear,
)
from syrip_gen.sampling.appearance.garments import Cut, cut_garment, stand_off
from syrip_gen.sampling.appearance.hair import hair_offset
from syrip_gen.sampling.appearance.skin import SkinParams, paint_skin
from syrip_gen.sampling.appearance.surface import CHUNK
from syrip_gen.sampling.appearance.tables import load_tables
from syrip_gen.sampling.scene import AppearanceSpec, GarmentSpec

__all__ = ["PaintedBody", "Painter", "paint", "texture_size"]

DEEP = 0.022
"""Metres inside a garment from which on no hem is felt."""
TEXTURE_SIZE = 576
"""Width and height of painted textures for 480 px high images, in which an infant that fills the picture
shows one texel (1.5 mm of skin) a pixel."""
MIN_SIZE, MAX_SIZE = 256, 1024

T = TypeVar("T")


def texture_size(width: int, height: int) -> int:
    """Return the side of textures for images of some size, texels: a multiple of 64."""
    return int(np.clip(round(TEXTURE_SIZE * min(width, height) / 480 / 64) * 64, MIN_SIZE, MAX_SIZE))


@dataclass(frozen=True, slots=True, eq=False)
class PaintedBody:
    """What a renderer needs of an appearance."""

    texture: np.ndarray
    """(Ht, Wt, 3) uint8 sRGB albedo, first row = v 1. Read-only: it may be shared between images."""
    gloss: np.ndarray | None
    """(Ht, Wt) uint8: 255 eyes, about 35 skin, 0 cloth and hair."""
    offset_m: np.ndarray
    """(V,) float32 displacement of the rest body's vertices along their normals, metres, >= 0."""


@dataclass(frozen=True, slots=True, eq=False)
class _Skin:
    texels: np.ndarray
    """(C * CHUNK,) uint32 of :func:`skin.paint_skin`, eyes painted."""
    offset: np.ndarray
    """(V,) metres by which hair raises the scalp."""


@dataclass(frozen=True, slots=True, eq=False)
class _Outfit:
    texels: np.ndarray
    """(C * CHUNK,) uint32 of :func:`garment_paint.paint_garment`; (0,) for none."""
    lifts: tuple[tuple[np.ndarray, float], ...]
    """(V,) metres by which each garment stands off, and its thickness, from the skin outwards."""


class _Latest:
    """The latest results of some costly function."""

    def __init__(self, size: int) -> None:
        self._size, self._kept = size, OrderedDict()

    def get(self, key: str, make: Callable[[], T]) -> T:
        """Return what is kept under a key, made where it is not."""
        if key not in self._kept:
            self._kept[key] = make()
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


class Painter:
    """Everything about one body that painting needs, and the latest paintings.

    ``uv`` and ``uv_faces`` are the coordinates that painted textures are laid out in: the asset's, but with
    larger islands for the eyes. Use them to render painted textures (a user's texture files keep the asset's
    own).
    """

    def __init__(
        self, assets: BodyAssets, size: int = TEXTURE_SIZE, cache_size: int = 12, folder: Path | None = None
    ) -> None:
        """Measure a body.

        Args:
            assets: The body.
            size: Width and height of textures, texels.
            cache_size: How many skins, and how many outfits, are kept.
            folder: Where measurements are kept from one process to the next; None = nowhere.
        """
        self.tables, self.anatomy = load_tables(assets, size, folder)
        tables = self.tables
        self.size = size
        self.unit = self.anatomy.stature / 0.65
        self.uv, self.uv_faces = tables.uv, tables.uv_faces
        self.flat, self.fields = tables.flat, tables.fields
        self.vertices = tables.vertices(assets)
        self.eyes = tables.eyes()
        self.fold, self.texel_m = tables.fold, float(tables.texel_m)
        self._skins, self._outfits, self._painted = _Latest(cache_size), _Latest(cache_size), _Latest(2)

    @property
    def skin_layers(self) -> np.ndarray:
        """(N, 18) uint8 of :func:`skin_layers.skin_layers`."""
        rows = self.tables.skin.transpose(0, 2, 1).reshape(-1, self.tables.skin.shape[1])
        return rows[: len(self.flat)]

    def paint(self, appearance: AppearanceSpec) -> PaintedBody:
        """Return the painting of an appearance; skins and outfits that came up lately are kept."""
        return self._painted.get(repr(appearance), lambda: self._dress(appearance))

    def _dress(self, appearance: AppearanceSpec) -> PaintedBody:
        skin = self._skins.get(
            repr((appearance.skin, appearance.hair, appearance.eyes)), lambda: _paint_skin(appearance, self)
        )
        outfit = self._outfits.get(
            repr(appearance.garments), lambda: _paint_outfit(appearance.garments, self)
        )
        return _wear(skin, outfit, self)


def paint(appearance: AppearanceSpec, painter: Painter) -> PaintedBody:
    """Paint skin, eyes, hair and garments anew; a pure function of its arguments."""
    return _wear(_paint_skin(appearance, painter), _paint_outfit(appearance.garments, painter), painter)


def _wear(skin: _Skin, outfit: _Outfit, painter: Painter) -> PaintedBody:
    side = painter.size
    packed = np.zeros(side * side, np.uint32)
    wear(painter.tables.spread, skin.texels, outfit.texels, packed)
    channels = packed.view(np.uint8).reshape(side, side, 4)
    texture, gloss = cv2.cvtColor(channels, cv2.COLOR_RGBA2RGB), cv2.extractChannel(channels, 3)
    offset = skin.offset
    for lift, thickness in outfit.lifts:
        # A second layer lies on the first, but does not bridge the same hollows twice.
        offset = np.maximum(offset + np.minimum(lift, thickness), lift)
    texture.flags.writeable = False
    return PaintedBody(texture, gloss, offset.astype(np.float32))


def _paint_skin(appearance: AppearanceSpec, painter: Painter) -> _Skin:
    params = SkinParams(*(float(_number(appearance, name)) for name in SkinParams._fields))
    texels = paint_skin(painter.tables.skin, painter.tables.hairy, params)
    eyes = EyeParams(*(float(appearance.eyes[name]) for name in EyeParams._fields))
    e = painter.eyes
    paint_eyes(e.rows, e.place, e.opening, e.fiber, e.open_sky, eyes, texels.view(np.uint8).reshape(-1, 4))
    volume = float(appearance.hair.get("volume", 0.0))
    return _Skin(texels, hair_offset(painter.tables.hair, params, volume))


def _number(appearance: AppearanceSpec, name: str) -> float | str:
    source = appearance.hair if name in appearance.hair else appearance.skin
    if name not in source:
        raise ValueError(f"appearance lacks the skin or hair parameter {name!r}")
    return source[name]


def _paint_outfit(garments: tuple[GarmentSpec, ...], painter: Painter) -> _Outfit:
    if not garments:
        return _Outfit(np.empty(0, np.uint32), ())
    tables = painter.tables
    cuts = [cut_garment(garment, painter.anatomy) for garment in garments]
    near, deep = SHADOW_REACH * painter.unit, DEEP * painter.unit
    places = [place_chunks(*tables.bounds, cut.field, cut.sign, cut.limit, near, deep) for cut in cuts]
    # A chunk need not be painted where something worn further out covers it wholly.
    hidden = [np.zeros(tables.bounds.shape[1], bool) for _ in range(len(cuts) + 1)]
    for layer in reversed(range(len(cuts))):
        hidden[layer] = hidden[layer + 1] | (places[layer] == 2)
    texels = np.zeros(len(places[0]) * CHUNK, np.uint32)
    lifts = []
    for layer, (garment, cut) in enumerate(zip(garments, cuts, strict=True)):
        _paint_garment(garment, cut, painter, places[layer], hidden[layer + 1], texels)
        lift = stand_off(garment.kind, cut, painter.vertices, painter.fold, tables.fill, painter.unit)
        lifts.append((lift, cut.thickness))
    return _Outfit(texels, tuple(lifts))


def _paint_garment(
    garment: GarmentSpec,
    cut: Cut,
    painter: Painter,
    place: np.ndarray,
    hidden: np.ndarray,
    texels: np.ndarray,
) -> None:
    """Paint one garment where its ``place`` says so and nothing worn over it has ``hidden`` it."""
    p, unit, tables = garment.params, painter.unit, painter.tables
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
        tables.fields, tables.cloth.reshape(-1), tables.across, tables.along, tables.front, place, hidden,
        cut.field, cut.sign, cut.limit, pack_tile(tile), garment.fabric == "plain", params, decal, texels,
    )  # fmt: skip
