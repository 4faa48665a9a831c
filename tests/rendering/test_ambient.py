import numpy as np
import pytest

from syrip_gen.rendering.ambient import AXES, ambient_visibility
from tests.rendering.simple_scenes import sphere, two_meshes

NO_GRID = np.zeros(3, np.float32)
SKY = np.ones((len(AXES), 2), np.float32)


def ambient(
    vertices: np.ndarray, normals: np.ndarray, ground: np.ndarray | None = None, grid: np.ndarray = NO_GRID
) -> np.ndarray:
    vertices = vertices.astype(np.float32)
    return ambient_visibility(vertices, vertices, normals.astype(np.float32), SKY, ground, grid)


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
    assert (share[:, 1] == 0).all()
    assert share[:, 2].max() < 0.03


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
    assert share[bottom, 1].mean() == pytest.approx(1.0, rel=0.08)
    dark = ambient(vertices, normals, np.ones((4, 4), np.float32), np.array([-50, -50, 25], np.float32))
    assert dark[bottom, 1].max() < 0.02
