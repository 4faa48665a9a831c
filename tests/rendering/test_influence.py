"""Which pixels the body and its shadow change."""

import dataclasses

import numpy as np
import pytest

from syrip_gen.rendering.influence import influence_region
from syrip_gen.rendering.lamps import AreaLamp
from syrip_gen.rendering.raster import RasterRenderer
from tests.rendering.simple_scenes import inputs_of, sphere

PLANE = (0.0, -0.8, -0.6, 0.75)
"""A floor below the camera that looks down on it."""


def ball(**changes):
    size = {"width": 320, "height": 240, "fx": 300.0, "fy": 300.0, "cx": 160.0, "cy": 120.0}
    grey = np.full((240, 320, 3), 120, np.uint8)
    return inputs_of(*sphere((0.0, 0.0, 1.1), 0.06), **{**size, "background": grey, **changes})


def test_without_a_support_it_is_the_body_and_a_few_pixels():
    inputs = ball()
    x0, y0, x1, y1 = influence_region(inputs)
    rows, columns = np.nonzero((RasterRenderer().render(inputs).rgb != 120).any(axis=-1))
    assert 0 <= columns.min() - x0 <= 6
    assert 0 <= x1 - 1 - columns.max() <= 6
    assert 0 <= rows.min() - y0 <= 6
    assert 0 <= y1 - 1 - rows.max() <= 6


@pytest.mark.parametrize("sideways", [-0.9, 0.9])
def test_the_shadow_of_the_key_light_is_inside(sideways):
    direction = np.array([sideways, -0.8, -0.6])
    direction /= np.linalg.norm(direction)
    inputs = ball(support_plane=PLANE, key_direction=direction, key_color=np.full(3, 1.0, np.float32),
                  sh=np.zeros((9, 3), np.float32))  # fmt: skip
    x0, y0, x1, y1 = influence_region(inputs)
    changed = np.abs(RasterRenderer().render(inputs).rgb.astype(int) - 120).max(axis=-1) > 8
    outside = changed.copy()
    outside[y0:y1, x0:x1] = False
    assert changed.sum() > 1500
    assert not outside.any()
    assert (x1 - x0) * (y1 - y0) < 0.7 * 320 * 240


def test_lamps_cast_shadows_too():
    low = np.array([0.0, -0.55, 0.6])
    low /= np.linalg.norm(low)
    lamp = AreaLamp(low, 2.0, 0.1, np.ones(3, np.float32))
    without = influence_region(ball(support_plane=PLANE))
    with_lamp = influence_region(ball(support_plane=PLANE, lamps=(lamp,)))
    assert with_lamp[3] > without[3] or with_lamp[1] < without[1]
    dark = dataclasses.replace(lamp, color=np.zeros(3, np.float32))
    assert influence_region(ball(support_plane=PLANE, lamps=(dark,))) == without


def test_motion_and_blur_widen_it():
    inputs = ball()
    moved = inputs.vertices + np.array([0.2, 0, 0], np.float32)
    swept = dataclasses.replace(inputs, vertices_open=inputs.vertices, vertices_close=moved)
    assert influence_region(swept)[2] > influence_region(inputs)[2] + 40
    blurred = influence_region(dataclasses.replace(inputs, fstop=0.7, focus_distance_m=0.5))
    assert blurred[0] < influence_region(inputs)[0] - 5


def test_a_body_out_of_the_picture_needs_no_pixel():
    assert influence_region(ball(cx=5000.0)) is None
    assert influence_region(inputs_of(*sphere((0.0, 0.0, -2.0), 0.1))) is None


def test_a_body_around_the_camera_takes_the_whole_picture():
    assert influence_region(inputs_of(*sphere((0.0, 0.0, 0.0), 0.5))) == (0, 0, 64, 48)


def test_vertices_that_are_not_finite_are_left_out():
    inputs = ball()
    broken = inputs.vertices.copy()
    broken[0] = np.nan
    assert influence_region(dataclasses.replace(inputs, vertices=broken)) is not None
