import numpy as np
import pytest
from scipy.stats import multivariate_normal

from syrip_gen.fitting.kinematics import rodrigues
from syrip_gen.fitting.objective import (
    bending,
    focal_prior,
    geman_mcclure,
    geman_mcclure_weight,
    gravity,
    gravity_jacobian,
    mixture_energies,
    pose_prior,
    responsibilities,
    shape_prior,
)
from syrip_gen.fitting.priors import mixture_from_gaussians


@pytest.fixture(scope="module")
def gaussians() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    roots = 0.3 * np.eye(69) + 0.02 * rng.standard_normal((3, 69, 69))
    return {
        "means": 0.1 * rng.standard_normal((3, 69)),
        "covars": roots @ roots.transpose(0, 2, 1),
        "weights": np.array([0.2, 0.5, 0.3]),
    }


def test_geman_mcclure_is_square_near_zero_and_flat_far_away() -> None:
    assert geman_mcclure(1e-6, 0.1) == pytest.approx(1e-6, rel=1e-3)
    assert geman_mcclure(1e4, 0.1) == pytest.approx(0.1**2, rel=1e-3)
    assert geman_mcclure(0.01, 0.1) == pytest.approx(0.1**2 * 0.01 / (0.01 + 0.1**2))


def test_geman_mcclure_weight_is_its_slope() -> None:
    h = 1e-7
    slope = (geman_mcclure(0.02 + h, 0.1) - geman_mcclure(0.02 - h, 0.1)) / (2 * h)
    assert geman_mcclure_weight(0.02, 0.1) == pytest.approx(slope, rel=1e-6)


def test_pose_prior_equals_scipys_mixture(gaussians) -> None:
    mixture, pose = mixture_from_gaussians(**gaussians), 0.2 * np.random.default_rng(2).standard_normal(69)
    parts = [
        np.log(w) + multivariate_normal(m, c).logpdf(pose)
        for w, m, c in zip(gaussians["weights"], gaussians["means"], gaussians["covars"], strict=True)
    ]
    constant = 0.5 * 69 * np.log(2 * np.pi)
    energies = mixture_energies(pose, mixture)
    assert pose_prior(energies, False) == pytest.approx(-np.logaddexp.reduce(parts) - constant, rel=1e-9)
    assert pose_prior(energies, True) == pytest.approx(-np.max(parts) - constant, rel=1e-9)
    share = np.exp(parts - np.logaddexp.reduce(parts))
    np.testing.assert_allclose(responsibilities(energies, False), share, atol=1e-9)
    np.testing.assert_array_equal(responsibilities(energies, True), np.eye(3)[np.argmax(share)])


def test_pose_prior_equals_sklearns_mixture(gaussians) -> None:
    from sklearn.mixture import GaussianMixture

    model = GaussianMixture(3, covariance_type="full")
    model.weights_, model.means_, model.covariances_ = (
        gaussians["weights"], gaussians["means"], gaussians["covars"],
    )  # fmt: skip
    model.precisions_cholesky_ = np.linalg.cholesky(np.linalg.inv(gaussians["covars"]))
    pose = 0.2 * np.random.default_rng(5).standard_normal(69)
    ours = pose_prior(mixture_energies(pose, mixture_from_gaussians(**gaussians)), False)
    assert ours + 0.5 * 69 * np.log(2 * np.pi) == pytest.approx(-model.score_samples(pose[None])[0], rel=1e-9)


def test_shape_and_focal_priors_are_half_squares() -> None:
    assert shape_prior(np.array([1.0, -2.0])) == 2.5
    assert focal_prior(1.0, 0.5, 0.25) == 2.0


def test_bending_punishes_only_backwards() -> None:
    pose = np.zeros(69)
    np.testing.assert_array_equal(bending(pose), 1.0)
    # FACTS B.1: 90 degrees of flexion are -pi/2 at the left elbow, +pi/2 at the right elbow and the knees.
    pose[[52, 55, 9, 12]] = np.array([-1, 1, 1, 1]) * np.pi / 2
    np.testing.assert_allclose(bending(pose), np.exp(-np.pi / 2))
    np.testing.assert_allclose(bending(-pose), np.exp(np.pi / 2))


@pytest.mark.parametrize("down", [(0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.6, 0.5, 0.62)])
def test_gravity_costs_nothing_when_the_camera_looks_level_or_down(down) -> None:
    np.testing.assert_array_equal(gravity(np.array(down)), 0.0)


@pytest.mark.parametrize("down", [(0.1, 0.7, -0.7), (0.2, -0.9, 0.3), (0.4, -0.5, -0.75)])
def test_gravity_jacobian_equals_finite_differences(down) -> None:
    down, h = np.array(down), 1e-6
    assert gravity(down).max() > 0
    steps = h * np.eye(3)
    numeric = [(gravity(rodrigues(s) @ down) - gravity(rodrigues(-s) @ down)) / (2 * h) for s in steps]
    np.testing.assert_allclose(gravity_jacobian(down), np.stack(numeric, axis=1), atol=1e-7)
