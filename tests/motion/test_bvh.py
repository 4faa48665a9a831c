"""BVH files: places known from plain matrix products come back; what is wrong is named."""

import itertools

import numpy as np
import pytest

from syrip_gen.keypoints.catalog import H36M17
from syrip_gen.motion.readers import read_motion
from tests.motion.bvh_files import NAMES, along_x, random_angles, walk_tree, write_bvh

Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
CARRIED = {name: {"thorax": "neck"}.get(name, name) for name in H36M17.keypoints if name != "neck_nose"}


def motion(seed=0, frames=7):
    rng = np.random.default_rng(seed)
    root = np.array([3.0, 90.0, -5.0]) + np.cumsum(rng.normal(0, 2, (frames, 3)), axis=0)
    return random_angles(rng, frames), root


def check(clip, places, to_world):
    for point, part in CARRIED.items():
        expected = places[part] @ to_world.T / 100
        np.testing.assert_allclose(clip.points[:, H36M17.index(point)], expected, atol=1e-6, err_msg=point)


@pytest.mark.parametrize("order", ["".join(p) for p in itertools.permutations("XYZ")])
def test_places_for_every_order_of_channels(tmp_path, order):
    angles, root = motion()
    clip = read_motion(write_bvh(tmp_path / "a.bvh", NAMES["cmu"], angles, root, order))
    check(clip, walk_tree(angles, root, order)[0], Z_UP)
    assert (clip.frame, clip.is_absolute, clip.schema) == ("world", True, H36M17)
    assert clip.fps == pytest.approx(60, abs=1e-3)
    assert any("centimetres recognised" in note for note in clip.notes)


@pytest.mark.parametrize("scheme", NAMES)
def test_names_of_every_scheme(tmp_path, scheme):
    angles, root = motion(1)
    clip = read_motion(write_bvh(tmp_path / "a.bvh", NAMES[scheme], angles, root))
    check(clip, walk_tree(angles, root)[0], Z_UP)


def test_z_up_is_seen_in_the_rest_pose(tmp_path):
    angles, root = motion(2)
    clip = read_motion(write_bvh(tmp_path / "a.bvh", NAMES["cmu"], angles, root, turn=Z_UP))
    check(clip, walk_tree(angles, root, turn=Z_UP)[0], np.eye(3))
    assert any("z is up" in note for note in clip.notes)


def test_the_nose_is_in_front_and_turns_with_the_head(tmp_path):
    angles, root = motion(3)
    angles[0] = 0.0
    clip = read_motion(write_bvh(tmp_path / "a.bvh", NAMES["cmu"], angles, root))
    nose, top = clip.points[:, H36M17.index("neck_nose")], clip.points[:, H36M17.index("head_top")]
    # The rig faces the file's +z, which is the world's -y.
    assert nose[0, 1] < top[0, 1] - 0.05
    _, head = walk_tree(angles, root)
    local = np.einsum("tij,ti->tj", head, (nose - top) @ Z_UP)
    np.testing.assert_allclose(local, np.broadcast_to(local[0], local.shape), atol=1e-6)


def test_rest_pose_with_all_bones_along_x(tmp_path):
    """As LaFAN1 has it: places are the same as of a rig that stands, and so is the nose."""
    angles, root = motion(6)
    upright = read_motion(write_bvh(tmp_path / "a.bvh", NAMES["cmu"], angles, root))
    rig, turned = along_x(angles)
    clip = read_motion(write_bvh(tmp_path / "b.bvh", NAMES["cmu"], turned, root, rig=rig))
    np.testing.assert_allclose(clip.points, upright.points, atol=1e-6)


def test_head_without_an_end_site_gets_a_crown(tmp_path):
    angles, root = motion(4)
    path = write_bvh(tmp_path / "a.bvh", NAMES["cmu"], angles, root)
    text = path.read_text().replace("OFFSET 0.000000000 19.000000000 0.000000000", "OFFSET 0 0 0")
    path.write_text(text)
    clip = read_motion(path)
    head = np.linalg.norm(
        clip.points[:, H36M17.index("head_top")] - clip.points[:, H36M17.index("thorax")], axis=1
    )
    assert ((head > 0.2) & (head < 0.35)).all()


def test_unknown_unit_becomes_a_plausible_adult(tmp_path):
    """CMU's files count in 5.6 cm."""
    angles, root = motion(5)
    clip = read_motion(write_bvh(tmp_path / "a.bvh", NAMES["cmu"], angles, root, scale=0.177))
    thigh = clip.points[:, H36M17.index("left_knee")] - clip.points[:, H36M17.index("left_hip")]
    np.testing.assert_allclose(np.linalg.norm(thigh, axis=1), 0.42, atol=0.04)
    assert any("unit of length not recognised" in note for note in clip.notes)


def test_unmapped_joints_are_all_listed(tmp_path):
    angles, root = motion()
    names = NAMES["cmu"] | {"left_knee": "Foo", "right_wrist": "Bar"}
    path = write_bvh(tmp_path / "a.bvh", names, angles, root)
    with pytest.raises(ValueError, match=r"a\.bvh: no joint for left_knee, right_wrist .*Bar.*Foo"):
        read_motion(path)


DAMAGE = {
    "no motion": (lambda t: t.split("MOTION")[0], "without a MOTION section"),
    "cut in the motion": (lambda t: t[:-60], "expected 7 frames of 51 numbers, found"),
    "word in the motion": (lambda t: t + " spam", "spam"),
    "cut in the hierarchy": (lambda t: t[:200] + "\nMOTION\nFrames: 1\nFrame Time: 1\n", "ends early"),
    "no number": (lambda t: t.replace("OFFSET 0", "OFFSET x", 1), "expected a number, found 'x"),
    "channel": (lambda t: t.replace("Yrotation", "Wrotation", 1), "are not understood"),
    "too many channels": (lambda t: t.replace("CHANNELS 6", "CHANNELS 9999999", 1), "are not understood"),
    "frame time": (lambda t: t.replace("Frame Time: 0.01", "Frame Time: -0.01"), "frame time of -"),
    "frames": (lambda t: t.replace("Frames: 7", "Frames: many"), "'many' frames"),
    "second root": (lambda t: t.replace("MOTION", "ROOT Other\n{\n}\nMOTION"), "second root 'Other'"),
    "deep": (lambda t: "HIERARCHY ROOT a {" + "JOINT b {" * 5000 + "\nMOTION\n", "more than 1000 joints"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_files_are_one_line_errors(tmp_path, name):
    damage, message = DAMAGE[name]
    angles, root = motion()
    path = write_bvh(tmp_path / "a.bvh", NAMES["cmu"], angles, root)
    path.write_text(damage(path.read_text()))
    with pytest.raises(ValueError, match=message) as error:
        read_motion(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_frames_that_are_no_numbers_are_interpolated(tmp_path):
    angles, root = motion(frames=20)
    path = write_bvh(tmp_path / "a.bvh", NAMES["cmu"], angles, root)
    lines = path.read_text().splitlines()
    lines[-5] = " ".join(["nan"] * 51)
    path.write_text("\n".join(lines))
    clip = read_motion(path)
    assert np.isfinite(clip.points).all()
    assert any("1 of 20 frames interpolated" in note for note in clip.notes)


def test_given_rate_replaces_the_file_s(tmp_path):
    angles, root = motion()
    clip = read_motion(write_bvh(tmp_path / "a.bvh", NAMES["cmu"], angles, root), fps=25)
    assert clip.fps == 25
    assert any("instead of its own 60" in note for note in clip.notes)
