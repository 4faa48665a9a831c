"""Windows around frames stay within their movement."""

import numpy as np
import torch

from fidip.lifting.windows import clip_bounds, window_index


def test_bounds_are_those_of_the_movement():
    first, last = clip_bounds(np.array([3, 3, 3, 5, 7, 7]))
    assert first.tolist() == [0, 0, 0, 3, 4, 4]
    assert last.tolist() == [2, 2, 2, 3, 5, 5]


def test_ends_are_repeated():
    index = window_index(torch.tensor([0, 5]), torch.tensor([0, 4]), torch.tensor([3, 9]), 5)
    assert index.tolist() == [[0, 0, 0, 1, 2], [4, 4, 5, 6, 7]]
    fast = window_index(torch.tensor([5]), torch.tensor([0]), torch.tensor([9]), 3, torch.tensor([2.0]))
    assert fast.tolist() == [[3, 5, 7]]
