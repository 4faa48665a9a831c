"""What a moving body should satisfy, as an energy with its normal equations over all frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from syrip_gen.fitting.kinematics import Kinematics
from syrip_gen.fitting.objective import Mixture
from syrip_gen.geometry.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from syrip_gen.motion.retarget_blocks import second_difference_weights
from syrip_gen.motion.retarget_limits import joint_limits
from syrip_gen.motion.retarget_rows import (
    NUM_UNKNOWNS,
    Surface,
    bone_rows,
    ground_rows,
    pin_rows,
    pixel_rows,
)

__all__ = [
    "BoneGoals",
    "Floor",
    "Goals",
    "Normal",
    "PixelGoals",
    "State",
    "blend_prior",
    "energy",
    "lowest_points",
    "normal_equations",
    "posture_shares",
    "step_state",
]

LIMIT_SIGMA = np.radians(1.5)
BLEND_SECONDS = 0.4
"""Width of the window over which a posture's likelihood is averaged: priors must not switch abruptly."""
BLEND_TEMPERATURE = 6.0
"""Likelihoods of postures are flattened by this: neighbouring ones share the say."""
MIN_SHARE = 1e-3


class State(NamedTuple):
    """A moving body of known shape."""

    roots: np.ndarray
    """(T, 3, 3) body to world (or camera)."""
    pose: np.ndarray
    """(T, 69) axis-angle of joints 1..23."""
    transl: np.ndarray
    """(T, 3) metres."""


class BoneGoals(NamedTuple):
    """Directions to follow; see :func:`~syrip_gen.motion.retarget_rows.bone_rows`."""

    kin: Kinematics
    ends: np.ndarray
    direction: np.ndarray
    weight: np.ndarray


class PixelGoals(NamedTuple):
    """Keypoints to follow; see :func:`~syrip_gen.motion.retarget_rows.pixel_rows`."""

    kin: Kinematics
    keypoints: np.ndarray
    pixels: np.ndarray
    weight: np.ndarray
    focal: float


class Floor(NamedTuple):
    """The floor z = 0 and what happens on it."""

    surface: Surface
    touch: np.ndarray
    """(T, P) weight of a part's lying on the floor."""
    clearance: np.ndarray
    """(T,) height of the lowest point of all, metres."""
    pins: np.ndarray
    """(T - 1, P) points that stay where they are."""
    pin_weight: np.ndarray
    """(T - 1, P) 1/metre."""
    path: np.ndarray
    """(T, 3) translation to stay near, metres."""
    path_sigma: np.ndarray
    """(3,) how near."""
    pace_sigma: np.ndarray
    """(3,) standard deviation of a frame's step about the path's, metres."""
    sink: float = 0.002
    sigma: tuple[float, float] = (0.002, 0.003)


@dataclass(frozen=True, slots=True, eq=False)
class Goals:
    """All terms of one round; T frames."""

    smooth: np.ndarray
    """(75,) one over standard deviation of a second difference."""
    precision: np.ndarray
    """(T, 69, 69) of the pose prior's blend."""
    pull: np.ndarray
    """(T, 69) precision times mean."""
    bones: BoneGoals | None = None
    pixels: PixelGoals | None = None
    floor: Floor | None = None


class Normal(NamedTuple):
    """Normal equations: blocks for :func:`~syrip_gen.motion.retarget_blocks.solve_frames`, and gradient."""

    main: np.ndarray
    near: np.ndarray
    far: np.ndarray
    gradient: np.ndarray


def blend_prior(prior: Mixture, pose: np.ndarray, fps: float, weight: float) -> tuple[np.ndarray, np.ndarray]:
    """Return precision (T, 69, 69) and precision times mean (T, 69) of the Gaussians near each frame.

    Which Gaussians those are is averaged over time, so that a moving body passes smoothly from one to the
    next. For fixed shares this is the majoriser of -log of the mixture that expectation-maximisation uses.
    """
    shares = posture_shares(prior, pose, fps)
    precision = np.einsum("mki,mkj->mij", prior.whiten, prior.whiten)
    size = precision.shape[1]
    blended = (shares @ precision.reshape(len(precision), -1)).reshape(-1, size, size)
    pull = shares @ np.einsum("mij,mj->mi", precision, prior.means)
    return weight * blended, weight * pull


def posture_shares(prior: Mixture, pose: np.ndarray, fps: float) -> np.ndarray:
    """Return (T, M) shares of the prior's Gaussians, averaged over time."""
    energies = np.empty((len(pose), len(prior.means)))
    for m in range(len(prior.means)):
        z = (pose - prior.means[m]) @ prior.whiten[m].T
        energies[:, m] = 0.5 * (z * z).sum(1) - prior.log_weights[m]
    reach = max(round(2 * BLEND_SECONDS * fps), 1)
    window = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(BLEND_SECONDS * fps, 1e-9)) ** 2)
    padded = np.pad(energies, ((reach, reach), (0, 0)), mode="edge")
    smooth = np.stack([np.convolve(column, window / window.sum(), mode="valid") for column in padded.T], 1)
    shares = np.exp(-(smooth - smooth.min(1, keepdims=True)) / BLEND_TEMPERATURE)
    shares /= shares.sum(1, keepdims=True)
    shares[shares < MIN_SHARE] = 0.0
    return shares / shares.sum(1, keepdims=True)


def _residuals(goals: Goals, state: State, with_rows: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return residuals (T, R) and rows (T, R, 75) (or none) of the terms that tie no frames together."""
    count, out = len(state.pose), []

    def room(rows: int) -> tuple[np.ndarray, np.ndarray]:
        shape = (count, rows, NUM_UNKNOWNS) if with_rows else (0, rows, NUM_UNKNOWNS)
        out.append((np.zeros((count, rows)), np.zeros(shape)))
        return out[-1]

    if goals.bones is not None:
        bone_rows(*goals.bones, *state, *room(3 * len(goals.bones.ends)))
    if goals.pixels is not None:
        pixel_rows(*goals.pixels, *state, *room(2 * len(goals.pixels.keypoints)))
    if goals.floor is not None:
        floor = goals.floor
        lowest = np.empty((count, floor.surface.num_parts), dtype=np.int64)
        fixed = (floor.surface, floor.touch, floor.clearance, floor.sink, np.array(floor.sigma))
        ground_rows(*fixed, *state, *room(2 * floor.surface.num_parts + 1), lowest)
    return out


def lowest_points(floor: Floor, state: State) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest point (T, P) of each part and its height (T, P) in metres."""
    count, parts = len(state.pose), floor.surface.num_parts
    lowest, residual = np.empty((count, parts), dtype=np.int64), np.empty((count, 2 * parts + 1))
    fixed = (floor.surface, np.ones((count, parts)), np.zeros(count), 0.0, np.ones(2))
    ground_rows(*fixed, *state, residual, np.empty((0, 0, 0)), lowest)
    return lowest, residual[:, parts : 2 * parts]


def _pins(floor: Floor, state: State, with_rows: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    count, rows = len(state.pose) - 1, 2 * floor.surface.num_parts
    shape = (count, rows, NUM_UNKNOWNS) if with_rows else (0, rows, NUM_UNKNOWNS)
    residual, before, after = np.zeros((count, rows)), np.zeros(shape), np.zeros(shape)
    pin_rows(floor.surface, floor.pins, floor.pin_weight, *state, residual, before, after)
    return residual, before, after


def _bends(state: State) -> np.ndarray:
    """Return the (T - 2, 75) second differences of the unknowns."""
    turns = matrix_to_axis_angle(state.roots[1:] @ state.roots[:-1].transpose(0, 2, 1))
    turns = np.diff(turns.reshape(-1, 3), axis=0)
    if not len(turns):
        return np.zeros((0, NUM_UNKNOWNS))
    return np.concatenate([turns, np.diff(state.pose, 2, axis=0), np.diff(state.transl, 2, axis=0)], axis=1)


def _overshoot(pose: np.ndarray) -> np.ndarray:
    """Return (T, 69) angles beyond the joints' limits, radians, signed."""
    low, high = joint_limits()
    return np.maximum(pose - high, 0.0) - np.maximum(low - pose, 0.0)


def energy(goals: Goals, state: State) -> float:
    """Return half the sum of squared residuals."""
    total = sum(float((r * r).sum()) for r, _ in _residuals(goals, state, False))
    prior = np.einsum("tij,tj->ti", goals.precision, state.pose) - 2.0 * goals.pull
    total += float((prior * state.pose).sum())
    total += float((_overshoot(state.pose) ** 2).sum()) / LIMIT_SIGMA**2
    total += float(((_bends(state) * goals.smooth) ** 2).sum())
    if goals.floor is not None:
        floor = goals.floor
        total += float((_pins(floor, state, False)[0] ** 2).sum())
        off = state.transl - floor.path
        total += float(((off / floor.path_sigma) ** 2).sum())
        total += float(((np.diff(off, axis=0) / floor.pace_sigma) ** 2).sum())
    return 0.5 * total


def normal_equations(goals: Goals, state: State) -> Normal:
    """Linearise all terms."""
    count = len(state.pose)
    main = np.zeros((count, NUM_UNKNOWNS, NUM_UNKNOWNS))
    near = np.zeros((count - 1, NUM_UNKNOWNS, NUM_UNKNOWNS))
    gradient = np.zeros((count, NUM_UNKNOWNS))
    for residual, rows in _residuals(goals, state, True):
        main += rows.transpose(0, 2, 1) @ rows
        gradient += np.einsum("tr,trc->tc", residual, rows)
    main[:, 3:72, 3:72] += goals.precision
    gradient[:, 3:72] += np.einsum("tij,tj->ti", goals.precision, state.pose) - goals.pull
    diagonal = np.einsum("tii->ti", main)
    over = _overshoot(state.pose)
    diagonal[:, 3:72] += (over != 0.0) / LIMIT_SIGMA**2
    gradient[:, 3:72] += over / LIMIT_SIGMA**2
    along = np.arange(NUM_UNKNOWNS)
    weights = [w[:, None] * goals.smooth**2 for w in second_difference_weights(count)]
    diagonal += weights[0]
    near[:, along, along] += weights[1]
    bends = _bends(state) * goals.smooth**2
    for offset, weight in enumerate((1.0, -2.0, 1.0)):
        gradient[offset : offset + count - 2] += weight * bends
    if goals.floor is not None:
        _add_floor(goals.floor, state, main, near, gradient)
    return Normal(main, near, weights[2], gradient)


def _add_floor(floor: Floor, state: State, main: np.ndarray, near: np.ndarray, gradient: np.ndarray) -> None:
    """Add pins and path, in place."""
    residual, before, after = _pins(floor, state, True)
    for rows, frames in ((before, slice(None, -1)), (after, slice(1, None))):
        main[frames] += rows.transpose(0, 2, 1) @ rows
        gradient[frames] += np.einsum("tr,trc->tc", residual, rows)
    near += after.transpose(0, 2, 1) @ before
    off = state.transl - floor.path
    pace = 1.0 / floor.pace_sigma**2
    place = np.arange(72, 75)
    main[:, place, place] += 1.0 / floor.path_sigma**2
    main[:-1, place, place] += pace
    main[1:, place, place] += pace
    near[:, place, place] -= pace
    slip = np.diff(off, axis=0) * pace
    gradient[:, 72:] += off / floor.path_sigma**2
    gradient[1:, 72:] += slip
    gradient[:-1, 72:] -= slip


def step_state(state: State, step: np.ndarray) -> State:
    """Return the state after a step (T, 75)."""
    return State(
        axis_angle_to_matrix(step[:, :3]) @ state.roots,
        state.pose + step[:, 3:72],
        state.transl + step[:, 72:],
    )
