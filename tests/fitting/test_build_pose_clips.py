"""Poses and movements to train lifters on."""

import numpy as np
import pytest

from syrip_gen.fitting import build_pose_clips as module
from syrip_gen.fitting.build_pose_clips import build_pose_clips, move_between
from syrip_gen.fitting.posture_sampler import PoseSamples


def few_samples(assets, count, seed):
    """Stand in for the posture templates, whose sampling takes a minute: bent limbs, lying on the back."""
    rng = np.random.default_rng(seed)
    poses = 0.3 * rng.standard_normal((count, 23, 3))
    return PoseSamples(poses, np.tile([0.0, 0.0, -1.0], (count, 1)), np.arange(count) % 4)


@pytest.fixture(autouse=True)
def _few(monkeypatch):
    monkeypatch.setattr(module, "sample_infant_poses", few_samples)


@pytest.fixture
def made():
    return build_pose_clips(8, 2, 40, 30.0, seed=3)


def test_poses_and_movements_stand_before_their_cameras(made):
    points, clip = made["keypoints_3d_m"], made["clip"]
    assert points.shape == (88, 17, 3)
    assert np.bincount(clip).tolist() == [1] * 8 + [40] * 2
    assert points[..., 2].min() > 0.1
    torso = np.linalg.norm(points[:, [5, 6]].mean(1) - points[:, [11, 12]].mean(1), axis=-1)
    assert ((torso > 0.12) & (torso < 0.3)).all()
    np.testing.assert_allclose(np.linalg.norm(made["gravity"], axis=1), 1, atol=1e-6)


def test_a_movement_is_smooth_and_keeps_its_bones(made):
    points = made["keypoints_3d_m"][made["clip"] == 8]
    steps = np.linalg.norm(np.diff(points, axis=0), axis=-1)
    assert 0.001 < steps.mean() < 0.05
    assert steps.max() < 0.15
    forearm = np.linalg.norm(points[:, 7] - points[:, 9], axis=-1)
    assert np.ptp(forearm) < 0.02


def test_the_same_seed_gives_the_same_poses(made):
    again = build_pose_clips(8, 2, 40, 30.0, seed=3)
    assert all(np.array_equal(made[name], again[name]) for name in made)


def test_paths_stay_between_the_poses_and_begin_anywhere():
    poses = np.array([[0.0, -1.0], [1.0, 1.0]])
    paths = np.stack([move_between(poses, 60, 30.0, np.random.default_rng(i)) for i in range(20)])
    assert paths.shape == (20, 60, 2)
    assert paths.min() >= -1 - 1e-9
    assert paths.max() <= 1 + 1e-9
    assert np.abs(np.diff(paths, axis=1)).max() < 0.5
    assert np.unique(paths[:, 0, 1].round(6)).size > 3


def test_the_command_writes_a_file(tmp_path, monkeypatch, capsys):
    target = tmp_path / "p.npz"
    monkeypatch.setattr("sys.argv", ["x", "--poses", "3", "--clips", "1", "--frames", "5", "-o", str(target)])
    module.main()
    assert "8 frames of 4 clips" in capsys.readouterr().out
    with np.load(target, allow_pickle=False) as data:
        assert data["schema"] == "coco17"
    monkeypatch.setattr("sys.argv", ["x", "--poses", "0", "--clips", "0"])
    with pytest.raises(SystemExit):
        module.main()
