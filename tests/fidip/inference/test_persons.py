import numpy as np
import pytest

from fidip.inference.estimator import PoseEstimator
from fidip.inference.persons import PersonFollower, find_persons, keypoint_box, picture_box
from tests.fidip.inference.clips import SIZE, moving_pose
from tests.fidip.inference.dot_network import SUPINE, DotNetwork, dot_picture


def with_scores(points, scores=0.9):
    return np.concatenate([points, np.broadcast_to(scores, len(points))[:, None]], axis=1)


def test_first_crop_shows_the_whole_picture():
    image = np.zeros((100, 200, 3), np.uint8)
    left, top, width, height = picture_box(image, 1.25)
    assert (width * 1.25, height * 1.25) == (200, 100)
    assert (left + width / 2, top + height / 2) == (100, 50)


def test_box_has_a_margin_and_stays_inside():
    image = np.zeros((400, 400, 3), np.uint8)
    left, top, width, height = keypoint_box(with_scores(SUPINE + 100), image)
    margin = 0.12 * np.hypot(76, 100)
    np.testing.assert_allclose([left, top], [112 - margin, 112 - margin])
    np.testing.assert_allclose([width, height], [76 + 2 * margin, 100 + 2 * margin])
    cut = keypoint_box(with_scores(SUPINE + 330), image)
    assert (cut[0] + cut[2], cut[1] + cut[3]) == (400, 400)


def test_doubted_keypoints_do_not_stretch_the_box():
    points = with_scores(SUPINE + 100)
    wild = points.copy()
    wild[9] = (390, 10, 0.05)
    image = np.zeros((400, 400, 3), np.uint8)
    np.testing.assert_allclose(keypoint_box(wild, image)[3], keypoint_box(points, image)[3], rtol=0.1)
    assert keypoint_box(wild, image)[2] < 130


def test_box_never_vanishes():
    image = np.zeros((100, 200, 3), np.uint8)
    box = keypoint_box(with_scores(np.full((17, 2), 50.0), 0.0), image)
    assert box[2:].tolist() == [8, 8]


def test_person_is_found_without_a_box():
    truth = SUPINE + np.array([220, 40])
    image = dot_picture(truth, (480, 320), radius=4)
    poses = find_persons(PoseEstimator(DotNetwork((144, 192))), [image, image])
    assert len(poses) == 2
    np.testing.assert_allclose(poses.keypoints[0, :, :2], truth, atol=0.8)


def test_person_is_followed_with_one_pass_a_frame():
    network = DotNetwork((144, 192))
    follower = PersonFollower(PoseEstimator(network, flip_test=False))
    errors = []
    for i in range(40):
        poses = follower(dot_picture(moving_pose(i), SIZE, radius=3), i / 30)
        errors.append(np.abs(poses.keypoints[0, :, :2] - moving_pose(i)).max())
        assert follower.is_new == (i == 0)
    assert max(errors) < 1.0
    assert follower.num_searches == 1
    assert len(network.passes) == 2 + 39


def test_person_who_leaves_and_comes_back_is_found_again():
    follower = PersonFollower(PoseEstimator(DotNetwork((144, 192)), flip_test=False))
    empty = np.zeros((*SIZE[::-1], 3), np.uint8)
    follower(dot_picture(moving_pose(0), SIZE, radius=3), 0.0)
    for i in range(1, 4):
        assert follower(empty, i / 30).scores[0] < 0.2
    back = moving_pose(60) + np.array([20, 15])
    poses = follower(dot_picture(back, SIZE, radius=3), 4 / 30)
    assert follower.is_new
    np.testing.assert_allclose(poses.keypoints[0, :, :2], back, atol=1.0)


def test_whole_picture_is_searched_every_two_seconds():
    follower = PersonFollower(PoseEstimator(DotNetwork((144, 192)), flip_test=False))
    first = dot_picture(moving_pose(0), SIZE, radius=3)
    for i in range(22):
        follower(first, i / 10)
    assert follower.num_searches == 2
    assert not follower.is_new, "what it found was no better"


@pytest.mark.parametrize("degrees", [90, 180])
def test_rotation_is_kept_while_the_infant_is_followed(degrees):
    network = DotNetwork((144, 192))
    angle = np.radians(degrees)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    truth = (SUPINE - SUPINE.mean(0)) @ matrix.T + (100, 100)
    follower = PersonFollower(PoseEstimator(network, flip_test=False, rotation_pick=True))
    image = dot_picture(truth, (200, 200), radius=3)
    for i in range(10):
        poses = follower(image, i / 30)
        assert poses.rotations_deg[0] == (360 - degrees) % 360
        np.testing.assert_allclose(poses.keypoints[0, :, :2], truth, atol=1.0)
    assert network.passes == [4, 4] + [1] * 9


def test_infant_who_rolls_over_is_tried_at_other_rotations():
    follower = PersonFollower(PoseEstimator(DotNetwork((144, 192)), flip_test=False, rotation_pick=True))
    upright = SUPINE + 40.0
    upside_down = 2 * upright.mean(0) - upright
    follower(dot_picture(upright, (200, 200), radius=3), 0.0)
    turns = [
        int(follower(dot_picture(upside_down, (200, 200), radius=3), i / 30).rotations_deg[0])
        for i in range(1, 20)
    ]
    assert turns[0] == 0
    assert turns[-1] == 180
