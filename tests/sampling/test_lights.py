import numpy as np
import pytest

from syrip_gen.sampling.lights import EXPOSURE_RANGE, LUMA, LightLibrary, light_on_support, sample_light


@pytest.fixture(scope="module")
def lights():
    library = LightLibrary.load()
    return [sample_light(library, np.random.default_rng(seed)) for seed in range(200)]


def test_the_support_is_well_exposed(lights) -> None:
    levels = np.array([light_on_support(light) @ LUMA for light in lights])
    low, high = EXPOSURE_RANGE
    assert np.mean((levels > low - 0.01) & (levels < high + 0.01)) > 0.97


def test_key_lights_come_from_above_and_are_unit_vectors(lights) -> None:
    directions = np.array([light.key_direction for light in lights])
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1.0, atol=1e-6)
    assert (directions[:, 2] > 0).all()


def test_casts_are_mild(lights) -> None:
    colors = np.array([light_on_support(light) for light in lights])
    ratio = colors / (colors @ LUMA)[:, None]
    assert ratio.min() > 0.6
    assert ratio.max() < 1.5


def test_shipped_panoramas_are_finite_and_level() -> None:
    library = LightLibrary.load()
    assert len(library.names) >= 15
    assert np.isfinite(library.sh).all()
    assert (library.sh[:, 0] @ LUMA > 0.2).all()
