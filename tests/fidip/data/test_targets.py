"""Targets: the peak is where the keypoint is."""

import pytest
import torch

from fidip.data.targets import draw_targets
from fidip.decoding import decode_heatmaps
from fidip.models.interface import NetworkSpec


def spec(cell_center=0.5):
    return NetworkSpec(
        "x", (192, 256), 4, cell_center, (0, 0, 0), (1, 1, 1), False, feature_channels=1, feature_stride=4
    )


@pytest.mark.parametrize("cell_center", [0.5, 0.0, 0.375])
def test_decoding_gives_the_points_back(cell_center):
    torch.manual_seed(0)
    points = 30 + torch.rand(5, 17, 2) * torch.tensor([130.0, 190.0])
    heatmaps, _ = draw_targets(points, torch.ones(5, 17), spec(cell_center), sigma=2)
    found, _ = decode_heatmaps(heatmaps, spec(cell_center), "dark")
    assert (found - points).abs().max() < 0.05


def test_rounded_targets_peak_on_a_cell():
    points = torch.tensor([[[50.9, 71.2]]])
    heatmaps, _ = draw_targets(points, torch.ones(1, 1), spec(), sigma=2, encoding="rounded")
    assert heatmaps.max() == 1
    assert heatmaps[0, 0, 17, 12] == 1  # 71.2 / 4 - 0.5 = 17.3; 50.9 / 4 - 0.5 = 12.2


def test_width_is_sigma_cells():
    points = torch.tensor([[[98.0, 130.0]]])  # centre of cell (24, 32)
    heatmaps, _ = draw_targets(points, torch.ones(1, 1), spec(), sigma=3)
    torch.testing.assert_close(heatmaps[0, 0, 32, 27], torch.exp(torch.tensor(-0.5)))


def test_unlabelled_and_far_keypoints_do_not_count():
    points = torch.tensor([[[50.0, 50.0], [50.0, 50.0], [-40.0, 50.0], [50.0, 300.0], [-10.0, 50.0]]])
    labelled = torch.tensor([[1.0, 0, 1, 1, 1]])
    heatmaps, weights = draw_targets(points, labelled, spec(), sigma=2)
    assert weights.tolist() == [[1, 0, 0, 0, 1]]
    assert heatmaps[0, 1:4].abs().max() == 0
