import numpy as np
import pytest
import torch

from fidip.inference.estimator import PoseEstimator, person_scores
from tests.fidip.inference.dot_network import SUPINE, DotNetwork, box_around, dot_picture


def turned(points, degrees, centre):
    angle = np.radians(degrees)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (points - SUPINE.mean(0)) @ matrix.T + centre


@pytest.mark.parametrize("has_logits", [False, True])
@pytest.mark.parametrize("flip_test", [False, True])
@pytest.mark.parametrize("cell_center", [0.0, 0.5])
def test_keypoints_come_back_in_picture_px(has_logits, flip_test, cell_center):
    truth = SUPINE * 1.7 + (40, 30)
    network = DotNetwork(has_logits=has_logits, cell_center=cell_center)
    poses = PoseEstimator(network, flip_test=flip_test).predict(
        dot_picture(truth, (300, 280), radius=4), [box_around(truth)]
    )
    np.testing.assert_allclose(poses.keypoints[0, :, :2], truth, atol=0.5)
    assert poses.keypoints[0, :, 2].min() > 0.8
    assert poses.scores[0] == pytest.approx(poses.keypoints[0, :, 2].mean())


def test_flip_test_averages_and_does_not_shift():
    truth = SUPINE + 30.0
    picture = dot_picture(truth, (170, 200), radius=3)
    straight = PoseEstimator(DotNetwork(), flip_test=False).predict(picture, [box_around(truth)])
    mirrored_truth = (170 - truth[:, 0]) * np.array([[1], [0]]) + truth[:, 1] * np.array([[0], [1]])
    other = PoseEstimator(DotNetwork(), flip_test=False).predict(
        np.ascontiguousarray(picture[:, ::-1]), [box_around(mirrored_truth.T)]
    )
    both = PoseEstimator(DotNetwork()).predict(picture, [box_around(truth)])
    order = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]
    unflipped = other.keypoints[0][order]
    unflipped[:, 0] = 170 - unflipped[:, 0]
    np.testing.assert_allclose(straight.keypoints[0, :, :2], unflipped[:, :2], atol=0.3)
    between = (straight.keypoints[0, :, :2] + unflipped[:, :2]) / 2
    np.testing.assert_allclose(both.keypoints[0, :, :2], between, atol=0.1)


def test_flip_gaps_are_the_distance_between_the_two_halves_in_px_of_the_picture():
    class TwoMinds(DotNetwork):
        """Sees the nose 16 px of the crop aside in the mirrored half of a flip test."""

        def forward(self, images):
            output = super().forward(images)
            moved = output.heatmaps.clone()
            half = len(images) // 2
            moved[half:, 0] = moved[half:, 0].roll(-4, dims=2)  # four cells, the stride is 4
            return output._replace(heatmaps=moved)

    truth = SUPINE * 2 + 30.0
    picture, box = dot_picture(truth, (290, 330), radius=5), box_around(truth)
    estimator = PoseEstimator(TwoMinds(), compare_flips=True)
    gaps = estimator.predict(picture, [box, box]).flip_gaps_px
    scale = np.linalg.norm(estimator.cut(picture, box).matrices[0][:, 0])
    assert gaps.shape == (2, 17)
    np.testing.assert_allclose(gaps[:, 0], 16 / scale, rtol=0.02)
    assert gaps[:, 1:].max() < 0.5
    assert PoseEstimator(DotNetwork()).predict(picture, [box]).flip_gaps_px is None
    with pytest.raises(ValueError, match="compare_flips needs flip_test"):
        PoseEstimator(DotNetwork(), compare_flips=True, flip_test=False)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("input_size", [(96, 128), (128, 128)])
def test_rotation_pick_finds_every_way_an_infant_lies(degrees, input_size):
    truth = turned(SUPINE * (1.0, 1.0), degrees, (130, 120))
    picture = dot_picture(truth, (260, 240), radius=3)
    estimator = PoseEstimator(DotNetwork(input_size), rotation_pick=True)
    poses = estimator.predict(picture, [box_around(truth)])
    np.testing.assert_allclose(poses.keypoints[0, :, :2], truth, atol=0.6)
    assert poses.scores[0] == pytest.approx(0.9, abs=0.05), "the upright crop is the most confident"
    plain = PoseEstimator(DotNetwork(input_size)).predict(picture, [box_around(truth)])
    assert plain.scores[0] <= poses.scores[0] + 1e-6
    if degrees == 180:
        assert plain.scores[0] < 0.5


def test_upright_bonus_decides_a_tie():
    class Even(DotNetwork):
        def forward(self, images):
            output = super().forward(images)
            first = torch.linspace(0.5, 0.515, len(images)).view(-1, 1, 1, 1)
            return output._replace(heatmaps=output.heatmaps / output.heatmaps.amax((2, 3), True) * first)

    truth = SUPINE + 30.0
    estimator = PoseEstimator(Even(), rotation_pick=True, flip_test=False)
    poses = estimator.predict(dot_picture(truth, (170, 200), radius=3), [box_around(truth)])
    assert poses.scores[0] == pytest.approx(0.5, abs=1e-3), "another turn was 0.015 better, bonus 0.03"


def test_batches_do_not_change_results():
    people = [SUPINE * s + (x, 20) for s, x in ((1.0, 10), (1.3, 130), (0.8, 290))]
    pictures = [dot_picture(p, (420, 220), radius=3) for p in people]
    one = PoseEstimator(DotNetwork(), batch_size=1)
    many = PoseEstimator(DotNetwork(), batch_size=2)
    stream = list(many.predict_stream((i, [box_around(p)]) for i, p in zip(pictures, people, strict=True)))
    assert [len(poses) for poses in stream] == [1, 1, 1]
    for picture, person, poses in zip(pictures, people, stream, strict=True):
        alone = one.predict(picture, [box_around(person)])
        np.testing.assert_allclose(poses.keypoints, alone.keypoints, atol=1e-4)
    assert many.network.passes == [4, 2], "2 crops and their mirror images, then the last one"


def test_no_box_gives_no_pose():
    poses = PoseEstimator(DotNetwork()).predict(np.zeros((9, 9, 3), np.uint8), np.zeros((0, 4)))
    assert poses.keypoints.shape == (0, 17, 3)
    assert poses.scores.shape == (0,)


def test_stream_keeps_pictures_without_persons():
    truth = SUPINE + 20.0
    picture = dot_picture(truth, (150, 180), radius=3)
    pictures = [(picture, []), (picture, [box_around(truth)] * 2), (picture, [])]
    assert [len(p) for p in PoseEstimator(DotNetwork()).predict_stream(pictures)] == [0, 2, 0]


@pytest.mark.parametrize("picture", [np.zeros((5, 5), np.uint8), np.zeros((5, 5, 3), np.float32)])
def test_other_pictures_are_refused(picture):
    with pytest.raises(ValueError, match=r"\(H, W, 3\) uint8"):
        PoseEstimator(DotNetwork()).predict(picture, [[0, 0, 5, 5]])


def test_box_without_area_is_refused():
    with pytest.raises(ValueError, match="width and height > 0"):
        PoseEstimator(DotNetwork()).predict(np.zeros((5, 5, 3), np.uint8), [[0, 0, 0, 5]])


def test_network_that_returns_nan_is_refused():
    class Broken(DotNetwork):
        def forward(self, images):
            output = super().forward(images)
            return output._replace(heatmaps=output.heatmaps * float("nan"))

    with pytest.raises(ValueError, match="NaN"):
        PoseEstimator(Broken()).predict(np.zeros((9, 9, 3), np.uint8), [[0, 0, 5, 5]])


def test_person_score_leaves_unseen_keypoints_out():
    scores = np.array([[0.9, 0.7, 0.1], [0.1, 0.2, 0.0]])
    np.testing.assert_allclose(person_scores(scores), [0.8, 0.0])
