"""The fitting energy's residuals and their Jacobian in coordinates in which the priors are the identity."""

import numpy as np

from syrip_gen.fitting.energy import CONTACT_SIGMA, gravity_in_camera, overlaps, posed_keypoints
from syrip_gen.fitting.kinematics import compiled, keypoint_jacobian
from syrip_gen.fitting.objective import (
    BENDING_INDEX,
    BENDING_SIGN,
    bending,
    geman_mcclure_weight,
    gravity,
    gravity_jacobian,
    mixture_energies,
    responsibilities,
)

__all__ = ["NUM_CONTACTS", "NUM_EXTRA", "linearise"]

NUM_EXTRA = 6
"""Residuals besides the keypoints': four of bending, two of gravity; then come the contacts'."""
NUM_CONTACTS = 8
"""Deepest contacts that a step sees."""


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
    centers, joints, rotations, terms = posed_keypoints(contacts.kin, x)
    depths = overlaps(contacts, centers)
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
    down = gravity_in_camera(mixture, best, x)
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
def linearise(kin, posed, contacts, mixture, target, weights, max_mixture, x, rows, residual, prior):
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
