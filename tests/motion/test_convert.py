"""Conversion to VideoPose3D's layout, and the shipped clips."""

import numpy as np
import pytest

from syrip_gen.asset_files import asset_path
from syrip_gen.motion.build_clips import CLIPS, build_clips
from syrip_gen.motion.convert import CAMERA_AXES, at_rate, main
from syrip_gen.motion.readers import read_motion
from tests.motion.bvh_files import NAMES, random_angles, write_bvh


@pytest.fixture
def bvh(tmp_path):
    rng = np.random.default_rng(0)
    root = np.array([0.0, 90.0, 0.0]) + np.cumsum(rng.normal(0, 2, (61, 3)), axis=0)
    return write_bvh(tmp_path / "a.bvh", NAMES["cmu"], random_angles(rng, 61), root)


def test_camera_is_level_and_right_handed():
    np.testing.assert_allclose(CAMERA_AXES @ CAMERA_AXES.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(CAMERA_AXES) == pytest.approx(1)
    np.testing.assert_allclose(CAMERA_AXES @ [0, 0, 1], [0, -1, 0], atol=1e-12)


def test_converted_clip_is_the_same_motion(tmp_path, bvh, capsys):
    assert main([str(bvh), str(tmp_path / "a.npy"), "--fps", "60"]) == 0
    assert "(61, 17, 3) float32" in capsys.readouterr().out
    array = np.load(tmp_path / "a.npy", allow_pickle=False)
    assert (array.dtype, array.shape) == (np.float32, (61, 17, 3))
    world = read_motion(bvh).points
    seen = array.astype(np.float64) @ CAMERA_AXES
    np.testing.assert_allclose(seen - seen[:1, :1], world - world[:1, :1], atol=1e-5)
    assert (array[:, :, 2] > 2).all()


def test_converted_clip_has_the_wanted_rate(tmp_path, bvh):
    assert main([str(bvh), str(tmp_path / "a.npy")]) == 0
    assert len(np.load(tmp_path / "a.npy")) == 31
    clip = read_motion(bvh)
    np.testing.assert_allclose(at_rate(clip, 30).points, clip.points[::2], atol=1e-4)


def test_conversion_errors(tmp_path, bvh, capsys):
    assert main([str(tmp_path / "none.bvh"), str(tmp_path / "a.npy")]) == 2
    assert "no such file" in capsys.readouterr().err
    assert main([str(bvh), str(tmp_path / "a.txt")]) == 2
    assert "must be named *.npy" in capsys.readouterr().err
    assert main([str(bvh), str(tmp_path / "a.npy"), "--fps", "-1"]) == 2
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize("name", CLIPS)
def test_shipped_clips_are_bodies_before_a_camera(name):
    clip = read_motion(asset_path(f"motions/{name}.npy"))
    assert clip.is_absolute
    assert clip.schema.name == "h36m17"
    assert 30 <= len(clip) <= 100
    assert (clip.points[..., 2] > 3).all()


def test_posture_of_the_shipped_clips():
    """Crawling and pushing up face down (+y), lying faces up, walking stands; noses tell."""
    for name, down in (("crawl", True), ("push_up", True), ("legs_up", False)):
        clip = read_motion(asset_path(f"motions/{name}.npy"))
        at = {k: clip.points[0, i] for i, k in enumerate(clip.schema.keypoints)}
        up = at["thorax"] - at["pelvis"]
        front = np.cross(at["left_shoulder"] - at["right_shoulder"], up)
        front /= np.linalg.norm(front)
        assert (front[1] > 0.5) if down else (front[1] < -0.5), name
    walk = read_motion(asset_path("motions/walk.npy")).points
    assert (walk[:, 8, 1] < walk[:, 0, 1] - 0.3).all()


def test_shipped_clips_are_what_the_script_makes(tmp_path, shared_data):
    for path in build_clips(shared_data / "mocap/deepmimic_pybullet", tmp_path):
        shipped = np.load(asset_path(f"motions/{path.name}"), allow_pickle=False)
        np.testing.assert_allclose(np.load(path, allow_pickle=False), shipped, atol=1e-6)
