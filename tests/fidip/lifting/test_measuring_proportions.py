"""benchmarks/lifting_proportions.py: its recordings hide limb lengths that the reader of lengths finds."""

import numpy as np
import pytest
import torch

from benchmarks.lifting_proportions import CHANGES, is_supine, measured, write_recordings
from fidip.lifting.pose_files import read_poses_3d
from fidip.lifting.poses_2d import read_poses_2d
from fidip.lifting.proportions import measured_proportions
from syrip_gen.keypoints.catalog import COCO17
from tests.fidip.lifting.skeletons import write_npz
from tests.fidip.lifting.test_proportions import kicking

AWAY = np.array([0, 0, 1], np.float32)


@pytest.fixture
def supine(tmp_path):
    """Return movements before a camera above: gravity points away from it, as the infants' backs do."""
    points = kicking(240).astype(np.float32)
    path = write_npz(
        tmp_path / "clips.npz", 240, clips=2, keypoints_3d_m=points, gravity=np.tile(AWAY, (240, 1))
    )
    return read_poses_3d(path, COCO17)


def test_recordings_hide_the_changed_lengths(tmp_path, supine):
    assert is_supine(supine, 0)
    write_recordings(tmp_path / "r.npz", supine, [0, 1], "short")
    recorded = read_poses_2d(tmp_path / "r.npz", COCO17)
    assert not recorded.mask[:, :5].any()
    found = measured_proportions(recorded, supine, COCO17)
    assert found.recordings == 2
    torch.testing.assert_close(found.factors, torch.tensor(CHANGES["short"]), rtol=0.15, atol=0)


def test_an_infant_on_the_belly_is_not_supine(supine):
    supine.gravity[:] = -AWAY
    assert not is_supine(supine, 0)


def test_a_lifter_that_knows_only_usual_lengths_is_told_by_its_error(supine):
    class Usual(torch.nn.Module):
        """Answers with the poses as they are, whatever it sees."""

        def forward(self, keypoints):
            return torch.from_numpy(supine.points - supine.points[:, [11, 12]].mean(1, keepdims=True))

    class Lifter:
        network = Usual()

    usual, half, changed = (measured(Lifter(), supine, "short", part) for part in (0.0, 0.5, 1.0))
    assert usual < half < changed
