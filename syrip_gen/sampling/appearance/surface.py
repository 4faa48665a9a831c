"""What the painter knows about every vertex and every texel of one body before any colour is chosen."""

from dataclasses import dataclass

import numpy as np

from syrip_gen.body.assets import BodyAssets
from syrip_gen.sampling.appearance.anatomy import Anatomy, garment_fields, vertex_normals
from syrip_gen.sampling.appearance.occlusion import short_range_occlusion
from syrip_gen.sampling.appearance.uv_maps import TexelMap, map_texels

__all__ = ["CHUNK", "Samples", "Surface", "build_surface", "in_chunks", "region_masks"]

CHUNK = 32
"""Neighbouring texels that painting skips together when a garment leaves out or covers all of them."""

OCCLUSION_REACH = 0.04
"""Reach of the baked ambient occlusion as a share of the stature."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Points of the rest surface with what is known there: one row per vertex, or one per texel."""

    position: np.ndarray
    """(N, 3) float32 metres."""
    normal: np.ndarray
    """(N, 3) float32, unit."""
    weights: np.ndarray
    """(N, 24) float32 skinning weights."""
    fields: np.ndarray
    """(N, 9) float32 metres, see :func:`anatomy.garment_fields`."""
    open_sky: np.ndarray
    """(N,) float32 short-range ambient occlusion, 1 = open."""
    regions: dict[str, np.ndarray]
    """Named masks (N,) float32 0..1 from the asset's regions."""
    eyeball: np.ndarray
    """(N,) int8: 0 none, 1 left eyeball, 2 right eyeball."""

    def weight(self, *joints: int) -> np.ndarray:
        """Return the summed skinning weight of some joints, (N,)."""
        return self.weights[:, list(joints)].sum(axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """One body's surface, sampled at its vertices and at its texels."""

    anatomy: Anatomy
    texel_map: TexelMap
    vertices: Samples
    texels: Samples


def build_surface(
    assets: BodyAssets, anatomy: Anatomy, uv: np.ndarray, uv_faces: np.ndarray, size: int
) -> Surface:
    """Sample a body for painting a ``size`` × ``size`` texture laid out by ``uv`` and ``uv_faces``."""
    faces = assets.faces
    positions = assets.v_template
    normals = vertex_normals(positions, faces)
    eyeball = np.zeros(len(positions), np.int8)
    for number, members in enumerate(anatomy.eyeballs, start=1):
        eyeball[members] = number
    outer = faces[(eyeball[faces] == 0).all(axis=1)]  # light reaches the lids past the eyeballs
    sky = short_range_occlusion(positions, normals, outer, OCCLUSION_REACH * anatomy.stature)
    vertices = Samples(
        position=positions.astype(np.float32),
        normal=normals.astype(np.float32),
        weights=assets.weights.astype(np.float32),
        fields=garment_fields(positions, assets.weights, anatomy),
        open_sky=sky,
        regions=region_masks(assets),
        eyeball=eyeball,
    )
    # Layouts taken over from another body may overlap; there the face that is more in the open is painted.
    texel_map = map_texels(uv.astype(np.float64), uv_faces, size, priority=sky[faces].mean(axis=1))
    return Surface(anatomy, texel_map, vertices, _at_texels(vertices, texel_map, faces))


def in_chunks(layers: np.ndarray) -> np.ndarray:
    """Return (C, K, CHUNK) of (N, K) rows: compiled loops over one chunk then read near, straight memory."""
    count, columns = -(-len(layers) // CHUNK), layers.shape[1]
    padded = np.zeros((count * CHUNK, columns), layers.dtype)
    padded[: len(layers)] = layers
    return np.ascontiguousarray(padded.reshape(count, CHUNK, columns).transpose(0, 2, 1))


def region_masks(assets: BodyAssets) -> dict[str, np.ndarray]:
    """Return the named vertex sets as (V,) float32 masks."""
    masks = {}
    for name, members in assets.regions.items():
        masks[name] = np.zeros(assets.num_vertices, np.float32)
        masks[name][members] = 1.0
    return masks


def _at_texels(vertices: Samples, texel_map: TexelMap, faces: np.ndarray) -> Samples:
    """Interpolate everything that is known at vertices."""

    def carry(values: np.ndarray) -> np.ndarray:
        return texel_map.interpolate(values, faces)

    normal = carry(vertices.normal)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
    return Samples(
        position=carry(vertices.position),
        normal=normal,
        weights=carry(vertices.weights),
        fields=carry(vertices.fields),
        open_sky=carry(vertices.open_sky),
        regions={name: carry(mask) for name, mask in vertices.regions.items()},
        eyeball=vertices.eyeball[faces[texel_map.face, 0]],
    )
