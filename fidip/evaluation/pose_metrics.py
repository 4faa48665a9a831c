"""Errors of estimated poses, 2D or 3D: AJPE, PCKh, MPJPE and its aligned kin, acceleration, box overlap.

Arrays hold N poses of K keypoints. NaN in the truth means «not labelled» and is left out; NaN in an estimate
of a labelled keypoint means «not found»: distances are infinite there. Units go through: mm in, mm out.
"""

import numpy as np

from syrip_gen.keypoints.catalog import SMPL24
from syrip_gen.keypoints.mapping import map_points
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = [
    "acceleration",
    "ajpe",
    "box_iou",
    "consecutive_triples",
    "correct_within",
    "joint_distances",
    "procrustes",
    "root_relative",
    "scale_aligned",
]

MIN_POINTS = 3
"""Fewer common points do not fix a rotation in space."""


def joint_distances(estimate: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the (N, K) Euclidean distances; NaN where the truth is unknown, infinite where the estimate is.

    Args:
        estimate: (N, K, D) coordinates.
        truth: (N, K, D) coordinates.

    Raises:
        ValueError: If the shapes differ.
    """
    if estimate.shape != truth.shape:
        raise ValueError(f"estimates are {estimate.shape}, the truth is {truth.shape}; expected the same")
    distances = np.linalg.norm(estimate - truth, axis=-1)
    unlabelled = np.isnan(truth).any(axis=-1)
    return np.where(unlabelled, np.nan, np.where(np.isnan(distances), np.inf, distances))


def ajpe(distances: np.ndarray) -> float:
    """Return the average joint position error: the mean over a pose's joints, then over poses.

    Ellershaw's figure (2D in px, 3D in mm with the pelvis, at zero in both, among the joints). Keypoints that
    were not found are left out, as in every mean of distances: how many they are is a figure of its own.

    Args:
        distances: (N, K) of :func:`joint_distances`.
    """
    found = np.where(np.isinf(distances), np.nan, distances)
    rows = np.isfinite(found).any(axis=1)
    return float(np.nanmean(found[rows], axis=1).mean()) if rows.any() else float("nan")


def correct_within(distances: np.ndarray, limits: np.ndarray, *, thesis: bool = False) -> np.ndarray:
    """Return (N, K) 1 correct, 0 wrong, NaN where it cannot be told (not labelled, limit unknown).

    Args:
        distances: (N, K) of :func:`joint_distances`.
        limits: (N,) largest distance that is correct, such as twice the head's length.
        thesis: Count a distance of exactly zero as wrong, as Ellershaw's code does: it is meant for invisible
            joints but hits the pelvis of poses relative to it, one joint in 16.
    """
    limits = np.asarray(limits, np.float64)[:, None]
    correct = distances <= limits
    if thesis:
        correct &= distances > 0
    return np.where(np.isnan(distances) | np.isnan(limits), np.nan, correct.astype(np.float64))


def root_relative(points: np.ndarray, schema: KeypointSchema) -> np.ndarray:
    """Return (N, K, D) points relative to the pelvis, or the hips' midpoint where the schema has none.

    Raises:
        ValueError: If the schema has neither.
    """
    mapped, defined = map_points(points, schema, SMPL24)
    root = SMPL24.index("pelvis")
    if not defined[root]:
        raise ValueError(f"schema {schema.name!r} has neither a pelvis nor hips to measure from")
    return points - mapped[:, root : root + 1]


def scale_aligned(estimate: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return estimates times the factor that brings each closest to the truth (N-MPJPE, Rhodin et al. 2018).

    Args:
        estimate: (N, K, D) coordinates relative to the root.
        truth: Likewise.
    """
    known = ~(np.isnan(estimate) | np.isnan(truth)).any(axis=-1, keepdims=True)
    a, b = np.where(known, estimate, 0), np.where(known, truth, 0)
    squares = (a * a).sum((1, 2))
    scale = (a * b).sum((1, 2)) / np.where(squares > 0, squares, 1)
    return estimate * scale[:, None, None]


def procrustes(estimate: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return estimates moved, turned and scaled to lie closest to the truth (PA-MPJPE), pose by pose.

    Umeyama (1991); mirroring is not allowed. Poses with fewer than three common points become NaN.

    Args:
        estimate: (N, K, D) coordinates; NaN where unknown.
        truth: Likewise.
    """
    aligned = np.full(estimate.shape, np.nan)
    known = ~(np.isnan(estimate) | np.isnan(truth)).any(axis=-1)
    for n in np.flatnonzero(known.sum(axis=1) >= MIN_POINTS):
        a, b = estimate[n, known[n]], truth[n, known[n]]
        mean_a, mean_b = a.mean(axis=0), b.mean(axis=0)
        a0, b0 = a - mean_a, b - mean_b
        u, singular, vt = np.linalg.svd(a0.T @ b0)
        signs = np.ones(len(singular))
        signs[-1] = np.sign(np.linalg.det(u @ vt)) or 1.0
        spread = (a0**2).sum()
        scale = (singular * signs).sum() / spread if spread > 0 else 1.0
        aligned[n] = scale * (estimate[n] - mean_a) @ (u * signs) @ vt + mean_b
    return aligned


def consecutive_triples(sequences: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Return the (M, 3) indices of samples that are frames t−1, t, t+1 of one sequence.

    Frames of a sequence that was thinned out evenly (every tenth, say) follow each other at its own step.

    Args:
        sequences: (N,) name or number of the sequence of each sample.
        frames: (N,) frame number.
    """
    triples = [np.zeros((0, 3), np.int64)]
    _, labels = np.unique(np.asarray(sequences), return_inverse=True)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        own = own[np.argsort(frames[own], kind="stable")]
        steps = np.diff(frames[own])
        step = steps[steps > 0].min(initial=np.iinfo(np.int64).max)
        at = np.flatnonzero((steps[:-1] == step) & (steps[1:] == step))
        triples.append(np.stack([own[at], own[at + 1], own[at + 2]], axis=1))
    return np.concatenate(triples)


def acceleration(points: np.ndarray, triples: np.ndarray) -> float:
    """Return the mean length of the second difference, units a frame²: how much a moving pose jitters.

    Args:
        points: (N, K, D) coordinates; NaN where unknown.
        triples: (M, 3) of :func:`consecutive_triples`.
    """
    before, here, after = (points[triples[:, i]] for i in range(3))
    lengths = np.linalg.norm(before - 2 * here + after, axis=-1)
    return float(np.nanmean(lengths)) if np.isfinite(lengths).any() else float("nan")


def box_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the (A, B) intersection over union of (A, 4) and (B, 4) boxes x, y, width, height."""
    a, b = np.asarray(a, np.float64)[:, None], np.asarray(b, np.float64)[None]
    low = np.maximum(a[..., :2], b[..., :2])
    high = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    common = np.prod(np.maximum(high - low, 0), axis=-1)
    union = np.prod(a[..., 2:], axis=-1) + np.prod(b[..., 2:], axis=-1) - common
    return common / np.where(union > 0, union, 1)
