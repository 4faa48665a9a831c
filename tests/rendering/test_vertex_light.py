import numpy as np

from syrip_gen.rendering.depth_buffer import DepthBuffer
from syrip_gen.rendering.stopwatch import Stopwatch
from syrip_gen.rendering.vertex_light import VertexLight, light_vertices
from tests.rendering.simple_scenes import inputs_of, sphere


def light_of_a_ball_on_a_floor(subdivisions: int) -> tuple[np.ndarray, VertexLight, np.ndarray]:
    """Return the normals, the light and the vertices in sight of a ball lit from the upper left."""
    vertices, faces = sphere((0.0, 0.2, 1.0), 0.1, subdivisions)
    inputs = inputs_of(
        vertices,
        faces,
        support_plane=(0.0, -1.0, 0.0, 0.3),
        key_direction=np.array([-0.6, -0.8, 0.0], np.float32),
        key_color=np.full(3, 0.5, np.float32),
    )
    buffer = DepthBuffer().draw(inputs)
    seen = np.unique(buffer.face[buffer.mask]).astype(np.int32)
    light = light_vertices(
        inputs, buffer.topology, seen, buffer.bounds, inputs.background.copy(), Stopwatch()
    )
    return inputs.normals, light, np.unique(faces[seen])


def test_the_simpler_outline_of_a_dense_mesh_casts_the_same_light() -> None:
    """Each vertex of the dense ball is compared with the nearest one of the sparse ball."""
    normals, light, seen = light_of_a_ball_on_a_floor(5)
    coarse_normals, coarse_light, coarse_seen = light_of_a_ball_on_a_floor(4)
    assert np.isfinite(light.records[seen]).all()
    nearest = coarse_seen[np.argmax(normals[seen] @ coarse_normals[coarse_seen].T, axis=1)]
    difference = np.abs(light.records[seen, 6:] - coarse_light.records[nearest, 6:])
    assert difference.mean(axis=0).max() < 0.03
    assert light.records[seen, 6:9].std(axis=0).min() > 0.1
