import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fidip.evaluation.pose_metrics import (
    acceleration,
    ajpe,
    box_iou,
    consecutive_triples,
    correct_within,
    joint_distances,
    procrustes,
    root_relative,
    scale_aligned,
)
from syrip_gen.keypoints.catalog import COCO17, MPII16, get_schema


def random_poses(count=5, size=16, seed=0):
    return np.random.default_rng(seed).normal(size=(count, size, 3)) * 100


def test_ajpe_is_the_mean_over_joints_then_poses():
    truth = np.zeros((2, 3, 2))
    estimate = np.zeros((2, 3, 2))
    estimate[0, :, 0] = 3, 6, 9  # mean 6
    estimate[1, 0] = 3, 4  # 5
    truth[1, 1:] = np.nan
    assert ajpe(joint_distances(estimate, truth)) == pytest.approx((6 + 5) / 2)


def test_ajpe_leaves_out_what_was_not_found_and_pck_counts_it_wrong():
    distances = np.array([[1.0, np.inf, np.nan], [np.inf, np.inf, np.inf]])
    assert ajpe(distances) == 1.0
    correct = correct_within(distances, np.array([2.0, 2.0]))
    np.testing.assert_array_equal(correct, [[1, 0, np.nan], [0, 0, 0]])


def test_ajpe_without_any_pose_is_nan():
    assert np.isnan(ajpe(np.full((2, 3), np.nan)))


def test_distance_at_the_limit_is_correct_and_zero_is_wrong_in_the_thesis():
    distances = np.array([[0.0, 2.0, 2.0001]])
    limits = np.array([2.0])
    np.testing.assert_array_equal(correct_within(distances, limits), [[1, 1, 0]])
    np.testing.assert_array_equal(correct_within(distances, limits, thesis=True), [[0, 1, 0]])


def test_pck_of_an_unknown_head_cannot_be_told():
    assert np.isnan(correct_within(np.ones((1, 2)), np.array([np.nan]))).all()


def test_distances_refuse_different_shapes():
    with pytest.raises(ValueError, match=r"estimates are \(1, 16, 3\), the truth is \(1, 17, 3\)"):
        joint_distances(np.zeros((1, 16, 3)), np.zeros((1, 17, 3)))


def test_root_is_the_pelvis_or_the_hips_midpoint():
    points = random_poses()
    relative = root_relative(points, MPII16)
    np.testing.assert_array_equal(relative[:, MPII16.index("pelvis")], 0)
    coco = root_relative(random_poses(size=17), COCO17)
    hips = [COCO17.index("left_hip"), COCO17.index("right_hip")]
    np.testing.assert_allclose(coco[:, hips].mean(axis=1), 0, atol=1e-9)


def test_every_schema_has_a_root():
    for name in ("coco17", "mpii16", "h36m17", "smpl24", "minirgbd25", "spin14", "body25"):
        schema = get_schema(name)
        assert np.isfinite(root_relative(random_poses(size=len(schema)), schema)).all()


def test_procrustes_undoes_similarities():
    truth = random_poses()
    turn = Rotation.random(5, random_state=1).as_matrix()
    moved = 0.7 * np.einsum("nij,nkj->nki", turn, truth) + np.arange(5)[:, None, None]
    np.testing.assert_allclose(procrustes(moved, truth), truth, atol=1e-8)


def test_procrustes_does_not_mirror():
    truth = random_poses(1)
    mirrored = truth * (1, 1, -1)
    assert ajpe(joint_distances(procrustes(mirrored, truth), truth)) > 20


def test_procrustes_is_no_worse_than_any_other_similarity():
    truth, estimate = random_poses(seed=1), random_poses(seed=2)
    best = (joint_distances(procrustes(estimate, truth), truth) ** 2).sum()
    rng = np.random.default_rng(3)
    for _ in range(50):
        turn = Rotation.random(random_state=rng).as_matrix()
        centred = estimate - estimate.mean(1, keepdims=True)
        other = rng.uniform(0, 1) * centred @ turn + truth.mean(1, keepdims=True)
        assert best <= (joint_distances(other, truth) ** 2).sum()


def test_procrustes_uses_only_common_points():
    truth = random_poses(2)
    estimate = truth * 2 + 5
    truth[0, 3], estimate[0, 3] = np.nan, 1e6
    truth[1, 2:] = np.nan
    aligned = procrustes(estimate, truth)
    np.testing.assert_allclose(aligned[0, 4:], truth[0, 4:], atol=1e-8)
    assert np.isnan(aligned[1]).all()


def test_procrustes_of_a_point_is_that_point():
    truth = random_poses(1)
    aligned = procrustes(np.ones_like(truth), truth)
    np.testing.assert_allclose(aligned, np.broadcast_to(truth.mean(1, keepdims=True), truth.shape))


def test_scale_alignment_is_the_least_squares_factor():
    truth, estimate = random_poses(seed=1), random_poses(seed=2)
    best = ((scale_aligned(estimate, truth) - truth) ** 2).sum((1, 2))
    for factor in (-0.5, 0.0, 0.3, 1.0):
        assert (best <= ((factor * estimate - truth) ** 2).sum((1, 2)) + 1e-9).all()
    np.testing.assert_allclose(scale_aligned(truth * 3, truth), truth)


def test_acceleration_is_the_second_difference_within_sequences():
    frames = np.array([0, 1, 2, 3, 0, 1, 2])
    sequences = ["a"] * 4 + ["b"] * 3
    points = np.zeros((7, 1, 3))
    points[:4, 0, 0] = [0, 1, 4, 9]  # t²: second difference 2 everywhere
    points[4:, 0, 1] = [100, 104, 108]  # uniform: 0
    triples = consecutive_triples(sequences, frames)
    assert triples.tolist() == [[0, 1, 2], [1, 2, 3], [4, 5, 6]]
    assert acceleration(points, triples) == pytest.approx((2 + 2 + 0) / 3)


def test_triples_skip_gaps_and_follow_even_steps_in_any_order():
    frames = np.array([40, 0, 10, 20, 50, 60])
    triples = consecutive_triples(np.zeros(6), frames)
    assert triples.tolist() == [[1, 2, 3], [0, 4, 5]]


def test_triples_of_single_pictures_are_none():
    assert consecutive_triples(["", ""], np.array([-1, -1])).shape == (0, 3)
    assert np.isnan(acceleration(np.zeros((2, 3, 3)), np.zeros((0, 3), int)))


def test_box_iou():
    boxes = [[0, 0, 2, 2], [1, 1, 2, 2], [5, 5, 1, 1], [0, 0, 0, 0]]
    expected = [[1, 1 / 7, 0, 0]]
    np.testing.assert_allclose(box_iou(boxes[:1], boxes), expected)


def test_a_mirror_image_is_scaled_as_well_as_can_be():
    """Where the best match would be a reflection, the scale too must be that of the best rotation."""
    truth = np.random.default_rng(3).normal(size=(1, 16, 3)) * [1.0, 0.9, 0.8]
    aligned = procrustes(truth * [-1, 1, 1], truth)
    middle = aligned.mean(axis=1, keepdims=True)

    def error(factor):
        return float(((middle + factor * (aligned - middle) - truth) ** 2).sum())

    assert error(1) < min(error(0.97), error(1.03))
