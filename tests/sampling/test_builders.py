"""The scripts that make the shipped materials and lights."""

import numpy as np
import pytest

from syrip_gen.sampling.build_lights import split_panorama
from syrip_gen.sampling.build_materials import blend_tiles, is_periodic, lay_boards, tone_down, weave
from syrip_gen.sampling.build_patterns import PATTERNS, draw_pattern
from syrip_gen.sampling.build_relief import RELIEFS, draw_relief
from syrip_gen.sampling.materials import MaterialLibrary
from syrip_gen.sampling.spherical_harmonics import equirect_directions, evaluate


def seam(picture: np.ndarray) -> float:
    """Largest ratio of the step across an edge to the mean step inside."""
    values, ratios = picture.astype(float), []
    for axis in (0, 1):
        inner = np.abs(np.diff(values, axis=axis)).mean()
        across = np.abs(np.take(values, 0, axis) - np.take(values, -1, axis)).mean()
        ratios.append(across / max(inner, 0.5))
    return max(ratios)


@pytest.fixture
def swatch() -> np.ndarray:
    """A rough brown swatch whose edges do not meet."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 60, 120)[None, :, None]
    return np.clip(np.array([60, 90, 120]) + ramp + rng.normal(0, 12, (120, 120, 3)), 0, 255).astype(np.uint8)


def test_is_periodic_tells_a_wave_from_a_ramp(swatch) -> None:
    wave = 128 + 60 * np.sin(2 * np.pi * np.arange(64) / 64)
    assert is_periodic(np.repeat(np.add.outer(wave, wave)[..., None] / 2, 3, 2).astype(np.uint8))
    smooth_ramp = np.repeat(np.linspace(0, 255, 64)[None].repeat(64, 0)[..., None], 3, 2)
    assert not is_periodic(smooth_ramp)


def test_blended_tiles_meet_and_keep_mean_and_contrast(swatch) -> None:
    tile = blend_tiles(swatch, 240, np.random.default_rng(1))
    assert tile.shape == (240, 240, 3)
    assert seam(tile) < 1.5
    np.testing.assert_allclose(tile.mean((0, 1)), swatch.mean((0, 1)), atol=6)
    assert 0.6 < tile.std() / swatch.std() < 1.4


def test_boards_have_the_colours_of_their_swatch(swatch) -> None:
    floor = lay_boards(swatch, 320, np.random.default_rng(2))
    assert floor.shape == (320, 320, 3)
    np.testing.assert_allclose(floor.mean((0, 1)), swatch.mean((0, 1)), atol=20)


def test_weaves_have_no_colour_and_a_fixed_contrast(swatch) -> None:
    grey = weave(swatch)
    assert grey.ndim == 2
    assert abs(grey.mean() - 128) < 2
    assert 14 < grey.std() < 22


def test_tone_down_caps_saturation_and_keeps_brightness() -> None:
    orange = np.full((8, 8, 3), (10, 120, 240), np.uint8)
    calm = tone_down(orange, 0.4)
    assert calm.max() == 240
    assert 1 - calm.min() / calm.max() == pytest.approx(0.4, abs=0.02)


@pytest.mark.parametrize("name", PATTERNS)
def test_patterns_use_their_levels(name) -> None:
    tile = draw_pattern(name, 192)
    assert tile.shape == (192, 192)
    assert tile.min() < 20
    assert tile.max() > 235
    assert 0.02 < (tile > 60).mean() < 0.98


@pytest.mark.parametrize("name", RELIEFS)
def test_folds_are_periodic_and_neutral_on_average(name) -> None:
    tile = draw_relief(name, 128)
    assert seam(tile) < 3.0
    assert 115 < tile.mean() < 135
    assert 1.0 < tile.std() < 40


def test_every_shipped_material_can_be_read() -> None:
    library = MaterialLibrary()
    for name, entry in library.index.items():
        if entry["kind"] == "view":
            assert library.view(name).shape == (256, 512, 3)
        else:
            texels, _, sizes, density = library.pyramid(name)
            assert len(texels) >= sizes[0] ** 2
            assert density > 0


def test_split_panorama_keeps_the_upward_light() -> None:
    """Key plus harmonics light a level surface as the panorama does (the lamp is weaker than the cap)."""
    directions, solid_angle = equirect_directions(64, 128)
    lamp = np.array([0.3, 0.2, 0.93])
    radiance = 1.0 + 20.0 * (directions @ (lamp / np.linalg.norm(lamp)) > 0.99)
    sh, direction, key, softness = split_panorama(np.repeat(radiance[..., None], 3, 2))
    total = evaluate(sh, np.array([0.0, 0, 1]))[1] + key[1] * direction[2]
    exact = (radiance * solid_angle * np.maximum(directions[..., 2], 0)).sum() / np.pi
    scale = 0.886227 * sh[0, 1] + 0.25 * key[1]
    assert scale == pytest.approx(1.0, abs=1e-6)
    assert direction @ lamp / np.linalg.norm(lamp) > 0.99
    assert 0.05 < softness < 0.5
    ambient = ((1.0 - 0) * solid_angle).sum() / (4 * np.pi)
    assert total / evaluate(sh, np.array([0.0, 0, 1]))[1] == pytest.approx(exact / ambient, rel=0.15)
