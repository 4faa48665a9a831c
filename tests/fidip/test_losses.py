"""Losses against closed forms."""

import math

import torch

from fidip.losses import domain_loss, heatmap_bce, heatmap_mse, visible_mse


def test_mse_is_half_the_mean_square_over_everything():
    heatmaps, targets = torch.full((2, 3, 4, 5), 0.5), torch.zeros(2, 3, 4, 5)
    assert heatmap_mse(heatmaps, targets, torch.ones(2, 3)).item() == 0.5 * 0.25


def test_mse_equals_the_authors_way_of_weighting():
    torch.manual_seed(0)
    heatmaps, targets = torch.rand(2, 3, 4, 5), torch.rand(2, 3, 4, 5)
    weights = torch.tensor([[1.0, 0, 1], [0, 1, 1.5]])
    theirs = 0
    for k in range(3):  # weight multiplied into both, mean over batch and cells, mean over keypoints
        difference = (heatmaps - targets)[:, k].flatten(1) * weights[:, k, None]
        theirs += 0.5 * difference.square().mean() / 3
    torch.testing.assert_close(heatmap_mse(heatmaps, targets, weights), theirs)


def test_bce_of_even_logits_is_log_two_times_the_share_that_counts():
    weights = torch.tensor([[1.0, 0.0]])
    loss = heatmap_bce(torch.zeros(1, 2, 3, 3), torch.rand(1, 2, 3, 3), weights)
    assert math.isclose(loss.item(), math.log(2) / 2, rel_tol=1e-6)


def test_domain_loss_knows_synthetic_as_one():
    sure_synthetic = torch.tensor([9.0])
    assert (
        domain_loss(sure_synthetic, torch.ones(1)) < 0.001 < 8 < domain_loss(sure_synthetic, torch.zeros(1))
    )


def test_sample_weights_scale_each_sample():
    logits, labels = torch.tensor([0.0, 0.0]), torch.tensor([0.0, 1.0])
    weighted = domain_loss(logits, labels, torch.tensor([3.0, 0.0]))
    torch.testing.assert_close(weighted, domain_loss(logits, labels) * 1.5)


def test_visible_mse_is_the_sum_over_visible_joints_by_their_number_and_cells():
    heatmaps, targets = torch.zeros(2, 16, 64, 64), torch.zeros(2, 16, 64, 64)
    targets[0, 0, 3, 4], targets[1, 5, 0, 0] = 2.0, 1.0
    weights = torch.zeros(2, 16)
    weights[0, :3], weights[1, 5] = 1, 1
    assert math.isclose(visible_mse(heatmaps, targets, weights).item(), (4 + 1) / (4 * 64 * 64), rel_tol=1e-6)
    weights[0, 0] = 0  # what is not labelled counts neither above nor below
    assert math.isclose(visible_mse(heatmaps, targets, weights).item(), 1 / (3 * 64 * 64), rel_tol=1e-6)
    assert visible_mse(heatmaps, targets, torch.zeros(2, 16)).item() == 0
