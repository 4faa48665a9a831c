"""Fit one pose: many starts, staged weights, and a second chance for each limb; compiled."""

from typing import NamedTuple

import numpy as np
from numba import njit

from syrip_gen.fitting.kinematics import FASTMATH
from syrip_gen.fitting.levenberg import Weights, energy_terms, minimise
from syrip_gen.fitting.starts import find_starts

__all__ = ["DEFAULT_SCHEDULE", "Schedule", "fit_pose"]


class Schedule(NamedTuple):
    """Stages of a fit: from the prior to the data, from many starts to one."""

    coarse: Weights
    middle: Weights
    fine: Weights
    num_starts: int
    coarse_steps: int
    num_middle: int
    middle_steps: int
    num_fine: int
    fine_steps: int


DEFAULT_SCHEDULE = Schedule(
    coarse=Weights(0.05, 0.3, 1.0, 2.0, 0.1, 1.0),
    middle=Weights(0.02, 0.2, 1.0, 1.0, 0.1, 1.0),
    fine=Weights(0.008, 0.1, 1.0, 1.0, 0.1, 1.0),
    num_starts=20,
    coarse_steps=8,
    num_middle=8,
    middle_steps=10,
    num_fine=3,
    fine_steps=30,
)
"""Standard deviations fall from a twentieth of the box to an annotator's slip, as SMPLify-X's weights of the priors fall
from 404 to 4.78 against fixed data."""


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _best(energies, count):
    order = np.argsort(energies)
    finite = 0
    for i in order:
        if np.isfinite(energies[i]):
            finite += 1
    return order[: min(count, finite)]


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _run_stage(kin, mixture, target, weights, max_mixture, states, keep, steps):
    """Minimise from every state and return the ``keep`` best, best first."""
    energies = np.empty(len(states))
    done = []
    for i in range(len(states)):
        state, energies[i] = minimise(kin, mixture, target, weights, max_mixture, states[i], steps, 0.02)
        done.append(state)
    order = _best(energies, keep)
    return [done[i] for i in order]


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def fit_pose(kin, mixture, table, target, schedule, max_mixture):
    """Return (found, state, energy terms) of the best fit of one pose."""
    states = find_starts(
        table, mixture, target, kin.joint_dirs.shape[2], schedule.num_starts, 0.1, schedule.coarse.gravity
    )
    dummy = np.full(7, np.inf)
    if len(states) == 0:
        return False, states, dummy
    states = _run_stage(
        kin, mixture, target, schedule.coarse, max_mixture, states, schedule.num_middle, schedule.coarse_steps
    )
    states = _run_stage(
        kin, mixture, target, schedule.middle, max_mixture, states, schedule.num_fine, schedule.middle_steps
    )
    states = _run_stage(kin, mixture, target, schedule.fine, max_mixture, states, 1, schedule.fine_steps)
    if len(states) == 0:
        return False, states, dummy
    return True, states, energy_terms(kin, mixture, target, schedule.fine, max_mixture, states[0])
