"""OKS, pairing, non-maximum suppression, PCK."""

import numpy as np
import pytest

from fidip.evaluation.ground_truth import read_ground_truth
from fidip.evaluation.metric_words import read_metrics
from fidip.evaluation.pck import PckMetric, correct_keypoints, head_size_px, pck_notes
from fidip.evaluation.similarity import keypoint_similarity, match_persons, oks_nms
from syrip_gen.annotation.coco import person_category
from syrip_gen.keypoints.catalog import COCO17

POSE = np.random.default_rng(5).uniform(20, 80, (17, 2))


def truth(*poses, images=1, **more):
    """Ground truth with these (17, 2) poses in one picture, all labelled, box 100 × 50."""
    annotations = [
        {"id": n, "image_id": 1, "category_id": 1, "bbox": [0, 0, 100, 50], "area": 4000, "iscrowd": 0,
         "keypoints": np.column_stack([pose, np.full(17, 2)]).ravel().tolist(), **more}
        for n, pose in enumerate(poses, start=1)
    ]  # fmt: skip
    return read_ground_truth(
        {
            "images": [{"id": i + 1} for i in range(images)],
            "annotations": annotations,
            "categories": [person_category()],
        }
    )


def result(pose, image_id=1):
    keypoints = np.column_stack([pose, np.ones(17)]).ravel().tolist()
    return {"image_id": image_id, "category_id": 1, "keypoints": keypoints, "score": 1.0}


def test_similarity_follows_cocos_formula():
    sigma = COCO17.oks_sigmas[0]
    distances = np.zeros((1, 17))
    distances[0, 0] = 2 * sigma * 100  # as far as the root of the area times k = 2 sigma
    terms = keypoint_similarity(distances, np.array([100.0**2]))
    assert terms[0, 0] == pytest.approx(np.exp(-0.5))
    assert (terms[0, 1:] == 1).all()


def test_persons_get_the_predictions_that_fit_them_best():
    gt = truth(POSE, POSE + 30, POSE + 400)
    matches = match_persons(gt, [result(POSE + 31), result(POSE + 3)], np.full(3, 4000.0))
    np.testing.assert_allclose(matches.distances_px[0], 3 * np.sqrt(2))
    np.testing.assert_allclose(matches.distances_px[1], np.sqrt(2))
    assert np.isinf(matches.distances_px[2]).all()
    assert (matches.similarities[2] == 0).all()
    assert matches.num_found == 2


def test_unlabelled_keypoints_take_no_part():
    gt = truth(POSE)
    gt.persons[0].keypoints[3] = (-45, -45, 0)
    matches = match_persons(gt, [result(POSE + 1)], np.array([4000.0]))
    assert np.isnan(matches.distances_px[0, 3])
    assert np.isnan(matches.similarities[0, 3])
    assert np.isfinite(np.delete(matches.distances_px[0], 3)).all()


def test_nms_keeps_the_best_of_persons_that_are_alike():
    poses = np.stack([POSE, POSE + 0.5, POSE + 60])
    areas = np.full(3, 4000.0)
    assert oks_nms(poses, np.array([0.5, 0.9, 0.1]), areas, 0.9).tolist() == [1, 2]
    assert oks_nms(poses, np.array([0.5, 0.9, 0.1]), areas, 1.0).tolist() == [1, 0, 2]
    assert oks_nms(poses[:0], np.zeros(0), np.zeros(0), 0.9).tolist() == []


def test_pck_takes_the_share_of_the_longer_side():
    gt = truth(POSE)
    moved = POSE.copy()
    moved[0] += (4.9, 0)
    moved[1] += (5.1, 0)
    distances = match_persons(gt, [result(moved)], np.array([4000.0])).distances_px
    correct = correct_keypoints(PckMetric("pck", 0.05), gt, distances)
    assert correct[0, :3].tolist() == [1, 0, 1]
    assert correct_keypoints(PckMetric("pck", 0.06), gt, distances).all()


def test_pck_counts_persons_without_a_prediction_as_wrong():
    gt = truth(POSE, POSE + 500)
    distances = match_persons(gt, [result(POSE)], np.full(2, 4000.0)).distances_px
    assert correct_keypoints(PckMetric("pck", 0.05), gt, distances).mean() == 0.5


def test_head_size_is_the_head_boxs_or_from_nose_and_ears():
    pose = POSE.copy()
    pose[0], pose[3], pose[4] = (10, 0), (0, 0), (0, 24)
    assert head_size_px(truth(pose, bbox_head=[0, 0, 30, 40]).persons[0]) == pytest.approx(30)
    plain = truth(pose).persons[0]
    assert head_size_px(plain) == pytest.approx(26)
    plain.keypoints[4, 2] = 0
    assert head_size_px(plain) == pytest.approx(10)
    plain.keypoints[0, 2] = 0
    assert np.isnan(head_size_px(plain))


def test_pckh_leaves_out_persons_whose_head_is_not_known():
    gt = truth(POSE, POSE + 300)
    gt.persons[1].keypoints[[0, 3, 4], 2] = 0
    distances = match_persons(gt, [result(POSE)], np.full(2, 4000.0)).distances_px
    correct = correct_keypoints(PckMetric("pckh", 0.5), gt, distances)
    assert (correct[0] == 1).all()
    assert np.isnan(correct[1]).all()
    assert "leaves out 1 of 2 persons" in pck_notes([PckMetric("pckh", 0.5)], gt)[0]
    assert pck_notes([PckMetric("pck", 0.5)], gt) == []


@pytest.mark.parametrize(
    "text, names",
    [
        ("oks", []),
        ("oks,pckh,pck@0.05", ["PCKh@0.5", "PCK@0.05"]),
        ("PCKh@1.0, pckh@2, pck , pck@0.05", ["PCKh@1", "PCKh@2", "PCK@0.05"]),
        ("", []),
    ],
)
def test_metrics_are_read(text, names):
    assert [metric.name for metric in read_metrics(text).pck] == names


@pytest.mark.parametrize("text", ["mpjp", "pck@", "pck@0", "pckh@50", "pck@-1", "pck@nan", "oks;pck"])
def test_unknown_metrics_are_named(text):
    with pytest.raises(ValueError, match="--metrics"):
        read_metrics(text)
