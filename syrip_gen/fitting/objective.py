"""The terms of the fitting energy, one short function each.

SyRIP (Huang et al., FG 2021), Eq. 5: ``L = L_J + lambda_theta L_theta + lambda_beta L_beta + lambda_alpha L_alpha``,
after SMPLify (Bogo et al., ECCV 2016) and SMPLify-X (Pavlakos et al., CVPR 2019). Every function returns energies on the
scale of a negative log-likelihood, so that a weight of 1 means "as probable as the prior says". Image coordinates are
in units of the keypoint box's diagonal with the principal point at 0: image size does not matter.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from syrip_gen.fitting.kinematics import FASTMATH

__all__ = [
    "BENDING_JOINTS",
    "Mixture",
    "bending",
    "focal_prior",
    "geman_mcclure",
    "geman_mcclure_weight",
    "gravity",
    "mixture_energies",
    "pose_prior",
    "project",
    "responsibilities",
    "shape_prior",
]

BENDING_JOINTS = ((52, 1.0), (55, -1.0), (9, -1.0), (12, -1.0))
"""(index into body_pose, sign) of left elbow, right elbow, left knee, right knee: sign * angle > 0 bends backwards."""

_BENDING_INDEX = np.array([i for i, _ in BENDING_JOINTS])
_BENDING_SIGN = np.array([s for _, s in BENDING_JOINTS])


class Mixture(NamedTuple):
    """A mixture of M Gaussians over the 69 body-pose parameters, with what each component says about gravity."""

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


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def project(points: np.ndarray, focal: float) -> np.ndarray:
    """Project (K, 3) camera-frame points (z forward) with a pinhole camera whose principal point is 0."""
    out = np.empty((points.shape[0], 2))
    for k in range(points.shape[0]):
        out[k, 0] = focal * points[k, 0] / points[k, 2]
        out[k, 1] = focal * points[k, 1] / points[k, 2]
    return out


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def geman_mcclure(squared_distance: float, rho: float) -> float:
    """L_J of one keypoint: rho^2 d^2 / (d^2 + rho^2) (Geman and McClure 1987; SMPLify Eq. 2)."""
    return rho * rho * squared_distance / (squared_distance + rho * rho)


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def geman_mcclure_weight(squared_distance: float, rho: float) -> float:
    """Return d(L_J)/d(d^2), the weight of iteratively reweighted least squares (Holland and Welsch 1977)."""
    ratio = rho * rho / (squared_distance + rho * rho)
    return ratio * ratio


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def mixture_energies(pose: np.ndarray, mixture: Mixture) -> np.ndarray:
    """Return (M,) energies of each component: squared Mahalanobis distance / 2 - log weight + log det L."""
    out = -mixture.log_weights
    for m in range(out.shape[0]):
        for i in range(pose.shape[0]):
            z = 0.0
            for j in range(i + 1):
                z += mixture.whiten[m, i, j] * (pose[j] - mixture.means[m, j])
            out[m] += 0.5 * z * z
    return out


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def pose_prior(pose: np.ndarray, mixture: Mixture, max_mixture: bool) -> float:
    """L_theta: -log sum_m w_m N(pose), up to the constant 69/2 log 2 pi; or its largest term (SMPLify Eq. 4-6)."""
    energies = mixture_energies(pose, mixture)
    best = energies.min()
    return best if max_mixture else best - np.log(np.exp(best - energies).sum())


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def responsibilities(energies: np.ndarray, max_mixture: bool) -> np.ndarray:
    """Return (M,) posterior probabilities of the components; one-hot for the max-mixture."""
    out = np.exp(energies.min() - energies)
    if max_mixture:
        best = np.argmin(energies)
        out[:] = 0.0
        out[best] = 1.0
    return out / out.sum()


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def shape_prior(betas: np.ndarray) -> float:
    """L_beta: squared Mahalanobis length / 2 of unit-variance shape coefficients (SMPLify Sec. 3.3)."""
    return 0.5 * (betas * betas).sum()


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def bending(pose: np.ndarray) -> np.ndarray:
    """L_alpha of each elbow and knee, (4,): exp(sign * angle)^2 (SMPLify Eq. 3; squared as in SMPLify-X)."""
    out = np.empty(4)
    for i in range(4):
        out[i] = np.exp(2.0 * _BENDING_SIGN[i] * pose[_BENDING_INDEX[i]])
    return out


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def focal_prior(log_focal: float, mean: float, sigma: float) -> float:
    """Return a broad log-normal energy of the focal length (ours; SMPLify assumes one focal length instead)."""
    z = (log_focal - mean) / sigma
    return 0.5 * z * z


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def gravity(direction: np.ndarray) -> np.ndarray:
    """Return residuals (2,) of gravity's direction in the camera frame (ours): a photograph is taken neither from below
    the support (the optical axis looks up by more than about 10 degrees) nor, unless it looks down, upside down.
    """
    out = np.empty(2)
    out[0] = max(0.0, -0.17 - direction[2]) / 0.15
    out[1] = max(0.0, -0.35 - direction[1]) / 0.3
    return out
