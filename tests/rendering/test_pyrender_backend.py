"""These tests need the extra ``pyrender`` and EGL (Debian: libegl1 and libgl1-mesa-dri)."""

import dataclasses
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from syrip_gen.rendering.pyrender_backend import PyrenderRenderer
from syrip_gen.rendering.raster import RasterRenderer
from syrip_gen.rendering.types import RenderInputs
from tests.rendering.simple_scenes import WHITE_SH, inputs_of, quad, sphere

pytestmark = pytest.mark.pyrender


@pytest.fixture(scope="module")
def renderer() -> Iterator[PyrenderRenderer]:
    try:
        renderer = PyrenderRenderer()
        renderer.gl_depth(inputs_of(*sphere((0, 0, 1.0), 0.2, 2)))
    except ImportError as error:
        pytest.skip(str(error))
    except Exception as error:  # the driver's own errors have no common base
        pytest.skip(
            f"no off-screen OpenGL ({type(error).__name__}: {error}); apt install libegl1 libgl1-mesa-dri"
        )
    yield renderer
    renderer.close()


@pytest.fixture
def ball() -> RenderInputs:
    vertices, faces = sphere((0.03, 0.01, 1.0), 0.25)
    uv = np.stack([0.5 + 2 * (vertices[:, 0] - 0.03), 0.5 - 2 * (vertices[:, 1] - 0.01)], axis=1).astype(
        np.float32
    )
    texture = np.zeros((16, 16, 3), np.uint8)
    texture[:8, :, 0], texture[8:, :, 1], texture[:, :8, 2] = 220, 200, 180  # four quarters, all different
    return inputs_of(
        vertices, faces, uv=uv, uv_faces=faces, texture=texture, support_plane=(0.0, -1.0, 0.0, 0.27),
        sh=0.5 * WHITE_SH, key_direction=np.array([0.6, -0.64, -0.48], np.float32),
        key_color=np.full(3, 0.4, np.float32), width=160, height=120, fx=150.0, fy=150.0, cx=83.0, cy=58.0,
        background=np.full((120, 160, 3), 90, np.uint8),
    )  # fmt: skip


def test_opengl_sees_the_same_surface(renderer: PyrenderRenderer, ball: RenderInputs) -> None:
    wall = quad([(-0.3, -0.2, 1.2), (0.4, -0.2, 1.0), (0.4, 0.25, 1.1), (-0.3, 0.25, 1.3)])
    for inputs in (ball, dataclasses.replace(ball, vertices=np.float32(wall[0]), normals=np.float32(wall[0]),
                                             faces=wall[1], uv_faces=wall[1])):  # fmt: skip
        found, expected = renderer.gl_depth(inputs), RasterRenderer().render(inputs).depth
        assert (np.isfinite(found) == np.isfinite(expected)).mean() > 0.985
        both = np.isfinite(found) & np.isfinite(expected)
        steep = np.hypot(*np.gradient(np.where(both, expected, 0.0)))
        gentle = both & (steep < 0.004)  # OpenGL's sample lies up to half a pixel from the centre
        assert gentle.sum() > 2000
        difference = np.abs(found[gentle] - expected[gentle])
        assert difference.max() < 0.002
        assert np.median(difference) < 0.001


def test_the_depth_handed_out_is_the_raster_renderers(renderer: PyrenderRenderer, ball: RenderInputs) -> None:
    np.testing.assert_array_equal(renderer.render(ball).depth, RasterRenderer().render(ball).depth)


def test_the_picture_is_that_of_the_raster_renderer(renderer: PyrenderRenderer, ball: RenderInputs) -> None:
    found, expected = renderer.render(ball).rgb.astype(int), RasterRenderer().render(ball).rgb.astype(int)
    difference = np.abs(found - expected)
    assert np.median(difference[np.isfinite(RasterRenderer().render(ball).depth)]) <= 4
    assert difference.mean() < 2.5
    outside = np.isinf(renderer.gl_depth(ball))
    outside &= (
        np.roll(outside, 2, 0) & np.roll(outside, -2, 0) & np.roll(outside, 2, 1) & np.roll(outside, -2, 1)
    )
    np.testing.assert_array_equal(found[outside], expected[outside])  # the same shadow on the ground
    assert (found[outside] < 80).any()


def test_a_body_out_of_the_frame_leaves_the_background(
    renderer: PyrenderRenderer, ball: RenderInputs
) -> None:
    output = renderer.render(dataclasses.replace(ball, vertices=ball.vertices + np.float32([20, 0, 0])))
    assert (output.rgb == 90).all()
    assert np.isinf(output.depth).all()


def test_a_missing_package_is_named_with_its_extra() -> None:
    code = (
        "import sys; sys.modules['pyrender'] = None\n"
        "from syrip_gen.rendering.pyrender_backend import PyrenderRenderer\n"
        "try:\n    PyrenderRenderer()\nexcept ImportError as error:\n    print(error)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'syrip[pyrender]'" in result.stdout
