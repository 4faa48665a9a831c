"""Geometry of self-supervision: a lifter that is right loses nothing."""

import torch

from fidip.lifting.augmentation import layout_of
from fidip.lifting.config import LiftNetworkSettings
from fidip.lifting.geometry import random_tilts
from fidip.lifting.network import LiftNetwork, build_lifter
from fidip.lifting.selfsup import (
    TOGETHER,
    PoseDiscriminator,
    bone_change,
    bones_of,
    discriminator_loss,
    lift_cycle,
    place_before_camera,
)
from fidip.lifting.views import Keypoints2D
from syrip_gen.keypoints.catalog import COCO17
from tests.fidip.lifting.skeletons import project, random_poses


def keypoints(count=6):
    points = torch.tensor(project(random_poses(count)), dtype=torch.float32)[:, None]
    camera = torch.tensor([300.0, 300.0, 160.0, 120.0]).expand(count, 4)
    return Keypoints2D(points[..., :2], points[..., 2], camera, torch.tensor([[320.0, 240.0]] * count))


def test_poses_are_put_where_they_project_to_what_was_seen():
    poses = torch.from_numpy(random_poses(5))
    place = torch.tensor([0.1, -0.2, 1.5]) + 0.1 * torch.randn(
        5, 3, generator=torch.Generator().manual_seed(0)
    )
    moved = poses - poses.mean(1, keepdim=True) + place[:, None]
    mask = torch.ones(5, 17)
    mask[:, 3] = 0
    seen = moved[..., :2] / moved[..., 2:]
    seen[:, 3] = 7.0
    found = place_before_camera(moved - place[:, None], seen, mask)
    torch.testing.assert_close(found, place, atol=1e-3, rtol=1e-3)


class Oracle(LiftNetwork):
    """Knows the poses: lifts the first call's 2D poses to them and the second's to what was turned."""

    def __init__(self, poses):
        super().__init__(torch.nn.Identity(), inputs="view", frames=1, output_m=1.0, schema=COCO17)
        self.poses = poses - poses[:, [11, 12]].mean(1, keepdim=True)
        self.turn = None

    def lift_view(self, encoded):
        world = self.poses if self.turn is None else self.poses @ self.turn.mT
        self.first = encoded if self.turn is None else self.first
        base = world @ encoded.rotation if self.turn is None else world
        if self.turn is not None:
            return base @ self.first.rotation @ encoded.rotation
        return base


def test_a_lifter_that_is_right_loses_nothing(monkeypatch):
    from fidip.lifting import selfsup

    oracle = Oracle(torch.from_numpy(random_poses(6)))

    def turns(count, largest, generator):
        turn = original(count, largest, generator)
        view = oracle.first.rotation  # the cycle turns in the virtual camera's frame
        oracle.turn = view @ turn @ view.mT
        return turn

    original = selfsup.random_tilts
    monkeypatch.setattr(selfsup, "random_tilts", turns)
    cycle = lift_cycle(oracle, keypoints(), 30, torch.Generator().manual_seed(0))
    assert cycle.loss_2d < 5e-3
    assert cycle.loss_3d < 5e-3
    oracle.poses, oracle.turn = oracle.poses * torch.tensor([1.0, 1.0, -1.0]), None
    wrong = lift_cycle(oracle, keypoints(), 30, torch.Generator().manual_seed(0))
    assert wrong.loss_2d > 4 * cycle.loss_2d


def test_every_part_learns():
    torch.manual_seed(0)
    network = build_lifter(LiftNetworkSettings(width=16, blocks=1, output="rays"), COCO17)
    judge = PoseDiscriminator(17, 8)
    cycle = lift_cycle(network, keypoints(), 60, torch.Generator().manual_seed(0))
    fooling = discriminator_loss(judge, cycle, for_network=True)
    (cycle.loss_2d + cycle.loss_3d + fooling).backward()
    assert network.core.w1.weight.grad.abs().sum() > 0
    judge.zero_grad()
    discriminator_loss(judge, cycle, for_network=False).backward()
    assert judge.layers[0].weight.grad.abs().sum() > 0
    assert layout_of(COCO17).hips == (11, 12)


def test_bones_keep_their_lengths_within_a_recording():
    poses = torch.from_numpy(random_poses(1)).expand(2 * TOGETHER, 17, 3)
    turns = random_tilts(2 * TOGETHER, 90, torch.Generator().manual_seed(0))
    mask, bones = torch.ones(2 * TOGETHER, 17), bones_of(COCO17)
    assert bones.shape[0] == 2
    assert bones.min() >= 5  # none of the face
    turned = poses @ turns.mT
    assert bone_change(turned, mask, bones) < 1e-5
    size = torch.cat([torch.ones(TOGETHER), torch.full((TOGETHER,), 2.0)])[:, None, None]
    assert bone_change(size * turned, mask, bones) < 1e-5  # another recording, another infant
    longer = turned.clone()
    longer[::2] *= 1.1  # lengths 1.1 and 1 about 1.05
    torch.testing.assert_close(bone_change(longer, mask, bones), torch.tensor(0.05 / 1.05), rtol=1e-3, atol=0)
    longer[::2] = 7.0
    mask[::2] = 0
    assert bone_change(longer, mask, bones) < 1e-5
