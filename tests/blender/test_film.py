"""The rigged body in Blender against the body model, and the .blend that is saved of it."""

import dataclasses
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from syrip_gen.body import load_body
from syrip_gen.body.posing import pose_body
from syrip_gen.keypoints.catalog import SMPL24
from syrip_gen.motion.sequence import BodySequence
from syrip_gen.rendering.blend_file import write_film
from syrip_gen.rendering.blender_process import BlenderProcess
from syrip_gen.rendering.resolve import Resources
from syrip_gen.sampling.clip_takes import ClipOptics, plan_take, scene_of_frame
from syrip_gen.sampling.options import SamplingOptions
from syrip_gen.stages.blend_take import check_blend_file, save_take
from syrip_gen.stages.clip_plan import clip_context

pytestmark = pytest.mark.blender
NUM_FRAMES, FPS = 9, 29.97


@pytest.fixture(scope="module")
def resources(textures) -> Resources:
    return Resources.load(load_body("infant"), SamplingOptions(width=96, height=64, textures=str(textures)))


@pytest.fixture(scope="module")
def sequence() -> BodySequence:
    """An infant that rolls over more than once, so that quaternions come round to their negatives."""
    rng = np.random.default_rng(0)
    start, end = rng.normal(size=(2, 23, 3)) * 0.4
    share = np.linspace(0, 1, NUM_FRAMES)[:, None, None]
    turn = np.linspace(0, 3.5 * np.pi, NUM_FRAMES)
    turn = (turn + np.pi) % (2 * np.pi) - np.pi
    return BodySequence(
        betas=rng.normal(size=20) * 0.7,
        global_orient=turn[:, None] * np.array([0.0, 0.6, 0.8]),
        body_pose=(1 - share) * start + share * end,
        transl=np.linspace([0, 0, 0.2], [0.3, 0.1, 0.2], NUM_FRAMES),
        fps=FPS,
        name="roll",
    )


@pytest.fixture(scope="module")
def process(blender):
    with BlenderProcess("animate.py", blender, timeout_s=120) as process:
        yield process


def posed(sequence, frame):
    s = sequence
    return pose_body(
        load_body("infant"), s.betas, s.global_orient[frame], s.body_pose[frame], s.transl[frame]
    )


def test_skin_and_bones_follow_the_body_model(process, resources, sequence, tmp_path):
    spec = scene_of_frame(plan_take(clip_context(resources), sequence, 0, 0, ClipOptics()), 0, index=0)
    film = write_film(tmp_path, sequence, spec, resources)
    frames = [0, 3, 4, 8]
    answer = process.request(
        {"do": "film_frames", "film": str(film), "frames": frames, "result": str(tmp_path / "frames.npz")}
    )
    with np.load(answer["result"]) as found:
        for i, frame in enumerate(frames):
            body = posed(sequence, frame)
            assert np.linalg.norm(found["vertices"][i] - body.vertices, axis=1).max() < 1e-4
            assert np.linalg.norm(found["heads"][i] - body.joints, axis=1).max() < 1e-4


def test_pose_blend_shapes_become_keyed_shapes(process, sequence, textures, tmp_path):
    shapes = np.random.default_rng(1).normal(size=(load_body("infant").num_vertices, 3, 207)) * 1e-3
    body = dataclasses.replace(load_body("infant"), posedirs=shapes)
    resources = Resources.load(body, SamplingOptions(width=96, height=64, textures=str(textures)))
    spec = scene_of_frame(plan_take(clip_context(resources), sequence, 0, 0, ClipOptics()), 0, index=0)
    film = write_film(tmp_path, sequence, spec, resources)
    request = {"do": "film_frames", "film": str(film), "frames": [2, 7], "result": str(tmp_path / "out.npz")}
    with np.load(process.request(request)["result"]) as found:
        for vertices, frame in zip(found["vertices"], (2, 7), strict=True):
            s = sequence
            pose = s.global_orient[frame], s.body_pose[frame], s.transl[frame]
            expected = pose_body(body, s.betas, *pose).vertices
            assert np.linalg.norm(vertices - expected, axis=1).max() < 1e-4
            assert np.linalg.norm(vertices - posed(s, frame).vertices, axis=1).max() > 5e-3


def test_the_saved_file_plays_and_holds_everything(blender, resources, sequence, tmp_path):
    path = tmp_path / "roll.blend"
    save_take(str(path), sequence, resources, 0, ClipOptics(), blender)
    script = Path(__file__).with_name("film_facts.py")
    done = subprocess.run(
        blender.command(script),
        env={**os.environ, "SYRIP_TEST_BLEND": str(path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("@facts "))
    facts = json.loads(line.removeprefix("@facts "))
    assert facts["frames"] == [1, NUM_FRAMES]
    assert facts["fps"] == pytest.approx(FPS)
    assert sorted(facts["bones"]) == sorted(SMPL24.keypoints)
    assert (facts["keys"], facts["interpolation"]) == ([NUM_FRAMES], ["LINEAR"])
    assert facts["turning_bones"] == 24
    assert facts["least_cosine"] > 0
    assert facts["weights_a_vertex"] >= 4
    assert facts["unpacked"] == []
    assert facts["pictures"] >= 2
    assert facts["lamps"] >= 1
    assert facts["resolution"] == [96, 64]
    assert facts["materials"] == ["infant skin"]
    assert facts["camera_keys"] or facts["background"] == ["background"]
    take = plan_take(clip_context(resources), sequence, 0, 0, ClipOptics())
    order = [SMPL24.index(bone) for bone in facts["bones"]]
    for frame, heads in enumerate(facts["heads"]):
        np.testing.assert_allclose(heads, posed(take.sequence, frame).joints[order], atol=1e-4)


def test_a_film_renders_over_its_background(process, resources, sequence, tmp_path):
    spec = scene_of_frame(plan_take(clip_context(resources), sequence, 0, 0, ClipOptics()), 4, index=0)
    film = write_film(tmp_path, sequence, spec, resources, samples=4)
    picture = str(tmp_path / "frame.png")
    process.request({"do": "film_render", "film": str(film), "frames": [4], "results": [picture]})
    import cv2

    shown, behind = cv2.imread(picture), cv2.imread(str(tmp_path / "background.png"))
    assert shown.shape == (64, 96, 3)
    change = np.abs(shown.astype(int) - behind).max(axis=2)
    assert (change > 25).mean() > 0.03  # the infant
    assert np.median(change) <= 8  # most of the picture is as it was, or lies in faint shadow


def test_a_moving_camera_is_keyed(process, resources, sequence, tmp_path):
    take = plan_take(clip_context(resources), sequence, 0, 0, ClipOptics())
    camera = scene_of_frame(take, 0, index=0).camera
    cameras = []
    for frame in range(NUM_FRAMES):
        T = np.array(camera.T_cam_world)
        T[0, 3] += 0.1 * frame
        cameras.append(dataclasses.replace(camera, T_cam_world=tuple(map(tuple, T))))
    film = write_film(tmp_path, sequence, scene_of_frame(take, 0, index=0), resources, cameras=cameras)
    assert json.loads(film.read_text())["background"] is None
    saved = str(tmp_path / "moving.blend")
    assert process.request({"do": "save_blend", "film": str(film), "result": saved})["result"] == saved


def test_names_are_checked_before_any_work(blender):
    with pytest.raises(ValueError, match=r"--save-blend film.mp4: the file name must end in .blend"):
        check_blend_file("film.mp4", str(blender.path))
