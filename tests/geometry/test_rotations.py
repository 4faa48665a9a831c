import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from syrip_gen.geometry.rotations import (
    axis_angle_to_matrix,
    axis_angle_to_matrix_torch,
    geodesic_distance,
    matrix_to_axis_angle,
    matrix_to_axis_angle_torch,
    random_rotation,
    rotation_between,
)

_DIRECTIONS = st.tuples(*[st.floats(-1, 1) for _ in range(3)]).filter(lambda v: np.linalg.norm(v) > 0.1)
_ANGLES = st.one_of(
    st.floats(0, np.pi),
    st.floats(0, 1e-3),
    st.floats(0, 1e-9),
    st.floats(0, 1e-3).map(lambda x: np.pi - x),
    st.floats(0, 1e-9).map(lambda x: np.pi - x),
)


@st.composite
def axis_angles(draw):
    direction = np.array(draw(_DIRECTIONS))
    return direction / np.linalg.norm(direction) * draw(_ANGLES)


def _numpy(v):
    return axis_angle_to_matrix(v)


def _torch(v):
    return axis_angle_to_matrix_torch(torch.as_tensor(v)).numpy()


BACKENDS = pytest.mark.parametrize(
    "exp,log",
    [
        (axis_angle_to_matrix, matrix_to_axis_angle),
        (_torch, lambda m: matrix_to_axis_angle_torch(torch.as_tensor(m)).numpy()),
    ],
    ids=["numpy", "torch"],
)


@BACKENDS
@settings(max_examples=60, deadline=None)
@given(v=axis_angles())
def test_agrees_with_scipy(exp, log, v):
    np.testing.assert_allclose(exp(v), Rotation.from_rotvec(v).as_matrix(), atol=1e-12)


@BACKENDS
@settings(max_examples=60, deadline=None)
@given(v=axis_angles())
def test_round_trip_also_near_identity_and_half_turns(exp, log, v):
    back = log(exp(v))
    assert np.linalg.norm(back) <= np.pi + 1e-12
    np.testing.assert_allclose(exp(back), exp(v), atol=2e-8)
    if np.linalg.norm(v) < np.pi - 1e-6:
        np.testing.assert_allclose(back, v, atol=1e-7)


@BACKENDS
@settings(max_examples=40, deadline=None)
@given(a=axis_angles(), b=axis_angles(), c=axis_angles())
def test_group_axioms(exp, log, a, b, c):
    A, B, C = exp(a), exp(b), exp(c)
    np.testing.assert_allclose(exp(log(A @ B)), A @ B, atol=2e-8)  # closure
    np.testing.assert_allclose(A @ exp(np.zeros(3)), A, atol=0)  # identity
    np.testing.assert_allclose(A @ exp(-a), np.eye(3), atol=1e-12)  # inverse
    np.testing.assert_allclose((A @ B) @ C, A @ (B @ C), atol=1e-12)  # associativity
    assert np.linalg.det(A) == pytest.approx(1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batches_keep_shape_and_type(dtype):
    v = np.random.default_rng(0).normal(size=(4, 5, 3)).astype(dtype)
    matrix = axis_angle_to_matrix(v)
    assert matrix.shape == (4, 5, 3, 3)
    assert matrix.dtype == dtype
    assert matrix_to_axis_angle(matrix).dtype == dtype
    np.testing.assert_allclose(
        matrix.reshape(-1, 3, 3), Rotation.from_rotvec(v.reshape(-1, 3)).as_matrix(), atol=1e-6
    )
    tensor = axis_angle_to_matrix_torch(torch.as_tensor(v))
    assert tensor.dtype == torch.as_tensor(v).dtype
    np.testing.assert_allclose(tensor.numpy(), matrix, atol=1e-6)


@pytest.mark.parametrize("scale", [0.0, 1e-8, 1e-4, 9.99e-4, 1.01e-3, 0.3, 2.0, 3.1])
def test_gradients_are_exact_from_the_identity_on(scale):
    direction = torch.tensor([[0.6, -0.48, 0.64]], dtype=torch.float64)
    v = (scale * direction).requires_grad_(True)
    assert torch.autograd.gradcheck(axis_angle_to_matrix_torch, (v,))
    assert torch.autograd.gradgradcheck(axis_angle_to_matrix_torch, (v,))


def test_logarithm_gradient_at_identity_is_finite():
    matrix = torch.eye(3, dtype=torch.float64).requires_grad_(True)
    matrix_to_axis_angle_torch(matrix).sum().backward()
    assert torch.isfinite(matrix.grad).all()


def test_logarithm_gradient_away_from_half_turns():
    v = torch.tensor([[0.3, -0.5, 0.2], [1.0, 1.5, -0.7]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: matrix_to_axis_angle_torch(axis_angle_to_matrix_torch(x)), (v,))


def test_geodesic_distance_is_the_angle():
    v = np.array([0.3, -1.1, 0.4])
    base = axis_angle_to_matrix(np.array([0.5, 0.2, -2.0]))
    assert geodesic_distance(base, base @ axis_angle_to_matrix(v)) == pytest.approx(np.linalg.norm(v))


@pytest.mark.parametrize("target", [(1, 0, 0), (-1, 0, 0), (0, 0, 2), (0.3, -4, 1), (1, 1e-9, 0)])
def test_rotation_between_takes_one_direction_onto_the_other(target):
    rotation = rotation_between(np.array([3.0, 0, 0]), np.array(target, float))
    np.testing.assert_allclose(rotation @ [1, 0, 0], np.array(target) / np.linalg.norm(target), atol=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1)


def test_random_rotations_are_uniform():
    rotations = random_rotation(np.random.default_rng(0), (20000,))
    np.testing.assert_allclose(
        rotations @ np.swapaxes(rotations, 1, 2), np.broadcast_to(np.eye(3), (20000, 3, 3)), atol=1e-9
    )
    np.testing.assert_allclose(rotations.mean(axis=0), 0, atol=0.02)
    # Haar measure: the angle's density is (1 - cos) / pi, with mean pi/2 + 2/pi.
    assert geodesic_distance(np.eye(3), rotations).mean() == pytest.approx(np.pi / 2 + 2 / np.pi, abs=0.02)
