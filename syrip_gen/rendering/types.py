"""What a renderer takes and gives back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from syrip_gen.rendering.depth_buffer import DepthBuffer

__all__ = [
    "AreaLamp",
    "RenderInputs",
    "RenderOutput",
    "Renderer",
    "RendererCrashError",
    "RendererLostError",
]


@dataclass(frozen=True, slots=True, eq=False)
class AreaLamp:
    """A disc of light that faces the scene. Camera frame: OpenCV axes, metres."""

    direction: np.ndarray
    """(3,) float32 unit vector from the middle of the scene towards the lamp."""
    distance_m: float
    """Between them."""
    radius_m: float
    color: np.ndarray
    """(3,) float32 RGB irradiance on a surface there that faces the lamp, units of ``key_color``."""


@dataclass(frozen=True, slots=True, eq=False)
class RenderInputs:
    """One scene with every asset resolved to arrays. Camera frame: OpenCV axes, metres."""

    vertices: np.ndarray
    """(V, 3) float32 camera-frame vertices, garments' and hair's thickness included."""
    normals: np.ndarray
    """(V, 3) float32 unit vertex normals, camera frame."""
    faces: np.ndarray
    """(F, 3) int32."""
    uv: np.ndarray
    """(U, 2) float32, v up."""
    uv_faces: np.ndarray
    """(F, 3) int32."""
    texture: np.ndarray
    """(Ht, Wt, 3) uint8 sRGB albedo, first row = v 1."""
    gloss: np.ndarray | None
    """(Ht, Wt) uint8 strength of the specular term (eyes, lips, moist skin), or None."""
    background: np.ndarray
    """(H, W, 3) uint8 sRGB picture behind the body, before shadows."""
    support_plane: tuple[float, float, float, float] | None
    """(a, b, c, d) of ax + by + cz + d = 0, camera frame, unit normal towards the body; None = no shadow."""
    sh: np.ndarray
    """(9, 3) float32 RGB spherical-harmonics light, camera frame; without the key light and the lamps."""
    key_direction: np.ndarray
    """(3,) float32 unit vector towards the key light, camera frame."""
    key_color: np.ndarray
    """(3,) float32."""
    shadow_softness: float
    """Radians."""
    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int
    lamps: tuple[AreaLamp, ...] = ()
    """Lamps beside the key light. Renderers without area lights fold them into ``sh``
    (:func:`syrip_gen.rendering.lamps.fold_lamps`)."""
    vertices_open: np.ndarray | None = None
    """(V, 3) float32 ``vertices`` when the shutter opens; None = no motion blur. Renderers that cannot blur
    ignore it; labels are those of ``vertices``."""
    vertices_close: np.ndarray | None = None
    """(V, 3) float32 when it closes."""
    focus_distance_m: float | None = None
    """Depth that is sharp, metres along the camera's z; None = everything is."""
    fstop: float | None = None
    """Aperture of a lens of this angle of view on a 36 mm wide sensor; None without depth of field."""
    rest_vertices: np.ndarray | None = None
    """(V, 3) places in the body at rest, to which fine structure of skin and cloth sticks; None = unknown."""
    head_weights: np.ndarray | None = None
    """(V,) how much each vertex belongs to the head, 0..1; None = unknown."""
    character: Mapping[str, Any] | None = None
    """The scan whose surface the mesh is (``CharacterFrame.scene_entry``); Cycles shows it with its own
    materials. None = the mesh is the body model's."""


@dataclass(frozen=True, slots=True, eq=False)
class RenderOutput:
    """One rendered picture."""

    rgb: np.ndarray
    """(H, W, 3) uint8 sRGB, composited over the background, before camera effects."""
    depth: np.ndarray | None
    """(H, W) float32 metres along the camera's z at pixel centres; inf where no body is. None when not asked
    for."""


class RendererCrashError(RuntimeError):
    """A scene kills the process that the renderer runs in, whenever it is tried; other scenes may do."""


class RendererLostError(RuntimeError):
    """The renderer cannot go on: not one item is to blame, and no other would do better."""


class Renderer(Protocol):
    """A way to turn one resolved scene into a picture; it needs to know nothing about labels."""

    name: str

    def render(
        self, inputs: RenderInputs, buffer: "DepthBuffer | None" = None, with_depth: bool = True
    ) -> RenderOutput:
        """Render one scene; ``buffer`` is its depth buffer, where somebody has drawn it already."""
        ...

    def close(self) -> None:
        """Free contexts."""
        ...
