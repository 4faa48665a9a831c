import numpy as np
import pytest

from syrip_gen.keypoints.catalog import (
    BODY19,
    BODY25,
    CATALOG,
    COCO17,
    H36M17,
    MINIRGBD25,
    MPI_INF_3DHP28,
    MPII16,
    SMPL24,
    SMPL29,
    SPIN14,
)
from syrip_gen.keypoints.mapping import map_keypoints, map_points, mapping_weights

KNOWN_INDEX_LISTS = [
    (SMPL29, BODY19, [24, 12, 17, 19, 21, 16, 18, 20, 0, 2, 5, 8, 1, 4, 7, 25, 26, 27, 28]),
    (SMPL29, COCO17, [24, 26, 25, 28, 27, 16, 17, 18, 19, 20, 21, 1, 2, 4, 5, 7, 8]),
    (MINIRGBD25, MPII16, [8, 5, 2, 1, 4, 7, 0, 9, 12, 24, 21, 19, 17, 16, 18, 20]),
    (MINIRGBD25, COCO17, [24, None, None, None, None, 16, 17, 18, 19, 20, 21, 1, 2, 4, 5, 7, 8]),
    (MPI_INF_3DHP28, MPII16, [25, 24, 23, 18, 19, 20, 4, 1, 5, 6, 16, 15, 14, 9, 10, 11]),
    (MPI_INF_3DHP28, MINIRGBD25,
     [4, 18, 23, 3, 19, 24, 2, 20, 25, 0, 22, 27, 5, 8, 13, 6, 9, 14, 10, 15, 11, 16, 12, 17, 7]),
    (COCO17, MPII16,
     [16, 14, 12, 11, 13, 15, (11, 12), (5, 6), None, None, 10, 8, 6, 5, 7, 9]),
    (COCO17, BODY19, [0, (5, 6), 6, 8, 10, 5, 7, 9, (11, 12), 12, 14, 16, 11, 13, 15, 2, 1, 4, 3]),
    (COCO17, SPIN14, [16, 14, 12, 11, 13, 15, 10, 8, 6, 5, 7, 9, (5, 6), None]),
    (H36M17, COCO17, [9, None, None, None, None, 11, 14, 12, 15, 13, 16, 4, 1, 5, 2, 6, 3]),
    (BODY25, BODY19, list(range(19))),
    (COCO17, H36M17,
     [(11, 12), 12, 14, 16, 11, 13, 15, (5, 6, 11, 12), (5, 6), 0, None, 5, 7, 9, 6, 8, 10]),
]  # fmt: skip


@pytest.mark.parametrize("source, target, expected", KNOWN_INDEX_LISTS, ids=lambda x: getattr(x, "name", ""))
def test_mapping_matches_published_index_list(source, target, expected):
    weights = np.zeros((len(target), len(source)))
    for row, index in enumerate(expected):
        if index is not None:
            used = [index] if isinstance(index, int) else list(index)
            weights[row, used] = 1 / len(used)
    np.testing.assert_array_equal(mapping_weights(source, target), weights)


@pytest.mark.parametrize("source", [MINIRGBD25, MPI_INF_3DHP28], ids=lambda s: s.name)
@pytest.mark.parametrize("target", [MPII16, MINIRGBD25], ids=lambda s: s.name)
def test_datasets_of_the_3d_evaluations_map_one_to_one(source, target):
    weights = mapping_weights(source, target)
    assert np.isin(weights, (0, 1)).all()
    np.testing.assert_array_equal(weights.sum(axis=1), 1)
    assert weights.sum(axis=0).max() == 1, "two keypoints come from the same joint"


@pytest.mark.parametrize("source", CATALOG.values(), ids=lambda s: s.name)
@pytest.mark.parametrize("target", CATALOG.values(), ids=lambda s: s.name)
def test_mapping_commutes_with_mirroring(source, target):
    weights = mapping_weights(source, target)
    mirrored = weights[target.flip_index][:, source.flip_index]
    np.testing.assert_allclose(mirrored, weights)
    assert set(np.round(weights.sum(axis=1), 12)) <= {0.0, 1.0}


@pytest.mark.parametrize("schema", CATALOG.values(), ids=lambda s: s.name)
def test_mapping_to_itself_is_the_identity(schema):
    np.testing.assert_array_equal(mapping_weights(schema, schema), np.eye(len(schema)))


def test_midpoint_visibility_is_the_smaller_one():
    keypoints = np.zeros((17, 3))
    keypoints[5] = (10, 20, 2)
    keypoints[6] = (30, 60, 1)
    neck = map_keypoints(keypoints, COCO17, BODY19)[BODY19.index("neck")]
    np.testing.assert_array_equal(neck, (20, 40, 1))


def test_midpoint_of_an_unlabelled_part_is_unlabelled():
    keypoints = np.zeros((17, 3))
    keypoints[11] = (10, 20, 2)
    np.testing.assert_array_equal(map_keypoints(keypoints, COCO17, BODY19)[BODY19.index("mid_hip")], 0)


def test_undefined_keypoints_are_unlabelled():
    keypoints = np.ones((2, 17, 3))
    mapped = map_keypoints(keypoints, COCO17, SPIN14)
    assert mapped.shape == (2, 14, 3)
    np.testing.assert_array_equal(mapped[:, SPIN14.index("head_top")], 0)


def test_map_points_marks_undefined_with_nan_and_keeps_nan_local():
    points = np.random.default_rng(0).normal(size=(5, 24, 3))
    points[:, SMPL24.index("left_hand")] = np.nan
    mapped, defined = map_points(points, SMPL24, COCO17)
    assert defined.tolist() == [False] * 5 + [True] * 12
    assert np.isnan(mapped[:, :5]).all()
    assert np.isfinite(mapped[:, 5:]).all()


def test_wrong_keypoint_count_says_what_was_expected():
    with pytest.raises(ValueError, match=r"expected \(\.\.\., 17, D\) coco17 keypoints, not \(19, 3\)"):
        map_keypoints(np.zeros((19, 3)), COCO17, BODY19)


def test_coco_to_body19_reproduces_neck_and_mid_hip_of_real_poses(shared_data):
    from syrip_gen.keypoints.readers import read_poses

    keypoints = read_poses(shared_data / "infant_2d" / "syrip_real_383.json").keypoints
    mapped = map_keypoints(keypoints, COCO17, BODY19)
    both = (keypoints[:, [5, 6], 2] > 0).all(axis=1)
    expected = (keypoints[both, 5, :2] + keypoints[both, 6, :2]) / 2
    np.testing.assert_allclose(mapped[both, 1, :2], expected)
    back = map_keypoints(mapped, BODY19, COCO17)
    np.testing.assert_array_equal(back, keypoints)
