import numpy as np
import pytest

from syrip_gen.body.posing import pose_body
from syrip_gen.sampling.poses import (
    BETA_LIMIT,
    HINGE_EXTENSION_LIMIT,
    HINGES,
    JITTER_DEG,
    choose_pose,
    jitter_body_pose,
    mirror_pose,
    sample_betas,
)


def test_every_pose_is_used_about_equally() -> None:
    counts = np.bincount([choose_pose(7, 3, index) for index in range(100)], minlength=7)
    assert counts.min() == 14
    assert counts.max() == 15


def test_another_seed_deals_another_order() -> None:
    orders = [[choose_pose(30, seed, i) for i in range(30)] for seed in (0, 1)]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(30))
    assert orders[0] != orders[1]


def test_balanced_postures_come_equally_often() -> None:
    postures = ["Prone"] * 9 + ["Sitting"]
    chosen = [choose_pose(10, 0, i, postures) for i in range(40)]
    assert sum(c == 9 for c in chosen) == 20
    assert set(chosen) == set(range(10))


def test_no_pose_is_an_error() -> None:
    with pytest.raises(ValueError, match="no accepted pose"):
        choose_pose(0, 0, 0)


def test_jitter_has_the_documented_spread() -> None:
    noise = np.array(
        [jitter_body_pose(np.zeros((23, 3)), 1.0, np.random.default_rng(i)) for i in range(2000)]
    )
    joint = 20 - 1  # left wrist, free in all axes
    np.testing.assert_allclose(noise[:, joint].std(0), np.deg2rad(JITTER_DEG[joint]), rtol=0.15)
    assert np.abs(noise).max() <= 2 * np.deg2rad(JITTER_DEG.max()) + 1e-12


def test_jitter_of_strength_zero_changes_nothing() -> None:
    pose = np.random.default_rng(0).normal(0, 0.5, (23, 3))
    pose[[3, 4, 17, 18]] = 0.0
    np.testing.assert_array_equal(jitter_body_pose(pose, 0.0, np.random.default_rng(1)), pose)


def test_jitter_never_hyperextends_hinges() -> None:
    for seed in range(200):
        varied = jitter_body_pose(np.zeros((23, 3)), 3.0, np.random.default_rng(seed))
        for joint, (axis, sign) in HINGES.items():
            assert sign * varied[joint - 1, axis] >= HINGE_EXTENSION_LIMIT - 1e-12


def test_mirror_twice_is_the_identity() -> None:
    rng = np.random.default_rng(0)
    orient, pose = rng.normal(size=3), rng.normal(size=(23, 3))
    back = mirror_pose(*mirror_pose(orient, pose))
    np.testing.assert_allclose(back[0], orient)
    np.testing.assert_allclose(back[1], pose)


def test_mirrored_pose_mirrors_the_joints(body) -> None:
    """The joints of the mirrored pose are the mirrored joints, left and right exchanged."""
    rng = np.random.default_rng(1)
    orient, pose = rng.normal(0, 0.8, 3), rng.normal(0, 0.3, (23, 3))
    rest = pose_body(body).joints
    swap = np.array([0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20, 23, 22])
    mirror = np.array([-1.0, 1.0, 1.0])
    asymmetry = np.abs(rest[swap] * mirror - rest).max()
    plain, turned = pose_body(body, None, orient, pose).joints, mirror_pose(orient, pose)
    mirrored = pose_body(body, None, *turned).joints
    assert np.abs(mirrored - plain[swap] * mirror).max() < 3 * asymmetry + 1e-3


def test_betas_stay_within_the_limit() -> None:
    betas = np.array([sample_betas(20, np.random.default_rng(i)) for i in range(500)])
    assert np.abs(betas).max() <= BETA_LIMIT
    assert 0.6 < betas.std() < 1.0
