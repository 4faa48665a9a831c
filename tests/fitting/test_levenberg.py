import numpy as np
import pytest

from syrip_gen.fitting.energy import Target, Weights, body_energy, pack, posed_keypoints, unpack
from syrip_gen.fitting.levenberg import apply_step, minimise, solve_step
from syrip_gen.fitting.linearise import NUM_CONTACTS, NUM_EXTRA, linearise

WEIGHTS = Weights(sigma=0.02, rho=0.2, pose=0.7, shape=1.3, bend=0.4, gravity=1.5, contact=1.0)


@pytest.fixture
def target(fitter, random_body) -> Target:
    rng = np.random.default_rng(0)
    points = posed_keypoints(fitter.kinematics, random_body)[0]
    pixels = np.exp(0.9) * points[:, :2] / points[:, 2:]
    confidence = rng.uniform(0.5, 1.0, 17)
    confidence[4] = 0.0
    return Target(pixels + 0.03 * rng.standard_normal((17, 2)), confidence, 0.7, 0.3)


def _parts(fitter, x, target, max_mixture):
    posed = posed_keypoints(fitter.kinematics, x)
    rows = np.empty((2 * 17 + NUM_EXTRA + NUM_CONTACTS, len(x) - 6))
    residual, prior = np.empty(len(rows)), np.zeros(rows.shape[1])
    best = linearise(
        fitter.kinematics, posed, fitter.contacts, fitter.prior, target, WEIGHTS, max_mixture, x, rows,
        residual, prior,
    )  # fmt: skip
    return rows, residual, prior, best, posed[1][0]


@pytest.mark.parametrize("max_mixture", [False, True])
def test_gradient_equals_finite_differences(fitter, random_body, target, max_mixture) -> None:
    # Arms through the trunk, so that contacts take part.
    x = random_body.copy()
    x[29 + 3 * 15 + 2], x[29 + 3 * 16 + 2] = -1.5, 1.5
    rows, residual, prior, best, root_joint = _parts(fitter, x, target, max_mixture)
    assert (residual[2 * 17 + NUM_EXTRA :] > 0).any()
    exact, h = rows.T @ residual + prior, 1e-5

    def energy(step: np.ndarray) -> float:
        moved = apply_step(x, step, fitter.prior.chol[best], WEIGHTS, target.log_focal_sigma, root_joint)
        args = (fitter.kinematics, fitter.contacts, fitter.prior, target, WEIGHTS, max_mixture, moved)
        return body_energy(*args)[0]

    numeric = [(energy(h * e) - energy(-h * e)) / (2 * h) for e in np.eye(len(exact))]
    np.testing.assert_allclose(exact, numeric, rtol=2e-4, atol=2e-3)


def test_step_equals_the_dense_solution() -> None:
    rng = np.random.default_rng(4)
    rows, residual, prior = rng.standard_normal((7, 12)), rng.standard_normal(7), rng.standard_normal(12)
    free = np.zeros(12, dtype=bool)
    free[3:5] = True
    damping = 0.05
    dense = rows.T @ rows + np.diag(np.where(free, 0.0, 1.0) + damping)
    expected = -np.linalg.solve(dense, rows.T @ residual + prior)
    np.testing.assert_allclose(solve_step(rows, residual, prior, free, damping), expected, atol=1e-9)


def test_minimise_ends_where_the_gradient_vanishes(fitter, random_body, target) -> None:
    args = (fitter.kinematics, fitter.contacts, fitter.prior, target, WEIGHTS, False)
    before = body_energy(*args, random_body)[0]
    x, energy = minimise(*args, random_body, 300, 1e-12)
    assert energy < before
    assert energy == pytest.approx(body_energy(*args, x)[0], abs=1e-9)
    rows, residual, prior, _, _ = _parts(fitter, x, target, False)
    assert np.abs(rows.T @ residual + prior).max() < 0.05
    assert np.linalg.det(unpack(x)[1]) == pytest.approx(1.0, abs=1e-9)


def test_impossible_start_is_reported_not_raised(fitter, random_body, target) -> None:
    behind = random_body.copy()
    behind[100] = -2.0
    args = (fitter.kinematics, fitter.contacts, fitter.prior, target, WEIGHTS, False)
    for start in (behind, np.full_like(behind, np.nan)):
        _, energy = minimise(*args, start, 5, 1e-3)
        assert energy == np.inf


def test_pack_and_unpack_are_inverse(random_body) -> None:
    np.testing.assert_array_equal(pack(*unpack(random_body)), random_body)
