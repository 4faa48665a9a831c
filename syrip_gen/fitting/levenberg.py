"""Levenberg-Marquardt on the fitting energy of one body, compiled.

There are about 40 residuals and 96 unknowns. In coordinates in which the priors are the identity, the step follows from
a system as small as the residuals: with J the Jacobian and D the (damped) identity of the priors,
``(D + J^T J)^-1 = D^-1 - D^-1 J^T (I + J D^-1 J^T)^-1 J D^-1`` (Woodbury).
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from syrip_gen.fitting.kinematics import FASTMATH, forward, keypoint_jacobian, rodrigues
from syrip_gen.fitting.objective import (
    _BENDING_INDEX,
    _BENDING_SIGN,
    bending,
    focal_prior,
    geman_mcclure,
    geman_mcclure_weight,
    gravity,
    mixture_energies,
    pose_prior,
    project,
    responsibilities,
    shape_prior,
)

__all__ = ["State", "Target", "Weights", "energy_terms", "minimise"]

MIN_DEPTH = 0.05
"""Keypoints nearer to the camera than this (metres) make a pose impossible."""


class Weights(NamedTuple):
    """Weights of one stage."""

    sigma: float
    """Standard deviation of a keypoint, in box diagonals; the data term is divided by 2 sigma^2."""
    rho: float
    """Distance at which Geman-McClure lets go, in box diagonals."""
    pose: float
    """lambda_theta."""
    shape: float
    """lambda_beta."""
    bend: float
    """lambda_alpha."""
    gravity: float
    """Weight of the camera's relation to gravity."""


class Target(NamedTuple):
    """What one pose is fitted to."""

    points: np.ndarray
    """(K, 2) keypoints relative to the principal point, in box diagonals."""
    confidence: np.ndarray
    """(K,) 0 = not labelled."""
    log_focal: float
    """Mean of the focal length's prior, log of box diagonals."""
    log_focal_sigma: float


class State(NamedTuple):
    """Unknowns of one body in the camera frame."""

    betas: np.ndarray
    root: np.ndarray
    """(3, 3) rotation, body to camera."""
    pose: np.ndarray
    """(69,) axis-angle."""
    transl: np.ndarray
    log_focal: float


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def energy_terms(kin, mixture, target, weights, max_mixture, state):
    """Return (7,): total, data, pose, shape, bending, gravity, focal; infinite where a keypoint is behind the camera."""
    out = np.full(7, np.inf)
    keypoints, _, _, _ = forward(kin, state.betas, state.root, state.pose, state.transl)
    data = 0.0
    pixels = project(keypoints, np.exp(state.log_focal))
    for k in range(pixels.shape[0]):
        if target.confidence[k] <= 0.0:
            continue
        if not keypoints[k, 2] > MIN_DEPTH:
            return out
        dx, dy = pixels[k, 0] - target.points[k, 0], pixels[k, 1] - target.points[k, 1]
        data += target.confidence[k] ** 2 * geman_mcclure(dx * dx + dy * dy, weights.rho)
    out[1] = data / (2.0 * weights.sigma**2)
    energies = mixture_energies(state.pose, mixture)
    out[2] = weights.pose * pose_prior(state.pose, mixture, max_mixture)
    out[3] = weights.shape * shape_prior(state.betas)
    out[4] = weights.bend * bending(state.pose).sum()
    down = np.zeros(3)
    best = np.argmin(energies)
    for a in range(3):
        for b in range(3):
            down[a] += state.root[a, b] * mixture.gravity[best, b]
    out[5] = 0.5 * weights.gravity * (gravity(down) ** 2).sum()
    out[6] = focal_prior(state.log_focal, target.log_focal, target.log_focal_sigma)
    out[0] = out[1:].sum()
    return out


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _prior_gradient(pose, mixture, max_mixture):
    """Return the gradient of L_theta, in coordinates in which the nearest Gaussian is the identity, and its index."""
    share = responsibilities(mixture_energies(pose, mixture), max_mixture)
    size = pose.shape[0]
    gradient, out = np.zeros(size), np.zeros(size)
    for m in range(share.shape[0]):
        if share[m] < 1e-6:
            continue
        for i in range(size):
            z = 0.0
            for j in range(i + 1):
                z += mixture.whiten[m, i, j] * (pose[j] - mixture.means[m, j])
            for j in range(i + 1):
                gradient[j] += share[m] * z * mixture.whiten[m, i, j]
    best = np.argmax(share)
    for i in range(size):
        for j in range(i + 1):
            out[j] += mixture.chol[best, i, j] * gradient[i]
    return out, best


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _data_rows(kin, target, weights, state, rows, residual):
    """Fill the keypoints' rows: d (weighted residual) / d (betas, root, pose, transl along the ray, log focal)."""
    keypoints, centers, rotations, terms = forward(kin, state.betas, state.root, state.pose, state.transl)
    jacobian = keypoint_jacobian(kin, state.pose, rotations, centers, terms)
    focal = np.exp(state.log_focal)
    pixels = project(keypoints, focal)
    size = jacobian.shape[2]
    depth = centers[0, 2]
    for k in range(pixels.shape[0]):
        if target.confidence[k] <= 0.0:
            continue
        dx, dy = pixels[k, 0] - target.points[k, 0], pixels[k, 1] - target.points[k, 1]
        weight = np.sqrt(geman_mcclure_weight(dx * dx + dy * dy, weights.rho)) * target.confidence[k] / weights.sigma
        residual[2 * k], residual[2 * k + 1] = weight * dx, weight * dy
        scale = weight * focal / keypoints[k, 2]
        for axis in range(2):
            slope = keypoints[k, axis] / keypoints[k, 2]
            row = rows[2 * k + axis]
            for c in range(size):
                row[c] = scale * (jacobian[k, axis, c] - slope * jacobian[k, 2, c])
            row[size + axis] = scale * depth
            row[size + 2] = scale * (centers[0, axis] - slope * centers[0, 2])
            row[size + 3] = weight * pixels[k, axis]
    return centers[0]


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _extra_rows(mixture, best, weights, state, rows, residual, first, offset):
    """Fill four bending rows and two gravity rows from row ``first``; pose columns begin at ``offset``."""
    for i in range(4):
        index = _BENDING_INDEX[i]
        value = np.sqrt(2.0 * weights.bend) * np.exp(_BENDING_SIGN[i] * state.pose[index])
        residual[first + i] = value
        rows[first + i, offset + index] = _BENDING_SIGN[i] * value
    down = np.zeros(3)
    for a in range(3):
        for b in range(3):
            down[a] += state.root[a, b] * mixture.gravity[best, b]
    value = gravity(down) * np.sqrt(weights.gravity)
    residual[first + 4], residual[first + 5] = value[0], value[1]
    root = offset - 3
    if value[0] > 0.0:  # d down_z / d w = (down_y, -down_x, 0) for down <- w x down, negated twice
        rows[first + 4, root] = -down[1] / 0.15 * np.sqrt(weights.gravity)
        rows[first + 4, root + 1] = down[0] / 0.15 * np.sqrt(weights.gravity)
    if value[1] > 0.0:
        rows[first + 5, root] = down[2] / 0.3 * np.sqrt(weights.gravity)
        rows[first + 5, root + 2] = -down[0] / 0.3 * np.sqrt(weights.gravity)


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _whiten_rows(rows, chol, offset, scale, out):
    """Multiply the pose columns by the prior's Cholesky factor, the shape columns by their standard deviation."""
    size = chol.shape[0]
    for r in range(rows.shape[0]):
        for c in range(rows.shape[1]):
            out[r, c] = rows[r, c]
        for c in range(size):
            out[r, offset + c] = 0.0
        for i in range(size):
            value = rows[r, offset + i] * scale
            if value != 0.0:
                for j in range(i + 1):
                    out[r, offset + j] += value * chol[i, j]


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _solve_step(rows, residual, prior, diagonal):
    """Return the minimiser d of |residual + rows d|^2 + |prior + d|^2 on the damped diagonal."""
    count, size = rows.shape
    system = np.zeros((count, count))
    gradient = prior.copy()
    for r in range(count):
        for c in range(size):
            gradient[c] += rows[r, c] * residual[r]
    scaled = np.empty(size)
    rhs = np.zeros(count)
    for r in range(count):
        for c in range(size):
            scaled[c] = rows[r, c] / diagonal[c]
        for q in range(r + 1):
            total = 0.0
            for c in range(size):
                total += scaled[c] * rows[q, c]
            system[r, q] = total
        system[r, r] += 1.0
        for c in range(size):
            rhs[r] += scaled[c] * gradient[c]
    for r in range(count):  # Cholesky in place and forward substitution
        for q in range(r + 1):
            total = system[r, q]
            for c in range(q):
                total -= system[r, c] * system[q, c]
            system[r, q] = np.sqrt(total) if q == r else total / system[q, q]
        for c in range(r):
            rhs[r] -= system[r, c] * rhs[c]
        rhs[r] /= system[r, r]
    for r in range(count - 1, -1, -1):
        for c in range(r + 1, count):
            rhs[r] -= system[c, r] * rhs[c]
        rhs[r] /= system[r, r]
    for r in range(count):
        for c in range(size):
            gradient[c] -= rows[r, c] * rhs[r]
    return -gradient / diagonal


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _apply(state, step, chol, pose_scale, shape_scale, focal_sigma, anchor):
    """Return the state after a step in whitened coordinates."""
    size = state.betas.shape[0]
    betas = state.betas + step[:size] * shape_scale
    root = np.zeros((3, 3))
    turn = rodrigues(step[size : size + 3])
    for a in range(3):
        for b in range(3):
            for c in range(3):
                root[a, b] += turn[a, c] * state.root[c, b]
    pose = state.pose.copy()
    offset = size + 3
    for i in range(pose.shape[0]):
        for j in range(i + 1):
            pose[i] += pose_scale * chol[i, j] * step[offset + j]
    last = offset + pose.shape[0]
    transl = state.transl.copy()
    transl[0] += step[last] * anchor[2] + step[last + 2] * anchor[0]
    transl[1] += step[last + 1] * anchor[2] + step[last + 2] * anchor[1]
    transl[2] += step[last + 2] * anchor[2]
    return State(betas, root, pose, transl, state.log_focal + step[last + 3] * focal_sigma)


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _linearise(kin, mixture, target, weights, max_mixture, state):
    """Return whitened rows, residuals, the priors' coordinates, their mask, the Cholesky factor and the root joint."""
    size, pose_size = state.betas.shape[0], state.pose.shape[0]
    offset, unknowns = size + 3, size + pose_size + 7
    count = 2 * kin.num_keypoints
    rows, residual = np.zeros((count + 6, unknowns)), np.zeros(count + 6)
    anchor = _data_rows(kin, target, weights, state, rows, residual)
    z, best = _prior_gradient(state.pose, mixture, max_mixture)
    _extra_rows(mixture, best, weights, state, rows, residual, count, offset)
    whitened = np.empty_like(rows)
    _whiten_rows(rows, mixture.chol[best], offset, 1.0 / np.sqrt(weights.pose), whitened)
    whitened[:, :size] /= np.sqrt(weights.shape)
    whitened[:, unknowns - 1] *= target.log_focal_sigma
    prior, mask = np.zeros(unknowns), np.zeros(unknowns)
    prior[:size], mask[:size] = state.betas * np.sqrt(weights.shape), 1.0
    prior[offset : offset + pose_size], mask[offset : offset + pose_size] = z * np.sqrt(weights.pose), 1.0
    prior[unknowns - 1] = (state.log_focal - target.log_focal) / target.log_focal_sigma
    mask[unknowns - 1] = 1.0
    return whitened, residual, prior, mask, mixture.chol[best], anchor


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def minimise(kin, mixture, target, weights, max_mixture, state, max_steps, tolerance):
    """Minimise the energy from one start.

    Args:
        kin: :class:`~syrip_gen.fitting.kinematics.Kinematics`.
        mixture: :class:`~syrip_gen.fitting.objective.Mixture`.
        target: :class:`Target`.
        weights: :class:`Weights`, all > 0 except ``gravity`` and ``bend``.
        max_mixture: Use the mixture's largest term instead of its sum.
        state: Where to start.
        max_steps: Number of linear systems solved at most.
        tolerance: Stop when an accepted step lowers the energy by less than this.

    Returns:
        The best state and its total energy (not finite if the start was impossible).
    """
    energy = energy_terms(kin, mixture, target, weights, max_mixture, state)[0]
    if not np.isfinite(energy):
        return state, np.inf
    damping = 0.03
    pose_scale, shape_scale = 1.0 / np.sqrt(weights.pose), 1.0 / np.sqrt(weights.shape)
    rows, residual, prior, mask, chol, anchor = _linearise(kin, mixture, target, weights, max_mixture, state)
    for _ in range(max_steps):
        step = _solve_step(rows, residual, prior, mask + damping)
        trial = _apply(state, step, chol, pose_scale, shape_scale, target.log_focal_sigma, anchor)
        value = energy_terms(kin, mixture, target, weights, max_mixture, trial)[0]
        if value < energy:
            gain, state, energy = energy - value, trial, value
            damping = max(damping * 0.3, 1e-5)
            if gain < tolerance:
                break
            rows, residual, prior, mask, chol, anchor = _linearise(
                kin, mixture, target, weights, max_mixture, state
            )
        else:
            damping *= 5.0
            if not damping < 1e6:
                break
    return state, energy
