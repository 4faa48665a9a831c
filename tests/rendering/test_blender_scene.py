"""Scenes as files, and what comes back laid over the background."""

import dataclasses
import json

import cv2
import numpy as np
import pytest

from syrip_gen.rendering.blender_scene import composite, ground_color, read_result, scene_seed, write_scene
from syrip_gen.rendering.lamps import AreaLamp
from tests.rendering.simple_scenes import WHITE_SH, inputs_of, sphere

REGION = (8, 4, 40, 44)


@pytest.fixture
def inputs():
    return inputs_of(*sphere((0.0, 0.0, 1.0), 0.2), key_color=np.array([0.5, 0.4, 0.3], np.float32))


def write(inputs, folder, **settings):
    return json.loads(write_scene(inputs, folder, REGION, None, **settings).read_text())


def test_scene_has_what_was_given(inputs, tmp_path):
    scene = write(inputs, tmp_path, samples=7, threads=1)
    assert (scene["width"], scene["height"], scene["fx"], scene["cy"]) == (64, 48, 60.0, 24.0)
    assert (scene["version"], scene["samples"], scene["threads"]) == (1, 7, 1)
    assert scene["region"] == list(REGION)
    assert scene["environment"]["sh"] == WHITE_SH.tolist()
    assert scene["support_plane"] is scene["gloss"] is scene["motion_blur"] is scene["depth_of_field"] is None
    with np.load(scene["mesh"], allow_pickle=False) as mesh:
        np.testing.assert_array_equal(mesh["vertices"], inputs.vertices)
        np.testing.assert_array_equal(mesh["uv_faces"], inputs.uv_faces)
        assert not {"vertices_open", "rest", "head"} & set(mesh.files)


def test_places_at_rest_and_the_head_go_along(inputs, tmp_path):
    rest, head = inputs.vertices * 2, np.linspace(0, 1, len(inputs.vertices))
    scene = write(dataclasses.replace(inputs, rest_vertices=rest, head_weights=head), tmp_path)
    with np.load(scene["mesh"], allow_pickle=False) as mesh:
        np.testing.assert_array_equal(mesh["rest"], rest)
        np.testing.assert_allclose(mesh["head"], head, atol=1e-6)


def test_texture_keeps_its_colours(inputs, tmp_path):
    texture = np.zeros((4, 4, 3), np.uint8)
    texture[0] = (250, 20, 10)
    scene = write(dataclasses.replace(inputs, texture=texture), tmp_path)
    np.testing.assert_array_equal(cv2.imread(scene["texture"])[..., ::-1], texture)


def test_lamps_are_the_key_light_and_the_others(inputs, tmp_path):
    lamp = AreaLamp(np.array([0, -1, 0], np.float32), 1.5, 0.2, np.array([0.1, 0.2, 0.3], np.float32))
    key, other = write(dataclasses.replace(inputs, lamps=(lamp,), shadow_softness=0.1), tmp_path)["lamps"]
    assert key["color"] == pytest.approx([0.5, 0.4, 0.3])
    assert key["radius_m"] / key["distance_m"] == pytest.approx(np.tan(0.1))
    assert other == {"direction": [0.0, -1.0, 0.0], "distance_m": 1.5, "radius_m": 0.2,
                     "color": pytest.approx([0.1, 0.2, 0.3])}  # fmt: skip
    assert write(dataclasses.replace(inputs, key_color=np.zeros(3, np.float32)), tmp_path)["lamps"] == []


def test_motion_and_focus_are_passed_on(inputs, tmp_path):
    first, last = inputs.vertices - 0.1, inputs.vertices + 0.1
    moving = dataclasses.replace(
        inputs, vertices_open=first, vertices_close=last, focus_distance_m=0.9, fstop=2.8
    )
    scene = write(moving, tmp_path)
    assert scene["motion_blur"] == {"shutter": 1.0}
    assert scene["depth_of_field"] == {"distance_m": 0.9, "fstop": 2.8}
    with np.load(scene["mesh"], allow_pickle=False) as mesh:
        np.testing.assert_array_equal(mesh["vertices_close"], moving.vertices_close)


def test_seed_is_the_scene_s_own(inputs):
    assert scene_seed(inputs) == scene_seed(dataclasses.replace(inputs, background=inputs.background + 1))
    assert scene_seed(inputs) != scene_seed(dataclasses.replace(inputs, vertices=inputs.vertices + 0.001))
    assert 0 <= scene_seed(inputs) < 2**31


def test_ground_color_is_that_of_what_the_body_covers():
    background = np.zeros((48, 64, 3), np.uint8)
    background[10:20, 10:20] = 255
    mask = np.zeros((48, 64), bool)
    assert ground_color(background, REGION, mask) == pytest.approx([100 / (32 * 40)] * 3)
    mask[10:20, 10:20] = True
    assert ground_color(background, REGION, mask) == pytest.approx([1.0] * 3)


def test_pictures_are_laid_over_in_linear_light():
    rgb = np.full((48, 64, 3), 188, np.uint8)  # half of white's light
    rgba = np.zeros((40, 32, 4), np.float32)
    rgba[0, 0] = (0.0, 0.0, 0.0, 0.5)  # a shadow that takes half
    rgba[0, 1] = (1.0, 0.0, 0.25, 1.0)
    rgba[0, 2] = (9.0, 0.0, 0.0, 1.0)  # brighter than white
    composite(rgb, rgba, REGION)
    assert rgb[4, 8].tolist() == [137, 137, 137]
    assert rgb[4, 9].tolist() == [255, 0, 137]
    assert rgb[4, 10].tolist() == [255, 0, 0]
    rgb[4, 8:11] = 188
    assert (rgb == 188).all(), "untouched pixels keep their bytes"


def test_results_are_checked(tmp_path):
    np.savez(tmp_path / "r.npz", rgba=np.zeros((3, 3, 4), np.float16))
    with pytest.raises(ValueError, match=r"shape \(3, 3, 4\), expected \(40, 32, 4\)"):
        read_result(tmp_path / "r.npz", REGION)
    light = np.zeros((40, 32, 4), np.float16)
    light[0, 0] = np.nan
    np.savez(tmp_path / "r.npz", rgba=light)
    assert np.isfinite(read_result(tmp_path / "r.npz", REGION)).all()
