import numpy as np
import pytest

from syrip_gen.rendering.colors import LINEAR_OF_SRGB, srgb_to_linear
from syrip_gen.rendering.point_lookup import look_up_texture
from syrip_gen.rendering.texturing import build_pyramid, choose_levels, plan_pyramid


def look_up(
    texture: np.ndarray, u: float, v: float, level: int = 0, gloss: np.ndarray | None = None
) -> np.ndarray:
    levels = plan_pyramid(*texture.shape[:2])
    texels = build_pyramid(texture, gloss, levels)
    return look_up_texture(texels, levels, level, u, v)


@pytest.fixture
def checkerboard() -> np.ndarray:
    board = np.zeros((16, 16, 3), np.uint8)
    board[np.indices((16, 16)).sum(0) % 2 == 0] = (255, 128, 0)
    return board


def test_texel_centres_give_the_texel(checkerboard: np.ndarray) -> None:
    for row, column in ((0, 0), (3, 7), (15, 2)):
        found = look_up(checkerboard, (column + 0.5) / 16, 1 - (row + 0.5) / 16)
        np.testing.assert_allclose(found[:3], LINEAR_OF_SRGB[checkerboard[row, column]], atol=1e-5)


def test_the_middle_of_four_texels_is_their_mean_as_srgb(checkerboard: np.ndarray) -> None:
    found = look_up(checkerboard, 4 / 16, 1 - 5 / 16)
    np.testing.assert_allclose(found[:3], srgb_to_linear([0.5, 64 / 255, 0.0]), atol=2e-3)


def test_the_first_row_is_v_one() -> None:
    texture = np.zeros((8, 8, 3), np.uint8)
    texture[0] = 255
    assert look_up(texture, 0.5, 1 - 0.5 / 8)[0] == pytest.approx(1.0)
    assert look_up(texture, 0.5, 0.5 / 8)[0] == 0.0


def test_coordinates_wrap_around(checkerboard: np.ndarray) -> None:
    np.testing.assert_allclose(look_up(checkerboard, 0.3, 0.7), look_up(checkerboard, 2.3, -1.3), atol=2e-3)


def test_gloss_is_filtered_beside_the_colour(checkerboard: np.ndarray) -> None:
    gloss = np.zeros((16, 16), np.uint8)
    gloss[:, 8:] = 255
    assert look_up(checkerboard, 0.25, 0.5, gloss=gloss)[3] == 0.0
    assert look_up(checkerboard, 0.5, 0.5, gloss=gloss)[3] == pytest.approx(0.5, abs=1e-3)


def test_levels_halve_down_to_four_texels(checkerboard: np.ndarray) -> None:
    levels = plan_pyramid(16, 16)
    texels = build_pyramid(checkerboard, None, levels)
    assert levels[:, 1:].tolist() == [[16, 16], [8, 8], [4, 4]]
    assert len(texels) == 256 + 64 + 16
    coarse = look_up(checkerboard, 0.4, 0.4, level=2)
    assert np.ptp([look_up(checkerboard, u, 0.4, level=2)[0] for u in (0.1, 0.5, 0.9)]) < 1e-6  # all grey
    assert 0.0 < coarse[0] < 1.0


@pytest.mark.parametrize("pixels,level", [(16, 0), (8, 1), (4, 2)])
def test_the_level_follows_the_size_on_the_screen(pixels: int, level: int) -> None:
    levels = plan_pyramid(16, 16)
    side = pixels * 256  # snapped pixels
    xy = np.array([[0, 0], [side, 0], [0, side]], np.int32)
    uv = np.array([[0, 0], [1, 0], [0, 1]], np.float32)
    face = np.array([[0, 1, 2]], np.int32)
    chosen, finest = choose_levels(
        np.zeros(1, np.int32), xy, np.ones(3), face, uv[face].reshape(1, 6), levels
    )
    assert (chosen.tolist(), finest) == ([level], level)


def test_levels_that_nobody_reads_need_not_be_made(checkerboard: np.ndarray) -> None:
    levels = plan_pyramid(16, 16)
    whole, rest = (build_pyramid(checkerboard, None, levels, first) for first in (0, 1))
    np.testing.assert_array_equal(whole[256:], rest[256:])


def test_a_used_array_gives_the_same_pyramid(checkerboard: np.ndarray) -> None:
    levels = plan_pyramid(16, 16)
    gloss = np.full((16, 16), 7, np.uint8)
    fresh, used = build_pyramid(checkerboard, None, levels), build_pyramid(checkerboard[::-1], gloss, levels)
    assert build_pyramid(checkerboard, None, levels, out=used) is used
    np.testing.assert_array_equal(used, fresh)
