"""render_scene.py on a real Blender: camera, depth, light, shadows, repeatability, errors."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from syrip_gen.rendering.blender_process import BlenderProcess, BlenderRequestError
from syrip_gen.rendering.lighting import irradiance
from tests.blender.scene_builder import (
    HEIGHT,
    SPHERE_MIDDLE,
    SPHERE_RADIUS,
    UNIFORM,
    WIDTH,
    sphere_depth,
    write_scene,
)

pytestmark = pytest.mark.blender


@pytest.fixture(scope="module")
def process(blender, tmp_path_factory: pytest.TempPathFactory):
    """Return one Blender for all tests of this file."""
    log = tmp_path_factory.mktemp("blender") / "blender.log"
    process = BlenderProcess("render_scene.py", blender, log_file=log, timeout_s=120)
    yield process
    process.close()


def render(process: BlenderProcess, path: Path) -> dict[str, np.ndarray]:
    """Render a scene file and return its arrays."""
    with np.load(process.request({"do": "render", "scene": str(path)})["result"]) as file:
        return {name: file[name] for name in file.files}


def test_hello_names_version_engine_and_devices(process: BlenderProcess) -> None:
    hello = process.request({"do": "hello"})
    assert hello["engine"] == ["CYCLES"]
    assert hello["devices"][-1] == "CPU"
    assert hello["protocol"] == 1
    assert hello["blender"].count(".") == 2


@pytest.mark.parametrize("seed", range(4))
def test_blender_projects_like_the_pinhole(process: BlenderProcess, tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    w, h = (int(v) for v in rng.integers(40, 1500, 2))
    fx, fy, cx, cy = *(w * rng.uniform(0.6, 3.0, 2)), w * rng.uniform(-0.2, 1.2), h * rng.uniform(-0.2, 1.2)
    path = write_scene(tmp_path, width=w, height=h, fx=fx, fy=fy, cx=cx, cy=cy, region=None)
    points = rng.uniform([-1, -1, 0.5], [1, 1, 4], (30, 3))
    answer = process.request({"do": "project", "scene": str(path), "points": points.tolist()})
    x, y, z = points.T
    expected = np.stack([fx * x / z + cx, fy * y / z + cy], axis=1)
    np.testing.assert_allclose(answer["points"], expected, atol=0.05)
    np.testing.assert_allclose(answer["depth_m"], z, atol=1e-4)


def test_depth_is_that_of_the_sphere_at_pixel_centres(process: BlenderProcess, tmp_path: Path) -> None:
    path = write_scene(tmp_path, samples=1, with_depth=True, fx=95.0, fy=80.0, cx=20.3, cy=30.6)
    arrays = render(process, path)
    expected = sphere_depth(json.loads(path.read_text()))
    inside = np.isfinite(expected)
    assert (arrays["mask"].astype(bool) != inside).mean() < 0.01  # the mesh has corners
    both = inside & arrays["mask"].astype(bool)
    assert (np.abs(arrays["depth"][both] - expected[both]) < 0.002).mean() > 0.99
    assert np.isinf(arrays["depth"][arrays["mask"] == 0]).all()


def test_white_world_shows_the_albedo(process: BlenderProcess, tmp_path: Path) -> None:
    rgba = render(process, write_scene(tmp_path, samples=16))["rgba"]
    albedo = ((188 / 255 + 0.055) / 1.055) ** 2.4
    x0, y0 = (80 * SPHERE_MIDDLE[:2] / SPHERE_MIDDLE[2] + [32, 24]).astype(int)
    patch = rgba[y0 - 5 : y0 + 5, x0 - 5 : x0 + 5]
    np.testing.assert_allclose(patch[..., 3], 1.0, atol=1e-3)
    np.testing.assert_allclose(patch[..., :3].mean(axis=(0, 1)), albedo, rtol=0.06)


def test_harmonics_light_the_sphere_like_the_raster_renderer(process: BlenderProcess, tmp_path: Path) -> None:
    sh = np.zeros((9, 3))
    sh[0], sh[1], sh[2], sh[3], sh[6] = (0.9, 0.6, 0.3), (-0.2, -0.15, -0.1), -0.05, 0.04, 0.03
    rgba = render(process, write_scene(tmp_path, samples=24, environment={"sh": sh.tolist()}))["rgba"]
    scene = json.loads((tmp_path / "scene.json").read_text())
    depth = sphere_depth(scene)
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    seen = np.isfinite(depth) & (rgba[..., 3] > 0.99)
    points = np.stack([(x - 32) / 80, (y - 24) / 80, np.ones_like(x)], -1)[seen] * depth[seen][:, None]
    normals = (points - SPHERE_MIDDLE) / SPHERE_RADIUS
    facing = (
        -(normals * points).sum(1) / np.linalg.norm(points, axis=1) > 0.4
    )  # sheen shows at grazing angles
    albedo = ((188 / 255 + 0.055) / 1.055) ** 2.4
    expected = albedo * np.maximum(irradiance(sh, normals), 0.0)
    got = rgba[seen][:, :3]
    np.testing.assert_allclose(got[facing].mean(0), expected[facing].mean(0), rtol=0.06)
    for k in (0, 2):  # the light's direction, too
        assert np.corrcoef(got[facing][:, k], expected[facing][:, k])[0, 1] > 0.9


@pytest.mark.parametrize("distance, radius", [(1.5, 0.05), (0.8, 0.3)])
def test_lamp_gives_its_irradiance(
    process: BlenderProcess, tmp_path: Path, distance: float, radius: float
) -> None:
    color = [0.9, 0.6, 0.3]
    lamp = {"direction": [0, 0, -1], "distance_m": distance, "radius_m": radius, "color": color}
    dark = {"sh": np.zeros((9, 3)).tolist()}
    rgba = render(process, write_scene(tmp_path, samples=32, environment=dark, lamps=[lamp]))["rgba"]
    x0, y0 = (80 * SPHERE_MIDDLE[:2] + [32, 24]).astype(int)
    got = rgba[y0 - 2 : y0 + 2, x0 - 2 : x0 + 2, :3].mean(axis=(0, 1))
    nearer = distance - SPHERE_RADIUS  # the sphere's front, not its middle, is what the camera sees
    rise = (distance**2 + radius**2) / (nearer**2 + radius**2)
    albedo = ((188 / 255 + 0.055) / 1.055) ** 2.4
    np.testing.assert_allclose(got, albedo * rise * np.array(color), rtol=0.08)


def test_panorama_is_mirrored_the_right_way_round_and_lights_nothing(
    process: BlenderProcess, tmp_path: Path
) -> None:
    half = np.zeros((32, 64, 3), np.uint8)
    half[:, 16:48] = 255  # x, the middle, is bright
    cv2.imwrite(str(tmp_path / "panorama.png"), half)
    environment = {"sh": UNIFORM.tolist(), "panorama": str(tmp_path / "panorama.png")}
    centres = {}
    for sign in (-1, 1):  # the camera's back to the panorama's x, or its view
        turn = {"rotation": [[0, 0, sign], [sign, 0, 0], [0, 1, 0]]}
        path = write_scene(
            tmp_path / f"eye{sign}", samples=16, shine=255, gray=0, environment=environment | turn
        )
        centres[sign] = render(process, path)["rgba"][21:25, 31:36, 0].mean()
    assert centres[-1] > 0.03
    assert centres[-1] > 5 * centres[1]
    plain = render(process, write_scene(tmp_path / "a", samples=16))["rgba"]
    mirrored = render(process, write_scene(tmp_path / "b", samples=16, environment=environment))["rgba"]
    np.testing.assert_allclose(mirrored[21:25, 31:36].mean(), plain[21:25, 31:36].mean(), rtol=0.04)


def test_ground_takes_a_shadow_and_is_clear_elsewhere(process: BlenderProcess, tmp_path: Path) -> None:
    lamp = {"direction": [0.6, 0.0, -0.8], "distance_m": 2.0, "radius_m": 0.1, "color": [0.7, 0.7, 0.7]}
    plane = [0.0, 0.0, -1.0, SPHERE_MIDDLE[2] + SPHERE_RADIUS]  # behind the sphere, seen from the front
    path = write_scene(tmp_path, samples=16, lamps=[lamp], support_plane=plane, denoise=True)
    rgba = render(process, path)["rgba"]
    assert rgba[24, 12, 3] > 0.15  # away from the lamp
    assert rgba[24, 60, 3] < 0.08
    assert rgba[24, 32, 3] > 0.99
    assert np.isfinite(rgba).all()


def test_ground_out_of_reach_stays_clear_in_colored_light(process: BlenderProcess, tmp_path: Path) -> None:
    sh = np.zeros((9, 3))
    sh[0], sh[2] = (0.9, 0.5, 0.2), (-0.3, -0.1, 0.05)
    lamp = {"direction": [0.6, 0.0, -0.8], "distance_m": 2.0, "radius_m": 0.4, "color": [0.1, 0.2, 0.4]}
    path = write_scene(
        tmp_path,
        samples=32,
        environment={"sh": sh.tolist()},
        lamps=[lamp],
        support_plane=[0.0, 0.0, -1.0, 4.0],
        ground_color=[0.1, 0.3, 0.2],
    )
    rgba = render(process, path)["rgba"]
    corners = rgba[[4, 4, -5, -5], [4, -5, 4, -5]]
    assert np.abs(rgba[:6, :, :].mean(axis=(0, 1))).max() < 0.03
    assert corners[:, :3].max() < 0.05


def test_region_is_a_crop_of_the_whole(process: BlenderProcess, tmp_path: Path) -> None:
    whole = render(process, write_scene(tmp_path / "a", with_depth=True))
    x0, y0, x1, y1 = 17, 11, 50, 40
    part = render(process, write_scene(tmp_path / "b", with_depth=True, region=[x0, y0, x1, y1]))
    np.testing.assert_array_equal(part["mask"], whole["mask"][y0:y1, x0:x1])
    both = part["mask"].astype(bool)
    np.testing.assert_allclose(part["depth"][both], whole["depth"][y0:y1, x0:x1][both], atol=1e-3)
    np.testing.assert_allclose(part["rgba"][..., 3], whole["rgba"][y0:y1, x0:x1, 3], atol=0.35)


def test_same_scene_gives_the_same_bytes_whatever_came_before(
    process: BlenderProcess, tmp_path: Path, blender
) -> None:
    plane = [0.0, -1.0, 0.0, SPHERE_MIDDLE[1] + SPHERE_RADIUS]
    path = write_scene(tmp_path / "a", denoise=True, support_plane=plane, shine=35)
    first = render(process, path)["rgba"]
    dark = {"sh": np.zeros((9, 3)).tolist()}
    render(process, write_scene(tmp_path / "b", gray=60, fx=50.0, environment=dark))
    assert render(process, path)["rgba"].tobytes() == first.tobytes()
    other = BlenderProcess("render_scene.py", blender, log_file=tmp_path / "log", timeout_s=120)
    try:
        assert render(other, path)["rgba"].tobytes() == first.tobytes()
    finally:
        other.close()


def test_changed_texture_of_the_same_name_is_seen(process: BlenderProcess, tmp_path: Path) -> None:
    bright = render(process, write_scene(tmp_path, gray=220))["rgba"]
    dark = render(process, write_scene(tmp_path, gray=60))["rgba"]
    assert bright[24, 33, 0] > 3 * dark[24, 33, 0]


def test_motion_and_defocus_blur_the_picture_but_not_the_depth(
    process: BlenderProcess, tmp_path: Path
) -> None:
    sharp = render(process, write_scene(tmp_path / "a", with_depth=True, samples=16))
    settings = {
        "motion": {"motion_blur": {"shutter": 1.0}, "move": np.array([0.15, 0, 0], np.float32)},
        "focus": {"depth_of_field": {"distance_m": 0.3, "fstop": 0.2}},
    }
    for name, changes in settings.items():
        blurred = render(process, write_scene(tmp_path / name, with_depth=True, samples=16, **changes))
        np.testing.assert_array_equal(blurred["mask"], sharp["mask"])
        soft = (np.abs(blurred["rgba"][24, :, 3] - 0.5) < 0.4).sum()
        assert soft > (np.abs(sharp["rgba"][24, :, 3] - 0.5) < 0.4).sum() + 3, name


@pytest.mark.parametrize(
    "changes, text",
    [
        ({"version": 9}, "version is 9, expected 1"),
        ({"texture": "/nowhere.png"}, "/nowhere.png does not exist"),
        ({"region": [0, 0, 900, 9]}, "region is [0, 0, 900, 9], expected"),
        ({"support_plane": [0, 0, 3, 1]}, "length 3, expected 1"),
        ({"samples": 0}, "samples is 0, expected"),
        ({"environment": {"sh": [[1, 2, 3]]}}, "environment.sh has shape (1, 3), expected (9, 3)"),
        ({"fx": None}, "fx is None, expected"),
        ({"device": "tpu"}, "device is 'tpu'"),
    ],
)
def test_bad_scene_is_refused_in_one_line(
    process: BlenderProcess, tmp_path: Path, changes: dict, text: str
) -> None:
    path = write_scene(tmp_path, **changes)
    with pytest.raises(BlenderRequestError) as error:
        process.request({"do": "render", "scene": str(path)})
    assert text in str(error.value)
    assert "\n" not in str(error.value)


def test_bad_files_are_refused_and_blender_lives_on(process: BlenderProcess, tmp_path: Path) -> None:
    path = write_scene(tmp_path)
    pid = process.pid
    (tmp_path / "texture.png").write_bytes(b"no picture")
    with pytest.raises(BlenderRequestError, match="cannot be read as a picture"):
        process.request({"do": "render", "scene": str(path)})
    (tmp_path / "mesh.npz").write_bytes(b"no mesh")
    with pytest.raises(BlenderRequestError, match="is not a mesh file"):
        process.request({"do": "render", "scene": str(path)})
    with pytest.raises(BlenderRequestError, match="expected one of hello, render, project, quit"):
        process.request({"do": "dance"})
    assert process.pid == pid


def test_blender_without_cycles_says_so(process: BlenderProcess, blender, tmp_path: Path) -> None:
    script = tmp_path / "render_scene.py"
    folder = process.script.parent
    script.write_text(
        f"import sys; sys.path.insert(0, {str(folder)!r})\n"
        "import server; answers = server.take_stdout()\n"
        "import engine; engine.has_cycles = lambda: False\n"
        "from render_scene import RenderServer\n"
        "s = RenderServer(); server.serve({'hello': s.hello, 'render': s.render}, answers)\n"
    )
    other = BlenderProcess(script, blender, log_file=tmp_path / "log", timeout_s=60)
    try:
        with pytest.raises((BlenderRequestError, ValueError), match="Cycles"):
            other.request({"do": "render", "scene": str(write_scene(tmp_path / "a"))})
    finally:
        other.close()
