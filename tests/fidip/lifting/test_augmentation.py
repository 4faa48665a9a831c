"""Random views: the 2D pose is the projection of the 3D one until it is spoilt."""

import numpy as np
import pytest
import torch

from fidip.lifting.augmentation import layout_of, make_views, spoil
from fidip.lifting.config import ViewSettings
from syrip_gen.keypoints.catalog import COCO17, SPIN14, get_schema
from tests.fidip.lifting.skeletons import random_poses

LAYOUT = layout_of(COCO17)
CLEAN = {"noise": 0.0, "missing": 0.0, "missing_face": 0.0, "outliers": 0.0}


def views(count=64, frames=1, seed=0, gravity=(0.0, 1.0, 0.0), **settings):
    points = torch.from_numpy(random_poses(count))[:, None].repeat(1, frames, 1, 1)
    down = torch.tensor(gravity).expand(count, 3)
    generator = torch.Generator().manual_seed(seed)
    return points, make_views(points, down, ViewSettings(**settings), LAYOUT, generator)


@pytest.mark.parametrize("settings", [{}, {"any_rotation": 1.0}, {"mirror": 1.0, "roll_deg": 180}])
def test_keypoints_are_the_projection_of_the_poses(settings):
    _, made = views(**settings, **CLEAN)
    focal, centre = made.camera[:, :2].numpy(), made.camera[:, 2:].numpy()
    points = made.points[:, 0].numpy().astype(np.float64)
    pixels = points[..., :2] / points[..., 2:] * focal[:, None] + centre[:, None]
    relative = np.abs(pixels - made.clean_px[:, 0].numpy()) / np.maximum(np.abs(pixels), 1)
    assert relative.max() < 1e-5
    assert torch.equal(made.keypoints.points_px, made.clean_px)
    assert points[..., 2].min() > 0.1


def test_targets_are_the_poses_from_the_pelvis():
    _, made = views()
    points = made.points[:, 0]
    hips = points[:, [11, 12]].mean(1, keepdim=True)
    torch.testing.assert_close(made.target[:, 0], points - hips, atol=1e-6, rtol=0)


def test_bones_keep_their_lengths_and_sides():
    points, made = views(body_scale=0.0, mirror=1.0, any_rotation=1.0)

    def lengths(pose, a, b):
        return (pose[:, a] - pose[:, b]).norm(dim=-1)

    before = points[:, 0]
    torch.testing.assert_close(lengths(made.target[:, 0], 7, 9), lengths(before, 8, 10), atol=1e-5, rtol=0)
    torch.testing.assert_close(lengths(made.target[:, 0], 14, 16), lengths(before, 13, 15), atol=1e-5, rtol=0)


def test_turning_around_gravity_leaves_heights_as_they_are():
    points, made = views(tilt_deg=0, roll_deg=0, any_roll=0, any_rotation=0, body_scale=0, mirror=0)
    heights = points[:, 0, :, 1] - points[:, 0, [11, 12], 1].mean(1, keepdim=True)
    torch.testing.assert_close(made.target[:, 0, :, 1], heights, atol=1e-5, rtol=0)
    assert (made.target[:, 0, :, 0] - points[:, 0, :, 0]).abs().mean() > 0.02


def test_unknown_gravity_is_no_axis():
    _, made = views(gravity=(float("nan"),) * 3)
    assert torch.isfinite(made.target).all()


def test_the_same_seed_gives_the_same_views():
    first, second = views(seed=4)[1], views(seed=4)[1]
    assert torch.equal(first.keypoints.points_px, second.keypoints.points_px)
    assert not torch.equal(first.target, views(seed=5)[1].target)


def test_missing_joints_stay_missing():
    points = torch.from_numpy(random_poses(8))[:, None]
    points[:, :, 9] = torch.nan
    generator = torch.Generator().manual_seed(0)
    made = make_views(
        points, torch.full((8, 3), torch.nan), ViewSettings(mirror=0, **CLEAN), LAYOUT, generator
    )
    assert torch.isnan(made.target[:, :, 9]).all()
    assert torch.all(made.keypoints.mask[:, :, 9] == 0)
    assert torch.isfinite(made.keypoints.points_px).all()


def test_noise_is_of_the_size_asked_for_and_steady_over_time():
    points = torch.zeros(400, 27, 17, 2)
    points[:, :, 0] = 100.0  # a box with a side of 100 px
    settings = ViewSettings(**(CLEAN | {"noise": 0.02}))
    moved, mask = spoil(points, torch.ones(400, 27, 17), settings, LAYOUT, torch.Generator().manual_seed(0))
    error = (moved - points)[:, :, 1:11]
    assert 0.3 < error.abs().mean() < 1.6
    steps = (error[:, 1:] - error[:, :-1]).square().mean().sqrt()
    assert steps < 0.8 * error.square().mean().sqrt() * 2**0.5
    assert torch.all(mask == 1)


def test_enough_keypoints_are_left():
    ones = torch.ones(500, 3, 17)
    settings = ViewSettings(missing=0.9, missing_face=1.0)
    _, mask = spoil(torch.rand(500, 3, 17, 2), ones, settings, LAYOUT, torch.Generator().manual_seed(0))
    assert mask.sum(-1).min() >= 4


def test_layouts_know_their_limbs():
    assert LAYOUT.hips == (11, 12)
    assert LAYOUT.face == (0, 1, 2, 3, 4)
    assert len(LAYOUT.limbs) == 4
    assert layout_of(SPIN14).hips == (3, 2)
    with pytest.raises(ValueError, match="has no hips"):
        layout_of(type(COCO17)("face", ("nose",)))
    assert get_schema("coco17") is COCO17


def test_gaps_of_three_frames_come_as_often_as_asked_for():
    mask = torch.ones(400, 30, 17)
    generator = torch.Generator().manual_seed(1)
    settings = ViewSettings(missing=0, missing_face=0, missing_frames=0.09)
    _, kept = spoil(torch.rand(400, 30, 17, 2), mask, settings, LAYOUT, generator)
    is_gap = (kept == 0).all(-1)
    assert 0.07 < is_gap.float().mean() < 0.1
    inside = is_gap[:, 1:-1]
    assert torch.equal(inside & ~is_gap[:, :-2] & ~is_gap[:, 2:], torch.zeros_like(inside))
    assert ((kept == 1).all(-1) | is_gap).all()


def test_clean_views_are_without_any_error():
    points, mask = 100 * torch.rand(200, 5, 17, 2), torch.ones(200, 5, 17)
    generator = torch.Generator().manual_seed(1)
    spoilt, _ = spoil(points, mask, ViewSettings(clean=0.3), LAYOUT, generator)
    is_clean = (spoilt == points).flatten(1).all(1)
    assert 0.2 < is_clean.float().mean() < 0.4
