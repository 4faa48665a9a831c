import numpy as np
import pytest

from syrip_gen.body.posing import pose_body
from syrip_gen.sampling.coarse_body import CoarseBody
from syrip_gen.sampling.resting import (
    MAX_TILT_DEG,
    down_hint,
    estimate_posture,
    overhang,
    refine_posture,
    rest_direction,
    rotation_to_down,
    trunk_frame,
)

UPRIGHT = np.array([np.pi, 0.0, 0.0])
"""Root rotation of a body that stands upright and faces the camera of an upright photo."""


@pytest.fixture(scope="module")
def coarse(body) -> CoarseBody:
    return CoarseBody.from_assets(body)


def flexed(hips: float = 1.4, knees: float = 1.4) -> np.ndarray:
    pose = np.zeros((23, 3))
    pose[[0, 1], 0], pose[[3, 4], 0] = -hips, knees
    return pose


def test_coarse_body_agrees_with_full_skinning(body, coarse) -> None:
    rng = np.random.default_rng(0)
    betas, orient, pose = rng.normal(0, 0.7, 20), rng.normal(size=3), rng.normal(0, 0.3, (23, 3))
    few, full = coarse.pose(betas, orient, pose), pose_body(body, betas, orient, pose)
    np.testing.assert_allclose(few.joints, full.joints, atol=1e-9)
    assert np.abs(few.vertices.min(0) - full.vertices.min(0)).max() < 0.01
    assert np.abs(few.vertices.max(0) - full.vertices.max(0)).max() < 0.01
    assert 300 < len(few.vertices) < 900


@pytest.mark.parametrize("direction", [(0, 0, -1), (0, 0, 1), (1, 0, 0), (0.3, -0.5, 0.81)])
def test_rotation_to_down(direction) -> None:
    unit = np.array(direction, float) / np.linalg.norm(direction)
    R = rotation_to_down(unit)
    np.testing.assert_allclose(R @ unit, (0, 0, -1), atol=1e-12)
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(R) > 0


@pytest.mark.parametrize("posture, knees", [("Supine", 1.4), ("Prone", 1.4), ("Sitting", 0.4)])
def test_a_resting_body_is_in_balance(coarse, posture, knees) -> None:
    """The centre of mass stands over (or at most 2 cm beside) the points that touch the support."""
    posed = coarse.pose(np.zeros(20), UPRIGHT, flexed(1.4, knees))
    down = rest_direction(posed, down_hint(posed, posture), MAX_TILT_DEG[posture])
    R = rotation_to_down(down)
    points, centre = posed.vertices @ R.T, R @ posed.centre_of_mass
    feet = points[points[:, 2] < points[:, 2].min() + 1e-6][:, :2]
    assert len(feet) >= 3
    assert _outside(feet, centre[:2]) < 0.02


def _outside(polygon: np.ndarray, point: np.ndarray) -> float:
    """Return how far a point lies outside the hull of some points in the plane, 0 inside."""
    from scipy.spatial import ConvexHull

    hull = ConvexHull(polygon)
    return max(0.0, float((hull.equations[:, :2] @ point + hull.equations[:, 2]).max()))


def test_supine_lies_on_its_back_and_prone_on_its_front(coarse) -> None:
    posed = coarse.pose(np.zeros(20), UPRIGHT, flexed())
    front = trunk_frame(posed).front
    for posture, sign in (("Supine", -1), ("Prone", 1)):
        down = rest_direction(posed, down_hint(posed, posture), MAX_TILT_DEG[posture])
        assert sign * down @ front > 0.7


def test_standing_stays_upright(coarse) -> None:
    posed = coarse.pose(np.zeros(20), UPRIGHT, np.zeros((23, 3)))
    down = rest_direction(posed, down_hint(posed, "Standing"), MAX_TILT_DEG["Standing"])
    assert down @ trunk_frame(posed).up < -0.9


def test_view_cost_prefers_a_camera_above_the_horizon(coarse) -> None:
    """A prone body seen from above must not be laid down so that the camera is under the floor."""
    posed = coarse.pose(np.zeros(20), np.array([0.0, 0.0, np.pi]), flexed(0.3, 0.3))
    down = rest_direction(posed, down_hint(posed, "Prone"), 60.0, in_photo_frame=True)
    assert np.rad2deg(np.arcsin(down[2])) > 0.0


def test_estimates_of_clear_cases(coarse) -> None:
    betas = np.zeros(20)
    assert estimate_posture(coarse.pose(betas, UPRIGHT, flexed())) == "Supine"
    away = np.array([0.0, 0.0, np.pi])
    assert estimate_posture(coarse.pose(betas, away, np.zeros((23, 3)))) == "Prone"
    from scipy.spatial.transform import Rotation

    profile = (Rotation.from_euler("y", 90, degrees=True) * Rotation.from_rotvec(UPRIGHT)).as_rotvec()
    assert estimate_posture(coarse.pose(betas, profile, flexed())) == "Sitting"
    assert estimate_posture(coarse.pose(betas, profile, np.zeros((23, 3)))) == "Standing"


def test_prone_on_all_fours_is_crawling(coarse) -> None:
    posed = coarse.pose(np.zeros(20), np.array([0.0, 0.0, np.pi]), flexed(1.5, 1.5))
    assert refine_posture("Prone", posed) == "Crawling"
    assert refine_posture("Supine", posed) == "Supine"


def test_overhang_of_a_triangle() -> None:
    triangle = np.array([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]])
    for point, expected in (((0.2, 0.2, 5.0), 0.0), ((-0.5, 0.2, 1.0), 0.5), ((1.0, 1.0, 0.0), 0.5**0.5)):
        np.testing.assert_allclose(overhang(triangle, np.array([[0.0, 0, 1]]), np.array(point)), expected)


def test_unknown_posture_is_an_error(coarse) -> None:
    with pytest.raises(ValueError, match="unknown posture 'Hanging'"):
        down_hint(coarse.pose(np.zeros(20), UPRIGHT, flexed()), "Hanging")
