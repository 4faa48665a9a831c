import numpy as np
import pytest

from fidip.labelling.doubts import FLIP_SHARE, LOW_SCORE, point_doubts
from fidip.labelling.limb_lengths import SEGMENTS, TOLERANCE, segment_excess, suspects
from syrip_gen.body.load import load_body
from syrip_gen.body.posing import rest_body
from syrip_gen.keypoints.catalog import COCO17, get_schema
from tests.fidip.inference.dot_network import SUPINE

BOX = (0.0, 0.0, 100.0, 50.0)
WRIST = COCO17.index("left_wrist")
ALL = np.ones(17, bool)


def points(score=0.9, scale=1.0):
    return np.column_stack([SUPINE * scale, np.full(17, score)])


def kinds(doubts):
    return [(doubt.keypoint, doubt.kind) for doubt in doubts]


def test_sure_points_raise_no_doubts():
    assert point_doubts(1, points(LOW_SCORE), np.full(17, 2), np.zeros(17), BOX) == []


def test_each_reason_is_told_with_its_figure():
    unsure = points()
    unsure[WRIST, 2] = 0.22
    gaps = np.zeros(17)
    gaps[0] = 14.4
    doubts = point_doubts(3, unsure, np.full(17, 2), gaps, BOX)
    assert kinds(doubts) == [(0, "flip"), (WRIST, "low_score")]
    assert [doubt.text for doubt in doubts] == [
        "elsewhere in the mirrored picture (by 14% of the box)",
        "low score (0.22)",
    ]
    assert {doubt.person for doubt in doubts} == {3}


def test_flip_gaps_count_by_the_longer_side_of_the_box():
    gaps = np.full(17, 100 * FLIP_SHARE + 0.01)
    assert len(point_doubts(1, points(), np.full(17, 2), gaps, BOX)) == 17
    assert point_doubts(1, points(), np.full(17, 2), gaps, (0, 0, 50, 110)) == []


def test_absent_points_are_not_doubted():
    v = np.full(17, 2)
    v[WRIST] = 0
    doubts = point_doubts(1, points(0.05), v, np.full(17, 50.0), BOX)
    assert WRIST not in {doubt.keypoint for doubt in doubts}
    assert len(doubts) == 32


def test_a_limb_too_long_is_blamed_on_its_less_sure_end():
    far = points(0.8)
    far[WRIST, :2] += (0, 70)
    far[WRIST, 2] = 0.6
    (doubt,) = point_doubts(1, far, np.full(17, 2), None, BOX)
    assert (doubt.keypoint, doubt.kind) == (WRIST, "limb")
    assert doubt.text.startswith("left forearm too long for the body (4.2 times")
    far[COCO17.index("left_elbow"), 2] = 0.5
    assert kinds(point_doubts(1, far, np.full(17, 2), None, BOX)) == [(COCO17.index("left_elbow"), "limb")]


def test_other_schemas_have_no_limb_lengths():
    schema = get_schema("mpii16")
    wild = np.column_stack([np.random.default_rng(0).uniform(0, 900, (16, 2)), np.full(16, 0.9)])
    assert point_doubts(1, wild, np.full(16, 2), None, BOX, schema) == []


def test_no_view_of_a_plausible_body_raises_doubts():
    """Turned any way and seen without perspective: shorter limbs are never doubted."""
    rng = np.random.default_rng(7)
    body = np.column_stack([SUPINE, rng.uniform(-3, 3, 17)])
    for _ in range(200):
        turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
        seen = (body @ turn)[:, :2] * rng.uniform(0.1, 10)
        assert np.nanmax(segment_excess(seen, ALL)) < 1.45


def test_a_misplaced_knee_does_not_hide_behind_its_own_other_limb():
    wrong = points()
    knee = COCO17.index("right_knee")
    wrong[knee, :2] += (-90, 0)
    wrong[knee, 2] = 0.5
    found = suspects(wrong[:, :2], wrong[:, 2], ALL)
    assert set(found) == {knee}
    assert found[knee][1] > TOLERANCE


def test_unknown_points_are_left_out():
    known = np.zeros(17, bool)
    assert np.isnan(segment_excess(SUPINE, known)).all()
    known[[5, 7]] = True
    assert np.isnan(segment_excess(SUPINE, known)).all(), "one segment alone says nothing"
    known[[12, 14]] = True
    excess = segment_excess(SUPINE, known)
    assert np.isfinite(excess).sum() == 2
    assert np.nanprod(excess) == pytest.approx(1)


def test_lengths_are_scale_free():
    assert np.allclose(segment_excess(SUPINE, ALL), segment_excess(SUPINE * 13, ALL))


def test_lengths_are_those_of_the_embedded_infant():
    """At rest, for many builds; posed infants of whole datasets differ by some percent (benchmarks)."""
    body = load_body("infant")
    rng = np.random.default_rng(5)
    ends = np.array([[COCO17.index(a), COCO17.index(b)] for _, a, b, _ in SEGMENTS])
    expected = np.array([length for *_, length in SEGMENTS])
    ratios = []
    for _ in range(20):
        vertices, _joints = rest_body(body, np.clip(rng.standard_normal(body.num_betas), -2, 2))
        points = body.keypoint_regressor @ vertices
        trunk = np.linalg.norm(points[5:7].mean(0) - points[11:13].mean(0))
        ratios.append(np.linalg.norm(points[ends[:, 0]] - points[ends[:, 1]], axis=1) / trunk)
    np.testing.assert_allclose(np.median(ratios, axis=0), expected, rtol=0.15)
    assert (np.max(ratios, axis=0) / np.min(ratios, axis=0)).max() < TOLERANCE * 1.2
