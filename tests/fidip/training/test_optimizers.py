"""Optimisers, learning rates, the average of weights."""

import pytest
import torch
from torch import nn

from fidip.training.optimizers import WeightAverage, learning_rate_factor, make_adam, set_learning_rates


def test_frozen_parameters_are_left_out():
    network = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    network[0].requires_grad_(False)
    adam = make_adam(network.parameters(), 1e-3)
    assert sum(len(g["params"]) for g in adam.param_groups) == 2


def test_steps_scale_with_the_size_of_tensors():
    small, large = nn.Parameter(torch.full((50,), 0.02)), nn.Parameter(torch.full((50,), 1.1))
    adam = make_adam([small, large], 1e-2, scale_by_rms=True)
    (small.sum() + large.sum()).backward()
    adam.step()
    moved = [(0.02 - small[0]) / 0.02, (1.1 - large[0]) / 1.1]
    for share in moved:
        assert 0.8e-2 < share.item() < 1.25e-2  # to half an octave


def test_learning_rate_over_a_run():
    settings = {"milestones": (2, 3), "factor": 0.1, "warmup_steps": 4}
    factors = [
        learning_rate_factor(epoch, step, **settings) for epoch, step in ((0, 0), (0, 9), (2, 90), (3, 99))
    ]
    assert factors == pytest.approx([0.25, 1, 0.1, 0.01])


def test_set_learning_rates_keeps_the_base():
    adam = make_adam([nn.Parameter(torch.ones(1))], 0.5)
    for factor in (0.1, 0.2):
        set_learning_rates(adam, factor)
        assert adam.param_groups[0]["lr"] == pytest.approx(0.5 * factor)


def test_average_follows_its_recurrence():
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, 0.0)
    average, expected = WeightAverage(layer, 0.5), 0.0
    for step in range(20):
        nn.init.constant_(layer.weight, float(step))
        average.update(layer, step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
    assert average.tensors["weight"].item() == pytest.approx(expected)


def test_average_copies_counters():
    norm = nn.BatchNorm1d(2)
    average = WeightAverage(norm, 0.9)
    norm(torch.randn(4, 2))
    average.update(norm, 0)
    assert average.tensors["num_batches_tracked"] == 1
