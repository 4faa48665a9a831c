import dataclasses

import numpy as np
import pytest

from syrip_gen.fitting import fit_poses
from syrip_gen.fitting.fit import fit_one, make_target
from syrip_gen.keypoints.readers import read_poses

from .conftest import keypoints_of, make_poses, synthetic_bodies


def _aligned_error(points: np.ndarray, truth: np.ndarray) -> float:
    """Mean distance after similarity alignment (Procrustes)."""
    a, b = points - points.mean(0), truth - truth.mean(0)
    u, s, vt = np.linalg.svd(a.T @ b)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    scale = (s * sign).sum() / (a**2).sum()
    return float(np.linalg.norm(scale * a @ (u * sign) @ vt - b, axis=1).mean())


@pytest.fixture(scope="module")
def truths(fitter):
    bodies = synthetic_bodies(fitter, 12)
    return [keypoints_of(fitter, x) for x in bodies]


@pytest.fixture(scope="module")
def bank(infant, prior, truths):
    return fit_poses(make_poses(np.stack([k for k, _ in truths])), infant, prior, workers=1)


def test_bodies_are_recovered_from_their_keypoints(bank, truths) -> None:
    assert bank.accepted.mean() >= 0.75
    assert np.median(bank.reprojection_error) < 0.01
    errors = [_aligned_error(p, truth) for p, (_, truth) in zip(bank.keypoints_3d_m, truths, strict=True)]
    # One picture does not tell every depth; the prior must get most of them.
    assert np.median(errors) < 0.03


def test_bank_holds_what_was_fitted(bank, infant) -> None:
    from syrip_gen.body.posing import pose_body

    i = int(np.flatnonzero(bank.accepted)[0])
    posed = pose_body(infant, bank.betas[i], bank.global_orient[i], bank.body_pose[i], bank.transl[i])
    np.testing.assert_allclose(infant.keypoint_regressor @ posed.vertices, bank.keypoints_3d_m[i], atol=1e-5)
    assert bank.keypoints_3d_m.shape == (12, 17, 3)
    assert bank.body == f"infant:{infant.sha256}"


def test_number_of_workers_changes_nothing(bank, infant, prior, truths) -> None:
    poses = make_poses(np.stack([k for k, _ in truths[:4]]))
    two = fit_poses(poses, infant, prior, workers=2)
    for name in ("betas", "global_orient", "body_pose", "transl", "focal_px"):
        np.testing.assert_array_equal(getattr(two, name), getattr(bank, name)[:4])


def test_poison_in_one_pose_leaves_the_others_bit_identical(bank, infant, prior, truths) -> None:
    poses = make_poses(np.stack([k for k, _ in truths[:4]]))
    poses.keypoints[1, 5, 0] = np.nan
    poses.keypoints[2, 5] = [1e300, -1e300, 2.0]
    poisoned = fit_poses(poses, infant, prior, workers=2)
    assert poisoned.reason[1] == "not finite"
    assert not poisoned.accepted[1]
    assert not poisoned.accepted[2]
    for row in (0, 3):
        np.testing.assert_array_equal(poisoned.body_pose[row], bank.body_pose[row])
        np.testing.assert_array_equal(poisoned.betas[row], bank.betas[row])


def test_image_size_does_not_matter(fitter, truths) -> None:
    keypoints = truths[0][0]
    large = keypoints * [8.0, 8.0, 1.0]
    small = fit_one(fitter, keypoints, np.array([640, 480]))
    big = fit_one(fitter, large, np.array([5120, 3840]))
    np.testing.assert_allclose(big.keypoints, small.keypoints, atol=1e-6)
    assert big.error == pytest.approx(small.error, rel=1e-6)
    assert big.focal_px == pytest.approx(8 * small.focal_px, rel=1e-6)


@pytest.mark.parametrize("labelled, reason", [(0, "too few keypoints"), (5, "too few keypoints")])
def test_too_few_keypoints_are_rejected(fitter, truths, labelled: int, reason: str) -> None:
    keypoints = truths[0][0].copy()
    keypoints[labelled:] = 0.0
    row = fit_one(fitter, keypoints, np.array([640, 480]))
    assert row.reason == reason
    assert np.isnan(row.x).all()


def test_coinciding_keypoints_are_rejected(fitter) -> None:
    keypoints = np.tile([100.0, 100.0, 2.0], (17, 1))
    assert fit_one(fitter, keypoints, np.array([640, 480])).reason == "keypoints coincide"


def test_scattered_keypoints_are_rejected(fitter) -> None:
    keypoints = np.random.default_rng(0).uniform(0, 480, (17, 3))
    keypoints[:, 2] = 2
    assert fit_one(fitter, keypoints, np.array([640, 480])).reason != ""


def test_exchanged_legs_are_noticed(fitter, truths, bank) -> None:
    swapped = 0
    for i in np.flatnonzero(bank.accepted)[:4]:
        keypoints = truths[i][0].copy()
        keypoints[[11, 12, 13, 14, 15, 16]] = keypoints[[12, 11, 14, 13, 16, 15]]
        row = fit_one(fitter, keypoints, np.array([640, 480]))
        swapped += row.reason != ""
    assert swapped >= 2


def test_unlabelled_keypoints_do_not_count(truths) -> None:
    keypoints = truths[0][0].copy()
    keypoints[3] = 0.0
    target = make_target(keypoints, np.array([640, 480]))
    assert target.confidence[3] == 0.0
    assert np.isfinite(target.points).all()


def test_progress_counts_every_pose(infant, prior, truths) -> None:
    calls = []
    poses = make_poses(np.stack([k for k, _ in truths[:2]]))
    fit_poses(poses, infant, prior, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 2), (2, 2)]


def test_no_poses_give_an_empty_bank(infant, prior) -> None:
    assert len(fit_poses(make_poses(np.zeros((0, 17, 3))), infant, prior)) == 0


def test_foreign_regressors_are_refused(infant, prior) -> None:
    body = dataclasses.replace(infant, keypoint_regressor=infant.keypoint_regressor[:14])
    with pytest.raises(ValueError, match="14 keypoints, expected COCO's 17"):
        fit_poses(make_poses(np.zeros((1, 17, 3))), body, prior)


def test_real_poses(infant, prior, shared_data) -> None:
    poses = read_poses(shared_data / "infant_2d" / "syrip_real_383.json").select(slice(None, None, 12))
    bank = fit_poses(poses, infant, prior)
    assert bank.accepted.mean() >= 0.9
    assert bank.reprojection_error[bank.accepted].mean() <= 0.012
    weak = np.load(shared_data / "infant_3d" / "syrip_weak3d_383.npz")
    row = {str(name): i for i, name in enumerate(weak["file_name"])}
    limbs = [16, 14, 12, 11, 13, 15, 10, 8, 6, 5, 7, 9]
    errors = [
        _aligned_error(points[limbs], weak["joints3d_m"][row[name], :12].astype(float))
        for points, name in zip(
            bank.keypoints_3d_m[bank.accepted], bank.file_name[bank.accepted].tolist(), strict=True
        )
    ]
    assert np.mean(errors) < 0.042
