import numpy as np
from scipy.spatial.transform import Rotation

from syrip_gen.rendering import lighting
from syrip_gen.sampling.spherical_harmonics import equirect_directions, evaluate, project_equirect, rotate


def unit(n: int, seed: int = 0) -> np.ndarray:
    v = np.random.default_rng(seed).normal(size=(n, 3))
    return v / np.linalg.norm(v, axis=1, keepdims=True)


def test_a_rotated_light_lights_rotated_normals_alike() -> None:
    sh = np.random.default_rng(1).normal(size=(9, 3))
    normals, R = unit(50), Rotation.random(random_state=2).as_matrix()
    np.testing.assert_allclose(evaluate(rotate(sh, R), normals @ R.T), evaluate(sh, normals), atol=1e-12)


def test_the_renderer_evaluates_the_same_polynomial() -> None:
    sh, normals = np.random.default_rng(3).normal(size=(9, 3)), unit(50)
    np.testing.assert_allclose(lighting.irradiance(sh, normals), evaluate(sh, normals), atol=1e-6)


def test_an_even_panorama_shows_the_albedo() -> None:
    sh = project_equirect(np.ones((64, 128, 3)))
    np.testing.assert_allclose(evaluate(sh, unit(20)), 1.0, atol=2e-3)


def test_projection_matches_the_integral() -> None:
    """Irradiance / pi by brute force, for a smooth panorama that order 2 represents well."""
    directions, solid_angle = equirect_directions(64, 128)
    radiance = (1.0 + 0.5 * directions[..., 2] + 0.3 * directions[..., 0] * directions[..., 1])[..., None]
    sh, normals = project_equirect(radiance), unit(10, 4)
    cosine = np.maximum(np.einsum("hwc,nc->nhw", directions, normals), 0.0)
    exact = np.einsum("nhw,hw,hw->n", cosine, radiance[..., 0], solid_angle) / np.pi
    np.testing.assert_allclose(evaluate(sh, normals)[:, 0], exact, atol=3e-3)
