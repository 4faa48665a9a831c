"""What a network is shown: the same for any place, lens, roll and size of the picture."""

import numpy as np
import pytest
import torch

from fidip.lifting.views import Keypoints2D, encode, features_per_frame, trunk_of
from syrip_gen.geometry.rotations import axis_angle_to_matrix
from syrip_gen.keypoints.catalog import BODY25, COCO17, H36M17, MPII16
from tests.fidip.lifting.skeletons import random_poses

TRUNK = trunk_of(COCO17)
CAMERA = (500.0, 500.0, 320.0, 240.0)


def seen(poses, camera=CAMERA, *, mask=None, is_known=True, size=(640.0, 480.0)):
    """Return float64 keypoints of (N, 17, 3) poses."""
    poses = torch.as_tensor(np.asarray(poses, np.float64))[:, None]
    numbers = torch.tensor(camera, dtype=torch.float64)
    pixels = poses[..., :2] / poses[..., 2:] * numbers[:2] + numbers[2:]
    mask = torch.ones(pixels.shape[:3], dtype=torch.float64) if mask is None else mask
    known = numbers.expand(len(poses), 4)
    return Keypoints2D(
        pixels,
        mask,
        known if is_known else torch.full_like(known, torch.nan),
        torch.tensor([size] * len(poses), dtype=torch.float64),
    )


@pytest.mark.parametrize("turn", [(0.2, 0.0, 0.0), (0.0, -0.25, 0.0), (0.1, 0.15, 0.0)])
def test_a_camera_that_turns_about_its_centre_shows_the_same_pose(turn):
    poses = random_poses(4).astype(np.float64)
    rotation = axis_angle_to_matrix(np.array(turn))
    straight, turned = encode(seen(poses), "view", TRUNK), encode(seen(poses @ rotation.T), "view", TRUNK)
    # the middle of the box is not exactly the same ray; all else follows from it
    torch.testing.assert_close(straight.points, turned.points, atol=0.02, rtol=0)
    back = torch.as_tensor(rotation) @ straight.rotation
    angle = torch.arccos(((turned.rotation.mT @ back).diagonal(dim1=1, dim2=2).sum(-1) - 1).clamp(-2, 2) / 2)
    assert angle.max() < np.radians(2)


def test_a_rolled_camera_shows_the_same_but_says_so():
    poses = random_poses(4).astype(np.float64)
    poses -= poses.mean((0, 1)) - [0, 0, 1.2]
    roll = axis_angle_to_matrix(np.array([0, 0, 1.1]))
    straight, rolled = encode(seen(poses), "view", TRUNK), encode(seen(poses @ roll.T), "view", TRUNK)
    torch.testing.assert_close(straight.points, rolled.points, atol=0.03, rtol=0)
    up = straight.features[:, 0, -2:], rolled.features[:, 0, -2:]
    assert not torch.allclose(*up, atol=0.5)


def test_lifted_points_turn_back_onto_their_rays():
    poses = random_poses(3).astype(np.float64) + np.array([0.3, -0.2, 0])
    keypoints = seen(poses)
    encoded = encode(keypoints, "view", TRUNK)
    middle = (encoded.rotation @ torch.tensor([0, 0, 1.0], dtype=torch.float64))[:, :2]
    depth = (encoded.rotation @ torch.tensor([0, 0, 1.0], dtype=torch.float64))[:, 2:]
    pixels = middle / depth * 500 + torch.tensor([320.0, 240.0])
    box = (keypoints.points_px.amin(2) + keypoints.points_px.amax(2))[:, 0] / 2
    assert (pixels - box).norm(dim=-1).max() < 1e-6


def test_the_picture_size_does_not_matter():
    poses = random_poses(3)
    once = encode(seen(poses), "view", TRUNK)
    twice = encode(seen(poses, tuple(2 * v for v in CAMERA), size=(1280.0, 960.0)), "view", TRUNK)
    torch.testing.assert_close(once.features, twice.features)


def test_an_unknown_camera_is_said_to_be_unknown():
    features = encode(seen(random_poses(3), is_known=False), "view", TRUNK).features
    assert torch.all(features[..., -4:-2] == 0)
    assert torch.all(encode(seen(random_poses(3)), "view", TRUNK).features[..., -3] == 1)


@pytest.mark.parametrize("kind", ["view", "box", "screen", "pixels"])
def test_missing_keypoints_are_zero_whatever_they_hold(kind):
    mask = torch.ones(2, 1, 17, dtype=torch.float64)
    mask[:, :, [3, 9]] = 0
    keypoints = seen(random_poses(2), mask=mask)
    encoded = encode(keypoints, kind, TRUNK)
    keypoints.points_px[:, :, [3, 9]] = torch.nan
    again = encode(keypoints, kind, TRUNK)
    assert torch.equal(encoded.features, again.features)
    assert encoded.features.shape[-1] == features_per_frame(kind, 17)
    if kind != "view":
        assert torch.all(encoded.points[:, :, [3, 9]] == 0)


@pytest.mark.parametrize("kind", ["view", "box", "screen", "pixels"])
def test_doubts_come_after_all_else_and_change_nothing_of_it(kind):
    sure = torch.ones(2, 1, 17, dtype=torch.float64)
    sure[:, :, 3], sure[:, :, 9] = 0, 0.3
    keypoints, labels = seen(random_poses(2), mask=sure), seen(random_poses(2), mask=(sure > 0).double())
    told, plain = encode(keypoints, kind, TRUNK, confidence=True), encode(labels, kind, TRUNK)
    assert told.features.shape[-1] == features_per_frame(kind, 17, confidence=True)
    assert torch.equal(told.features[..., :-17], plain.features)
    expected = torch.zeros(17, dtype=torch.float64)
    expected[9] = 0.7
    torch.testing.assert_close(told.features[..., -17:], expected.expand(2, 1, 17))
    assert torch.equal(encode(keypoints, kind, TRUNK).features, plain.features)


def test_a_pose_without_a_trunk_is_not_rolled():
    mask = torch.zeros(1, 1, 17, dtype=torch.float64)
    mask[:, :, [7, 8, 9, 10, 13]] = 1
    assert torch.isfinite(encode(seen(random_poses(1), mask=mask), "view", TRUNK).features).all()


@pytest.mark.parametrize("schema", [COCO17, H36M17, MPII16, BODY25])
def test_every_schema_has_a_trunk(schema):
    trunk = trunk_of(schema)
    assert trunk.upper
    assert trunk.lower
