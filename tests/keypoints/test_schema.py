import re

import numpy as np
import pytest

from syrip_gen.keypoints.catalog import CATALOG, COCO17, get_schema
from syrip_gen.keypoints.schema import KeypointSchema

COCO_SKELETON_ONE_BASED = [
    [16, 14], [14, 12], [17, 15], [15, 13], [12, 13], [6, 12], [7, 13], [6, 7], [6, 8], [7, 9], [8, 10],
    [9, 11], [2, 3], [1, 2], [1, 3], [2, 4], [3, 5], [4, 6], [5, 7],
]  # fmt: skip
SIZES = {
    "coco17": 17, "mpii16": 16, "body19": 19, "body25": 25, "openpose18": 18, "h36m17": 17, "smpl24": 24,
    "smpl29": 29, "minirgbd25": 25, "mpi_inf_3dhp28": 28, "spin14": 14,
}  # fmt: skip


def test_catalog_has_the_expected_schemas():
    assert {name: len(schema) for name, schema in CATALOG.items()} == SIZES


def test_coco_skeleton_is_cocos():
    assert [[a + 1, b + 1] for a, b in COCO17.skeleton] == COCO_SKELETON_ONE_BASED


def test_coco_flip_index():
    assert COCO17.flip_index.tolist() == [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]


def test_mpii_flip_index():
    expected = [5, 4, 3, 2, 1, 0, 6, 7, 8, 9, 15, 14, 13, 12, 11, 10]
    assert get_schema("mpii16").flip_index.tolist() == expected


def test_h36m_sides_are_videopose3ds():
    sides = np.array(get_schema("h36m17").sides)
    assert np.flatnonzero(sides == "left").tolist() == [4, 5, 6, 11, 12, 13]
    assert np.flatnonzero(sides == "right").tolist() == [1, 2, 3, 14, 15, 16]


def test_coco_sigmas_are_pycocotools():
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    np.testing.assert_allclose(COCO17.oks_sigmas, cocoeval.Params("keypoints").kpt_oks_sigmas)


@pytest.mark.parametrize("schema", CATALOG.values(), ids=lambda s: s.name)
def test_flip_is_an_involution_that_maps_the_skeleton_onto_itself(schema):
    flip = schema.flip_index
    np.testing.assert_array_equal(flip[flip], np.arange(len(schema)))
    edges = {frozenset(edge) for edge in schema.skeleton}
    assert {frozenset((int(flip[a]), int(flip[b]))) for a, b in schema.skeleton} == edges


@pytest.mark.parametrize("schema", CATALOG.values(), ids=lambda s: s.name)
def test_skeleton_reaches_every_keypoint(schema):
    assert {end for edge in schema.skeleton for end in edge} == set(range(len(schema)))


def test_spin14_names_match_the_weak_3d_labels(shared_data):
    names = np.load(shared_data / "infant_3d" / "syrip_weak3d_383.npz")["joint_names"]
    expected = [re.sub("^l_", "left_", re.sub("^r_", "right_", n)) for n in names]
    assert list(get_schema("spin14").keypoints) == expected


def test_unknown_schema_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"unknown keypoint schema 'coco18'; choose from coco17, mpii16"):
        get_schema("coco18")


def test_unknown_keypoint_lists_the_known_ones():
    with pytest.raises(ValueError, match="no keypoint 'tail'; it has nose"):
        COCO17.index("tail")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(keypoints=("a", "a")), "unique"),
        (dict(keypoints=("a", "b"), flip_pairs=(("a", "c"),)), "unknown keypoints"),
        (dict(keypoints=("a", "b"), flip_pairs=(("a", "b"), ("b", "a"))), "one flip pair only"),
        (dict(keypoints=("a", "b"), skeleton=((0, 2),)), "leave the range 0..1"),
        (dict(keypoints=("a", "b"), oks_sigmas=(0.1,)), "expected 2 OKS sigmas, got 1"),
    ],
)
def test_inconsistent_schema_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        KeypointSchema("bad", **arguments)
