import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from syrip_gen.rendering.colors import LINEAR_OF_SRGB, linear_to_srgb, srgb_to_linear
from syrip_gen.rendering.raster import RasterRenderer
from syrip_gen.rendering.types import RenderInputs
from syrip_gen.rendering.zbuffer import face_buffer
from tests.rendering.simple_scenes import WHITE_SH, inputs_of, quad, sphere, two_meshes

BACKGROUND = 90


@pytest.fixture
def renderer() -> RasterRenderer:
    return RasterRenderer()


@pytest.fixture
def ball() -> RenderInputs:
    return inputs_of(*sphere((0.02, 0.01, 1.0), 0.25), support_plane=(0.0, -1.0, 0.0, 0.26))


def linear(rgb: np.ndarray) -> np.ndarray:
    return LINEAR_OF_SRGB[rgb]


def test_a_flat_albedo_under_light_one_keeps_its_colour(renderer: RasterRenderer) -> None:
    texture = np.full((8, 8, 3), (200, 120, 40), np.uint8)
    wall = quad([(-2, -2, 1), (2, -2, 1), (2, 2, 1), (-2, 2, 1)])
    rgb = renderer.render(inputs_of(*wall, texture=texture)).rgb
    assert np.abs(rgb.astype(int) - (200, 120, 40)).max() <= 1


def test_depth_is_the_z_buffer_at_pixel_centres(renderer: RasterRenderer, ball: RenderInputs) -> None:
    depth = renderer.render(ball).depth
    expected, _ = face_buffer(ball.vertices, ball.faces, ball.fx, ball.fy, ball.cx, ball.cy, 64, 48)
    assert (np.isinf(depth) != np.isinf(expected)).sum() <= 2
    both = np.isfinite(depth) & np.isfinite(expected)
    np.testing.assert_allclose(depth[both], expected[both], atol=2e-3)
    assert depth.dtype == np.float32


def test_coverage_of_a_slanted_edge_is_its_area(renderer: RasterRenderer) -> None:
    slope, offset = 0.37, 20.3  # the edge is column = offset + slope · row, in pixels
    corners = [((u - 32) / 60, (v - 24) / 60, 1.0) for u, v in
               ((-300, -400), (offset - 400 * slope, -400), (offset + 400 * slope, 400), (-300, 400))
               ]  # fmt: skip
    black = np.zeros((48, 64, 3), np.uint8)
    found = linear(renderer.render(inputs_of(*quad(corners), background=black)).rgb)[..., 0]
    fine = (np.arange(64 * 32) + 0.5) / 32
    edge = offset + slope * fine[: 48 * 32]
    area = (fine[None, :] < edge[:, None]).reshape(48, 32, 64, 32).mean(axis=(1, 3))
    assert np.abs(found - area).max() < 0.3
    assert np.abs(found - area).mean() < 0.004
    assert abs(found.sum() - area.sum()) < 0.01 * area.sum()


def test_edges_blend_in_linear_light(renderer: RasterRenderer) -> None:
    edge = (32.25 - 32) / 60  # covers a quarter of column 32
    wall = quad([(-2, -2, 1), (edge, -2, 1), (edge, 2, 1), (-2, 2, 1)])
    rgb = renderer.render(inputs_of(*wall)).rgb[20, 32, 0]
    expected = 255 * linear_to_srgb(0.25 + 0.75 * srgb_to_linear(BACKGROUND / 255))
    assert int(rgb) == pytest.approx(float(expected), abs=2)


def test_texture_is_perspective_correct(renderer: RasterRenderer) -> None:
    # A floor from z = 1 to z = 5: u runs with depth, so its place on the screen is far from linear.
    floor = quad([(-1, 0.4, 5), (1, 0.4, 5), (1, 0.4, 1.0), (-1, 0.4, 1.0)])
    ramp = np.repeat(np.linspace(0, 255, 256).astype(np.uint8)[:, None], 256, axis=1)[..., None].repeat(
        3, axis=2
    )
    inputs = inputs_of(
        *floor, texture=ramp, uv=np.array([[0, 1], [1, 1], [1, 0], [0, 0]], np.float32),
        uv_faces=np.array([[0, 2, 1], [0, 3, 2]], np.int32),
    )  # fmt: skip
    output = renderer.render(inputs)
    rows = np.arange(31, 47)
    z = 0.4 * 60 / (rows + 0.5 - 24)
    expected = 255 * (1 - (z - 1) / 4)  # row 0 of the texture is v = 1, the far end, black
    np.testing.assert_allclose(output.depth[rows, 32], z, rtol=1e-4)
    inside = (z > 1.05) & (z < 4.5)
    assert np.abs(output.rgb[rows, 32, 0].astype(float) - expected)[inside].max() < 6


def test_a_body_out_of_the_frame_leaves_the_background(renderer: RasterRenderer) -> None:
    output = renderer.render(inputs_of(*sphere((9.0, 0, 1.0), 0.2, 2)))
    assert (output.rgb == BACKGROUND).all()
    assert np.isinf(output.depth).all()


def test_vertices_that_are_not_finite_do_no_harm(renderer: RasterRenderer, ball: RenderInputs) -> None:
    vertices = ball.vertices.copy()
    vertices[::50] = np.nan
    rgb = renderer.render(dataclasses.replace(ball, vertices=vertices)).rgb
    assert (rgb != BACKGROUND).any()
    nothing = renderer.render(dataclasses.replace(ball, vertices=np.full_like(vertices, np.nan)))
    assert (nothing.rgb == BACKGROUND).all()


def test_a_camera_inside_the_body_does_no_harm(renderer: RasterRenderer, ball: RenderInputs) -> None:
    output = renderer.render(dataclasses.replace(ball, vertices=ball.vertices - np.float32([0, 0, 1.0])))
    assert output.rgb.shape == (48, 64, 3)


def test_same_bytes_on_every_call_and_thread(renderer: RasterRenderer, ball: RenderInputs) -> None:
    first = renderer.render(ball)
    renderer.render(inputs_of(*sphere((0.2, 0.1, 0.8), 0.15, 3)))  # leaves other values in the buffers
    with ThreadPoolExecutor(4) as pool:
        others = list(pool.map(lambda _: RasterRenderer().render(ball), range(8)))
    for other in [renderer.render(ball), *others]:
        assert other.rgb.tobytes() == first.rgb.tobytes()
        assert other.depth.tobytes() == first.depth.tobytes()


def test_inputs_are_left_as_they_are(renderer: RasterRenderer, ball: RenderInputs) -> None:
    before = ball.background.copy(), ball.vertices.copy()
    renderer.render(ball)
    np.testing.assert_array_equal(ball.background, before[0])
    np.testing.assert_array_equal(ball.vertices, before[1])


def test_a_background_of_another_size_is_refused(renderer: RasterRenderer, ball: RenderInputs) -> None:
    with pytest.raises(ValueError, match=r"background has shape \(10, 10, 3\), expected \(48, 64, 3\)"):
        renderer.render(dataclasses.replace(ball, background=np.zeros((10, 10, 3), np.uint8)))


@pytest.mark.parametrize("seed", range(40))
def test_strange_cameras_planes_and_lights_do_no_harm(renderer: RasterRenderer, seed: int) -> None:
    rng = np.random.default_rng(seed)
    w, h = rng.integers(1, 90, 2)
    normal, key = rng.normal(size=(2, 3))
    offset = rng.choice([0.0, rng.normal(), 1e-9, 1e6])
    output = renderer.render(
        inputs_of(
            *sphere(tuple(rng.normal(0, [0.5, 0.5, 1.0])), rng.uniform(0.01, 1.0), 2),
            support_plane=(*(normal / np.linalg.norm(normal)), offset),
            key_direction=(key / np.linalg.norm(key)).astype(np.float32),
            key_color=np.full(3, rng.choice([0.0, 1.0, 50.0]), np.float32),
            sh=rng.normal(0, rng.choice([0.1, 5.0]), (9, 3)).astype(np.float32),
            shadow_softness=rng.uniform(0, 3),
            gloss=rng.integers(0, 255, (8, 8)).astype(np.uint8),
            background=rng.integers(0, 255, (h, w, 3)).astype(np.uint8),
            width=int(w), height=int(h), fx=10 ** rng.uniform(0, 4), fy=10 ** rng.uniform(0, 4),
            cx=w * rng.uniform(-1, 2), cy=h * rng.uniform(-1, 2),
        )
    )  # fmt: skip
    assert output.rgb.shape == (h, w, 3)
    assert not np.isnan(output.depth).any()


def test_the_lit_side_faces_the_key_light(renderer: RasterRenderer) -> None:
    key = np.array([0.8, 0.0, -0.6], np.float32)
    ball = inputs_of(
        *sphere((0, 0, 1.0), 0.25),
        sh=0.2 * WHITE_SH,
        key_direction=key,
        key_color=np.full(3, 0.6, np.float32),
    )
    rgb = linear(renderer.render(ball).rgb)[24, :, 0]
    assert rgb[44] > 2.5 * rgb[19]  # the right edge against the left one
    expected = 0.2 + 0.6 * 0.6  # at the centre the normal is (0, 0, -1)
    assert rgb[32] == pytest.approx(expected, rel=0.12)


def test_gloss_adds_a_highlight_in_the_mirror_direction(renderer: RasterRenderer) -> None:
    key = np.array([0.6, 0.0, -0.8], np.float32)
    matt = inputs_of(
        *sphere((0, 0, 1.0), 0.25), sh=0.1 * WHITE_SH, key_direction=key,
        key_color=np.full(3, 0.3, np.float32),
        texture=np.full((8, 8, 3), 60, np.uint8),
    )  # fmt: skip
    glossy = dataclasses.replace(matt, gloss=np.full((8, 8), 255, np.uint8))
    extra = linear(renderer.render(glossy).rgb)[24, :, 0] - linear(renderer.render(matt).rgb)[24, :, 0]
    # Halfway between light and view: the normal leans 18 degrees, so x = 0.25 sin(18.4°), at 60 x / z px.
    assert abs(int(np.argmax(extra)) - 38) <= 2
    assert extra.max() > 0.1


def test_a_plate_throws_the_key_lights_shadow_on_another(renderer: RasterRenderer) -> None:
    wall = quad([(-2, -2, 1.5), (2, -2, 1.5), (2, 2, 1.5), (-2, 2, 1.5)])
    rows = np.linspace(-1.2, 1.2, 41)
    x, y = np.meshgrid(rows, rows)
    wall = (
        np.stack([x.ravel(), y.ravel(), np.full(x.size, 1.5)], 1),
        np.array([t for r in range(40) for c in range(40) for t in
                  ([r * 41 + c, r * 41 + c + 41, r * 41 + c + 1],
                   [r * 41 + c + 1, r * 41 + c + 41, r * 41 + c + 42])]),
    )  # fmt: skip
    plate = quad([(-0.1, -0.1, 1.2), (0.1, -0.1, 1.2), (0.1, 0.1, 1.2), (-0.1, 0.1, 1.2)])
    key = np.array([0.5, 0.0, -1.0], np.float32) / np.sqrt(1.25)
    inputs = inputs_of(
        *two_meshes(wall, plate), sh=0.1 * WHITE_SH, key_direction=key.astype(np.float32),
        key_color=np.full(3, 0.5, np.float32), shadow_softness=0.02,
    )  # fmt: skip
    row = linear(renderer.render(inputs).rgb)[24, :, 0]
    # The shadow's centre: 0.3 m farther along the light, so x = -0.15 at z = 1.5, column 32 - 6 = 26.
    assert row[25] < 0.5 * row[45]
    assert row[12] == pytest.approx(row[45], rel=0.1)


def test_room_for_points_grows_with_the_body(renderer: RasterRenderer) -> None:
    wall = quad([(-2, -2, 1), (2, -2, 1), (2, 2, 1), (-2, 2, 1)])  # covers every pixel
    small = inputs_of(*sphere((0, 0, 1.0), 0.05, 2))
    renderer.render(small)
    assert (renderer.render(inputs_of(*wall)).rgb == 255).all()


def test_stage_times_are_recorded(renderer: RasterRenderer, ball: RenderInputs) -> None:
    renderer.render(ball)
    assert {
        "visibility",
        "edges",
        "points",
        "texture",
        "ground",
        "ambient",
        "key shadow",
        "shading",
        "blending",
    } == set(renderer.stopwatch.seconds)
    assert all(seconds > 0 for seconds in renderer.stopwatch.seconds.values())
