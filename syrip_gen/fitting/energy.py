"""The fitting energy of one body: what it is made of, and its value, compiled.

A body is one vector x: betas (S), rotation of the root, body to camera (9, row by row), body pose (69
axis-angle), translation (3), log of the focal length in box diagonals (1).
"""

from typing import NamedTuple

import numpy as np

from syrip_gen.fitting.kinematics import Kinematics, compiled, forward
from syrip_gen.fitting.objective import (
    bending,
    focal_prior,
    geman_mcclure,
    gravity,
    mixture_energies,
    pose_prior,
    shape_prior,
)

__all__ = [
    "CONTACT_SIGMA",
    "ENERGY_TERMS",
    "Contacts",
    "Target",
    "Weights",
    "body_energy",
    "energy_terms",
    "gravity_in_camera",
    "overlaps",
    "pack",
    "posed_keypoints",
    "unpack",
]

MIN_DEPTH = 0.05
"""Keypoints nearer to the camera than this (metres) make a pose impossible."""
ENERGY_TERMS = ("total", "data", "pose", "shape", "bending", "gravity", "focal", "contact")
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
def posed_keypoints(kin, x):
    """Pose the body x; see :func:`~syrip_gen.fitting.kinematics.forward`."""
    size = x.shape[0] - 82
    root = x[size : size + 9].reshape((3, 3))
    return forward(kin, x[:size], root, x[size + 9 : size + 78], x[size + 78 : size + 81])


@compiled
def gravity_in_camera(mixture, best, x):
    """Return gravity in the camera frame as the nearest Gaussian sees it; zeros where it says nothing."""
    first, out = x.shape[0] - 82, np.zeros(3)
    for a in range(3):
        for b in range(3):
            out[a] += x[first + 3 * a + b] * mixture.gravity[best, b]
    return out


@compiled
def overlaps(contacts, centers):
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
def energy_terms(keypoints, contacts, mixture, target, weights, max_mixture, x):
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
    for value in gravity(gravity_in_camera(mixture, np.argmin(energies), x)):
        out[5] += 0.5 * weights.gravity * value * value
    out[6] = focal_prior(x[x.shape[0] - 1], target.log_focal, target.log_focal_sigma)
    out[7] = 0.0
    if weights.contact > 0.0:
        centers, _, _, _ = posed_keypoints(contacts.kin, x)
        for depth in overlaps(contacts, centers):
            out[7] += 0.5 * weights.contact * (depth / CONTACT_SIGMA) ** 2
    out[0] = out[1] + out[2] + out[3] + out[4] + out[5] + out[6] + out[7]
    return out


@compiled
def body_energy(kin, contacts, mixture, target, weights, max_mixture, x):
    """Return the energy of x (8,): :data:`ENERGY_TERMS`."""
    keypoints, _, _, _ = posed_keypoints(kin, x)
    return energy_terms(keypoints, contacts, mixture, target, weights, max_mixture, x)
