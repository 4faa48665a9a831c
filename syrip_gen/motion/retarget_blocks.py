"""Solve for the unknowns of all frames at once: a frame is tied to the two before and after it."""

import numpy as np
from scipy.linalg import LinAlgError, cholesky, solve_triangular

__all__ = ["second_difference_weights", "solve_frames"]


def second_difference_weights(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the diagonals (T,), (T - 1,), (T - 2,) of D^T D, D the second differences of T frames."""
    main, near, far = np.zeros(count), np.zeros(max(count - 1, 0)), np.zeros(max(count - 2, 0))
    for offset, weight in enumerate((1.0, -2.0, 1.0)):
        main[offset : offset + count - 2] += weight * weight
    if count > 2:
        near[: count - 2] += -2.0
        near[1:] += -2.0
        far += 1.0
    return main, near, far


def solve_frames(main: np.ndarray, near: np.ndarray, far: np.ndarray, rhs: np.ndarray) -> np.ndarray | None:
    """Solve a symmetric block-pentadiagonal system by Cholesky factors of pairs of frames.

    Args:
        main: (T, n, n) diagonal blocks.
        near: (T - 1, n, n) blocks of (frame t + 1, frame t).
        far: (T - 2, n) diagonals of the blocks of (frame t + 2, frame t).
        rhs: (T, n).

    Returns:
        (T, n), or None when the system is not positive definite.
    """
    count, size = rhs.shape
    diagonal, below = _pairs(main, near, far)
    pairs = len(diagonal)
    right = np.zeros((pairs, 2 * size))
    right.reshape(-1)[: count * size] = rhs.reshape(-1)
    factors, links = [], []
    try:
        for k in range(pairs):
            block, value = diagonal[k], right[k]
            if k > 0:
                link = solve_triangular(factors[-1], below[k - 1].T, lower=True, check_finite=False).T
                links.append(link)
                block = block - link @ link.T
                value = value - link @ right[k - 1]
            factor = cholesky(block, lower=True, check_finite=False)
            factors.append(factor)
            right[k] = solve_triangular(factor, value, lower=True, check_finite=False)
    except LinAlgError:
        return None
    for k in range(pairs - 1, -1, -1):
        value = right[k] if k == pairs - 1 else right[k] - links[k].T @ right[k + 1]
        right[k] = solve_triangular(factors[k], value, lower=True, trans=1, check_finite=False)
    return right.reshape(-1)[: count * size].reshape(count, size)


def _pairs(main: np.ndarray, near: np.ndarray, far: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Join frames two by two: block-tridiagonal with blocks of twice the size; an odd end is padded."""
    count, size = main.shape[:2]
    pairs = (count + 1) // 2
    diagonal, below = np.zeros((pairs, 2 * size, 2 * size)), np.zeros((pairs - 1, 2 * size, 2 * size))
    diagonal[:, :size, :size] = main[0::2]
    diagonal[-1, size:, size:] = np.eye(size)
    diagonal[: count // 2, size:, size:] = main[1::2]
    diagonal[: count // 2, size:, :size] = near[0::2]
    diagonal[: count // 2, :size, size:] = near[0::2].transpose(0, 2, 1)
    below[:, :size, size:] = near[1::2]
    along = np.arange(size)
    even, odd = far[0::2], far[1::2]
    below[: len(even), along, along] = even
    below[: len(odd), size + along, size + along] = odd
    return diagonal, below
