"""Lamps in renderers that know distant light only."""

import dataclasses

import numpy as np
import pytest

from syrip_gen.rendering.lamps import area_lamps, fold_lamps
from syrip_gen.rendering.raster import RasterRenderer
from syrip_gen.rendering.types import AreaLamp
from syrip_gen.sampling.scene import LampSpec
from syrip_gen.sampling.spherical_harmonics import directional_sh
from tests.rendering.simple_scenes import inputs_of, sphere

LEFT = np.array([-1.0, 0.0, 0.0], np.float32)
RED = np.array([0.4, 0.0, 0.0], np.float32)


def scene(**changes):
    dim = np.zeros((9, 3), np.float32)
    dim[0] = 0.2
    return inputs_of(*sphere((0, 0, 1), 0.3), sh=dim, **changes)


def test_inputs_without_lamps_are_left_alone():
    inputs = scene()
    assert fold_lamps(inputs) is inputs


def test_lamps_move_into_the_harmonics():
    inputs = scene(lamps=(AreaLamp(LEFT, 2.0, 0.1, RED),))
    folded = fold_lamps(inputs)
    assert folded.lamps == ()
    assert folded.sh == pytest.approx(inputs.sh + directional_sh(LEFT, RED), abs=1e-6)


def test_raster_shows_the_side_that_a_lamp_lights():
    dark = RasterRenderer().render(scene()).rgb.astype(int)
    lit = RasterRenderer().render(scene(lamps=(AreaLamp(LEFT, 2.0, 0.1, RED),))).rgb.astype(int)
    gain = lit - dark
    left, right = gain[20:28, 18:24], gain[20:28, 40:46]
    assert left[..., 0].mean() > 40
    assert left[..., 0].mean() > 3 * abs(right[..., 0]).mean()
    assert left[..., 0].mean() > 5 * abs(left[..., 1]).mean()


def test_raster_draws_the_same_with_and_without_what_it_ignores():
    inputs = scene()
    moving = dataclasses.replace(
        inputs,
        vertices_open=inputs.vertices - np.float32(0.1),
        vertices_close=inputs.vertices + np.float32(0.1),
        focus_distance_m=0.5,
        fstop=2.0,
    )
    assert (RasterRenderer().render(moving).rgb == RasterRenderer().render(inputs).rgb).all()


def test_lamps_are_turned_into_the_camera_frame_and_dimmed_with_the_scene():
    T = np.eye(4)
    T[:3, :3] = [[0, 1, 0], [0, 0, -1], [-1, 0, 0]]
    T[:3, 3] = 1, 2, 3
    lamp = LampSpec((1.0, 0.0, 0.0), 2.5, 0.2, (0.4, 0.3, 0.2))
    (area,) = area_lamps((lamp,), T, np.array([0.5, 1.0, 2.0]))
    assert area.direction == pytest.approx([0, 0, -1])
    assert (area.distance_m, area.radius_m) == (2.5, 0.2)
    assert area.color == pytest.approx([0.2, 0.3, 0.4])
