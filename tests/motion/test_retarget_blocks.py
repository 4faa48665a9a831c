"""The solver for all frames at once, against a dense one."""

import numpy as np
import pytest

from syrip_gen.motion.retarget_blocks import second_difference_weights, solve_frames


def dense(main, near, far):
    count, size = main.shape[:2]
    out = np.zeros((count, size, count, size))
    for t in range(count):
        out[t, :, t] = main[t]
    for t in range(count - 1):
        out[t + 1, :, t], out[t, :, t + 1] = near[t], near[t].T
    for t in range(count - 2):
        out[t + 2, :, t] = out[t, :, t + 2] = np.diag(far[t])
    return out.reshape(count * size, -1)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_equals_the_dense_solution(count):
    rng = np.random.default_rng(count)
    size = 3
    near = rng.normal(size=(count - 1, size, size))
    far = rng.normal(size=(max(count - 2, 0), size))
    main = np.tile(12.0 * np.eye(size), (count, 1, 1))
    rhs = rng.normal(size=(count, size))
    expected = np.linalg.solve(dense(main, near, far), rhs.ravel()).reshape(count, size)
    np.testing.assert_allclose(solve_frames(main, near, far, rhs), expected, atol=1e-12)


def test_a_system_without_a_minimum_gives_none():
    main = -np.ones((2, 1, 1))
    assert solve_frames(main, np.zeros((1, 1, 1)), np.zeros((0, 1)), np.ones((2, 1))) is None


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_weights_are_those_of_second_differences(count):
    second = np.diff(np.eye(count), 2, axis=0)
    product = second.T @ second
    for offset, diagonal in enumerate(second_difference_weights(count)):
        np.testing.assert_array_equal(diagonal, np.diagonal(product, -offset))
