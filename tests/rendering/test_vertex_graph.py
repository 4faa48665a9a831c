import numpy as np

from syrip_gen.rendering.topology import MeshTopology
from syrip_gen.rendering.vertex_graph import (
    mark_vertices,
    smooth_over_neighbours,
    spread_from_representatives,
)
from tests.rendering.simple_scenes import sphere


def test_marking_finds_the_corners_and_their_representatives() -> None:
    vertices, faces = sphere((0, 0, 0), 1.0, 3)
    topology = MeshTopology.from_faces(faces, len(vertices))
    graph = (topology.starts, topology.neighbours, topology.is_representative)
    seen, needed = mark_vertices(np.array([5, 5, 9], np.int32), topology.faces, *graph)
    assert seen.tolist() == sorted(set(faces[[5, 9]].ravel().tolist()))
    assert topology.is_representative[needed].all()
    values = np.zeros((len(vertices), 3), np.float32)
    out = np.full((len(vertices), 5), np.nan, np.float32)
    values[needed] = 1.0
    spread_from_representatives(values, seen, *graph)
    smooth_over_neighbours(values, seen, topology.starts, topology.neighbours, out[:, 1:4])
    np.testing.assert_allclose(out[seen, 1:4], 1.0, atol=1e-6)
    assert np.isnan(out[:, [0, 4]]).all()
