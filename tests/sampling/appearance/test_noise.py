import numpy as np

from syrip_gen.sampling.appearance.noise import fbm, gradient_noise, ridged

POINTS = np.random.default_rng(0).uniform(-3, 3, (4000, 3))


def test_noise_vanishes_at_lattice_points():
    lattice = np.array([[0, 0, 0], [3, -2, 5], [-7, 1, 1]], float)
    np.testing.assert_allclose(gradient_noise(0.1 * lattice, 0.1, seed=1), 0, atol=1e-5)


def test_noise_is_continuous():
    step = np.array([1e-4, -1e-4, 1e-4])
    assert np.abs(fbm(POINTS, 1.0, 3) - fbm(POINTS + step, 1.0, 3)).max() < 5e-3


def test_noise_is_centred_and_spread():
    values = fbm(POINTS, 0.3, 5)
    assert abs(values.mean()) < 0.02
    assert 0.1 < values.std() < 0.5


def test_seeds_give_unrelated_noise():
    assert abs(np.corrcoef(fbm(POINTS, 0.3, 1), fbm(POINTS, 0.3, 2))[0, 1]) < 0.1


def test_noise_repeats_exactly():
    assert np.array_equal(fbm(POINTS, 0.3, 1), fbm(POINTS.copy(), 0.3, 1))


def test_ridged_noise_is_highest_where_plain_noise_crosses_zero():
    plain, ridges = gradient_noise(POINTS, 0.5, 9), ridged(POINTS, 0.5, 9, octaves=1)
    np.testing.assert_allclose(ridges, 1 - 2 * np.abs(plain), atol=1e-5)
