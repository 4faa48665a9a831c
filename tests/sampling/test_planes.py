"""Perspective, material sampling and the painted room."""

import numpy as np
import pytest

from syrip_gen.sampling.cameras import Framing, place_camera, view_rotation
from syrip_gen.sampling.perspective import (
    View,
    coverage,
    floor_line,
    half_plane,
    outline_mask,
    project_outline,
    wall_line,
)
from syrip_gen.sampling.plane_sampler import build_pyramid, fill_plane

X, Y, Z = np.eye(3)


@pytest.fixture
def view() -> View:
    points = np.random.default_rng(0).uniform(-0.3, 0.3, (50, 3))
    camera = place_camera(points, view_rotation(0.5, 0.5, 0.2), Framing(1.1, 0.5, (0.5, 0.5)), 160, 120)
    return View.from_spec(camera)


def test_plane_map_inverts_projection(view) -> None:
    world = np.array([[0.1, -0.2, 0.0], [-0.3, 0.25, 0.0]])
    cam = world @ view.R.T + view.t
    pixels = cam @ view.K.T
    pixels = pixels / pixels[:, 2:]
    plane = pixels @ view.plane_from_pixels(np.zeros(3), X, Y).T
    np.testing.assert_allclose(plane[:, :2] / plane[:, 2:], world[:, :2], atol=1e-9)


def test_pixel_indices_are_half_a_pixel_less_than_the_camera_model(view) -> None:
    assert view.K[0, 2] == pytest.approx(160 / 2 - 0.5)


def test_floor_line_separates_floor_from_sky(view) -> None:
    line = floor_line(view, 0.0)
    rays = view.rays(np.array([[80.0, 100.0], [20.0, 3.0], [140.0, 60.0]]))
    for pixel, ray in zip(([80.0, 100.0], [20.0, 3.0], [140.0, 60.0]), rays, strict=True):
        assert (line[:2] @ pixel + line[2] > 0) == (ray[2] < -1e-3)


def test_wall_line_tells_which_is_met_first(view) -> None:
    normal, distance = np.array([np.cos(3.6), np.sin(3.6), 0.0]), 0.4
    line, centre = wall_line(view, 0.0, normal, distance), view.position
    for pixel in np.random.default_rng(1).uniform((0, 0), (160, 120), (60, 2)):
        ray = view.rays(pixel)
        to_floor, to_wall = -centre[2] / ray[2], (distance - normal @ centre) / (normal @ ray)
        if to_floor > 0 and to_wall > 0:
            assert (line[:2] @ pixel + line[2] > 0) == (to_floor < to_wall)


def test_half_plane_clips_a_square() -> None:
    square = np.array([[0.0, 0], [2, 0], [2, 2], [0, 2]])
    clipped = half_plane(square, np.array([1.0, 0.0, -1.0]))
    assert clipped[:, 0].min() == 1.0
    assert half_plane(square, np.array([1.0, 0.0, -3.0])).shape == (0, 2)


def test_coverage_counts_pixels_by_their_centres() -> None:
    mask = coverage(np.array([[-0.5, -0.5], [9.5, -0.5], [9.5, 4.5], [-0.5, 4.5]]), 40, 30)
    assert mask[1:4, 1:9].min() == 255
    assert mask[7:].max() == 0
    assert mask[:, 12:].max() == 0


def test_outlines_behind_the_camera_are_cut_off(view) -> None:
    far = 50.0
    huge = np.array([[-far, -far, 0], [far, -far, 0], [far, far, 0], [-far, far, 0]])
    assert np.isfinite(project_outline(view, huge)).all()
    assert outline_mask(view, huge)[100, 80] == 255
    behind = view.position - 3 * view.R[2] + np.array([[0.1, 0, 0], [0, 0.1, 0], [0, 0, 0.1]])
    assert len(project_outline(view, behind)) == 0


def _fill(view: View, tile: np.ndarray, colors: np.ndarray, metres: float, shift=(0.0, 0.0)) -> np.ndarray:
    flat = build_pyramid(np.full((8, 8), 128, np.uint8), 1.0)
    ones, turn = np.ones(256, np.float32), np.array([[1.0, 0, shift[0]], [0, 1.0, shift[1]]])
    out = np.zeros((view.height, view.width, 3), np.uint8)
    mask = np.full(out.shape[:2], 255, np.uint8)
    M = view.plane_from_pixels(np.zeros(3), X, Y)
    is_rgb = tile.ndim == 3
    texels = build_pyramid(tile, metres)
    rgb = texels if is_rgb else (np.zeros(1, np.uint32), *flat[1:])
    fill_plane(out, mask, M, is_rgb, rgb, flat if is_rgb else texels, flat, flat, colors, ones, ones,
               turn, turn,
               np.array([1.0, 0.0, 0.0]))  # fmt: skip
    return out


@pytest.mark.parametrize("is_rgb", [True, False])
def test_fill_agrees_with_a_naive_lookup(is_rgb) -> None:
    """A smooth periodic tile on a plane seen obliquely, against per-pixel evaluation of the same function."""
    view = View.from_spec(
        place_camera(
            np.random.default_rng(0).uniform(-0.3, 0.3, (50, 3)), view_rotation(0.5, 0.9, 0.2),
            Framing(1.1, 0.5, (0.5, 0.5)), 160, 120,
        )
    )  # fmt: skip
    wave = 128 + 90 * np.sin(2 * np.pi * (np.arange(64) + 0.5) / 64)
    grey = np.repeat(wave[None], 64, 0).astype(np.uint8)
    tile = np.stack([grey, grey.T, grey], -1) if is_rgb else grey
    colors = np.repeat(np.arange(256, dtype=np.float32)[:, None], 3, 1)
    out = _fill(view, tile, colors, 2.0).astype(float)
    columns, rows = np.meshgrid(np.arange(160.0), np.arange(120.0))
    plane = np.stack([columns, rows, np.ones_like(rows)], -1) @ view.plane_from_pixels(np.zeros(3), X, Y).T
    u, v = plane[..., 0] / plane[..., 2], plane[..., 1] / plane[..., 2]
    offset = 0.5 / 64  # texel centres
    expected = 128 + 90 * np.sin(2 * np.pi * (u / 2.0 + offset))
    assert np.abs(out[..., 0] - expected).mean() < 3.0
    if is_rgb:
        assert np.abs(out[..., 1] - (128 + 90 * np.sin(2 * np.pi * (v / 2.0 + offset)))).mean() < 3.0


def test_far_texture_fades_to_its_mean_instead_of_flickering(view) -> None:
    checker = np.kron(np.indices((32, 32)).sum(0) % 2, np.ones((2, 2))).astype(np.uint8) * 255
    colors = np.repeat(np.arange(256, dtype=np.float32)[:, None], 3, 1)
    low = View(view.K, view_rotation(0.0, 0.15, 0.0), np.array([0.0, 0.1, 1.0]), 160, 120)
    out = _fill(low, checker, colors, 0.05)
    horizon_row = int(
        np.flatnonzero(low.rays(np.stack([np.full(120, 80.0), np.arange(120.0)], 1))[:, 2] < -0.02)[0]
    )
    assert out[horizon_row + 2, :, 0].std() < 30
