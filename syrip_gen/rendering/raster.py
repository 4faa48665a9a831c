"""The default renderer: a rasteriser in compiled Python that needs no OpenGL and no display."""

import numpy as np

from syrip_gen.rendering.colors import LINEAR_OF_SRGB, SRGB_OF_LINEAR
from syrip_gen.rendering.compositing import blend_points, collect_points
from syrip_gen.rendering.lighting import irradiance_matrix
from syrip_gen.rendering.shading import shade_points
from syrip_gen.rendering.stopwatch import Stopwatch
from syrip_gen.rendering.texturing import build_pyramid, choose_levels, plan_pyramid
from syrip_gen.rendering.topology import MeshTopology
from syrip_gen.rendering.types import RenderInputs, RenderOutput
from syrip_gen.rendering.vertex_light import light_vertices
from syrip_gen.rendering.zbuffer import PixelSamples

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
        faces, timed = topology.faces, self.stopwatch
        with timed("visibility"):
            if self._samples.center_face.shape != (h, w):
                self._allocate(w, h)
            camera = (inputs.fx, inputs.fy, inputs.cx, inputs.cy)
            bounds, xy, inv_z = self._samples.draw(vertices, faces, camera, topology.is_closed)
        if bounds[0] == bounds[2]:
            return RenderOutput(rgb=rgb, depth=depth)
        with timed("points"):
            points, count = self._collect(bounds, depth)
        with timed("texture"):
            uv = np.ascontiguousarray(inputs.uv, dtype=np.float32)
            uv_faces = np.ascontiguousarray(inputs.uv_faces, dtype=np.int32)
            levels = plan_pyramid(*inputs.texture.shape[:2])
            face_level, finest = choose_levels(points.face[:count], xy, inv_z, faces, uv, uv_faces, levels)
            texels = build_pyramid(inputs.texture, inputs.gloss, levels, finest)
        attributes = light_vertices(inputs, topology, points.face[:count], bounds, rgb, timed)
        with timed("shading"):
            shade_points(
                points.column[:count], points.row[:count], points.face[:count],
                inputs.fx, inputs.fy, inputs.cx, inputs.cy,
                vertices, attributes, faces, uv, uv_faces, face_level, texels, levels,
                irradiance_matrix(inputs.sh), np.asarray(inputs.key_direction, dtype=np.float32),
                np.asarray(inputs.key_color, dtype=np.float32), LINEAR_OF_SRGB, points.color,
            )  # fmt: skip
        with timed("blending"):
            blend_points(
                points.pixel[:count], points.weight[:count], points.color[:count],
                LINEAR_OF_SRGB, SRGB_OF_LINEAR, rgb.reshape(-1, 3),
            )  # fmt: skip
        return RenderOutput(rgb=rgb, depth=depth)

    def _collect(self, bounds: tuple[int, int, int, int], depth: np.ndarray) -> tuple[_Points, int]:
        """Find the points to shade, in as much room as they need, and fill in the depth."""
        samples = self._samples
        while True:
            points = self._points
            count = collect_points(
                *bounds, samples.center_inverse_depth, samples.center_face,
                samples.corner_inverse_depth, samples.corner_face,
                points.column, points.row, points.face, points.pixel, points.weight, depth,
            )  # fmt: skip
            if count >= 0:
                return points, count
            self._points = _Points(2 * len(points.pixel))

    def _topology_of(self, faces: np.ndarray, num_vertices: int) -> MeshTopology:
        """Return the facts about ``faces``, computed anew only when they change."""
        if self._topology is None or not self._topology.describes(faces, num_vertices):
            self._topology = MeshTopology.from_faces(faces, num_vertices)
        return self._topology

    def close(self) -> None:
        """Free the buffers."""
        self._allocate(0, 0)

    def _allocate(self, w: int, h: int) -> None:
        self._samples = PixelSamples.allocate(w, h)
        self._points = _Points(w * h // 4 + 64)
