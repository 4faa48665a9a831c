"""Lamps: their harmonics against numerical integration, and what they do to a scene's light."""

import numpy as np
import pytest

from syrip_gen.randomness import stream_rng
from syrip_gen.sampling.lamps import MAX_LAMPS, add_lamps, with_lamps_folded
from syrip_gen.sampling.lights import LightLibrary, light_on_support, sample_light
from syrip_gen.sampling.scene import LampSpec, LightSpec
from syrip_gen.sampling.spherical_harmonics import (
    directional_sh,
    equirect_directions,
    evaluate,
    project_equirect,
    rotate,
)

DIRECTION = np.array([0.36, -0.48, 0.8])
COLOR = np.array([0.7, 0.5, 0.3])


@pytest.fixture(scope="module")
def library():
    return LightLibrary.load()


def lights(library, count=60):
    for take in range(count):
        plain = sample_light(library, stream_rng(3, take, "take-light"))
        yield plain, add_lamps(plain, stream_rng(3, take, "take-lamps"))


def test_directional_light_is_the_projection_of_a_small_bright_disc():
    directions, solid_angle = equirect_directions(512, 1024)
    disc = directions @ DIRECTION > np.cos(0.05)
    facing = (directions @ DIRECTION)[disc]
    panorama = np.zeros((512, 1024, 3))
    panorama[disc] = np.pi * COLOR / (facing * solid_angle[disc]).sum()  # irradiance pi * color, facing it
    assert directional_sh(DIRECTION, COLOR) == pytest.approx(project_equirect(panorama), abs=2e-3)


def test_directional_light_is_nearly_a_clamped_cosine():
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(4000, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    cosine = np.maximum(normals @ DIRECTION, 0.0)[:, None]
    error = evaluate(directional_sh(DIRECTION, COLOR), normals) - cosine * COLOR
    assert np.abs(error / COLOR).max() < 0.1
    assert np.abs(error.mean(axis=0)).max() < 0.01


def test_directional_light_turns_with_its_direction():
    c, s = np.cos(0.7), np.sin(0.7)
    R = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    assert rotate(directional_sh(DIRECTION, COLOR), R) == pytest.approx(
        directional_sh(R @ DIRECTION, COLOR), abs=1e-5
    )


def test_takes_have_none_to_three_lamps_above_the_floor(library):
    counts = set()
    for _, light in lights(library):
        counts.add(len(light.lamps))
        for lamp in light.lamps:
            assert np.linalg.norm(lamp.direction) == pytest.approx(1.0)
            assert lamp.direction[2] > 0.5
            assert lamp.distance_m > 1.0
            assert 0 < lamp.radius_m < lamp.distance_m / 2
            assert min(lamp.color) > 0
    assert counts == set(range(MAX_LAMPS + 1))


def test_lamps_take_over_light_and_add_none(library):
    for plain, light in lights(library):
        before, after = light_on_support(plain), light_on_support(with_lamps_folded(light))
        assert after == pytest.approx(before, rel=0.12)


def test_light_without_lamps_is_left_alone(library):
    plain = sample_light(library, np.random.default_rng(0))
    assert with_lamps_folded(plain) is plain


def test_folded_light_is_the_sum():
    lamp = LampSpec(tuple(DIRECTION), 2.0, 0.1, tuple(COLOR))
    light = LightSpec(tuple((0.5,) * 3 for _ in range(9)), (0.0, 0.0, 1.0), (0.0,) * 3, 0.1, (lamp, lamp))
    folded = with_lamps_folded(light)
    assert not folded.lamps
    assert np.array(folded.sh) == pytest.approx(np.array(light.sh) + 2 * directional_sh(DIRECTION, COLOR))
