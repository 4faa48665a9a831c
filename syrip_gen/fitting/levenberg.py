"""Levenberg-Marquardt on the fitting energy of one body, compiled.

There are about 40 residuals and 96 unknowns. In coordinates in which the priors are the identity, the step
follows from a system as small as the residuals: with J the Jacobian and D the (damped) identity of the
priors, ``(D + J^T J)^-1 = D^-1 - D^-1 J^T (I + J D^-1 J^T)^-1 J D^-1`` (Woodbury).
"""

import numpy as np

from syrip_gen.fitting.energy import Contacts, Target, Weights, energy_terms, posed_keypoints
from syrip_gen.fitting.kinematics import Kinematics, compiled, rodrigues
from syrip_gen.fitting.linearise import NUM_CONTACTS, NUM_EXTRA, linearise
from syrip_gen.fitting.objective import Mixture

__all__ = ["apply_step", "minimise", "solve_step"]


@compiled
def solve_step(rows, residual, prior, free, damping):
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
def apply_step(x, step, chol, weights, focal_sigma, root_joint):
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
        posed = posed_keypoints(kin, trial)
        value = energy_terms(posed[0], contacts, mixture, target, weights, max_mixture, trial)[0]
        if value < energy:
            gain, x, energy = energy - value, trial, value
            damping = max(damping * 0.3, 1e-5)
            if gain < tolerance or step == max_steps:
                break
            for a in range(3):
                root_joint[a] = posed[1][0, a]
            best = linearise(
                kin, posed, contacts, mixture, target, weights, max_mixture, x, rows, residual, prior
            )
        else:
            damping *= 5.0
            if not (damping < 1e6 and energy < np.inf) or step == max_steps:
                break
        change = solve_step(rows, residual, prior, free, damping)
        trial = apply_step(x, change, mixture.chol[best], weights, target.log_focal_sigma, root_joint)
    return x, energy
