"""The default renderer: a rasteriser in compiled Python that needs no OpenGL and no display."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

import numpy as np

from syrip_gen.rendering.colors import LINEAR_OF_SRGB, SRGB_OF_LINEAR
from syrip_gen.rendering.ground import cast_ground_shadow, darken_ground, plane_axes
from syrip_gen.rendering.lighting import irradiance_matrix, radiance
from syrip_gen.rendering.occlusion import (
    AXES,
    ambient_visibility,
    key_visibility,
    mark_vertices,
    spread_from_representatives,
)
from syrip_gen.rendering.compositing import MAX_SURFACES, blend_points, collect_points
from syrip_gen.rendering.shading import shade_points
from syrip_gen.rendering.texturing import build_pyramid, choose_levels
from syrip_gen.rendering.topology import MeshTopology
from syrip_gen.rendering.types import RenderInputs, RenderOutput
from syrip_gen.rendering.zbuffer import fill_faces, pixel_bounds, project

__all__ = ["RasterRenderer"]


class _Points:
    """Room for the points of one picture."""

    def __init__(self, capacity: int) -> None:
        self.column = np.empty(capacity, dtype=np.int32)
        self.row = np.empty(capacity, dtype=np.int32)
        self.face = np.empty(capacity, dtype=np.int32)
        self.pixel = np.empty(capacity, dtype=np.int32)
        self.weight = np.empty(capacity, dtype=np.uint8)
        self.color = np.empty((capacity, 3), dtype=np.float32)


class RasterRenderer:
    """Renders on one CPU core, without the GIL in its loops. One instance per thread: buffers are reused.

    ``timings_s`` sums the seconds of each stage over all pictures so far.
    """

    name = "raster"

    def __init__(self) -> None:
        self.timings_s: dict[str, float] = {}
        self._topology: MeshTopology | None = None
        self._allocate(0, 0)

    def render(self, inputs: RenderInputs) -> RenderOutput:
        """Render one scene.

        The picture is the same, byte for byte, on every call and in every thread.
        """
        h, w = inputs.height, inputs.width
        if inputs.background.shape != (h, w, 3):
            raise ValueError(f"background has shape {inputs.background.shape}, expected {(h, w, 3)}")
        vertices = np.ascontiguousarray(inputs.vertices, dtype=np.float32)
        rgb = inputs.background.copy()
        depth = np.full((h, w), np.inf, dtype=np.float32)
        topology = self._topology_of(inputs.faces, len(vertices))
        faces = topology.faces
        with self._timed("visibility"):
            lattice = (2.0 * inputs.fx, 2.0 * inputs.fy, 2.0 * inputs.cx, 2.0 * inputs.cy)
            xy, inv_z = project(vertices, *lattice)
            bounds = pixel_bounds(xy, inv_z, w, h)
            if bounds[0] == bounds[2]:
                return RenderOutput(rgb=rgb, depth=depth)
            self._clear(bounds, w, h)
            fill_faces(
                vertices, faces, xy, inv_z, *lattice, topology.is_closed, self._inverse_depth, self._face_index
            )
        with self._timed("points"):
            points = self._points
            count = collect_points(
                *bounds, self._inverse_depth, self._face_index, points.column, points.row, points.face,
                points.pixel, points.weight, depth,
            )  # fmt: skip
        with self._timed("texture"):
            uv = np.ascontiguousarray(inputs.uv, dtype=np.float32)
            uv_faces = np.ascontiguousarray(inputs.uv_faces, dtype=np.int32)
            texels, levels = build_pyramid(inputs.texture, inputs.gloss)
            face_level = choose_levels(xy, inv_z, faces, uv, uv_faces, levels)
        attributes = self._light_vertices(inputs, vertices, topology, points.face[:count], bounds, rgb)
        with self._timed("shading"):
            shade_points(
                points.column[:count], points.row[:count], points.face[:count],
                inputs.fx, inputs.fy, inputs.cx, inputs.cy,
                vertices, attributes, faces, uv, uv_faces, face_level, texels, levels,
                irradiance_matrix(inputs.sh), np.asarray(inputs.key_direction, dtype=np.float32),
                np.asarray(inputs.key_color, dtype=np.float32), LINEAR_OF_SRGB, points.color,
            )  # fmt: skip
        with self._timed("blending"):
            blend_points(
                points.pixel[:count], points.weight[:count], points.color[:count],
                LINEAR_OF_SRGB, SRGB_OF_LINEAR, rgb.reshape(-1, 3),
            )  # fmt: skip
        return RenderOutput(rgb=rgb, depth=depth)

    def _light_vertices(
        self,
        inputs: RenderInputs,
        vertices: np.ndarray,
        topology: MeshTopology,
        point_face: np.ndarray,
        bounds: tuple[int, int, int, int],
        rgb: np.ndarray,
    ) -> np.ndarray:
        """Shadow the ground in ``rgb`` and return the normal and light of each vertex in sight (V, 8)."""
        normals = np.ascontiguousarray(inputs.normals, dtype=np.float32)
        attributes = np.empty((len(vertices), 8), dtype=np.float32)
        attributes[:, :3] = normals
        graph = (topology.starts, topology.neighbours, topology.is_representative)
        axes, local, local_normals = AXES[:, 2], vertices, normals
        ground, ground_grid, ground_color = None, np.zeros(3, np.float32), np.zeros(3, np.float32)
        if inputs.support_plane is not None:
            with self._timed("ground"):
                frame, offset = plane_axes(inputs.support_plane)
                local, local_normals, axes = vertices @ frame.T, normals @ frame.T, axes @ frame
                local[:, 2] += np.float32(offset)
                shadow = cast_ground_shadow(
                    local, topology.faces, topology.is_closed, frame, offset, inputs.sh, inputs.key_direction, inputs.key_color,
                    inputs.shadow_softness,
                )  # fmt: skip
                ground, ground_grid, ground_color = shadow.ambient, shadow.ambient_grid, _mean_linear(rgb, bounds)
                darken_ground(rgb, shadow, inputs.fx, inputs.fy, inputs.cx, inputs.cy)
        with self._timed("ambient"):
            seen, needed = mark_vertices(point_face, topology.faces, *graph)
            light = np.stack([radiance(inputs.sh, axes).mean(1), radiance(inputs.sh, -axes).mean(1)], axis=1)
            light = light.astype(np.float32) + np.float32(1e-3)
            surroundings = attributes[:, 4:]
            ambient_visibility(
                local, local_normals, needed, light, ground, ground_grid, ground_color, surroundings
            )
            spread_from_representatives(surroundings, seen, *graph)
        with self._timed("key shadow"):
            attributes[:, 3] = key_visibility(
                vertices, normals, topology.faces, seen, inputs.key_direction, inputs.shadow_softness,
                topology.is_closed,
            )  # fmt: skip
        return attributes

    def _topology_of(self, faces: np.ndarray, num_vertices: int) -> MeshTopology:
        """Return the facts about ``faces``, computed anew only when they change."""
        known = self._topology
        if known is None or len(known.starts) != num_vertices + 1 or not np.array_equal(known.faces, faces):
            known = self._topology = MeshTopology.from_faces(faces, num_vertices)
        return known

    def close(self) -> None:
        """Free the buffers."""
        self._allocate(0, 0)

    def _allocate(self, w: int, h: int) -> None:
        self._inverse_depth = np.empty((2 * h + 1, 2 * w + 1), dtype=np.float32)
        self._face_index = np.empty((2 * h + 1, 2 * w + 1), dtype=np.int32)
        self._points = _Points(MAX_SURFACES * w * h)

    def _clear(self, bounds: tuple[int, int, int, int], w: int, h: int) -> None:
        """Empty the lattice where this picture will read it."""
        if self._face_index.shape != (2 * h + 1, 2 * w + 1):
            self._allocate(w, h)
        x0, y0, x1, y1 = bounds
        window = (slice(2 * y0, 2 * y1 + 1), slice(2 * x0, 2 * x1 + 1))
        self._inverse_depth[window] = 0.0
        self._face_index[window] = -1

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        start = perf_counter()
        try:
            yield
        finally:
            self.timings_s[stage] = self.timings_s.get(stage, 0.0) + perf_counter() - start


def _mean_linear(rgb: np.ndarray, bounds: tuple[int, int, int, int]) -> np.ndarray:
    """Return the mean linear colour (3,) of the picture around the body, before shadows."""
    x0, y0, x1, y1 = bounds
    return LINEAR_OF_SRGB[rgb[y0:y1:8, x0:x1:8]].reshape(-1, 3).mean(axis=0)
