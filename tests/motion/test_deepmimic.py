"""DeepMimic's clips: places by hand, frames of unequal length, and what is wrong with a file."""

import json

import numpy as np
import pytest

from syrip_gen.keypoints.catalog import H36M17
from syrip_gen.motion.deepmimic import NUM_VALUES
from syrip_gen.motion.readers import read_motion

UPRIGHT = [0.0, 1.0, 0.0, 1, 0, 0, 0, *[1, 0, 0, 0] * 3, 0, *[1, 0, 0, 0] * 2, 0, *[1, 0, 0, 0], 0,
           *[1, 0, 0, 0] * 2, 0]  # fmt: skip
"""Root 1 m up, all rotations none."""
RIGHT_KNEE = 20
ROOT_TURN = slice(3, 7)


def save(path, frames, duration=1 / 30):
    durations = duration if isinstance(duration, list) else [duration] * len(frames)
    rows = [[d, *f] for d, f in zip(durations, frames, strict=True)]
    path.write_text(json.dumps({"Loop": "none", "Frames": rows}))
    return path


def at(clip, name, frame=0):
    return clip.points[frame, H36M17.index(name)]


def test_upright_figure(tmp_path):
    """Facing +x with the left at +y, z up."""
    assert len(UPRIGHT) == NUM_VALUES - 1
    clip = read_motion(save(tmp_path / "a.txt", [UPRIGHT] * 2))
    assert (clip.frame, clip.is_absolute, clip.fps) == ("world", True, 30.0)
    np.testing.assert_allclose(at(clip, "pelvis"), [0, 0, 1])
    np.testing.assert_allclose(at(clip, "left_hip"), [0, 0.084887, 1])
    np.testing.assert_allclose(at(clip, "left_ankle"), [0, 0.084887, 1 - 0.421546 - 0.40987])
    np.testing.assert_allclose(at(clip, "right_wrist"), [-0.02405, -0.18311, 1.479651 - 0.274788 - 0.258947])
    assert at(clip, "neck_nose")[0] > 0.05
    np.testing.assert_allclose(at(clip, "head_top"), [0, 0, 1.460045 + 0.2775])


def test_knees_bend_backwards(tmp_path):
    bent = list(UPRIGHT)
    bent[RIGHT_KNEE - 1] = -np.pi / 2
    clip = read_motion(save(tmp_path / "a.txt", [bent] * 2))
    np.testing.assert_allclose(at(clip, "right_ankle"), [-0.40987, -0.084887, 1 - 0.421546], atol=1e-9)
    np.testing.assert_allclose(at(clip, "left_ankle")[0], 0, atol=1e-9)


def test_root_turns_everything(tmp_path):
    """A quarter turn about DeepMimic's vertical axis: +x to -z, which is the world's +y."""
    turned = list(UPRIGHT)
    turned[ROOT_TURN] = [np.sqrt(0.5), 0, np.sqrt(0.5), 0]
    clip = read_motion(save(tmp_path / "a.txt", [turned] * 2))
    np.testing.assert_allclose(at(clip, "left_hip"), [-0.084887, 0, 1], atol=1e-9)
    assert at(clip, "neck_nose")[1] > 0.05


def test_unequal_frames_are_resampled(tmp_path):
    frames = [[0.1 * k, *UPRIGHT[1:]] for k in (0, 1, 3, 4)]
    clip = read_motion(save(tmp_path / "a.txt", frames, [0.1, 0.2, 0.1, 0.0]))
    assert clip.fps == pytest.approx(10)
    np.testing.assert_allclose(clip.points[:, 0, 0], [0, 0.1, 0.2, 0.3, 0.4], atol=1e-9)
    assert any("frames of unequal length" in note for note in clip.notes)


def test_short_quaternions_are_made_units(tmp_path):
    frame = list(UPRIGHT)
    frame[ROOT_TURN] = [0.6, 0, 0, 0]
    clip = read_motion(save(tmp_path / "a.txt", [frame] * 2))
    np.testing.assert_allclose(at(clip, "left_hip"), [0, 0.084887, 1])


BAD = {
    "43 numbers": (lambda f: [f[0], f[1][:-1]], "frame 1: expected 44 numbers .* found 43 values"),
    "text": (lambda f: [f[0], [*f[1][:-1], "x"]], "frame 1: expected 44 numbers"),
    "no rotation": (
        lambda f: [f[0], [*f[1][:3], 0, 0, 0, 0, *f[1][7:]]],
        "rotation of root is no quaternion",
    ),
    "NaN": (lambda f: [f[0], [float("nan"), *f[1][1:]]], "frame 1 holds NaN"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_frames_are_named(tmp_path, name):
    damage, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        read_motion(save(tmp_path / "a.txt", damage([UPRIGHT, UPRIGHT])))


@pytest.mark.parametrize(
    "durations, message", [([-0.1, 0.1], "must be above 0"), ([0.0, 0.0], "must be above 0"),
                           ([1e-6, 0], "at most 1000 a second")]
)  # fmt: skip
def test_bad_durations(tmp_path, durations, message):
    with pytest.raises(ValueError, match=message):
        read_motion(save(tmp_path / "a.txt", [UPRIGHT] * 2, durations))


def test_one_frame(tmp_path):
    clip = read_motion(save(tmp_path / "a.txt", [UPRIGHT]))
    assert len(clip) == 1
    assert any("one frame only" in note for note in clip.notes)


def test_real_clips_stand_on_the_floor(shared_data):
    """Ankles are 5 cm up in standing, the crawl is prone, and bones keep their lengths."""
    files = sorted((shared_data / "mocap/deepmimic_pybullet").glob("*.txt"))
    assert len(files) == 15
    for path in files:
        clip = read_motion(path)
        assert -0.1 < clip.points[..., 2].min() < 0.1, path
        thigh = np.linalg.norm(clip.points[:, 5] - clip.points[:, 4], axis=1)
        np.testing.assert_allclose(thigh, 0.421546, atol=1e-9)
    crawl = read_motion(shared_data / "mocap/deepmimic_pybullet/humanoid3d_crawl.txt")
    trunk = crawl.points[:, H36M17.index("thorax")] - crawl.points[:, 0]
    assert (np.abs(trunk[:, 2]) < 0.5 * np.linalg.norm(trunk, axis=1)).all()
    assert crawl.points[-1, 0, 0] > crawl.points[0, 0, 0] + 0.5
