"""Scenes of ``syrip generate`` in a real Blender: the same geometry, pictures that depend on nothing else."""

import dataclasses

import numpy as np
import pytest

from syrip_gen.body import load_body
from syrip_gen.fitting.bank import FitBank
from syrip_gen.rendering.cycles_backend import CyclesRenderer
from syrip_gen.rendering.depth_buffer import DepthBuffer
from syrip_gen.rendering.influence import influence_region
from syrip_gen.rendering.raster import RasterRenderer
from syrip_gen.rendering.resolve import resolve_scene
from syrip_gen.sampling.options import SamplingOptions
from syrip_gen.stages.planners import FitPlanner
from syrip_gen.stages.sample import load_resources

pytestmark = pytest.mark.blender
NUM_SCENES = 4


@pytest.fixture(scope="module")
def scenes(few_fits):
    resources = load_resources(load_body("infant"), SamplingOptions(width=160, height=120))
    planner = FitPlanner(resources.plan_context(FitBank.load(few_fits)), seed=3)
    return [resolve_scene(planner.scene(index, 0), resources) for index in range(NUM_SCENES)]


@pytest.fixture(scope="module")
def renderer(blender):
    renderer = CyclesRenderer(samples=4, blender=str(blender.path), device="cpu")
    yield renderer
    renderer.close()


@pytest.fixture(scope="module")
def pictures(renderer, scenes):
    return [renderer.render(scene.inputs) for scene in scenes]


def test_versions_name_blender_and_the_device(renderer, blender):
    assert renderer.versions() == {"blender": blender.version_text, "cycles_device": "CPU"}


def test_keypoints_are_where_blender_sees_them(renderer, scenes):
    for scene in scenes:
        i, points = scene.inputs, scene.keypoints_3d
        labels = points[:, :2] / points[:, 2:] * (i.fx, i.fy) + (i.cx, i.cy)
        np.testing.assert_allclose(renderer.project(i, points), labels, atol=0.01)  # px; 0.5 would do


def test_an_off_centre_camera_with_oblong_pixels_is_the_same_one(renderer, scenes):
    i = dataclasses.replace(scenes[0].inputs, cx=20.0, cy=105.0, fx=200.0, fy=170.0)
    points = np.array([[0.1, -0.2, 1.0], [-0.3, 0.1, 2.0], [0.0, 0.0, 0.5]])
    expected = points[:, :2] / points[:, 2:] * (i.fx, i.fy) + (i.cx, i.cy)
    np.testing.assert_allclose(renderer.project(i, points), expected, atol=0.01)


def test_blender_has_the_depth_of_the_labels(renderer, scenes):
    for scene in scenes:
        found, expected = renderer.blender_depth(scene.inputs), DepthBuffer().draw(scene.inputs).depth()
        body, seen = np.isfinite(expected), np.isfinite(found)
        assert (body == seen).mean() > 0.999
        both = body & seen
        assert (np.abs(found[both] - expected[both]) < 0.002).mean() > 0.99


def test_depth_that_is_handed_out_is_that_of_every_renderer(scenes, pictures):
    for scene, picture in zip(scenes, pictures, strict=True):
        np.testing.assert_array_equal(picture.depth, RasterRenderer().render(scene.inputs).depth)


def test_pictures_show_the_body_and_leave_the_rest_alone(scenes, pictures):
    for scene, picture in zip(scenes, pictures, strict=True):
        background, body = scene.inputs.background, np.isfinite(picture.depth)
        x0, y0, x1, y1 = influence_region(scene.inputs)
        outside = np.ones(body.shape, bool)
        outside[y0:y1, x0:x1] = False
        assert (picture.rgb[outside] == background[outside]).all()
        assert (picture.rgb[body] != background[body]).any(axis=-1).mean() > 0.95


def test_body_is_as_bright_as_in_the_raster_picture(scenes, pictures):
    ratios = []
    for scene, picture in zip(scenes, pictures, strict=True):
        raster, body = RasterRenderer().render(scene.inputs).rgb, np.isfinite(picture.depth)
        ratios.append(picture.rgb[body].mean() / raster[body].mean())
    assert 0.7 < np.median(ratios) < 1.4, ratios


def test_a_picture_does_not_depend_on_those_before_it_or_on_threads(blender, scenes, pictures):
    fresh = CyclesRenderer(samples=4, blender=str(blender.path), device="cpu", threads=1)
    try:
        again = fresh.render(scenes[-1].inputs).rgb
    finally:
        fresh.close()
    np.testing.assert_array_equal(again, pictures[-1].rgb)
