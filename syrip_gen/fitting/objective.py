"""The terms of the fitting energy, one short function each.

SyRIP (Huang et al., FG 2021), Eq. 5: ``L = L_J + lambda_theta L_theta + lambda_beta L_beta + lambda_alpha
L_alpha``, after SMPLify (Bogo et al., ECCV 2016) and SMPLify-X (Pavlakos et al., CVPR 2019). Every function
returns energies on the scale of a negative log-likelihood, so that a weight of 1 means "as probable as the
prior says". Image coordinates are in units of the keypoint box's diagonal with the principal point at 0:
image size does not matter.
"""

from typing import NamedTuple

import numpy as np

from syrip_gen.fitting.kinematics import compiled

__all__ = [
    "BENDING_INDEX",
    "BENDING_SIGN",
    "Mixture",
    "bending",
    "focal_prior",
    "geman_mcclure",
    "geman_mcclure_weight",
    "gravity",
    "gravity_jacobian",
    "mixture_energies",
    "pose_prior",
    "responsibilities",
    "shape_prior",
]

BENDING_INDEX = np.array([52, 55, 9, 12])
"""Index into body_pose of the flexion of left elbow, right elbow, left knee, right knee."""
BENDING_SIGN = np.array([1.0, -1.0, -1.0, -1.0])
"""sign * angle > 0 bends backwards."""

LOOK_UP, LOOK_UP_SIGMA = 0.0, 0.15
"""Least component of gravity along the optical axis that costs nothing, and by how much it may be less."""
UPSIDE_DOWN, UPSIDE_DOWN_SIGMA = -0.1, 0.2
"""The same for the image's downward direction."""


class Mixture(NamedTuple):
    """A mixture of M Gaussians over the 69 body-pose parameters, and what each says about gravity."""

    means: np.ndarray
    """(M, 69) radians."""
    chol: np.ndarray
    """(M, 69, 69) lower L with covariance L L^T."""
    whiten: np.ndarray
    """(M, 69, 69) lower, inverse of ``chol``."""
    log_weights: np.ndarray
    """(M,) log weight - log det L."""
    gravity: np.ndarray
    """(M, 3) unit vector of gravity in the root's frame, zeros where unknown."""
    postures: np.ndarray
    """(M, 6) share of Supine, Prone, Side, Sitting, Crawling, Standing, zeros where unknown."""


@compiled
def geman_mcclure(squared_distance: float, rho: float) -> float:
    """L_J of one keypoint: rho^2 d^2 / (d^2 + rho^2) (Geman and McClure 1987; SMPLify Eq. 2)."""
    return rho * rho * squared_distance / (squared_distance + rho * rho)


@compiled
def geman_mcclure_weight(squared_distance: float, rho: float) -> float:
    """Return d(L_J)/d(d^2), the weight of iteratively reweighted least squares (Holland and Welsch 1977)."""
    ratio = rho * rho / (squared_distance + rho * rho)
    return ratio * ratio


@compiled
def mixture_energies(pose: np.ndarray, mixture: Mixture) -> np.ndarray:
    """Return (M,) energies of each component: squared Mahalanobis distance / 2 - log weight + log det L."""
    count, size = mixture.means.shape
    out, offset = np.empty(count), np.empty(size)
    for m in range(count):
        total = 0.0
        for i in range(size):
            offset[i] = pose[i] - mixture.means[m, i]
            z = 0.0
            for j in range(i + 1):
                z += mixture.whiten[m, i, j] * offset[j]
            total += z * z
        out[m] = 0.5 * total - mixture.log_weights[m]
    return out


@compiled
def pose_prior(energies: np.ndarray, max_mixture: bool) -> float:
    """L_theta from :func:`mixture_energies`: -log sum_m w_m N_m(pose), or its largest term (SMPLify Eq. 4-6).

    The constant 69/2 log 2 pi is left out.
    """
    best, total = energies.min(), 0.0
    for m in range(energies.shape[0]):
        total += np.exp(best - energies[m])
    return best if max_mixture else best - np.log(total)


@compiled
def responsibilities(energies: np.ndarray, max_mixture: bool) -> np.ndarray:
    """Return (M,) posterior probabilities of the components; one-hot for the max-mixture."""
    best, total = np.argmin(energies), 0.0
    out = np.zeros(energies.shape[0])
    for m in range(energies.shape[0]):
        out[m] = np.exp(energies[best] - energies[m])
        if max_mixture and m != best:
            out[m] = 0.0
        total += out[m]
    for m in range(energies.shape[0]):
        out[m] /= total
    return out


@compiled
def shape_prior(betas: np.ndarray) -> float:
    """L_beta: squared Mahalanobis length / 2 of unit-variance shape coefficients (SMPLify Sec. 3.3)."""
    total = 0.0
    for value in betas:
        total += value * value
    return 0.5 * total


@compiled
def bending(pose: np.ndarray) -> np.ndarray:
    """L_alpha: exp(sign * angle) of each elbow and knee, (4,); SMPLify Eq. 3, squared in SMPLify-X."""
    out = np.empty(4)
    for i in range(4):
        out[i] = np.exp(BENDING_SIGN[i] * pose[BENDING_INDEX[i]])
    return out


@compiled
def focal_prior(log_focal: float, mean: float, sigma: float) -> float:
    """Return a broad log-normal energy of the focal length (ours; SMPLify assumes one focal length)."""
    z = (log_focal - mean) / sigma
    return 0.5 * z * z


@compiled
def gravity(down: np.ndarray) -> np.ndarray:
    """Return residuals (2,) of gravity's direction (3,) in the camera frame (ours).

    A photograph is taken neither from below the support nor, unless it looks straight down, upside down.
    """
    out = np.empty(2)
    out[0] = max(0.0, LOOK_UP - down[2]) / LOOK_UP_SIGMA
    out[1] = max(0.0, UPSIDE_DOWN - down[1]) / UPSIDE_DOWN_SIGMA
    return out


@compiled
def gravity_jacobian(down: np.ndarray) -> np.ndarray:
    """Return (2, 3), d :func:`gravity` / d a small rotation w of the body, down <- down + w x down."""
    out = np.zeros((2, 3))
    if down[2] < LOOK_UP:
        out[0, 0], out[0, 1] = -down[1] / LOOK_UP_SIGMA, down[0] / LOOK_UP_SIGMA
    if down[1] < UPSIDE_DOWN:
        out[1, 0], out[1, 2] = down[2] / UPSIDE_DOWN_SIGMA, -down[0] / UPSIDE_DOWN_SIGMA
    return out
