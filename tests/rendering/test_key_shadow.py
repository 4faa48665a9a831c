import numpy as np
import pytest

from syrip_gen.rendering.key_shadow import key_visibility
from tests.rendering.simple_scenes import sphere, two_meshes


@pytest.mark.parametrize("is_closed", [True, False])
def test_the_key_light_reaches_the_lit_half_of_a_sphere(is_closed: bool) -> None:
    vertices, faces = sphere((0, 0, 1.0), 0.2)
    normals = (vertices - [0, 0, 1.0]) / 0.2
    direction = np.array([0.6, 0.0, -0.8])
    share = key_visibility(
        vertices.astype(np.float32), faces, vertices.astype(np.float32), normals.astype(np.float32),
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
        vertices.astype(np.float32), faces, vertices.astype(np.float32), normals.astype(np.float32),
        np.array([0.0, 0.0, -1.0]), 0.03, True,
    )[len(near[0]):]  # fmt: skip
    radius = np.linalg.norm(far[0][:, :2], axis=1)
    lit = normals[len(near[0]) :, 2] < -0.3
    assert share[lit & (radius < 0.07)].max() < 0.1
    assert share[lit & (radius > 0.14)].min() > 0.9
