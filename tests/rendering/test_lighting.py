import numpy as np
import pytest

from syrip_gen.rendering.lighting import irradiance, irradiance_matrix, radiance, sh_irradiance


@pytest.fixture
def bright_sh() -> np.ndarray:
    """Coefficients whose light is positive everywhere, so that nothing is clipped."""
    sh = np.random.default_rng(0).normal(0, 0.12, (9, 3))
    sh[0] = 1.5
    return sh


def sphere_directions(count: int) -> np.ndarray:
    k = np.arange(count) + 0.5
    z, angle = 1 - 2 * k / count, k * np.pi * (3 - np.sqrt(5))
    r = np.sqrt(1 - z * z)
    return np.stack([r * np.cos(angle), r * np.sin(angle), z], axis=1)


def test_irradiance_is_the_integral_of_the_radiance(bright_sh: np.ndarray) -> None:
    directions = sphere_directions(200_000)
    normals = sphere_directions(20)
    cosine = np.maximum(normals @ directions.T, 0.0)
    # (1/pi) ∫ L cos dω with L from pi · Σ l Y: the units in which uniform light 1 gives irradiance 1
    expected = cosine @ radiance(bright_sh, directions) * (4 * np.pi / len(directions)) / np.pi
    np.testing.assert_allclose(irradiance(bright_sh, normals), expected, rtol=3e-3)


def test_uniform_light_of_one_gives_irradiance_one() -> None:
    sh = np.zeros((9, 3))
    sh[0] = 1.0 / 0.886227
    np.testing.assert_allclose(irradiance(sh, sphere_directions(5)), 1.0, rtol=1e-6)
    np.testing.assert_allclose(radiance(sh, sphere_directions(5)), 1.0, rtol=1e-4)


def test_each_coefficient_points_along_its_axis() -> None:
    for row, axis in ((1, 1), (2, 2), (3, 0)):  # L1-1: y, L10: z, L11: x
        sh = np.zeros((9, 3))
        sh[row] = 1.0
        normal = np.eye(3)[axis]
        assert (irradiance(sh, normal) > 0.5).all()
        np.testing.assert_allclose(irradiance(sh, -normal), -irradiance(sh, normal))


def test_compiled_and_plain_irradiance_agree(bright_sh: np.ndarray) -> None:
    matrix = irradiance_matrix(bright_sh)
    for normal in sphere_directions(10).astype(np.float32):
        np.testing.assert_allclose(sh_irradiance(matrix, *normal), irradiance(bright_sh, normal), rtol=1e-5)


def test_light_is_never_negative() -> None:
    sh = np.zeros((9, 3))
    sh[1] = 1.0
    assert radiance(sh, np.array([0.0, -1.0, 0.0])).min() == 0.0
    assert sh_irradiance(irradiance_matrix(sh), np.float32(0), np.float32(-1), np.float32(0)) == (
        0.0,
        0.0,
        0.0,
    )
