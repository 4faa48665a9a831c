"""The lifter over time: what it begins as, which frames it trusts, batches of windows that share frames."""

import numpy as np
import torch

from fidip.config import TrainOptions
from fidip.lifting.batches import Batches
from fidip.lifting.config import LiftNetworkSettings, LiftRecipe
from fidip.lifting.network import build_lifter
from fidip.lifting.sources import load_lift_data
from fidip.lifting.views import Keypoints2D
from syrip_gen.keypoints.catalog import COCO17
from tests.fidip.lifting.skeletons import project, random_poses, write_npz


def refined(**settings):
    torch.manual_seed(0)
    values = {"kind": "refined", "width": 16, "blocks": 1, "frames": 9, "refiner_width": 8, **settings}
    return build_lifter(LiftNetworkSettings(**values), COCO17).eval()


def windows(poses):
    """Return keypoints of (B, T, 17, 3) poses."""
    seen = torch.tensor(project(poses), dtype=torch.float32)
    count = len(seen)
    camera, size = torch.tensor([[300.0, 300.0, 160.0, 120.0]]), torch.tensor([[320.0, 240.0]])
    return Keypoints2D(seen[..., :2], seen[..., 2], camera.expand(count, 4), size.expand(count, 2))


def test_before_training_a_still_pose_is_what_the_base_says():
    network = refined()
    still = np.repeat(random_poses(3)[:, None], 9, 1)
    base = network.base(windows(still[:, :1]))
    torch.testing.assert_close(network(windows(still)), base, atol=1e-5, rtol=0)


def test_frames_without_a_pose_weigh_nothing():
    network = refined()
    poses = random_poses(18).reshape(2, 9, 17, 3)
    keypoints = windows(poses)
    middle = network.base(windows(poses[:, [4]]))
    assert (network(keypoints) - middle).abs().max() > 1e-3
    keypoints.mask[:, [0, 1, 2, 3, 5, 6, 7, 8]] = 0
    torch.testing.assert_close(network(keypoints), middle, atol=1e-5, rtol=0)


def test_before_training_a_frame_weighs_less_the_farther_it_is():
    network = refined()
    poses = np.repeat(random_poses(1)[:, None], 9, 1)

    def effect(frame):
        keypoints = windows(poses)
        keypoints.points_px[:, frame, 9, 0] += 4
        return (network(keypoints) - network(windows(poses)))[0, 9].norm().item()

    assert effect(4) > 1.5 * effect(3) > 2 * effect(1) > 0


def test_the_base_is_left_as_it_is_in_training():
    network = refined().train()
    before = {name: tensor.clone() for name, tensor in network.base.state_dict().items()}
    keypoints = windows(random_poses(36).reshape(4, 9, 17, 3))
    network(keypoints).square().sum().backward()
    torch.optim.SGD([p for p in network.parameters() if p.requires_grad], 0.1).step()
    assert all(torch.equal(before[name], tensor) for name, tensor in network.base.state_dict().items())
    assert network.refiner.shrink.weight.abs().sum() > 0


def test_windows_that_share_frames_are_the_windows(tmp_path):
    path = write_npz(tmp_path / "moves.npz", 60, clips=4)
    changes = {"batch_size": 12, "windows": 3, "window_step": 2, "steps_per_epoch": 1}
    recipe = LiftRecipe.model_validate({"training": changes, "views": {"missing_frames": 0.3}})
    data = load_lift_data(TrainOptions(poses_3d=(str(path),), output="x"), recipe)
    (batch,) = Batches(recipe, data, 9, 0).epoch(0)
    assert batch.index.shape == (12, 9)
    assert batch.target.shape == (12, 17, 3)
    assert len(batch.keypoints.mask) == 4 * (9 + 2 * 2)
    assert batch.index[1, 0] - batch.index[0, 0] == 2
    assert batch.index[3, 0] - batch.index[0, 0] == 13
    is_gap = (batch.keypoints.mask[batch.index[:, 4]] == 0).all(-1)[:, 0]
    assert 0 < is_gap.sum() < 12
    assert torch.equal(torch.isnan(batch.target).all(-1).all(-1), is_gap)
    network = refined()
    shared = network.lift_windows(batch.keypoints, batch.index)
    first = Keypoints2D(
        batch.keypoints.points_px[:9][None, :, 0],
        batch.keypoints.mask[None, :9, 0],
        batch.keypoints.camera[:1],
        batch.keypoints.image_size[:1],
    )
    torch.testing.assert_close(network(first)[0], shared[0], atol=1e-5, rtol=0)


def test_keypoints_that_do_not_shake_are_averaged_less():
    smoothing, calm = refined(), refined(calm=True)
    rising = np.repeat(random_poses(1)[:, None], 9, 1)
    rising[:, :, 9, 1] += 0.01 * np.arange(9) ** 2  # a wrist that gains speed
    exact, noisy = windows(rising), windows(rising)
    noisy.points_px.add_(3 * torch.randn(noisy.points_px.shape, generator=torch.Generator().manual_seed(0)))
    middle = Keypoints2D(exact.points_px[:, 4:5], exact.mask[:, 4:5], exact.camera, exact.image_size)
    base = smoothing.base(middle)

    def off(network, keypoints):
        return (network(keypoints) - base)[0, 9].norm().item()

    assert off(smoothing, exact) > 0.001
    assert off(calm, exact) < 0.1 * off(smoothing, exact)
    torch.testing.assert_close(calm(noisy), smoothing(noisy), atol=2e-3, rtol=0)


def test_a_calm_lifter_bears_gaps_and_learns():
    network = refined(calm=True).train()
    keypoints = windows(np.repeat(random_poses(2)[:, None], 9, 1))
    keypoints.mask[0, :, 9] = 0
    keypoints.mask[1, 4] = 0
    network(keypoints).square().sum().backward()
    assert torch.isfinite(network.calm.grad).all()
    assert torch.isfinite(network(keypoints)).all()
