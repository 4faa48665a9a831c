import numpy as np
import pytest

from syrip_gen.rendering.topology import MeshTopology
from tests.rendering.simple_scenes import sphere


@pytest.fixture
def ball() -> MeshTopology:
    vertices, faces = sphere((0, 0, 0), 1.0, 3)
    return MeshTopology.from_faces(faces, len(vertices))


def test_a_sphere_is_closed(ball: MeshTopology) -> None:
    assert ball.is_closed


def test_a_sphere_with_a_hole_is_not_closed(ball: MeshTopology) -> None:
    assert not MeshTopology.from_faces(ball.faces[1:], len(ball.starts) - 1).is_closed


def test_a_sphere_with_one_turned_triangle_is_not_closed(ball: MeshTopology) -> None:
    faces = ball.faces.copy()
    faces[0] = faces[0, ::-1]
    assert not MeshTopology.from_faces(faces, len(ball.starts) - 1).is_closed


def test_neighbours_are_the_ends_of_edges(ball: MeshTopology) -> None:
    vertex = 17
    corners = ball.faces[(ball.faces == vertex).any(axis=1)]
    expected = sorted(set(corners.ravel().tolist()) - {vertex})
    assert sorted(ball.neighbours[ball.starts[vertex] : ball.starts[vertex + 1]].tolist()) == expected


def test_every_vertex_is_or_neighbours_exactly_a_representative(ball: MeshTopology) -> None:
    taken = ball.is_representative
    for i in range(len(taken)):
        around = taken[ball.neighbours[ball.starts[i] : ball.starts[i + 1]]]
        assert not around.any() if taken[i] else around.any()
    assert 0.1 < taken.mean() < 0.4


def test_faces_that_name_missing_vertices_are_refused() -> None:
    with pytest.raises(ValueError, match=r"faces name vertices 0\.\.7, but the mesh has 3 vertices"):
        MeshTopology.from_faces(np.array([[0, 1, 7]]), 3)


def test_a_dense_mesh_has_a_simpler_closed_outline() -> None:
    vertices, faces = sphere((0, 0, 0), 1.0, 5)
    dense = MeshTopology.from_faces(faces, len(vertices))
    assert np.array_equal(dense.outline, np.flatnonzero(dense.is_representative))
    simple = MeshTopology.from_faces(dense.outline_faces, len(dense.outline))
    assert simple.is_closed
    assert len(simple.faces) < 0.4 * len(faces)
    a, b, c = vertices[dense.outline][simple.faces].transpose(1, 0, 2)
    volume = np.einsum("ij,ij->", a, np.cross(b, c)) / 6
    assert volume == pytest.approx(4 / 3 * np.pi, rel=0.02)


def test_a_sparse_mesh_is_its_own_outline(ball: MeshTopology) -> None:
    assert ball.outline.tolist() == list(range(len(ball.starts) - 1))
    assert ball.outline_faces is ball.faces
