"""The light that falls on each vertex and the shadow that the body casts: what all mesh renderers share."""

from dataclasses import dataclass

import numpy as np

from syrip_gen.rendering.ambient import AXES, ambient_visibility
from syrip_gen.rendering.colors import LINEAR_OF_SRGB
from syrip_gen.rendering.frames import plane_axes
from syrip_gen.rendering.ground import darken_ground
from syrip_gen.rendering.ground_shadow import cast_ground_shadow
from syrip_gen.rendering.key_shadow import key_visibility
from syrip_gen.rendering.lighting import radiance
from syrip_gen.rendering.shading_rows import RECORD
from syrip_gen.rendering.stopwatch import Stopwatch
from syrip_gen.rendering.topology import MeshTopology
from syrip_gen.rendering.types import RenderInputs
from syrip_gen.rendering.vertex_graph import (
    mark_vertices,
    smooth_over_neighbours,
    spread_from_representatives,
)

__all__ = ["VertexLight", "light_vertices"]


@dataclass(frozen=True, slots=True, eq=False)
class VertexLight:
    """What shading needs to know of each vertex."""

    records: np.ndarray
    """(V, 10) float32: position, normal, share of the key light, share of the ambient light, share of the
    ground's light, share of directions that end on the body itself; the last four are undefined for vertices
    out of sight."""
    ground_color: np.ndarray
    """(3,) float32 linear colour of the light that the ground throws back."""


def light_vertices(
    inputs: RenderInputs,
    topology: MeshTopology,
    seen_faces: np.ndarray,
    bounds: tuple[int, int, int, int],
    rgb: np.ndarray,
    timed: Stopwatch,
) -> VertexLight:
    """Shadow the ground in ``rgb`` and light the vertices in sight.

    Args:
        inputs: The scene.
        topology: Facts about its triangles.
        seen_faces: (S,) int32 triangles in sight, in any order, repeated or not.
        bounds: First column, first row, end column, end row of the pixels around the body.
        rgb: (H, W, 3) uint8 background, darkened in place.
        timed: Told about the stages.
    """
    vertices = np.ascontiguousarray(inputs.vertices, dtype=np.float32)
    normals = np.ascontiguousarray(inputs.normals, dtype=np.float32)
    records = np.empty((len(vertices), RECORD), dtype=np.float32)
    records[:, :3], records[:, 3:6] = vertices, normals
    graph = (topology.starts, topology.neighbours, topology.is_representative)
    outline = vertices[topology.outline]
    axes, frame, height = AXES[:, 2], None, np.zeros(3, np.float32)
    body, ground, ground_grid, ground_color = outline, None, np.zeros(3, np.float32), np.zeros(3, np.float32)
    if inputs.support_plane is not None:
        with timed("ground"):
            frame, offset = plane_axes(inputs.support_plane)
            height[2] = offset
            axes, body = axes @ frame, outline @ frame.T + height
            shadow = cast_ground_shadow(
                body, topology.outline_faces, frame, offset, inputs.sh, inputs.key_direction,
                inputs.key_color, inputs.shadow_softness,
            )  # fmt: skip
            ground, ground_grid, ground_color = shadow.ambient, shadow.ambient_grid, _mean_linear(rgb, bounds)
            darken_ground(rgb, shadow, inputs.fx, inputs.fy, inputs.cx, inputs.cy)
    with timed("ambient"):
        seen, needed = mark_vertices(seen_faces, topology.faces, *graph)
        light = radiance(inputs.sh, np.concatenate([axes, -axes])).mean(axis=1).reshape(2, -1).T
        light = light.astype(np.float32) + np.float32(1e-3)
        points, directions = vertices[needed], normals[needed]
        if frame is not None:
            points, directions = points @ frame.T + height, directions @ frame.T
        surroundings = np.zeros((len(vertices), 3), dtype=np.float32)
        surroundings[needed] = ambient_visibility(body, points, directions, light, ground, ground_grid)
        spread_from_representatives(surroundings, seen, *graph)
        smooth_over_neighbours(surroundings, seen, topology.starts, topology.neighbours, records[:, 7:])
    with timed("key shadow"):
        records[seen, 6] = key_visibility(
            outline, topology.outline_faces, vertices[seen], normals[seen], inputs.key_direction,
            inputs.shadow_softness, topology.is_closed,
        )  # fmt: skip
    return VertexLight(records, ground_color)


def _mean_linear(rgb: np.ndarray, bounds: tuple[int, int, int, int]) -> np.ndarray:
    """Return the mean linear colour (3,) of the picture around the body, before shadows."""
    x0, y0, x1, y1 = bounds
    return LINEAR_OF_SRGB[rgb[y0:y1:12, x0:x1:12]].reshape(-1, 3).mean(axis=0)
