import dataclasses

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from syrip_gen.body.keypoint_path import KeypointPath
from syrip_gen.body.posing import pose_body
from syrip_gen.fitting.kinematics import (
    build_kinematics,
    forward,
    keypoint_jacobian,
    left_jacobian,
    rodrigues,
)


@pytest.mark.parametrize("size", [0.0, 1e-9, 1e-4, 0.3, 3.0])
def test_rodrigues_is_the_exponential(size: float) -> None:
    vector = size * np.array([0.6, -0.64, 0.48])
    np.testing.assert_allclose(rodrigues(vector), Rotation.from_rotvec(vector).as_matrix(), atol=1e-12)


@pytest.mark.parametrize("size", [1e-5, 0.5, 2.9])
def test_left_jacobian_moves_rotations(size: float) -> None:
    vector, step = size * np.array([0.6, -0.64, 0.48]), 1e-6 * np.array([1.0, 2.0, -0.5])
    moved = rodrigues(left_jacobian(vector) @ step) @ rodrigues(vector)
    np.testing.assert_allclose(moved, rodrigues(vector + step), atol=1e-11)


def test_keypoints_equal_the_skinned_mesh(infant, random_body) -> None:
    betas, root, pose, transl = (
        random_body[:20], random_body[20:29].reshape(3, 3), random_body[29:98], random_body[98:101],
    )  # fmt: skip
    points, joints, _, _ = forward(build_kinematics(infant), betas, root, pose, transl)
    posed = pose_body(infant, betas, Rotation.from_matrix(root).as_rotvec(), pose, transl)
    np.testing.assert_allclose(points, infant.keypoint_regressor @ posed.vertices, atol=2e-6)
    np.testing.assert_allclose(joints, posed.joints, atol=1e-9)


def test_pose_blend_shapes_are_followed(infant, random_body) -> None:
    rng = np.random.default_rng(0)
    body = dataclasses.replace(infant, posedirs=1e-3 * rng.standard_normal((infant.num_vertices, 3, 207)))
    betas, root, pose, transl = (
        random_body[:20], random_body[20:29].reshape(3, 3), random_body[29:98], random_body[98:101],
    )  # fmt: skip
    points = forward(build_kinematics(body), betas, root, pose, transl)[0]
    vectors = [torch.from_numpy(a) for a in (betas, Rotation.from_matrix(root).as_rotvec(), pose, transl)]
    expected = KeypointPath(body)(*vectors).keypoints.numpy()
    np.testing.assert_allclose(points, expected, atol=1e-6)
    plain = forward(build_kinematics(infant), betas, root, pose, transl)[0]
    assert np.abs(plain - points).max() > 1e-5


def test_jacobian_equals_finite_differences(infant, random_body) -> None:
    kin, h = build_kinematics(infant), 1e-6
    betas, root, pose, transl = (
        random_body[:20], random_body[20:29].reshape(3, 3), random_body[29:98], random_body[98:101],
    )  # fmt: skip
    _, joints, rotations, terms = forward(kin, betas, root, pose, transl)
    exact = keypoint_jacobian(kin, pose, rotations, joints, terms)

    def moved(column: int, step: float) -> np.ndarray:
        b, p, turn = betas.copy(), pose.copy(), np.zeros(3)
        if column < 20:
            b[column] += step
        elif column < 23:
            turn[column - 20] = step
        else:
            p[column - 23] += step
        return forward(kin, b, rodrigues(turn) @ root, p, transl)[0]

    numeric = np.stack([(moved(c, h) - moved(c, -h)) / (2 * h) for c in range(92)], axis=-1)
    np.testing.assert_allclose(exact, numeric, atol=1e-8)
