"""A scan that is our own body, driven through its files: what comes out must be what the body model gives."""

import dataclasses
import json
import os
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from scipy.spatial import cKDTree

from syrip_gen.animation import animate
from syrip_gen.annotation.character import annotate_character, character_surface
from syrip_gen.annotation.labels import annotate
from syrip_gen.annotation.surface import BodySurface
from syrip_gen.body import load_body
from syrip_gen.body.posing import pose_body, rest_body
from syrip_gen.config import AnimateConfig
from syrip_gen.keypoints.catalog import COCO17, SMPL24
from syrip_gen.rendering.character import Character
from syrip_gen.rendering.character_map import parse_bone_map
from syrip_gen.rendering.cycles_backend import CyclesRenderer
from syrip_gen.rendering.depth_buffer import DepthBuffer
from syrip_gen.sampling.scene import BodySpec
from tests.blender.scene_builder import UNIFORM
from tests.crawling import crawling_points
from tests.toy_body import toy_inputs, toy_spec

pytestmark = pytest.mark.blender
BETAS = np.random.default_rng(4).normal(size=20) * 0.7
UPRIGHT = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0.1], [0, 1, 0, 1.6], [0, 0, 0, 1]])
"""World (z up) to a camera that looks along y."""


@pytest.fixture(scope="module")
def body():
    return load_body("infant")


@pytest.fixture(scope="module")
def files(blender, body, tmp_path_factory) -> Path:
    """The body as .blend, .glb and .fbx, and bad files."""
    folder = tmp_path_factory.mktemp("scans")
    rest, joints = rest_body(body, BETAS)
    bones = np.argsort(-body.weights, axis=1)[:, :6]
    weights = np.take_along_axis(body.weights, bones, axis=1)
    np.savez(
        folder / "body.npz", rest=rest, joints=joints, parents=body.parents, faces=body.faces,
        names=SMPL24.keypoints, bones=bones, weights=weights,
    )  # fmt: skip
    script = Path(__file__).with_name("character_files.py")
    environment = {**os.environ, "SYRIP_TEST_FOLDER": str(folder)}
    done = subprocess.run(
        blender.command(script), env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (folder / "garbage.glb").write_bytes(b"glTF" + bytes(range(200)))
    (folder / "garbage.blend").write_bytes(b"BLENDER-v405" + bytes(100))
    return folder


@pytest.fixture(scope="module")
def camera(blender):
    renderer = CyclesRenderer(samples=2, blender=str(blender.path), script="animate.py")
    yield renderer
    renderer.close()


@pytest.fixture(scope="module")
def bones(body):
    """The trivial map: bones have the names of joints; keypoints lie where the regressor has them at rest."""
    rest, joints = rest_body(body, BETAS)
    keypoints = {}
    for name, point in zip(COCO17.keypoints, body.keypoint_regressor @ rest.astype(float), strict=True):
        bone = name if name in SMPL24.keypoints else "head"
        keypoints[name] = {"bone": bone, "offset": list(point - joints[SMPL24.index(bone)])}
    return parse_bone_map({"joints": {n: n for n in SMPL24.keypoints}, "keypoints": keypoints}, "map")


def body_spec(seed):
    """A body that moves as far as infants do (the spread of the pose prior is about this)."""
    rng = np.random.default_rng(seed)
    parts = BETAS, rng.normal(size=3), rng.normal(size=69) * 0.25, (0.1, 0.2, 0.3)
    return BodySpec(*(tuple(map(float, part)) for part in parts))


@pytest.mark.parametrize("kind", ["blend", "glb", "fbx"])
def test_driven_vertices_and_labels_are_those_of_the_body(files, camera, body, bones, kind):
    scan = Character(files / f"scan.{kind}", bones, camera.process)
    driver = scan.driver(body, BETAS)
    surface, own = character_surface(scan, driver), BodySurface.from_body(body)
    agreed = []
    for seed in range(4):
        spec = body_spec(seed)
        frame = scan.frame(body, spec, UPRIGHT)
        posed = pose_body(body, *map(np.array, (spec.betas, spec.global_orient, spec.body_pose, spec.transl)))
        vertices = posed.vertices @ UPRIGHT[:3, :3].T + UPRIGHT[:3, 3]
        assert cKDTree(vertices).query(frame.vertices)[0].max() < 1e-4
        keypoints = np.asarray(body.keypoint_regressor @ vertices)
        # A bone carries a point rigidly; the regressor blends vertices that move with several bones.
        distance = np.linalg.norm(frame.keypoints_3d - keypoints, axis=1)
        assert distance[:5].max() < 1e-4
        assert np.median(distance) < 0.004
        assert distance.max() < 0.012
        inputs = toy_inputs(frame.vertices, frame.faces)
        labels = annotate_character(toy_spec(), inputs, frame, surface, scan.name)
        ours = annotate(toy_spec(), toy_inputs(vertices, body.faces), keypoints, None, own)
        agreed += list(labels.keypoints[:, 2] == ours.keypoints[:, 2])
        assert np.mean(labels.mask != ours.mask) < 1e-4
    assert np.mean(agreed) >= 0.97
    scan.close()


def test_blender_sees_the_scan_where_the_labels_say(files, camera, body, bones):
    scan = Character(files / "scan.glb", bones, camera.process)
    frame = scan.frame(body, body_spec(7), UPRIGHT)
    inputs = toy_inputs(frame.vertices, frame.faces, focal=150, width=64, height=48)
    inputs = dataclasses.replace(inputs, character=frame.scene_entry, sh=UNIFORM)
    surface = character_surface(scan, scan.driver(body, BETAS))
    labels = annotate_character(toy_spec(width=64, height=48), inputs, frame, surface, "scan")
    seen = camera.project(inputs, frame.keypoints_3d)
    inside = labels.keypoints[:, 2] > 0
    assert inside.sum() >= 10
    np.testing.assert_allclose(labels.keypoints[inside, :2], seen[inside], atol=0.5)
    depth, buffer = camera.blender_depth(inputs), DepthBuffer().draw(inputs)
    both = np.isfinite(depth) & buffer.mask
    assert both.sum() > 0.99 * np.logical_or(np.isfinite(depth), buffer.mask).sum() > 200
    assert np.quantile(np.abs(depth[both] - buffer.depth()[both]), 0.99) < 0.002
    picture = camera.render(inputs).rgb
    assert picture[labels.mask].mean() > 100  # in light of 1 from everywhere, over a black background
    assert picture[~labels.mask].mean() < 10
    scan.close()


def test_bones_and_lowest_point_of_a_larger_scan(files, camera, body, bones):
    scan = Character(files / "scan.blend", dataclasses.replace(bones, scale=1.5), camera.process)
    spec = body_spec(1)
    frame = scan.frame(body, spec, np.eye(4))
    posed = pose_body(body, *map(np.array, (spec.betas, spec.global_orient, spec.body_pose, spec.transl)))
    heads = frame.bone_heads[[frame.bone_names.index(name) for name in SMPL24.keypoints]]
    np.testing.assert_allclose(heads, 1.5 * posed.joints, atol=1e-4)
    assert frame.vertices[:, 2].min() == pytest.approx(1.5 * posed.vertices[:, 2].min(), abs=1e-4)
    scan.close()


@pytest.mark.parametrize(
    "name, message",
    [
        ("boneless.blend", "holds no armature"),
        ("two.blend", "holds 2 armatures: first, second. Name one in the bone map"),
        ("stretched.blend", "scaled unevenly"),
        ("garbage.glb", "Blender cannot read it as .glb"),
        ("garbage.blend", "Blender cannot read it as .blend"),
        ("body.npz", "unknown type '.npz'"),
    ],
)
def test_files_that_cannot_be_used(files, camera, bones, name, message):
    with pytest.raises(ValueError, match=message):
        Character(files / name, bones, camera.process)


def test_names_that_do_not_fit(files, camera, bones):
    def opened(name, **more):
        return Character(files / name, dataclasses.replace(bones, **more), camera.process)

    with pytest.raises(FileNotFoundError, match=r"character .*absent.glb not found"):
        opened("absent.glb")
    with pytest.raises(ValueError, match=r"does not have: Hips, Belly"):
        opened("scan.glb", joints={**bones.joints, "pelvis": "Hips", "spine1": "Belly"})
    with pytest.raises(ValueError, match=r"armature 'third' is not in two.blend: first, second"):
        opened("two.blend", armature="third")
    with pytest.raises(ValueError, match=r"does not move: coat\. It moves second skin"):
        opened("two.blend", armature="second", meshes=("coat",))
    opened("two.blend", armature="second").close()


def test_animate_shows_the_scan_and_labels_it(files, blender, bones, textures, tmp_path):
    np.save(tmp_path / "clip.npy", crawling_points(5))
    keypoints = {name: {"bone": k.bone, "offset": list(k.offset)} for name, k in bones.keypoints.items()}
    (tmp_path / "map.yaml").write_text(yaml.safe_dump({"joints": dict(bones.joints), "keypoints": keypoints}))
    config = AnimateConfig(
        motion=str(tmp_path / "clip.npy"),
        frames="every=3",
        size="72x96",
        samples=1,
        textures=str(textures),
        blender=str(blender.path),
        character=str(files / "scan.glb"),
        bone_map=str(tmp_path / "map.yaml"),
        save_blend=str(tmp_path / "clip.blend"),
        output=str(tmp_path / "out"),
    )
    result = animate(config)
    assert (result.num_failures, result.num_rendered) == (0, 2)
    records = json.loads((tmp_path / "out/annotations/person_keypoints_train_infant.json").read_text())
    for record in records["annotations"]:
        assert "body" not in record
        assert (record["source"]["character"], record["source"]["clip"]) == ("scan", "clip")
        assert set(record["bones_m"]) == set(SMPL24.keypoints)
        assert record["num_keypoints"] >= 7
        picture = cv2.imread(str(tmp_path / "out/images/train_infant" / f"train{record['image_id']}.jpg"))
        assert picture.shape == (72, 96, 3)
    assert {"character", "bone_map"} <= set(result.run["inputs"])
    assert (tmp_path / "clip.blend").stat().st_size > 100_000


def test_a_hostile_file_runs_nothing(files, camera, body, bones):
    assert (files / "control").read_text() == "True"
    scan = Character(files / "hostile.blend", bones, camera.process)
    frame = scan.frame(body, body_spec(0), UPRIGHT)
    inputs = toy_inputs(frame.vertices, frame.faces, focal=40, width=16, height=12)
    inputs = dataclasses.replace(inputs, character=frame.scene_entry)
    camera.render(inputs)
    assert not (files / "the scan ran code").exists()
    scan.close()
