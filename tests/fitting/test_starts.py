import numpy as np

from syrip_gen.fitting.energy import unpack
from syrip_gen.fitting.fit import make_target
from syrip_gen.fitting.limbs import _depth_order, limb_alternatives
from syrip_gen.fitting.starts import NUM_VIEWS, find_starts

from .conftest import keypoints_of, synthetic_bodies


def test_views_are_rotations_all_around(fitter) -> None:
    views = fitter.table.views
    np.testing.assert_allclose(
        views @ views.transpose(0, 2, 1), np.tile(np.eye(3), (NUM_VIEWS, 1, 1)), atol=1e-9
    )
    np.testing.assert_allclose(np.linalg.det(views), 1.0)
    assert np.linalg.norm(views[:, 2].mean(0)) < 0.02


def test_a_mean_pose_is_found_at_once(fitter) -> None:
    mode = 2
    x = synthetic_bodies(fitter, 1)[0]
    x[29:98], x[:20] = fitter.prior.means[mode], 0.0
    x[100] = 6.0  # far away, so that weak perspective holds
    keypoints, _ = keypoints_of(fitter, x, focal_px=2400.0)
    target = make_target(keypoints, np.array([640, 480]))
    start = find_starts(fitter.table, fitter.prior, target, 10, 1.0, 20)[0]
    _, root, pose, transl, _ = unpack(start)
    np.testing.assert_array_equal(pose, fitter.prior.means[mode])
    angle = np.degrees(np.arccos((np.sum(root * x[20:29].reshape(3, 3)) - 1) / 2))
    assert angle < 25
    assert transl[2] > 0.25


def test_starts_differ(fitter) -> None:
    keypoints, _ = keypoints_of(fitter, synthetic_bodies(fitter, 1)[0])
    starts = find_starts(
        fitter.table, fitter.prior, make_target(keypoints, np.array([640, 480])), 20, 1.0, 20
    )
    assert len(starts) == 20
    assert len({start[20:98].tobytes() for start in starts}) == 20


def test_other_depth_orders_of_each_limb(fitter) -> None:
    x = synthetic_bodies(fitter, 1, seed=2)[0]
    keypoints, _ = keypoints_of(fitter, x)
    x[-1] = np.log(600.0 / np.linalg.norm(np.ptp(keypoints[:, :2], axis=0)))
    target = make_target(keypoints, np.array([640, 480]))
    others = limb_alternatives(fitter.kinematics, fitter.limbs, target, x)
    assert 0 < len(others) <= 12
    arms, legs = {13, 14, 16, 17, 18, 19, 20, 21}, {1, 2, 4, 5, 7, 8}
    for other in others:
        changed = {1 + i // 3 for i in np.flatnonzero(other[29:98] != x[29:98])}
        assert changed
        assert changed <= arms or changed <= legs
        np.testing.assert_array_equal(other[:29], x[:29])


def test_depth_order_counts_segments_away_from_the_camera() -> None:
    assert [int(_depth_order(1.0, m, e)) for m, e in ((0.9, 0.8), (0.9, 1.0), (1.1, 1.0), (1.1, 1.2))] == [
        0,
        1,
        2,
        3,
    ]
