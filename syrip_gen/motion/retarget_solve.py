"""Levenberg-Marquardt over all frames of a moving body."""

import numpy as np

from syrip_gen.motion.retarget_blocks import solve_frames
from syrip_gen.motion.retarget_energy import Goals, State, energy, normal_equations, step_state

__all__ = ["minimise"]

FIRST_DAMPING, LEAST_DAMPING, MOST_DAMPING = 1e-2, 1e-6, 1e8
UNIT = np.concatenate([np.full(72, 100.0), np.full(3, 1e4)])
"""(75,) curvature that a damping of 1 adds: a radian counts as much as 10 cm."""


def minimise(goals: Goals, state: State, max_steps: int, tolerance: float) -> tuple[State, float]:
    """Lower the energy from a state.

    Args:
        goals: The terms; which points and Gaussians they use stays fixed.
        state: Start.
        max_steps: Trial steps at most.
        tolerance: Stop when an accepted step lowers the energy by less than this a frame.

    Returns:
        The best state and its energy.
    """
    best = energy(goals, state)
    damping, normal = FIRST_DAMPING, None
    for _ in range(max_steps):
        if normal is None:
            normal = normal_equations(goals, state)
        main = normal.main.copy()
        diagonal = np.einsum("tii->ti", main)
        diagonal += damping * UNIT
        step = solve_frames(main, normal.near, normal.far, -normal.gradient)
        trial = None if step is None else step_state(state, step)
        value = np.inf if trial is None else energy(goals, trial)
        if value < best:
            gain, best, state, normal = best - value, value, trial, None
            damping = max(0.2 * damping, LEAST_DAMPING)
            if gain < tolerance * len(state.pose):
                break
        else:
            damping *= 8.0
            if damping > MOST_DAMPING:
                break
    return state, best
