"""2D keypoints over time: VideoPose3D's custom data sets and its detectron files."""

import numpy as np
import pytest

from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.motion.detections import follow_person
from syrip_gen.motion.readers import read_motion

SIZE = {"w": 640, "h": 480}


def walk(frames=20, left=100.0):
    """(T, 17, 2) pixels of a figure that moves to the right."""
    figure = np.random.default_rng(0).uniform(0, 150, (17, 2))
    return figure + np.stack([left + 3.0 * np.arange(frames), np.full(frames, 80.0)], axis=1)[:, None]


def boxed(value):
    array = np.empty((), dtype=object)
    array[()] = value
    return array


def save_custom(path, clips, size=SIZE, layout="coco"):
    """Write what prepare_data_2d_custom.py writes."""
    metadata = {
        "layout_name": layout,
        "num_joints": 17,
        "keypoints_symmetry": [[1, 3], [2, 4]],
        "video_metadata": {name: size for name in clips} if size else {},
    }
    positions = {name: {"custom": [points.astype(np.float32)]} for name, points in clips.items()}
    np.savez_compressed(path, positions_2d=boxed(positions), metadata=boxed(metadata))
    return path


def save_detectron(path, frames, size=SIZE):
    """Write what infer_video_d2.py writes; a frame is a list of (box, keypoints (4, 17))."""
    boxes, keypoints = np.empty((len(frames), 2), object), np.empty((len(frames), 2), object)
    for t, people in enumerate(frames):
        boxes[t, 0], keypoints[t, 0] = [], []
        boxes[t, 1] = np.array([b for b, _ in people], np.float32) if people else []
        keypoints[t, 1] = np.array([k for _, k in people], np.float32) if people else []
    np.savez_compressed(path, boxes=boxes, keypoints=keypoints, segments=boxes, metadata=boxed(size))
    return path


def person(points, score=0.9, confidence=0.8):
    low, high = points.min(axis=0), points.max(axis=0)
    rows = np.concatenate([points.T, np.zeros((1, 17)), np.full((1, 17), confidence)])
    return [*low, *high, score], rows


def test_custom_data_set(tmp_path):
    clip = read_motion(save_custom(tmp_path / "data_2d_custom_a.npz", {"baby.mp4": walk()}))
    np.testing.assert_allclose(clip.points, walk(), atol=1e-4)
    assert (clip.schema, clip.image_size, clip.name) == (COCO17, (640, 480), "baby.mp4")
    assert not clip.is_3d
    assert clip.scores is None


def test_several_videos_are_chosen_by_name(tmp_path):
    path = save_custom(tmp_path / "a.npz", {"one": walk(5), "two": walk(7)})
    with pytest.raises(ValueError, match="holds 2 clips, name one of them: one, two"):
        read_motion(path)
    assert len(read_motion(path, clip="two")) == 7


def test_gaps_get_score_zero(tmp_path):
    points = walk()
    points[4] = np.nan
    clip = read_motion(save_custom(tmp_path / "a.npz", {"v": points}))
    np.testing.assert_allclose(clip.points[4], (points[3] + points[5]) / 2, atol=1e-4)
    assert (clip.scores[4] == 0).all()
    assert (np.delete(clip.scores, 4, axis=0) == 1).all()


def test_too_many_gaps(tmp_path):
    points = walk()
    points[3:9] = np.nan
    with pytest.raises(ValueError, match="6 of 20 frames"):
        read_motion(save_custom(tmp_path / "a.npz", {"v": points}))


@pytest.mark.parametrize(
    "change, message",
    [
        ({"size": None}, "does not say the size of the video"),
        ({"size": {"w": -1, "h": 5}}, "a video of -1x5"),
        ({"layout": "halpe"}, "layout 'halpe'; expected one of coco, h36m"),
    ],
)
def test_custom_data_sets_that_lack_something(tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        read_motion(save_custom(tmp_path / "a.npz", {"v": walk()}, **change))


def test_wrong_shape(tmp_path):
    with pytest.raises(
        ValueError, match=r"expected \(T, 17, 2\) pixels of coco17, found shape \(20, 16, 2\)"
    ):
        read_motion(save_custom(tmp_path / "a.npz", {"v": walk()[:, :16]}))


def test_metres_are_no_pixels(tmp_path):
    with pytest.raises(ValueError, match="pixels up to"):
        read_motion(save_custom(tmp_path / "a.npz", {"v": walk() * 1e4}))


def test_detectron_file(tmp_path):
    points = walk()
    frames = [[person(p)] for p in points]
    frames[6] = []
    clip = read_motion(save_detectron(tmp_path / "a.npz", frames))
    np.testing.assert_allclose(np.delete(clip.points, 6, axis=0), np.delete(points, 6, axis=0), atol=1e-3)
    np.testing.assert_allclose(clip.points[6], points[6], atol=1e-3)
    assert (clip.scores[6] == 0).all()
    np.testing.assert_allclose(clip.scores[5], 0.8, atol=1e-6)
    assert any("1 of 20 frames interpolated" in note for note in clip.notes)


def test_one_of_several_people_is_followed(tmp_path):
    """The infant is the surest in one frame; later the other scores higher."""
    infant, carer = walk(), walk(left=400.0)
    frames = [
        [person(c, 0.95), person(i, 0.99 if t == 0 else 0.6)]
        for t, (i, c) in enumerate(zip(infant, carer, strict=True))
    ]
    clip = read_motion(save_detectron(tmp_path / "a.npz", frames))
    np.testing.assert_allclose(clip.points, infant, atol=1e-3)
    assert any("several people in 20 of 20 frames" in note for note in clip.notes)


def test_nobody(tmp_path):
    with pytest.raises(ValueError, match="nobody was detected in any of the 5 frames"):
        read_motion(save_detectron(tmp_path / "a.npz", [[]] * 5))


def test_following_survives_frames_without_overlap():
    near, far = [0, 0, 10, 10, 0.5], [90, 90, 99, 99, 0.4]
    boxes = [np.array([near]), np.zeros((0, 5)), np.array([far]), np.array([far, near])]
    assert follow_person(boxes) == [0, None, 0, 0]
    assert follow_person([np.zeros((0, 5))]) == [None]
