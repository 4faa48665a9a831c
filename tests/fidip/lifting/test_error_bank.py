"""The mistakes of a 2D network on pictures, given to other views."""

import numpy as np
import pytest
import torch

from fidip.lifting.error_bank import ErrorBank
from fidip.lifting.views import trunk_of
from syrip_gen.keypoints.catalog import COCO17
from tests.fidip.lifting.skeletons import project, random_poses

CAMERA = torch.tensor([[300.0, 300.0, 160.0, 120.0]])
HIPS = (11, 12)
WRIST, OTHER_WRIST, NOSE = (COCO17.index(n) for n in ("left_wrist", "right_wrist", "nose"))


def bank_of(poses: np.ndarray, predicted: np.ndarray) -> ErrorBank:
    points, found = torch.from_numpy(poses), torch.from_numpy(predicted).float()
    return ErrorBank(points, CAMERA.expand(len(poses), 4), found, COCO17, trunk_of(COCO17), HIPS)


def views_of(poses: np.ndarray, focal: float = 300.0) -> tuple[torch.Tensor, torch.Tensor]:
    seen = torch.from_numpy(project(poses, focal)[..., :2]).float()[:, None]
    target = torch.from_numpy(poses - poses[:, list(HIPS)].mean(1, keepdims=True))[:, None]
    return seen, target


def spoilt(bank: ErrorBank, seen: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return bank.spoil(seen, target, torch.Generator().manual_seed(0))


def test_a_picture_that_is_seen_again_has_its_own_errors_and_scores():
    poses = random_poses(1)
    rng = np.random.default_rng(0)
    predicted = project(poses) + 0.5 * rng.standard_normal((1, 17, 3)) * [3, 3, 0]
    predicted[..., 2] = rng.uniform(0.2, 0.9, (1, 17))
    predicted[0, NOSE, 2] = 0
    found, score = spoilt(bank_of(poses, predicted), *views_of(poses))
    np.testing.assert_allclose(found[0, 0], predicted[0, :, :2], atol=1e-2)
    np.testing.assert_allclose(score[0, 0], predicted[0, :, 2], atol=1e-6)


def test_errors_grow_and_turn_with_the_body():
    poses = random_poses(1)
    predicted = project(poses)
    predicted[0, NOSE, :2] += [4, -3]
    bank = bank_of(poses, predicted)
    seen, target = views_of(poses)
    quarter = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    found, _ = spoilt(bank, 2 * seen @ quarter.mT, target)
    error = (found - 2 * seen @ quarter.mT)[0, 0]
    np.testing.assert_allclose(error[NOSE], 2 * quarter @ torch.tensor([4.0, -3.0]), atol=1e-2)
    assert error[1:].abs().max() < 1e-2


def test_a_limb_taken_for_another_is_taken_for_it_in_other_poses_too():
    poses = random_poses(1)
    predicted = project(poses)
    predicted[0, WRIST] = predicted[0, OTHER_WRIST]
    others = random_poses(3, seed=5)
    seen, target = views_of(others)
    found, _ = spoilt(bank_of(poses, predicted), seen, target)
    # the most alike may be the mirrored picture: there it is the other wrist
    gaps = torch.stack(
        [
            (found[:, 0, a] - seen[:, 0, b]).norm(dim=-1)
            for a, b in ((WRIST, OTHER_WRIST), (OTHER_WRIST, WRIST))
        ]
    )
    assert gaps.amin(0).max() < 1e-2


def test_views_get_the_errors_of_a_body_that_lies_alike():
    poses = random_poses(8, spread=0.08)
    predicted = project(poses)
    predicted[..., 2] = np.linspace(0.2, 0.9, 8)[:, None]
    _, score = spoilt(bank_of(np.tile(poses, (1, 1, 1)), predicted), *views_of(poses.repeat(40, 0)))
    own = torch.from_numpy(predicted[..., 2]).float().repeat_interleave(40, 0)
    assert (score[:, 0] - own).abs().max(-1).values.lt(1e-5).float().mean() > 0.6  # not all are drawn


def test_missing_joints_stay_missing():
    poses = random_poses(4)
    seen, target = views_of(poses)
    target[:, :, NOSE] = torch.nan
    seen[:, :, NOSE] = 0
    found, score = spoilt(bank_of(poses, project(poses)), seen, target)
    assert torch.isfinite(found).all()
    assert (score[:, :, NOSE] == 0).all()
    assert (score[:, :, 1:] == 1).all()


def test_a_body_that_lies_still_keeps_its_errors():
    poses = random_poses(30)
    predicted = project(poses) + np.random.default_rng(0).standard_normal((30, 17, 3)) * [3, 3, 0]
    seen, target = views_of(random_poses(2, seed=9))
    found, _ = spoilt(bank_of(poses, predicted), seen.expand(-1, 9, -1, -1), target.expand(-1, 9, -1, -1))
    assert (found - found[:, :1]).abs().max() == 0
    assert (found - seen).abs().max() > 1


def test_pictures_without_whole_poses_are_refused():
    poses = random_poses(2)
    poses[:, NOSE] = np.nan
    with pytest.raises(ValueError, match="all keypoints"):
        bank_of(poses, project(random_poses(2)))
