import numpy as np
import pytest

from syrip_gen.rendering.occlusion import (
    AXES,
    ambient_visibility,
    key_visibility,
    mark_vertices,
    smooth_over_neighbours,
    spread_from_representatives,
)
from syrip_gen.rendering.topology import MeshTopology
from tests.rendering.simple_scenes import sphere, two_meshes

NO_GRID = np.zeros(3, np.float32)
SKY = np.ones((len(AXES), 2), np.float32)


def ambient(
    vertices: np.ndarray, normals: np.ndarray, ground: np.ndarray | None = None, grid: np.ndarray = NO_GRID
) -> np.ndarray:
    out = np.full((len(vertices), 5), np.nan, np.float32)
    wanted = np.arange(len(vertices), dtype=np.int32)
    color = np.array([0.6, 0.3, 0.1], np.float32)
    ambient_visibility(
        vertices.astype(np.float32), normals.astype(np.float32), wanted, SKY, ground, grid, color, out
    )
    return out


def test_axes_and_their_opposites_cover_the_sphere_evenly() -> None:
    directions = np.concatenate([AXES[:, 2], -AXES[:, 2]])
    np.testing.assert_allclose(
        np.einsum("aij,akj->aik", AXES, AXES), np.tile(np.eye(3), (len(AXES), 1, 1)), atol=1e-6
    )
    np.testing.assert_allclose(directions.T @ directions / len(directions), np.eye(3) / 3, atol=0.04)


def test_a_lone_sphere_sees_the_whole_sky() -> None:
    vertices, _ = sphere((0.3, 0.1, 2.0), 0.2)
    share = ambient(vertices, (vertices - [0.3, 0.1, 2.0]) / 0.2)
    assert share[:, 0].min() > 0.97
    assert (share[:, 1:4] == 0).all()
    assert share[:, 4].max() < 0.03


def test_vertices_that_face_each_other_are_darker() -> None:
    left, right = sphere((-0.105, 0, 0), 0.1), sphere((0.105, 0, 0), 0.1)
    vertices, _ = two_meshes(left, right)
    normals = np.concatenate([(left[0] + [0.105, 0, 0]) / 0.1, (right[0] - [0.105, 0, 0]) / 0.1])
    share = ambient(vertices, normals)[:, 0]
    gap, outside = np.abs(vertices[:, 0]) < 0.02, np.abs(vertices[:, 0]) > 0.18
    assert share[gap].max() < 0.75
    assert share[outside].min() > 0.93


def test_above_a_ground_the_upper_side_sees_the_sky_and_the_lower_side_the_ground() -> None:
    vertices, _ = sphere((0, 0, 0.5), 0.1)
    normals = (vertices - [0, 0, 0.5]) / 0.1
    bright = np.zeros((4, 4), np.float32)
    share = ambient(vertices, normals, bright, np.array([-1, -1, 0.5], np.float32))
    top, bottom = normals[:, 2] > 0.95, normals[:, 2] < -0.95
    assert share[top, 0].min() > 0.95
    assert share[bottom, 0].max() < 0.05
    np.testing.assert_allclose(share[bottom, 1:4].mean(axis=0), [0.6, 0.3, 0.1], rtol=0.08)
    dark = ambient(vertices, normals, np.ones((4, 4), np.float32), np.array([-50, -50, 25], np.float32))
    assert dark[bottom, 1:4].max() < 0.02


@pytest.mark.parametrize("is_closed", [True, False])
def test_the_key_light_reaches_the_lit_half_of_a_sphere(is_closed: bool) -> None:
    vertices, faces = sphere((0, 0, 1.0), 0.2)
    normals = (vertices - [0, 0, 1.0]) / 0.2
    direction = np.array([0.6, 0.0, -0.8])
    share = key_visibility(
        vertices.astype(np.float32), normals.astype(np.float32), faces,
        np.arange(len(vertices), dtype=np.int32),
        direction, 0.05, is_closed,
    )  # fmt: skip
    facing = normals @ direction
    assert share[facing > 0.2].min() > 0.95
    assert share[facing < -0.4].max() == 0.0


def test_a_ball_in_front_shadows_the_ball_behind() -> None:
    near, far = sphere((0, 0, 0.5), 0.1), sphere((0, 0, 1.0), 0.2)
    vertices, faces = two_meshes(near, far)
    normals = np.concatenate([(near[0] - [0, 0, 0.5]) / 0.1, (far[0] - [0, 0, 1.0]) / 0.2])
    share = key_visibility(
        vertices.astype(np.float32), normals.astype(np.float32), faces,
        np.arange(len(vertices), dtype=np.int32),
        np.array([0.0, 0.0, -1.0]), 0.03, True,
    )[len(near[0]):]  # fmt: skip
    radius = np.linalg.norm(far[0][:, :2], axis=1)
    lit = normals[len(near[0]) :, 2] < -0.3
    assert share[lit & (radius < 0.07)].max() < 0.1
    assert share[lit & (radius > 0.14)].min() > 0.9


def test_marking_finds_the_corners_and_their_representatives() -> None:
    vertices, faces = sphere((0, 0, 0), 1.0, 3)
    topology = MeshTopology.from_faces(faces, len(vertices))
    graph = (topology.starts, topology.neighbours, topology.is_representative)
    seen, needed = mark_vertices(np.array([5, 5, 9], np.int32), topology.faces, *graph)
    assert seen.tolist() == sorted(set(faces[[5, 9]].ravel().tolist()))
    assert topology.is_representative[needed].all()
    values = np.full((len(vertices), 4), np.nan, np.float32)
    values[needed] = 1.0
    spread_from_representatives(values, seen, *graph)
    smooth_over_neighbours(values, seen, topology.starts, topology.neighbours)
    np.testing.assert_array_equal(values[seen], 1.0)
