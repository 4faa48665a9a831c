"""The client's side of Cycles; a small program stands in for Blender."""

import json
import shutil
import sys

import numpy as np
import pytest

from syrip_gen.rendering import cycles_backend
from syrip_gen.rendering.cycles_backend import CyclesRenderer
from syrip_gen.rendering.types import RendererLostError
from tests.rendering.fake_program import write_blender
from tests.rendering.simple_scenes import inputs_of, sphere


@pytest.fixture
def renderer(tmp_path, monkeypatch):
    monkeypatch.setenv("FAKE_BLENDER", json.dumps({"state": str(tmp_path)}))
    renderer = CyclesRenderer(blender=str(write_blender(tmp_path / "blender")), samples=3)
    yield renderer
    renderer.close()


@pytest.fixture
def ball():
    return inputs_of(*sphere((0.0, 0.0, 1.0), 0.2))


def test_what_blender_returns_is_laid_over_the_background(renderer, ball):
    picture = renderer.render(ball)
    assert picture.rgb[24, 32].tolist() == [255, 0, 0]
    assert picture.rgb[0, 0].tolist() == [90, 90, 90]
    assert (ball.background == 90).all(), "the input is left alone"
    assert np.isfinite(picture.depth).sum() > 300
    assert renderer.last_answer["memory_mb"] == 1.0


def test_depth_only_when_asked_for(renderer, ball):
    assert renderer.render(ball, with_depth=False).depth is None


def test_a_body_out_of_the_picture_needs_no_blender(renderer, ball):
    away = inputs_of(*sphere((0.0, 0.0, -3.0), 0.2))
    np.testing.assert_array_equal(renderer.render(away).rgb, away.background)
    assert renderer.process.pid is None


def test_a_background_of_another_size_is_named(renderer, ball):
    with pytest.raises(ValueError, match=r"background has shape \(2, 2, 3\), expected \(48, 64, 3\)"):
        renderer.render(inputs_of(ball.vertices, ball.faces, background=np.zeros((2, 2, 3), np.uint8)))


def test_no_room_for_scenes_is_not_the_item_s_fault(renderer, ball):
    shutil.rmtree(renderer._folder)
    with pytest.raises(RendererLostError, match="scenes for Blender cannot be written to"):
        renderer.render(ball)


def test_patience_grows_with_the_work(renderer, ball, monkeypatch):
    waited = []
    monkeypatch.setattr(renderer.process, "request", lambda _m, timeout: waited.append(timeout) or sys.exit())
    for renderer.samples in (10, 1000):
        with pytest.raises(SystemExit):
            renderer.render(ball)
    assert cycles_backend.PATIENCE_S < waited[0] < waited[1]
