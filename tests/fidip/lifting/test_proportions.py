"""Limb proportions: read from 2D recordings, given to 3D poses."""

import numpy as np
import pytest
import torch

from fidip.config import TrainOptions
from fidip.lifting.batches import Batches
from fidip.lifting.config import LiftRecipe, LiftTrainingSettings, SelfSupervisionSettings
from fidip.lifting.pose_files import read_poses_3d
from fidip.lifting.poses_2d import read_poses_2d
from fidip.lifting.proportions import LEAST_FRAMES, SEGMENTS, measured_proportions, with_lengths
from fidip.lifting.sources import load_lift_data
from syrip_gen.keypoints.catalog import COCO17, SMPL24
from tests.fidip.lifting.skeletons import project, random_poses, write_npz

LIMBS = (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
FACTORS = torch.tensor([0.9, 0.5, 0.7, 1.2, 0.8, 1.1])


def kicking(count=200, seed=0):
    """(N, 17, 3) one infant before a camera: the trunk across the picture, every bone in any direction."""
    rng = np.random.default_rng(seed)
    poses = random_poses(1, spread=0).repeat(count, 0).astype(np.float64)
    for joints in LIMBS:
        for side in ("left_", "right_"):
            rest = [poses[0, COCO17.index(side + joint)].copy() for joint in joints]
            for i in (1, 2):
                way = rng.standard_normal((count, 3))
                way *= np.linalg.norm(rest[i] - rest[i - 1]) / np.linalg.norm(way, axis=1, keepdims=True)
                poses[:, COCO17.index(side + joints[i])] = poses[:, COCO17.index(side + joints[i - 1])] + way
    return poses


def changed(poses, factors):
    points = torch.from_numpy(poses)[:, None]
    return with_lengths(points, factors.to(points.dtype).expand(len(poses), 6), COCO17)[:, 0].numpy()


def files(tmp_path, recorded, clip=None, mask=None):
    """Poses and recordings as they are read."""
    seen = project(recorded)
    seen[..., 2] = 1 if mask is None else mask
    arrays = {"clip": np.zeros(len(seen), int) if clip is None else clip, "image_size": np.array([320, 240])}
    np.savez(tmp_path / "recorded.npz", keypoints_2d_px=seen, **arrays)
    poses = write_npz(tmp_path / "poses.npz", 200, keypoints_3d_m=kicking(seed=1).astype(np.float32))
    return read_poses_2d(tmp_path / "recorded.npz", COCO17), read_poses_3d(poses, COCO17)


def test_segments_get_other_lengths_in_the_same_directions():
    poses = random_poses(5).astype(np.float64)
    found = changed(poses, FACTORS)
    for joints, first in zip(LIMBS, (0, 1), strict=True):
        pairs = [(f"left_{joints[0]}", f"right_{joints[0]}", first)]
        for side in ("left_", "right_"):
            pairs += [(side + joints[i], side + joints[i + 1], 2 + 2 * first + i) for i in (0, 1)]
        for a, b, segment in pairs:
            before, after = (p[:, COCO17.index(b)] - p[:, COCO17.index(a)] for p in (poses, found))
            np.testing.assert_allclose(after, float(FACTORS[segment]) * before, atol=1e-7)
    for joint in ("shoulder", "hip"):
        ends = [COCO17.index(f"{side}_{joint}") for side in ("left", "right")]
        np.testing.assert_allclose(found[:, ends].mean(1), poses[:, ends].mean(1), atol=1e-7)
    np.testing.assert_array_equal(found[:, :5], poses[:, :5])


def test_hands_and_feet_move_with_the_ends_of_limbs_and_missing_points_stay_missing():
    rng = np.random.default_rng(0)
    poses = torch.from_numpy(rng.standard_normal((3, 2, len(SMPL24), 3)))
    poses[1, :, SMPL24.index("left_elbow")] = torch.nan
    found = with_lengths(poses, FACTORS.double().expand(3, 6), SMPL24)
    for end, beyond in (("left_wrist", "left_hand"), ("right_ankle", "right_foot")):
        a, b = SMPL24.index(end), SMPL24.index(beyond)
        torch.testing.assert_close(found[:, :, b] - found[:, :, a], poses[:, :, b] - poses[:, :, a])
    spine = SMPL24.index("spine2")
    assert torch.equal(found[:, :, spine], poses[:, :, spine])
    assert torch.equal(found.isnan(), poses.isnan())


def test_recordings_tell_the_lengths_that_their_infants_have(tmp_path):
    recorded, poses = files(tmp_path, changed(kicking(), FACTORS))
    found = measured_proportions(recorded, poses, COCO17)
    assert found.recordings == 1
    torch.testing.assert_close(found.factors, FACTORS, rtol=0.13, atol=0)  # limbs come nearer than the trunk
    assert f"hips {found.factors[1]:.2f}" in found.described()


def test_other_pictures_and_other_sizes_say_the_same(tmp_path):
    recorded, poses = files(tmp_path, changed(kicking(), FACTORS))
    first = measured_proportions(recorded, poses, COCO17).factors
    far = 1.7 * (kicking() - [0, 0, 1.2]) + [0, 0, 2.04]
    recorded, poses = files(tmp_path, changed(far, FACTORS))
    torch.testing.assert_close(
        measured_proportions(recorded, poses, COCO17).factors, first, rtol=1e-3, atol=0
    )


def test_what_is_not_seen_stays_as_it_is(tmp_path):
    mask = np.ones(17)
    mask[COCO17.index("left_wrist")] = mask[COCO17.index("right_wrist")] = 0
    recorded, poses = files(tmp_path, changed(kicking(), FACTORS), mask=mask)
    found = measured_proportions(recorded, poses, COCO17).factors
    assert found[SEGMENTS.index("forearms")] == 1
    assert found[SEGMENTS.index("upper arms")] < 0.85


@pytest.mark.parametrize("clip, told", [(np.arange(200), False), (np.arange(200) // LEAST_FRAMES, True)])
def test_photos_tell_nothing(tmp_path, clip, told):
    recorded, poses = files(tmp_path, kicking(), clip=clip)
    assert (measured_proportions(recorded, poses, COCO17) is not None) == told


def loaded(tmp_path, **settings):
    options = TrainOptions(poses_3d=(str(tmp_path / "poses.npz"),), real_2d=str(tmp_path / "recorded.npz"))
    training = LiftTrainingSettings(batch_size=64, steps_per_epoch=1)
    recipe = LiftRecipe(selfsup=SelfSupervisionSettings(**settings), training=training)
    return recipe, load_lift_data(options, recipe)


def test_a_run_learns_from_poses_part_of_the_way_to_the_recorded_lengths(tmp_path):
    files(tmp_path, changed(kicking(), FACTORS))
    recipe, data = loaded(tmp_path, proportions=1)
    assert any("1 recordings; length over that of the 3D poses" in note for note in data.notes)
    target = next(Batches(recipe, data, 1, seed=0).epoch(0)).target
    own = torch.from_numpy(random_poses(1, spread=0))

    def hips_beside_trunk(poses):
        middles = [poses[:, [a, a + 1]].mean(1) for a in (5, 11)]
        return (poses[:, 11] - poses[:, 12]).norm(dim=-1) / (middles[0] - middles[1]).norm(dim=-1)

    ratio = hips_beside_trunk(target) / hips_beside_trunk(own)
    recorded = data.proportions.factors[SEGMENTS.index("hips")]
    assert recorded - 1e-4 < ratio.min() < 0.6
    assert 0.9 < ratio.max() < 1 + 1e-4


def test_a_run_with_photos_keeps_the_lengths_and_says_so(tmp_path):
    files(tmp_path, kicking(), clip=np.arange(200))
    recipe, data = loaded(tmp_path, proportions=1, share=0.5)
    assert data.proportions is None
    assert any("no recording of 50 frames" in note for note in data.notes)
    batch = next(Batches(recipe, data, 1, seed=0).epoch(0))
    assert (len(batch.target), len(batch.real.mask)) == (32, 32)


def test_real_poses_are_asked_for_and_not_taken_in_vain(tmp_path):
    files(tmp_path, kicking())
    with pytest.raises(ValueError, match="needs a recipe that learns from it, such as lifter-selfsup"):
        loaded(tmp_path)
    recipe, _ = loaded(tmp_path, proportions=1)
    with pytest.raises(ValueError, match="give --real-2d FILE"):
        load_lift_data(TrainOptions(poses_3d=(str(tmp_path / "poses.npz"),)), recipe)
