"""The default renderer: a rasteriser in compiled Python that needs no OpenGL and no display."""

import numpy as np

from syrip_gen.rendering.colors import LINEAR_OF_SRGB, SRGB_OF_LINEAR
from syrip_gen.rendering.compositing import blend_points, collect_points
from syrip_gen.rendering.depth_buffer import CornerSamples, DepthBuffer
from syrip_gen.rendering.lamps import fold_lamps
from syrip_gen.rendering.lighting import irradiance_matrix
from syrip_gen.rendering.point_lookup import DECODED
from syrip_gen.rendering.shading import shade_points
from syrip_gen.rendering.stopwatch import Stopwatch
from syrip_gen.rendering.texturing import build_pyramid, choose_levels, plan_pyramid
from syrip_gen.rendering.types import RenderInputs, RenderOutput
from syrip_gen.rendering.vertex_light import light_vertices

__all__ = ["RasterRenderer"]


class _Points:
    """Room for the points of a picture."""

    def __init__(self, capacity: int) -> None:
        self.column = np.empty(capacity, dtype=np.int32)
        self.row = np.empty(capacity, dtype=np.int32)
        self.face = np.empty(capacity, dtype=np.int32)
        self.pixel = np.empty(capacity, dtype=np.int32)
        self.weight = np.empty(capacity, dtype=np.uint8)
        self.color = np.empty((capacity, 3), dtype=np.float32)


class RasterRenderer:
    """Renders on one CPU core, without the GIL in its loops. One instance per thread: buffers are reused.

    ``stopwatch`` sums the seconds of each stage over all pictures so far.
    """

    name = "raster"

    def __init__(self) -> None:
        self.stopwatch = Stopwatch()
        self._buffer = DepthBuffer()
        self._corner_uv = _CornerUV()
        self._allocate(0, 0)

    def render(
        self, inputs: RenderInputs, buffer: DepthBuffer | None = None, with_depth: bool = True
    ) -> RenderOutput:
        """Render one scene; ``buffer`` is its depth buffer, where somebody has drawn it already.

        The picture is the same, byte for byte, on every call and in every thread.
        """
        inputs = fold_lamps(inputs)
        h, w = inputs.height, inputs.width
        if inputs.background.shape != (h, w, 3):
            raise ValueError(f"background has shape {inputs.background.shape}, expected {(h, w, 3)}")
        timed = self.stopwatch
        if buffer is None:
            with timed("visibility"):
                buffer = self._buffer.draw(inputs)
        rgb = inputs.background.copy()
        depth = buffer.depth() if with_depth else None
        if not buffer.is_seen:
            return RenderOutput(rgb=rgb, depth=depth)
        with timed("edges"):
            if self._corners.marks.shape != (h, w):
                self._allocate(w, h)
            self._corners.draw(buffer, inputs)
        with timed("points"):
            points, count, seen_faces = self._collect(buffer)
        with timed("texture"):
            corner_uv = self._corner_uv.of(inputs.uv, inputs.uv_faces)
            levels = plan_pyramid(*inputs.texture.shape[:2])
            faces = buffer.topology.faces
            face_level, finest = choose_levels(seen_faces, buffer.xy, buffer.inv_z, faces, corner_uv, levels)
            self._texels = build_pyramid(inputs.texture, inputs.gloss, levels, finest, self._texels)
        light = light_vertices(inputs, buffer.topology, seen_faces, buffer.bounds, rgb, timed)
        with timed("shading"):
            shade_points(
                points.column[:count], points.row[:count], points.face[:count],
                inputs.fx, inputs.fy, inputs.cx, inputs.cy,
                light.records, faces, corner_uv, face_level, self._texels.view(np.int32), levels,
                irradiance_matrix(inputs.sh), np.asarray(inputs.key_direction, dtype=np.float32),
                np.asarray(inputs.key_color, dtype=np.float32), light.ground_color, DECODED, points.color,
            )  # fmt: skip
        with timed("blending"):
            blend_points(
                points.pixel[:count], points.weight[:count], points.color[:count],
                LINEAR_OF_SRGB, SRGB_OF_LINEAR, rgb.reshape(-1, 3),
            )  # fmt: skip
        return RenderOutput(rgb=rgb, depth=depth)

    def _collect(self, buffer: DepthBuffer) -> tuple[_Points, int, np.ndarray]:
        """Find the points to shade, in as much room as they need, and the triangles that they lie on."""
        num_faces = len(buffer.topology.faces)
        is_seen, seen_faces = np.empty(num_faces, dtype=np.bool_), np.empty(num_faces, dtype=np.int32)
        corners = self._corners
        while True:
            points = self._points
            count, num_seen = collect_points(
                *buffer.bounds, buffer.inverse_depth, buffer.face,
                corners.marks, corners.inverse_depth, corners.face,
                points.column, points.row, points.face, points.pixel, points.weight, is_seen, seen_faces,
            )  # fmt: skip
            if count >= 0:
                return points, count, seen_faces[:num_seen]
            self._points = _Points(2 * len(points.pixel))

    def close(self) -> None:
        """Free the buffers."""
        self._buffer = DepthBuffer()
        self._allocate(0, 0)

    def _allocate(self, w: int, h: int) -> None:
        self._corners = CornerSamples.allocate(w, h)
        self._points = _Points(w * h // 2 + 64)
        self._texels: np.ndarray | None = None


class _CornerUV:
    """Texture coordinates by triangle, gathered anew only when they change."""

    def __init__(self) -> None:
        self._key: tuple[np.ndarray, np.ndarray] | None = None

    def of(self, uv: np.ndarray, uv_faces: np.ndarray) -> np.ndarray:
        """Return (F, 6) float32 u, v of each triangle's three corners."""
        if self._key is None or not all(
            old is new or np.array_equal(old, new) for old, new in zip(self._key, (uv, uv_faces), strict=True)
        ):
            self._key = uv, uv_faces
            self._table = np.ascontiguousarray(uv[uv_faces], dtype=np.float32).reshape(len(uv_faces), 6)
        return self._table
