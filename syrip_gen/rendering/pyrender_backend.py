"""Rendering through OpenGL with pyrender; needs the extra ``pyrender`` and an EGL, OSMesa or windowed OpenGL.

OpenGL does visibility, texture filtering and anti-aliasing. Each vertex's light (spherical harmonics, key
light, their shadows and the bounce of the ground) and the ground's shadow come from the same code as for
``raster``, so both show the same scene; the gloss is left out. Labels must not depend on the renderer: the
depth that is handed out is the z-buffer's, like the raster renderer's own.
"""

import os
from types import ModuleType
from typing import Any

import numpy as np

from syrip_gen.rendering.colors import LINEAR_OF_SRGB, linear_to_srgb
from syrip_gen.rendering.depth_buffer import DepthBuffer
from syrip_gen.rendering.lamps import fold_lamps
from syrip_gen.rendering.lighting import irradiance
from syrip_gen.rendering.screen import NEAR_M
from syrip_gen.rendering.shading import BETWEEN_WALLS
from syrip_gen.rendering.stopwatch import Stopwatch
from syrip_gen.rendering.types import RenderInputs, RenderOutput
from syrip_gen.rendering.vertex_light import VertexLight, light_vertices

__all__ = ["PyrenderRenderer"]

_FAR_M = 60.0
_OPENGL_OF_OPENCV = np.array([1.0, -1.0, -1.0], dtype=np.float32)
"""The only place where axes change: OpenGL's camera looks along -z with y up."""
_GAMMA = 2.2
"""pyrender's shader encodes with this power, not with sRGB's curve."""


class PyrenderRenderer:
    """Renders with pyrender, off screen. Use one instance in one thread: it owns an OpenGL context."""

    name = "pyrender"

    def __init__(self) -> None:
        self.stopwatch = Stopwatch()
        self._pyrender = _import_pyrender()
        self._offscreen: Any = None
        self._buffer = DepthBuffer()
        self._faces: np.ndarray | None = None
        self._corners: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
        self._uv_faces: np.ndarray | None = None

    def render(
        self, inputs: RenderInputs, buffer: DepthBuffer | None = None, with_depth: bool = True
    ) -> RenderOutput:
        """Render one scene; ``buffer`` is its depth buffer, where somebody has drawn it already."""
        inputs = fold_lamps(inputs)
        h, w = inputs.height, inputs.width
        if inputs.background.shape != (h, w, 3):
            raise ValueError(f"background has shape {inputs.background.shape}, expected {(h, w, 3)}")
        self._analyse(inputs)
        buffer = buffer or self._buffer.draw(inputs)
        rgb = inputs.background.copy()
        depth = buffer.depth() if with_depth else None
        if not buffer.is_seen:
            return RenderOutput(rgb=rgb, depth=depth)
        all_faces = np.arange(len(inputs.faces), dtype=np.int32)
        light = light_vertices(inputs, buffer.topology, all_faces, buffer.bounds, rgb, self.stopwatch)
        with self.stopwatch("opengl"):
            vertex, corner_uv, _ = self._corners
            albedo = _nearest_texels(inputs.texture, inputs.uv[corner_uv])
            color, _ = self._draw(inputs, _vertex_irradiance(inputs, light, vertex, albedo))
        with self.stopwatch("blending"):
            return RenderOutput(rgb=_blend(color, rgb), depth=depth)

    def gl_depth(self, inputs: RenderInputs) -> np.ndarray:
        """Return OpenGL's own depth (H, W), metres, inf where no body is: a check of the camera axes."""
        self._analyse(inputs)
        _, depth = self._draw(inputs, np.ones((len(self._corners[0]), 3), dtype=np.float32))
        return np.where(depth > 0, depth, np.inf).astype(np.float32)

    def close(self) -> None:
        """Free the OpenGL context."""
        if self._offscreen is not None:
            self._offscreen.delete()
            self._offscreen = None

    def _analyse(self, inputs: RenderInputs) -> None:
        """Split the mesh's vertices where texture coordinates differ, when its triangles change."""
        if (
            self._corners is None
            or not np.array_equal(self._faces, inputs.faces)
            or not np.array_equal(self._uv_faces, inputs.uv_faces)
        ):
            pairs = np.stack([inputs.faces.ravel(), inputs.uv_faces.ravel()], axis=1)
            unique, inverse = np.unique(pairs, axis=0, return_inverse=True)
            self._corners = unique[:, 0], unique[:, 1], inverse.reshape(-1, 3).astype(np.uint32)
            self._faces, self._uv_faces = np.array(inputs.faces), np.array(inputs.uv_faces)

    def _draw(self, inputs: RenderInputs, light: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return OpenGL's colour (H, W, 4) uint8, alpha = coverage, and depth (H, W); light per corner."""
        pyrender = self._pyrender
        if self._offscreen is None:
            self._offscreen = pyrender.OffscreenRenderer(inputs.width, inputs.height)
        self._offscreen.viewport_width, self._offscreen.viewport_height = inputs.width, inputs.height
        scene = pyrender.Scene(bg_color=[0.0, 0.0, 0.0, 0.0], ambient_light=[1.0, 1.0, 1.0])
        scene.add(
            pyrender.IntrinsicsCamera(inputs.fx, inputs.fy, inputs.cx, inputs.cy, znear=NEAR_M, zfar=_FAR_M),
            pose=np.eye(4),
        )
        scene.add(pyrender.Mesh([self._primitive(inputs, light)]))
        return self._offscreen.render(
            scene, flags=pyrender.RenderFlags.RGBA | pyrender.RenderFlags.SKIP_CULL_FACES
        )

    def _primitive(self, inputs: RenderInputs, light: np.ndarray) -> Any:
        pyrender = self._pyrender
        vertex, corner_uv, triangles = self._corners
        positions = inputs.vertices[vertex] * _OPENGL_OF_OPENCV
        if not np.isfinite(positions).all():
            bad = ~np.isfinite(positions).all(axis=1)
            triangles = triangles[~bad[triangles].any(axis=1)]
            positions = np.where(bad[:, None], 0.0, positions)
        material = pyrender.MetallicRoughnessMaterial(
            baseColorTexture=pyrender.Texture(source=inputs.texture, source_channels="RGB"),
            metallicFactor=0.0,
            roughnessFactor=1.0,
        )
        return pyrender.Primitive(
            positions=positions,
            normals=inputs.normals[vertex] * _OPENGL_OF_OPENCV,
            texcoord_0=inputs.uv[corner_uv],
            color_0=np.concatenate([light, np.ones((len(vertex), 1), np.float32)], axis=1),
            indices=triangles,
            material=material,
            mode=4,
        )


def _import_pyrender() -> ModuleType:
    """Import pyrender for use without a display."""
    os.environ.setdefault("PYOPENGL_PLATFORM", "egl")
    try:
        import pyrender
    except (ImportError, AttributeError, OSError) as error:  # PyOpenGL's ways to miss a library
        raise ImportError(
            f"the pyrender renderer cannot start ({error}). Install it with: pip install 'syrip[pyrender]'; "
            "on a machine without a display it also needs EGL: apt install libegl1 libgl1-mesa-dri"
        ) from error
    return pyrender


def _vertex_irradiance(
    inputs: RenderInputs, light: VertexLight, vertex: np.ndarray, albedo: np.ndarray
) -> np.ndarray:
    """Return the light (C, 3) float32 of each corner in the units of :mod:`syrip_gen.rendering.lighting`.

    Args:
        inputs: The scene.
        light: What reaches its vertices.
        vertex: (C,) vertex of each corner.
        albedo: (C, 3) linear colour of the texture there.
    """
    normals, (key, ambient, bounce, walls) = (
        light.records[vertex, 3:6],
        light.records[vertex, 6:].T[..., None],
    )
    sky = np.maximum(irradiance(inputs.sh, normals), 0.0) * ambient / (1.0 - BETWEEN_WALLS * walls * albedo)
    facing = np.maximum(normals @ np.asarray(inputs.key_direction, dtype=np.float32), 0.0)[:, None]
    key_color = np.asarray(inputs.key_color, dtype=np.float32)
    return (sky + bounce * light.ground_color + facing * key * key_color).astype(np.float32)


def _nearest_texels(texture: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """Return the linear colour (C, 3) of the texture at (C, 2) coordinates."""
    height, width = texture.shape[:2]
    wrapped = uv - np.floor(uv)
    column = np.minimum((wrapped[:, 0] * width).astype(int), width - 1)
    row = np.minimum(((1.0 - wrapped[:, 1]) * height).astype(int), height - 1)
    return LINEAR_OF_SRGB[texture[row, column]]


def _blend(color: np.ndarray, rgb: np.ndarray) -> np.ndarray:
    """Blend OpenGL's colour (premultiplied by coverage, gamma 2.2) over ``rgb`` in linear light."""
    alpha = color[..., 3].astype(np.float32) / 255.0
    touched = alpha > 0
    cover = alpha[touched][:, None]
    straight = np.minimum(color[touched][:, :3] / (255.0 * cover), 1.0) ** _GAMMA
    linear = cover * straight + (1.0 - cover) * LINEAR_OF_SRGB[rgb[touched]]
    blended = rgb.copy()
    blended[touched] = np.round(255.0 * linear_to_srgb(linear)).astype(np.uint8)
    return blended
