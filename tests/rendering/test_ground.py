import dataclasses

import numpy as np
import pytest

from syrip_gen.rendering.frames import plane_axes
from syrip_gen.rendering.ground import darken_ground
from syrip_gen.rendering.ground_shadow import GroundShadow, cast_ground_shadow
from tests.rendering.simple_scenes import WHITE_SH, sphere

UP = np.array([0.0, 0.0, 1.0], np.float32)


def disc(height: float, radius: float = 0.15) -> tuple[np.ndarray, np.ndarray]:
    """Return a thin horizontal disc as a fan."""
    angle = np.linspace(0, 2 * np.pi, 65)[:-1]
    rim = np.stack([radius * np.cos(angle), radius * np.sin(angle), np.full(64, height)], axis=1)
    faces = [[64, i, (i + 1) % 64] for i in range(64)]
    return np.concatenate([rim, [[0, 0, height]]]).astype(np.float32), np.array(faces, np.int32)


def cast(mesh: tuple[np.ndarray, np.ndarray], key: np.ndarray = UP, softness: float = 0.1) -> GroundShadow:
    return cast_ground_shadow(
        mesh[0].astype(np.float32), mesh[1], np.eye(3, dtype=np.float32), 0.0, WHITE_SH, key,
        np.full(3, 0.5, np.float32), softness,
    )  # fmt: skip


def value_at(values: np.ndarray, grid: np.ndarray, s: float, t: float) -> float:
    return float(values[int((t - grid[1]) / grid[2]), int((s - grid[0]) / grid[2])])


@pytest.mark.parametrize("height", [0.02, 0.05, 0.1, 0.2])
def test_ambient_shadow_under_a_disc_is_its_form_factor(height: float) -> None:
    shadow = cast(disc(height))
    expected = 0.15**2 / (0.15**2 + height**2)
    assert value_at(shadow.ambient, shadow.ambient_grid, 0, 0) == pytest.approx(expected, abs=0.08)


@pytest.mark.parametrize("distance", [0.1, 0.2, 0.3])
def test_ambient_shadow_beside_a_disc_follows_the_form_factor_of_its_patches(distance: float) -> None:
    height, radius = 0.08, 0.15
    shadow = cast(disc(height, radius))
    x, y = np.meshgrid(np.linspace(-radius, radius, 301), np.linspace(-radius, radius, 301))
    inside = x * x + y * y < radius * radius
    squared = (x - distance) ** 2 + y * y + height**2
    expected = (height**2 / (np.pi * squared**2))[inside].sum() * (2 * radius / 300) ** 2
    assert value_at(shadow.ambient, shadow.ambient_grid, distance, 0) == pytest.approx(expected, abs=0.06)


def test_the_shadow_darkens_as_the_body_comes_down() -> None:
    middle = [
        value_at(s.ambient, s.ambient_grid, 0, 0) for s in (cast(disc(h)) for h in (0.4, 0.2, 0.1, 0.03, 0.0))
    ]
    assert np.all(np.diff(middle) > 0)
    assert middle[-1] > 0.97


def test_key_shadow_falls_away_from_the_light() -> None:
    key = np.array([0.6, 0.0, 0.8], np.float32)
    shadow = cast(disc(0.2, 0.08), key, softness=0.03)
    assert value_at(shadow.key, shadow.key_grid, -0.15, 0.0) > 0.95  # 0.2 · 0.6 / 0.8 away
    assert value_at(shadow.key, shadow.key_grid, 0.0, 0.0) < 0.05


def test_a_softer_light_has_a_wider_penumbra() -> None:
    widths = []
    for softness in (0.05, 0.3):
        shadow = cast(disc(0.2, 0.1), UP, softness)
        row = shadow.key[shadow.key.shape[0] // 2]
        widths.append(((row > 0.1) & (row < 0.9)).sum() * shadow.key_grid[2])
    assert widths[1] > 1.5 * widths[0]


def test_a_light_below_the_plane_casts_no_key_shadow() -> None:
    assert cast(disc(0.1), -UP).key.max() == 0.0


def test_plane_axes_are_orthonormal_and_end_with_the_normal() -> None:
    axes, offset = plane_axes((0.0, -2.0, 0.0, 0.6))
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-6)
    np.testing.assert_allclose(axes[2], [0, -1, 0])
    assert offset == pytest.approx(0.3)


def test_a_plane_without_normal_is_refused() -> None:
    with pytest.raises(ValueError, match="support plane has the normal"):
        plane_axes((0.0, 0.0, 0.0, 1.0))


@pytest.fixture
def floor_shadow() -> GroundShadow:
    """The shadow of a ball that rests on a floor 0.3 m below the camera, 1 m ahead."""
    axes, offset = plane_axes((0.0, -1.0, 0.0, 0.3))
    vertices, faces = sphere((0.0, 0.2, 1.0), 0.1)
    local = (vertices @ axes.T).astype(np.float32)
    local[:, 2] += np.float32(offset)
    return cast_ground_shadow(
        local, faces, axes, offset, WHITE_SH, np.array([0, -1, 0], np.float32), np.zeros(3), 0.1
    )


def test_the_picture_darkens_where_the_floor_is_shadowed(floor_shadow: GroundShadow) -> None:
    rgb = np.full((480, 640, 3), 200, np.uint8)
    darken_ground(rgb, floor_shadow, 600.0, 600.0, 320.0, 240.0)
    contact = int(240 + 600 * 0.3)  # the floor point under the ball: (0, 0.3, 1)
    assert rgb[contact, 320, 0] < 90
    assert rgb[contact, 20, 0] > 190
    assert (rgb[:239] == 200).all()  # above the horizon
    expected = 200 * (1 - floor_shadow.ambient.max()) ** (1 / 2.2)
    assert rgb.min() >= min(expected, 60)


def test_nothing_is_darkened_without_a_body_in_sight(floor_shadow: GroundShadow) -> None:
    rgb = np.full((48, 64, 3), 200, np.uint8)
    away = dataclasses.replace(floor_shadow, ambient=np.zeros_like(floor_shadow.ambient))
    darken_ground(rgb, away, 60.0, 60.0, 32.0, 24.0)
    assert (rgb == 200).all()


def test_the_shadow_of_a_coloured_key_light_takes_its_colour(floor_shadow: GroundShadow) -> None:
    rgb = np.full((480, 640, 3), 200, np.uint8)
    warm = dataclasses.replace(
        floor_shadow,
        ambient=np.zeros_like(floor_shadow.ambient),
        key=floor_shadow.ambient,
        key_grid=floor_shadow.ambient_grid,
        ambient_light=np.full(3, 0.5, np.float32),
        key_light=np.array([0.8, 0.4, 0.1], np.float32),
    )
    darken_ground(rgb, warm, 600.0, 600.0, 320.0, 240.0)
    red, green, blue = rgb[420, 320].astype(int)
    assert red < green < blue
