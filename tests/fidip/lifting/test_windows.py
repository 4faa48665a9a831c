"""Windows around frames stay within their movement."""

import numpy as np
import torch

from fidip.lifting.errors import ajpe_mm, jitter_mm, pa_mpjpe_mm
from fidip.lifting.windows import clip_bounds, window_index
from syrip_gen.geometry.rotations import random_rotation
from tests.fidip.lifting.skeletons import random_poses


def test_bounds_are_those_of_the_movement():
    first, last = clip_bounds(np.array([3, 3, 3, 5, 7, 7]))
    assert first.tolist() == [0, 0, 0, 3, 4, 4]
    assert last.tolist() == [2, 2, 2, 3, 5, 5]


def test_ends_are_repeated():
    index = window_index(torch.tensor([0, 5]), torch.tensor([0, 4]), torch.tensor([3, 9]), 5)
    assert index.tolist() == [[0, 0, 0, 1, 2], [4, 4, 5, 6, 7]]
    fast = window_index(torch.tensor([5]), torch.tensor([0]), torch.tensor([9]), 3, torch.tensor([2.0]))
    assert fast.tolist() == [[3, 5, 7]]


def test_errors_by_hand():
    truth = random_poses(2).astype(np.float64)
    moved = truth + np.array([0.003, 0.0, 0.004])
    np.testing.assert_allclose(ajpe_mm(moved, truth), 5.0)
    truth[0, 3] = np.nan
    np.testing.assert_allclose(ajpe_mm(moved, truth), 5.0)
    turned = 1.7 * truth @ random_rotation(np.random.default_rng(0)).T + 2
    np.testing.assert_allclose(pa_mpjpe_mm(turned, truth), 0, atol=1e-6)
    mirrored = truth * [-1, 1, 1]
    assert pa_mpjpe_mm(mirrored, truth).min() > 5


def test_jitter_is_the_mean_acceleration():
    t = np.arange(10.0)[:, None, None]
    assert jitter_mm(np.zeros((10, 17, 3)) + t * 0.01) < 1e-9
    assert jitter_mm(np.zeros((10, 17, 3)) + t**2 * [0.001, 0, 0]) - 2 < 1e-9
    assert np.isnan(jitter_mm(np.zeros((2, 17, 3))))
