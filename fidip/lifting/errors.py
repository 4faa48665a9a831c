"""How far lifted poses are off."""

import numpy as np

__all__ = ["ajpe_mm", "jitter_mm", "pa_mpjpe_mm"]


def ajpe_mm(points: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return (N,) mean joint distances (mm) of (N, K, 3) pelvis-relative poses in metres (AJPE, MPJPE).

    Joints that are NaN in the truth do not count.
    """
    return 1000 * np.nanmean(np.linalg.norm(points - truth, axis=-1), axis=-1)


def pa_mpjpe_mm(points: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return (N,) the same after the best rotation, translation and scale of each pose (Procrustes).

    NaN where fewer than three joints are known.
    """
    return np.array([_aligned(p, t) for p, t in zip(points, truth, strict=True)])


def _aligned(points: np.ndarray, truth: np.ndarray) -> float:
    known = np.isfinite(truth).all(-1)
    if known.sum() < 3:
        return float("nan")
    a, b = points[known].astype(float), truth[known].astype(float)
    a, b = a - a.mean(0), b - b.mean(0)
    u, s, vt = np.linalg.svd(a.T @ b)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    turned = (s * sign).sum() / max((a**2).sum(), 1e-12) * a @ (u * sign) @ vt
    return 1000 * float(np.linalg.norm(turned - b, axis=1).mean())


def jitter_mm(points: np.ndarray) -> float:
    """Return the mean acceleration (mm a frame squared) of a movement (T, K, 3) in metres; NaN for T < 3."""
    if len(points) < 3:
        return float("nan")
    return 1000 * float(np.nanmean(np.linalg.norm(np.diff(points, 2, axis=0), axis=-1)))
