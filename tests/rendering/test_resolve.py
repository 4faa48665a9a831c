"""SceneSpec to renderer inputs and label points."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from syrip_gen.body.assets import BodyAssets
from syrip_gen.body.load import load_body
from syrip_gen.body.posing import pose_body
from syrip_gen.rendering.normals import vertex_normals
from syrip_gen.rendering.resolve import Resources, resolve_scene
from syrip_gen.sampling.options import SamplingOptions
from syrip_gen.sampling.plan import plan_scene


@pytest.fixture(scope="module")
def bank() -> SimpleNamespace:
    pose = np.random.default_rng(0).normal(0, 0.1, (2, 23, 3))
    pose[:, [0, 1], 0] -= 1.2
    pose[:, [3, 4], 0] += 1.2
    return SimpleNamespace(
        accepted=np.ones(2, bool),
        betas=np.zeros((2, 20)),
        global_orient=np.tile([np.pi, 0.0, 0.0], (2, 1)),
        body_pose=pose,
        transl=np.tile([0.0, 0.0, 2.0], (2, 1)),
        posture=np.array(["Supine", "Sitting"]),
        pose_id=np.array(["a", "b"]),
    )


@pytest.fixture(scope="module")
def body() -> BodyAssets:
    return load_body("infant")


@pytest.fixture(scope="module")
def resources(body) -> Resources:
    return Resources.load(body, SamplingOptions(width=160, height=120))


@pytest.fixture(scope="module")
def scenes(resources, bank):
    context = resources.plan_context(bank)
    specs = [plan_scene(context, 0, index) for index in range(4)]
    return [(spec, resolve_scene(spec, resources)) for spec in specs]


def test_body_parameters_in_the_camera_frame_give_the_same_points(resources, scenes) -> None:
    body = resources.body
    for _, scene in scenes:
        b = scene.body
        posed = pose_body(
            body, np.array(b.betas), np.array(b.global_orient), np.array(b.body_pose), np.array(b.transl)
        )
        np.testing.assert_allclose(posed.joints, scene.joints_3d, atol=1e-9)
        np.testing.assert_allclose(body.keypoint_regressor @ posed.vertices, scene.keypoints_3d, atol=1e-5)


def test_clothes_lift_the_skin_a_little_and_only_outwards(resources, scenes) -> None:
    body = resources.body
    for _, scene in scenes:
        b = scene.body
        posed = pose_body(
            body, np.array(b.betas), np.array(b.global_orient), np.array(b.body_pose), np.array(b.transl)
        )
        lift = scene.inputs.vertices - posed.vertices
        assert np.linalg.norm(lift, axis=1).max() < 0.06
        assert (np.einsum("ij,ij->i", lift, vertex_normals(posed.vertices, body.faces)) > -1e-5).all()


def test_the_support_plane_is_z_zero(scenes) -> None:
    for spec, scene in scenes:
        a, b, c, d = scene.inputs.support_plane
        T = np.array(spec.camera.T_cam_world)
        on_plane = np.array([[0.3, -0.2, 0.0], [1.0, 2.0, 0.0]]) @ T[:3, :3].T + T[:3, 3]
        np.testing.assert_allclose(on_plane @ (a, b, c) + d, 0.0, atol=1e-9)
        heights = scene.inputs.vertices @ np.array([a, b, c], np.float32) + d
        assert -0.05 < heights.min() < 0.005
        assert heights.max() > 0.1


def test_light_keeps_its_direction_relative_to_the_body(scenes) -> None:
    for spec, scene in scenes:
        T = np.array(spec.camera.T_cam_world)
        np.testing.assert_allclose(
            T[:3, :3].T @ scene.inputs.key_direction, spec.light.key_direction, atol=1e-6
        )
        assert np.linalg.norm(scene.inputs.key_direction) == pytest.approx(1.0, abs=1e-5)


def test_inputs_are_complete(resources, scenes) -> None:
    for _, scene in scenes:
        inputs = scene.inputs
        assert inputs.background.shape == (120, 160, 3)
        assert inputs.background.dtype == np.uint8
        assert inputs.texture.ndim == 3
        assert inputs.vertices.dtype == inputs.normals.dtype == np.float32
        assert inputs.uv_faces.shape == resources.body.faces.shape
        np.testing.assert_allclose(np.linalg.norm(inputs.normals, axis=1), 1.0, atol=1e-3)
        assert inputs.sh.shape == (9, 3)


def test_normals_of_a_sphere_point_outwards() -> None:
    trimesh = pytest.importorskip("trimesh")
    sphere = trimesh.creation.icosphere(3)
    normals = vertex_normals(sphere.vertices.astype(np.float32), sphere.faces.astype(np.int32))
    np.testing.assert_allclose(normals, sphere.vertices, atol=0.02)


def test_a_texture_folder_replaces_the_painted_skin(tmp_path, body, bank) -> None:
    cv2.imwrite(str(tmp_path / "skin.png"), np.full((128, 128, 3), (10, 20, 200), np.uint8))
    resources = Resources.load(body, SamplingOptions(width=64, height=64, textures=str(tmp_path)))
    spec = plan_scene(resources.plan_context(bank), 0, 0)
    scene = resolve_scene(spec, resources)
    assert spec.appearance.texture_file == "skin.png"
    np.testing.assert_array_equal(scene.inputs.texture[5, 5], (200, 20, 10))


def test_photo_backgrounds_report_what_they_used(tmp_path, body, bank) -> None:
    for name in ("a.jpg", "b.jpg"):
        cv2.imwrite(str(tmp_path / name), np.full((60, 80, 3), 130, np.uint8))
    (tmp_path / "c.jpg").write_bytes(b"broken")
    resources = Resources.load(body, SamplingOptions(width=64, height=64, backgrounds=str(tmp_path)))
    assert resources.background_report() == {"usable": 2, "broken": 1}
    context = resources.plan_context(bank)
    sources = {
        resolve_scene(plan_scene(context, 0, index), resources).background_source for index in range(8)
    }
    assert {"a.jpg", "b.jpg"} <= sources
