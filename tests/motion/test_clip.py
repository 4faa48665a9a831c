"""MotionClip and clips of named joints."""

import numpy as np
import pytest

from syrip_gen.keypoints.catalog import COCO17, H36M17
from syrip_gen.motion.clip import MotionClip
from syrip_gen.motion.readers import read_motion


@pytest.mark.parametrize(
    "change, message",
    [
        ({"points": np.zeros((3, 16, 3))}, r"expected \(T, 17, 2 or 3\) h36m17 points, not \(3, 16, 3\)"),
        ({"points": np.zeros((0, 17, 3))}, r"not \(0, 17, 3\)"),
        ({"points": np.zeros((3, 17, 3), np.float32)}, "must be float64, not float32"),
        ({"fps": 0.0}, "fps must be above 0, not 0.0"),
        ({"frame": "body"}, "must be 'camera' or 'world', not 'body'"),
        ({"scores": np.zeros((2, 17))}, r"expected scores \(3, 17\), not \(2, 17\)"),
    ],
)
def test_what_a_clip_refuses(change, message):
    good = {"points": np.zeros((3, 17, 3)), "schema": H36M17, "fps": 30.0}
    with pytest.raises(ValueError, match=message):
        MotionClip(**good | change)


def test_other_schema_has_nan_where_nothing_is_known():
    points = np.random.default_rng(0).normal(size=(3, 17, 3))
    clip = MotionClip(points, COCO17, 25.0, scores=np.full((3, 17), 0.5), notes=("said",))
    mapped = clip.to_schema(H36M17)
    hips = points[:, [COCO17.index("left_hip"), COCO17.index("right_hip")]].mean(axis=1)
    np.testing.assert_allclose(mapped.points[:, 0], hips)
    top = H36M17.index("head_top")
    assert np.isnan(mapped.points[:, top]).all()
    assert (mapped.scores[:, top] == 0).all()
    assert (mapped.scores[:, 0] == 0.5).all()
    assert (mapped.fps, mapped.notes, mapped.schema) == (25.0, ("said",), H36M17)
    assert mapped.to_schema(H36M17) is mapped


def test_length_and_duration():
    clip = MotionClip(np.zeros((31, 17, 3)), H36M17, 30.0)
    assert (len(clip), clip.duration_s, clip.is_3d) == (31, 1.0, True)
    assert clip.with_notes("a", "b").notes == ("a", "b")


def test_bandai_namco_clip(shared_data):
    path = shared_data / "mocap/bandai_namco/bandai_17j_sample.npz"
    with pytest.raises(ValueError, match="holds 247 clips, name one of them: dataset-1_bow_active_001"):
        read_motion(path)
    clip = read_motion(path, clip="dataset-1_bow_active_001")
    with np.load(path) as data:
        raw = data["dataset-1_bow_active_001"]
    np.testing.assert_allclose(clip.points[:, 0, 2], raw[:, 0, 1] / 100, rtol=1e-6)
    left, right = (clip.points[0, H36M17.index(f"{s}_shoulder"), 0] for s in ("left", "right"))
    assert left > right
    assert any("centimetres recognised" in note for note in clip.notes)
    assert any("neck_nose is in no frame" in note for note in clip.notes)


def test_named_joints_that_are_missing(tmp_path):
    np.savez(tmp_path / "a.npz", joint_names=np.array(["Hips", "Elbow"]), a=np.zeros((4, 2, 3)))
    with pytest.raises(ValueError, match=r"no joint for spine, neck, head, .*'joint_names' has Hips, Elbow"):
        read_motion(tmp_path / "a.npz")
