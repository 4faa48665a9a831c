"""Fit one pose: many starts, staged weights, and a second chance for each limb."""

from typing import NamedTuple

import numpy as np

from syrip_gen.fitting.energy import Contacts, Target, Weights
from syrip_gen.fitting.kinematics import Kinematics
from syrip_gen.fitting.levenberg import minimise
from syrip_gen.fitting.limbs import LimbLibrary, limb_alternatives
from syrip_gen.fitting.objective import Mixture
from syrip_gen.fitting.starts import StartTable, find_starts

__all__ = ["DEFAULT_SCHEDULE", "Problem", "Schedule", "Stage", "fit_target"]


class Stage(NamedTuple):
    """One round: minimise from every candidate, keep the best."""

    weights: Weights
    max_steps: int
    keep: int


class Schedule(NamedTuple):
    """Rounds from the prior to the data, from many starts to one."""

    num_starts: int
    stages: tuple[Stage, ...]
    """From every start."""
    limb_stages: tuple[Stage, ...]
    """From every alternative of a limb."""
    limb_rounds: int
    """Limbs of one body that may change, at most."""
    last: Stage
    """From the best: parts are kept out of each other."""


BEND = 0.66
"""3.17 / 4.78, SMPLify-X's last weight of bending against that of its pose prior."""
_COARSE = Weights(sigma=0.05, rho=0.3, pose=1.0, shape=2.0, bend=BEND, gravity=1.0, contact=0.0)
_MIDDLE = Weights(sigma=0.02, rho=0.2, pose=1.0, shape=1.0, bend=BEND, gravity=1.0, contact=0.0)
_FINE = Weights(sigma=0.008, rho=0.1, pose=1.0, shape=1.0, bend=BEND, gravity=1.0, contact=0.0)
DEFAULT_SCHEDULE = Schedule(
    num_starts=20,
    stages=(Stage(_COARSE, 8, 8), Stage(_MIDDLE, 10, 3), Stage(_FINE, 20, 2)),
    limb_stages=(Stage(_MIDDLE, 6, 12), Stage(_FINE, 8, 1)),
    limb_rounds=2,
    last=Stage(_FINE._replace(contact=1.0), 20, 1),
)
"""Standard deviations fall from a twentieth of the box to an annotator's slip, as SMPLify-X's weights of the
priors fall from 404 to 4.78 against fixed data. The priors keep the weight of one that probability gives
them."""
TOLERANCE = 0.02
"""Energy (log-likelihood) that a step must gain for another to follow."""
LIMB_GAIN = 0.1
"""Energy that another depth order of a limb must gain."""


class Problem(NamedTuple):
    """What the fits of one pose have in common."""

    kin: Kinematics
    contacts: Contacts
    mixture: Mixture
    target: Target
    max_mixture: bool


def _run(problem: Problem, stage: Stage, states: list[np.ndarray]) -> list[tuple[float, np.ndarray]]:
    """Return the stage's best (energy, body), best first; impossible ones are left out."""
    done = []
    for x in states:
        found, energy = minimise(
            *problem[:4], stage.weights, problem.max_mixture, x, stage.max_steps, TOLERANCE
        )
        if np.isfinite(energy) and np.isfinite(found).all():
            done.append((energy, found))
    return sorted(done, key=lambda item: item[0])[: stage.keep]


def _improve_limbs(
    problem: Problem, schedule: Schedule, library: LimbLibrary, energy: float, x: np.ndarray
) -> tuple[float, np.ndarray]:
    """Try the other depth orders of the limbs, as long as one of them is better."""
    for _ in range(schedule.limb_rounds):
        tried = [(energy, x) for x in limb_alternatives(problem.kin, library, problem.target, x)]
        for stage in schedule.limb_stages:
            tried = _run(problem, stage, [other for _, other in tried])
        if not tried or tried[0][0] > energy - LIMB_GAIN:
            break
        energy, x = tried[0]
    return energy, x


def fit_target(
    problem: Problem, table: StartTable, library: LimbLibrary, schedule: Schedule = DEFAULT_SCHEDULE
) -> tuple[float, np.ndarray] | None:
    """Return (energy, body x) of the best fit of one pose, None if every start is impossible.

    Args:
        problem: Body, prior and keypoints.
        table: Mean poses from all sides, of the same prior.
        library: Limbs drawn from the same prior.
        schedule: Stages.
    """
    first = schedule.stages[0].weights
    states = find_starts(
        table,
        problem.mixture,
        problem.target,
        schedule.num_starts,
        first.gravity,
        problem.kin.joint_dirs.shape[2],
    )
    best = [(0.0, x) for x in states]
    for stage in schedule.stages:
        best = _run(problem, stage, [x for _, x in best])
    best = [_improve_limbs(problem, schedule, library, *item) for item in best]
    best = _run(problem, schedule.last, [x for _, x in best])
    return best[0] if best else None
