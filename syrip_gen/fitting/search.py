"""Fit one pose: many starts, and staged weights."""

from typing import NamedTuple

import numpy as np

from syrip_gen.fitting.kinematics import Kinematics
from syrip_gen.fitting.levenberg import Target, Weights, minimise
from syrip_gen.fitting.objective import Mixture
from syrip_gen.fitting.starts import StartTable, find_starts

__all__ = ["DEFAULT_SCHEDULE", "Schedule", "fit_target"]


class Stage(NamedTuple):
    """One round: minimise from every candidate, keep the best."""

    weights: Weights
    max_steps: int
    keep: int


class Schedule(NamedTuple):
    """Rounds from the prior to the data, from many starts to one."""

    num_starts: int
    stages: tuple[Stage, ...]


DEFAULT_SCHEDULE = Schedule(
    num_starts=20,
    stages=(
        Stage(Weights(0.05, 0.3, 1.0, 2.0, 0.1, 1.0), 8, 8),
        Stage(Weights(0.02, 0.2, 1.0, 1.0, 0.1, 1.0), 10, 3),
        Stage(Weights(0.008, 0.1, 1.0, 1.0, 0.1, 1.0), 30, 1),
    ),
)
"""Standard deviations fall from a twentieth of the box to an annotator's slip, as SMPLify-X's weights of the priors
fall from 404 to 4.78 against fixed data."""
TOLERANCE = 0.02
"""Energy (log-likelihood) that a step must gain for another to follow."""


def fit_target(
    kin: Kinematics,
    mixture: Mixture,
    table: StartTable,
    target: Target,
    schedule: Schedule = DEFAULT_SCHEDULE,
    max_mixture: bool = False,
) -> np.ndarray | None:
    """Return the best body x for one pose's keypoints, None if every start is impossible."""
    first = schedule.stages[0].weights
    states = find_starts(table, mixture, target, schedule.num_starts, first.gravity, kin.joint_dirs.shape[2])
    for stage in schedule.stages:
        tried = [
            minimise(kin, mixture, target, stage.weights, max_mixture, x, stage.max_steps, TOLERANCE)
            for x in states
        ]
        tried = [item for item in tried if np.isfinite(item[1])]
        tried.sort(key=lambda item: item[1])
        states = [x for x, _ in tried[: stage.keep]]
    return states[0] if states else None
