"""Movements of bodies that syrip animate films."""

import numpy as np
import pytest
import torch

from syrip_gen.body import load_body
from syrip_gen.body.keypoint_path import KeypointPath
from syrip_gen.fitting import build_motions as module
from syrip_gen.fitting.build_motions import build_motions
from syrip_gen.motion.saved_motion import sequence_from_arrays
from tests.fitting.test_build_pose_clips import few_samples


@pytest.fixture(autouse=True)
def _few(monkeypatch):
    monkeypatch.setattr(module, "sample_infant_poses", few_samples)


def test_motions_are_such_as_animate_takes_and_stay_above_the_floor():
    model = KeypointPath(load_body("infant"), dtype=torch.float64)
    motions = build_motions(2, 30, 30.0, seed=3)
    assert len(motions) == 2
    for name, arrays in motions.items():
        sequence = sequence_from_arrays(arrays, name, num_betas=model.num_betas)
        assert (len(sequence), sequence.fps, sequence.name) == (30, 30.0, name)
        tensors = (
            torch.as_tensor(a)
            for a in (np.tile(sequence.betas, (30, 1)), sequence.global_orient, sequence.body_pose)
        )
        points = model(*tensors).keypoints.numpy() + sequence.transl[:, None]
        assert 0.02 < points[..., 2].min() < 0.09
        assert np.abs(np.diff(sequence.transl, axis=0)).max() < 0.03


def test_the_same_seed_gives_the_same_motions_and_another_others():
    first, again, other = (build_motions(1, 10, 30.0, seed=seed) for seed in (1, 1, 2))
    (name,) = first
    assert all(np.array_equal(first[name][key], again[name][key]) for key in first[name])
    assert not np.array_equal(first[name]["body_pose"], next(iter(other.values()))["body_pose"])


def test_the_command_writes_motion_files(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["x", "--clips", "2", "--frames", "5", "-o", str(tmp_path / "m")])
    module.main()
    files = sorted((tmp_path / "m").glob("*.npz"))
    assert len(files) == 2
    assert str(files[0]) in capsys.readouterr().out
