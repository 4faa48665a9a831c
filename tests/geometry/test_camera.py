import numpy as np
import pytest
import torch

from syrip_gen.geometry.camera import back_project, focal_from_fov, look_at, project, transform_points


def test_project_is_a_pinhole_with_y_down():
    points = np.array([[0.0, 0.0, 2.0], [0.1, 0.0, 2.0], [0.0, 0.1, 2.0]])
    pixels = project(points, 500.0, 400.0, 320.0, 240.0)
    np.testing.assert_allclose(pixels, [[320, 240], [345, 240], [320, 260]])


def test_torch_and_numpy_agree_and_batches_broadcast():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(4, 17, 3)) + np.array([0, 0, 5])
    focal = rng.uniform(300, 900, size=(4, 1))
    expected = project(points, focal, focal, 320.0, 240.0)
    found = project(torch.as_tensor(points), torch.as_tensor(focal), torch.as_tensor(focal), 320.0, 240.0)
    np.testing.assert_allclose(found.numpy(), expected)
    np.testing.assert_allclose(expected[2, 3], project(points[2, 3], focal[2, 0], focal[2, 0], 320.0, 240.0))


def test_project_gradient():
    points = torch.tensor([[0.2, -0.3, 1.5]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda p: project(p, 500.0, 510.0, 3.0, 4.0), (points,))


def test_back_project_inverts_project():
    points = np.random.default_rng(1).normal(size=(10, 3)) + np.array([0, 0, 4])
    pixels = project(points, 500.0, 480.0, 320.0, 240.0)
    np.testing.assert_allclose(back_project(pixels, points[:, 2], 500.0, 480.0, 320.0, 240.0), points)


def test_focal_from_fov_sees_the_angle():
    focal = focal_from_fov(np.deg2rad(60), 640)
    edge = project(np.array([np.tan(np.deg2rad(30)), 0, 1.0]), focal, focal, 320.0, 240.0)
    assert edge[0] == pytest.approx(640)


@pytest.mark.parametrize("roll", [0.0, 0.4])
@pytest.mark.parametrize("eye", [(2.0, 1.0, 1.5), (0.0, 0.0, 3.0), (0.0, 0.0, -3.0), (-1.0, 0.2, 0.0)])
def test_look_at_is_rigid_and_centres_the_target(eye, roll):
    target = np.array([0.1, -0.2, 0.3])
    T = look_at(np.array(eye), target, np.array([0.0, 0.0, 1.0]), roll)
    np.testing.assert_allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(T[:3, :3]) == pytest.approx(1)
    seen = transform_points(T, target)
    np.testing.assert_allclose(seen, [0, 0, np.linalg.norm(target - eye)], atol=1e-12)
    np.testing.assert_allclose(transform_points(T, np.array(eye)), 0, atol=1e-12)


def test_look_at_keeps_up_upwards():
    T = look_at(np.array([2.0, 0.0, 1.0]), np.zeros(3), np.array([0.0, 0.0, 1.0]))
    assert transform_points(T, np.array([0, 0, 0.2]))[1] < 0  # y points down in the picture


def test_look_at_itself_is_an_error():
    with pytest.raises(ValueError, match="cannot look at its own position"):
        look_at(np.ones(3), np.ones(3), np.array([0.0, 0.0, 1.0]))
