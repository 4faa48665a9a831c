"""Levenberg-Marquardt on the fitting energy of one body, compiled.

There are about 40 residuals and 96 unknowns. In coordinates in which the priors are the identity, the step
follows from a system as small as the residuals: with J the Jacobian and D the (damped) identity of the
priors, ``(D + J^T J)^-1 = D^-1 - D^-1 J^T (I + J D^-1 J^T)^-1 J D^-1`` (Woodbury).

A body is one vector x: betas (S), rotation of the root, body to camera (9, row by row), body pose (69
axis-angle), translation (3), log of the focal length in box diagonals (1).
"""

from typing import NamedTuple

import numpy as np

from syrip_gen.fitting.kinematics import Kinematics, compiled, forward, keypoint_jacobian, rodrigues
from syrip_gen.fitting.objective import (
    BENDING_INDEX,
    BENDING_SIGN,
    Mixture,
    bending,
    focal_prior,
    geman_mcclure,
    geman_mcclure_weight,
    gravity,
    gravity_jacobian,
    mixture_energies,
    pose_prior,
    responsibilities,
    shape_prior,
)

__all__ = ["ENERGY_TERMS", "Contacts", "Target", "Weights", "body_energy", "minimise", "pack", "unpack"]

MIN_DEPTH = 0.05
"""Keypoints nearer to the camera than this (metres) make a pose impossible."""
ENERGY_TERMS = ("total", "data", "pose", "shape", "bending", "gravity", "focal", "contact")
NUM_EXTRA = 6
"""Residuals besides the keypoints': four of bending, two of gravity; then come the contacts'."""
NUM_CONTACTS = 8
"""Deepest contacts that a step sees."""
CONTACT_SIGMA = 0.006
"""Standard deviation (metres) of the depth to which parts sink into each other beyond what flesh allows."""


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
    contact: float
    """Weight of self-penetration; at 0 it is not even computed."""


class Contacts(NamedTuple):
    """Spheres that stand for the body's parts."""

    kin: Kinematics
    """Their centres, as if they were keypoints."""
    reach: np.ndarray
    """(Q,) distance (metres) below which a pair of spheres overlaps."""
    pairs: np.ndarray
    """(Q, 2) int64."""


class Target(NamedTuple):
    """What one pose is fitted to."""

    points: np.ndarray
    """(K, 2) keypoints relative to the principal point, in box diagonals."""
    confidence: np.ndarray
    """(K,) 0 = not labelled."""
    log_focal: float
    """Mean of the focal length's prior, log of box diagonals."""
    log_focal_sigma: float


def pack(
    betas: np.ndarray, root: np.ndarray, pose: np.ndarray, transl: np.ndarray, log_focal: float
) -> np.ndarray:
    """Join betas (S,), root (3, 3), pose (69,), transl (3,) and the log focal length into x (S + 82,)."""
    return np.concatenate([betas, root.reshape(9), pose.reshape(69), transl, [log_focal]])


def unpack(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]:
    """Split x again."""
    size = len(x) - 82
    root = x[size : size + 9].reshape(3, 3)
    return x[:size], root, x[size + 9 : size + 78], x[size + 78 : size + 81], float(x[-1])


@compiled
def _forward(kin, x):
    size = x.shape[0] - 82
    root = x[size : size + 9].reshape((3, 3))
    return forward(kin, x[:size], root, x[size + 9 : size + 78], x[size + 78 : size + 81])


@compiled
def _down(mixture, best, x):
    """Return gravity in the camera frame as the nearest Gaussian sees it; zeros where it says nothing."""
    first, out = x.shape[0] - 82, np.zeros(3)
    for a in range(3):
        for b in range(3):
            out[a] += x[first + 3 * a + b] * mixture.gravity[best, b]
    return out


@compiled
def _overlaps(contacts, centers):
    """Return (Q,) depths (metres) to which the pairs of spheres overlap."""
    out = np.empty(contacts.reach.shape[0])
    for q in range(out.shape[0]):
        a, b = contacts.pairs[q, 0], contacts.pairs[q, 1]
        total = 0.0
        for c in range(3):
            total += (centers[a, c] - centers[b, c]) ** 2
        out[q] = max(0.0, contacts.reach[q] - np.sqrt(total))
    return out


@compiled
def _energy(keypoints, contacts, mixture, target, weights, max_mixture, x):
    """Return the energy terms (8,) of posed keypoints; infinite where a labelled one is behind the camera."""
    out = np.full(8, np.inf)
    size = x.shape[0] - 82
    pose, focal = x[size + 9 : size + 78], np.exp(x[x.shape[0] - 1])
    data = 0.0
    for k in range(keypoints.shape[0]):
        if target.confidence[k] <= 0.0:
            continue
        depth = keypoints[k, 2]
        if not depth > MIN_DEPTH:
            return out
        dx = focal * keypoints[k, 0] / depth - target.points[k, 0]
        dy = focal * keypoints[k, 1] / depth - target.points[k, 1]
        data += target.confidence[k] ** 2 * geman_mcclure(dx * dx + dy * dy, weights.rho)
    energies = mixture_energies(pose, mixture)
    out[1] = data / (2.0 * weights.sigma**2)
    out[2] = weights.pose * pose_prior(energies, max_mixture)
    out[3] = weights.shape * shape_prior(x[:size])
    out[4], out[5] = 0.0, 0.0
    for value in bending(pose):
        out[4] += weights.bend * value * value
    for value in gravity(_down(mixture, np.argmin(energies), x)):
        out[5] += 0.5 * weights.gravity * value * value
    out[6] = focal_prior(x[x.shape[0] - 1], target.log_focal, target.log_focal_sigma)
    out[7] = 0.0
    if weights.contact > 0.0:
        centers, _, _, _ = _forward(contacts.kin, x)
        for depth in _overlaps(contacts, centers):
            out[7] += 0.5 * weights.contact * (depth / CONTACT_SIGMA) ** 2
    out[0] = out[1] + out[2] + out[3] + out[4] + out[5] + out[6] + out[7]
    return out


@compiled
def body_energy(kin, contacts, mixture, target, weights, max_mixture, x):
    """Return the energy of x (8,): :data:`ENERGY_TERMS`."""
    keypoints, _, _, _ = _forward(kin, x)
    return _energy(keypoints, contacts, mixture, target, weights, max_mixture, x)


@compiled
def _prior_gradient(pose, mixture, max_mixture):
    """Return the gradient of L_theta, in coordinates that whiten the nearest Gaussian, and its index."""
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
            z *= share[m]
            for j in range(i + 1):
                gradient[j] += z * mixture.whiten[m, i, j]
    best = np.argmax(share)
    for i in range(size):
        for j in range(i + 1):
            out[j] += mixture.chol[best, i, j] * gradient[i]
    return out, best


@compiled
def _data_rows(posed, jacobian, target, weights, focal, rows, residual):
    """Fill the keypoints' rows: d (weighted residual) / d (betas, root, pose, transl, log focal)."""
    keypoints, root = posed
    size = jacobian.shape[2]
    for k in range(keypoints.shape[0]):
        if target.confidence[k] <= 0.0:
            continue
        depth = keypoints[k, 2]
        dx = focal * keypoints[k, 0] / depth - target.points[k, 0]
        dy = focal * keypoints[k, 1] / depth - target.points[k, 1]
        weight = np.sqrt(geman_mcclure_weight(dx * dx + dy * dy, weights.rho))
        weight *= target.confidence[k] / weights.sigma
        residual[2 * k], residual[2 * k + 1] = weight * dx, weight * dy
        scale = weight * focal / depth
        for axis in range(2):
            slope = keypoints[k, axis] / depth
            r = 2 * k + axis
            for c in range(size):
                rows[r, c] = scale * (jacobian[k, axis, c] - slope * jacobian[k, 2, c])
            rows[r, size + axis] = scale * root[2]
            rows[r, size + 2] = scale * (root[axis] - slope * root[2])
            rows[r, size + 3] = weight * focal * slope


@compiled
def _contact_rows(contacts, weights, x, rows, residual, first):
    """Fill the rows of the deepest contacts from row ``first``: d depth / d x."""
    centers, joints, rotations, terms = _forward(contacts.kin, x)
    depths = _overlaps(contacts, centers)
    size = x.shape[0] - 82
    scale = np.sqrt(weights.contact) / CONTACT_SIGMA
    jacobian = keypoint_jacobian(contacts.kin, x[size + 9 : size + 78], rotations, joints, terms)
    for r in range(first, rows.shape[0]):
        q = np.argmax(depths)
        if depths[q] <= 0.0:
            break
        a, b = contacts.pairs[q, 0], contacts.pairs[q, 1]
        distance = max(contacts.reach[q] - depths[q], 1e-6)
        residual[r] = scale * depths[q]
        for axis in range(3):
            slope = -scale * (centers[a, axis] - centers[b, axis]) / distance
            for c in range(jacobian.shape[2]):
                rows[r, c] += slope * (jacobian[a, axis, c] - jacobian[b, axis, c])
        depths[q] = 0.0


@compiled
def _extra_rows(mixture, best, weights, x, rows, residual, first):
    """Fill six rows from row ``first``: four of bending and two of gravity."""
    offset = x.shape[0] - 82 + 3
    for i in range(4):
        residual[first + i] = np.sqrt(2.0 * weights.bend) * bending(x[offset + 6 : offset + 75])[i]
        rows[first + i, offset + BENDING_INDEX[i]] = BENDING_SIGN[i] * residual[first + i]
    down = _down(mixture, best, x)
    value, slope = gravity(down), gravity_jacobian(down)
    for i in range(2):
        residual[first + 4 + i] = np.sqrt(weights.gravity) * value[i]
        for c in range(3):
            rows[first + 4 + i, offset - 3 + c] = np.sqrt(weights.gravity) * slope[i, c]


@compiled
def _whiten(rows, chol, offset, pose_scale, shape_scale, focal_scale):
    """Express the rows in coordinates in which the priors are the identity, in place."""
    size, last = chol.shape[0], rows.shape[1] - 1
    moved = np.empty(size)
    for r in range(rows.shape[0]):
        for j in range(size):
            moved[j] = 0.0
        for i in range(size):
            value = rows[r, offset + i] * pose_scale
            if value != 0.0:
                for j in range(i + 1):
                    moved[j] += value * chol[i, j]
        for j in range(size):
            rows[r, offset + j] = moved[j]
        for j in range(offset - 3):
            rows[r, j] *= shape_scale
        rows[r, last] *= focal_scale


@compiled
def _linearise(kin, posed, contacts, mixture, target, weights, max_mixture, x, rows, residual, prior):
    """Fill whitened rows, residuals and the priors' gradient; return the index of the nearest Gaussian."""
    keypoints, centers, rotations, terms = posed
    size, last = x.shape[0] - 82, x.shape[0] - 7
    offset = size + 3
    for r in range(rows.shape[0]):
        residual[r] = 0.0
        for c in range(rows.shape[1]):
            rows[r, c] = 0.0
    pose, log_focal = x[size + 9 : size + 78], x[x.shape[0] - 1]
    jacobian = keypoint_jacobian(kin, pose, rotations, centers, terms)
    _data_rows((keypoints, centers[0]), jacobian, target, weights, np.exp(log_focal), rows, residual)
    gradient, best = _prior_gradient(pose, mixture, max_mixture)
    first = 2 * kin.num_keypoints
    _extra_rows(mixture, best, weights, x, rows, residual, first)
    if weights.contact > 0.0:
        _contact_rows(contacts, weights, x, rows, residual, first + NUM_EXTRA)
    shape_scale, pose_scale = 1.0 / np.sqrt(weights.shape), 1.0 / np.sqrt(weights.pose)
    _whiten(rows, mixture.chol[best], offset, pose_scale, shape_scale, target.log_focal_sigma)
    for c in range(size):
        prior[c] = x[c] / shape_scale
    for c in range(pose.shape[0]):
        prior[offset + c] = gradient[c] / pose_scale
    prior[last] = (log_focal - target.log_focal) / target.log_focal_sigma
    return best


@compiled
def _solve_step(rows, residual, prior, free, damping):
    """Minimise |residual + rows d|^2 + |prior + d|^2, damped; columns in ``free`` have no prior."""
    count, size = rows.shape
    system, rhs = np.zeros((count, count)), np.zeros(count)
    gradient, inverse, scaled = np.empty(size), np.empty(size), np.empty(size)
    for c in range(size):
        inverse[c] = 1.0 / (damping + (0.0 if free[c] else 1.0))
        gradient[c] = prior[c]
    for r in range(count):
        for c in range(size):
            gradient[c] += rows[r, c] * residual[r]
    for r in range(count):
        total = 0.0
        for c in range(size):
            scaled[c] = rows[r, c] * inverse[c]
            total += scaled[c] * gradient[c]
        rhs[r] = total
        for q in range(r + 1):
            total = 0.0
            for c in range(size):
                total += scaled[c] * rows[q, c]
            system[r, q] = total
        system[r, r] += 1.0
    _cholesky_solve(system, rhs)
    for r in range(count):
        for c in range(size):
            gradient[c] -= rows[r, c] * rhs[r]
    for c in range(size):
        gradient[c] *= -inverse[c]
    return gradient


@compiled
def _cholesky_solve(system, rhs):
    """Solve a positive definite system given by its lower half, in place; NaN where it is not."""
    count = rhs.shape[0]
    for r in range(count):
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


@compiled
def _apply(x, step, chol, weights, focal_sigma, root_joint):
    """Return x after a step in whitened coordinates."""
    size = x.shape[0] - 82
    out = x.copy()
    for c in range(size):
        out[c] += step[c] / np.sqrt(weights.shape)
    turn = rodrigues(step[size : size + 3])
    for a in range(3):
        for b in range(3):
            value = 0.0
            for c in range(3):
                value += turn[a, c] * x[size + 3 * c + b]
            out[size + 3 * a + b] = value
    for i in range(chol.shape[0]):
        value = 0.0
        for j in range(i + 1):
            value += chol[i, j] * step[size + 3 + j]
        out[size + 9 + i] += value / np.sqrt(weights.pose)
    last, first = step.shape[0] - 4, size + 78
    out[first] += step[last] * root_joint[2] + step[last + 2] * root_joint[0]
    out[first + 1] += step[last + 1] * root_joint[2] + step[last + 2] * root_joint[1]
    out[first + 2] += step[last + 2] * root_joint[2]
    out[first + 3] += step[last + 3] * focal_sigma
    return out


@compiled
def minimise(
    kin: Kinematics,
    contacts: Contacts,
    mixture: Mixture,
    target: Target,
    weights: Weights,
    max_mixture: bool,
    start: np.ndarray,
    max_steps: int,
    tolerance: float,
):
    """Minimise the energy from one start.

    Args:
        kin: Sums of the body.
        contacts: Its spheres.
        mixture: Pose prior.
        target: The keypoints.
        weights: Weights of the terms; sigma, rho, pose and shape > 0.
        max_mixture: Use the mixture's largest term instead of its sum.
        start: x to start from.
        max_steps: Number of trial steps at most.
        tolerance: Stop when an accepted step lowers the energy by less than this.

    Returns:
        The best x and its energy (not finite if the start was impossible).
    """
    unknowns = start.shape[0] - 6
    count = 2 * kin.num_keypoints + NUM_EXTRA + (NUM_CONTACTS if weights.contact > 0.0 else 0)
    rows = np.empty((count, unknowns))
    residual, prior, free = np.empty(rows.shape[0]), np.zeros(unknowns), np.zeros(unknowns, np.bool_)
    size = start.shape[0] - 82
    for c in range(3):
        free[size + c] = True
        free[unknowns - 4 + c] = True
    root_joint = np.zeros(3)
    x, trial, energy, damping, best = start, start, np.inf, 0.03, 0
    for step in range(max_steps + 1):
        posed = _forward(kin, trial)
        value = _energy(posed[0], contacts, mixture, target, weights, max_mixture, trial)[0]
        if value < energy:
            gain, x, energy = energy - value, trial, value
            damping = max(damping * 0.3, 1e-5)
            if gain < tolerance or step == max_steps:
                break
            for a in range(3):
                root_joint[a] = posed[1][0, a]
            best = _linearise(
                kin, posed, contacts, mixture, target, weights, max_mixture, x, rows, residual, prior
            )
        else:
            damping *= 5.0
            if not (damping < 1e6 and energy < np.inf) or step == max_steps:
                break
        change = _solve_step(rows, residual, prior, free, damping)
        trial = _apply(x, change, mixture.chol[best], weights, target.log_focal_sigma, root_joint)
    return x, energy
