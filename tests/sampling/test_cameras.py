import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrip_gen.sampling.cameras import (
    ELEVATION_DEG,
    Framing,
    decompose_view,
    place_camera,
    sample_framing,
    sample_rotation,
    view_rotation,
)

ANGLE = st.floats(-3.1, 3.1)
FACE = np.array([1.0, 0.0, 0.0])


@given(ANGLE, st.floats(-1.4, 1.4), ANGLE)
def test_decompose_inverts_view_rotation(azimuth, elevation, roll) -> None:
    R = view_rotation(azimuth, elevation, roll)
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(decompose_view(R), (azimuth, elevation, roll), atol=1e-7)


def test_a_level_camera_shows_up_as_up() -> None:
    R = view_rotation(0.7, 0.2, 0.0)
    assert (R @ [0, 0, 1])[1] < -0.9
    assert abs((R @ [0, 0, 1])[0]) < 1e-12


@pytest.mark.parametrize("posture", sorted(ELEVATION_DEG))
def test_rotations_look_from_above(posture) -> None:
    elevations = [
        decompose_view(sample_rotation(posture, None, FACE, np.random.default_rng(i)))[1] for i in range(300)
    ]
    low, _, high = np.deg2rad(ELEVATION_DEG[posture])
    assert min(elevations) >= low - 0.06
    assert max(elevations) <= high + 1e-9


def test_most_cameras_see_the_face_but_not_all() -> None:
    seen = [
        sample_rotation("Sitting", None, FACE, np.random.default_rng(i))[2] @ FACE < 0.0 for i in range(300)
    ]
    assert 0.8 < np.mean(seen) < 0.97


def test_real_views_stay_near_the_photo() -> None:
    real = view_rotation(1.0, 0.6, 0.1)
    angles = []
    for seed in range(200):
        R = sample_rotation("Sitting", real, FACE, np.random.default_rng(seed))
        angles.append(np.rad2deg(np.arccos(np.clip((np.trace(R @ real.T) - 1) / 2, -1, 1))))
    assert 8 < np.median(angles) < 30


@pytest.mark.parametrize("seed", range(6))
def test_camera_gives_the_body_its_size_and_place(seed) -> None:
    rng = np.random.default_rng(seed)
    points = rng.uniform(-0.3, 0.3, (200, 3))
    R = sample_rotation("Supine", None, FACE, rng)
    framing = Framing(focal=1.2, fill=0.6, centre=(0.45, 0.55))
    camera = place_camera(points, R, framing, 640, 480)
    T = np.array(camera.T_cam_world)
    cam = points @ T[:3, :3].T + T[:3, 3]
    image = cam[:, :2] / cam[:, 2:] * camera.fx + (camera.cx, camera.cy)
    low, high = image.min(0), image.max(0)
    assert max((high - low) / (640, 480)) == pytest.approx(0.6, abs=0.01)
    np.testing.assert_allclose((low + high) / 2 / (640, 480), framing.centre, atol=0.01)


def test_only_out_of_frame_framings_leave_the_picture() -> None:
    for seed in range(300):
        framing = sample_framing(False, np.random.default_rng(seed))
        assert framing.fill <= 0.95
        assert all(framing.fill / 2 - 0.02 <= c <= 1.02 - framing.fill / 2 for c in framing.centre)
    outside = [sample_framing(True, np.random.default_rng(seed)) for seed in range(100)]
    assert all(max(abs(c - 0.5) for c in f.centre) + f.fill / 2 > 0.5 for f in outside)
