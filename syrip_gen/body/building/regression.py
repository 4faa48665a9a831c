"""Regressors from vertices to joints and keypoints, symmetric and with rows that sum to one."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.optimize import nnls
from scipy.spatial import cKDTree

__all__ = ["annotators_keypoints", "fit_joint_regressor", "mirror_vertices", "prune_rows"]

_LEFT_JOINTS = (1, 4, 7, 10, 13, 16, 18, 20, 22)
_CENTRE_JOINTS = (0, 3, 6, 9, 12, 15)
_SPINE_JOINTS = (0, 3, 6, 9, 12)


def mirror_vertices(template: np.ndarray) -> np.ndarray:
    """Return for each vertex of a symmetric (V, 3) mesh the vertex on the other side."""
    distance, index = cKDTree(template).query(template * np.array([-1.0, 1.0, 1.0]))
    if distance.max() > 2e-4 or not np.array_equal(index[index], np.arange(len(index))):
        raise ValueError(f"the mesh is not symmetric: {1000 * distance.max():.2f} mm off at worst")
    return index


def _fit_row(vertices: np.ndarray, joint: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Return non-negative weights of ``candidates``, of sum one, that reproduce a joint in all samples."""
    rows = vertices[:, candidates].transpose(0, 2, 1).reshape(-1, len(candidates))
    sure = 30.0 * np.sqrt(len(joint)) * np.ones((1, len(candidates))) * np.abs(rows).mean()
    # A little of the uniform solution keeps the weights spread over the ring instead of on a few vertices.
    ridge = 0.02 * np.abs(rows).mean() * np.sqrt(len(joint)) * np.eye(len(candidates))
    matrix = np.concatenate([rows, sure, ridge])
    right = np.concatenate([joint.reshape(-1), sure[0, :1], ridge.sum(axis=1) / len(candidates)])
    weights, _ = nnls(matrix, right, maxiter=20 * len(candidates))
    return weights / weights.sum()


def fit_joint_regressor(
    vertices: np.ndarray, joints: np.ndarray, weights: np.ndarray, parents: np.ndarray, mirror: np.ndarray
) -> sparse.csr_matrix:
    """Fit the sparse (24, V) joint regressor over (N, V, 3) bodies with (N, 24, 3) joints.

    A joint is regressed from the ring where its part meets its parent's, so that it follows both.
    """
    count = vertices.shape[1]
    mean_v, mean_j = vertices.mean(axis=0), joints.mean(axis=0)
    regressor = np.zeros((24, count))
    for joint in (*_LEFT_JOINTS, *_CENTRE_JOINTS):
        parent = parents[joint]
        meets = weights[:, joint] * (weights[:, parent] if parent >= 0 else weights[:, [1, 2, 3]].sum(axis=1))
        offset = mean_v - mean_j[joint]
        if joint in _SPINE_JOINTS:
            # A horizontal slice of the trunk, whatever the weights say.
            trunk = weights[:, [0, 3, 6, 9, 12]].sum(axis=1) > 0.5
            score = -np.abs(offset[:, 1]) - np.where(trunk, 0.0, 1.0)
        else:
            score = np.sqrt(meets) - np.linalg.norm(offset, axis=1) / 0.1
        candidates = np.argsort(-score, kind="stable")[:160]
        if joint in _CENTRE_JOINTS:
            candidates = np.union1d(candidates, mirror[candidates])
        regressor[joint, candidates] = _fit_row(vertices, joints[:, joint], candidates)
        if joint in _CENTRE_JOINTS:
            regressor[joint] = 0.5 * (regressor[joint] + regressor[joint, mirror])
        else:
            regressor[joint + 1, mirror] = regressor[joint]
    return prune_rows(regressor, 1e-4)


def annotators_keypoints(
    coco: np.ndarray, vertices: np.ndarray, mirror: np.ndarray, offsets: dict[int, tuple[float, float, float]]
) -> np.ndarray:
    """Move keypoints of a (17, V) regressor to where annotators of infant photos click.

    The new rows are fitted over all samples, with offsets that grow with the body, so they follow the shape.

    Args:
        coco: Regressor of anatomical centres, symmetric.
        vertices: (N, V, 3) T-posed infants.
        mirror: (V,) mirror image of each vertex.
        offsets: Metres (x outwards, y up, z forward) by keypoint of the left side, or by ``0`` for the nose.
    """
    moved = coco.copy()
    mean = vertices.mean(axis=0)
    growth = np.ptp(vertices[:, :, 1], axis=1) / np.ptp(mean[:, 1])
    for keypoint, offset in offsets.items():
        target = coco[keypoint] @ vertices + growth[:, None] * np.array(offset)
        near = np.argsort(np.linalg.norm(mean - target.mean(axis=0), axis=1), kind="stable")[:80]
        support = np.argsort(-coco[keypoint], kind="stable")[:80]
        candidates = np.union1d(near, support)
        if keypoint == 0:
            candidates = np.union1d(candidates, mirror[candidates])
        row = np.zeros(coco.shape[1])
        row[candidates] = _fit_row(vertices, target, candidates)
        moved[keypoint] = row
        if keypoint == 0:
            moved[0] = 0.5 * (row + row[mirror])
        else:
            moved[keypoint + 1, mirror] = row
    return moved


def prune_rows(matrix: np.ndarray, threshold: float) -> sparse.csr_matrix:
    """Drop entries below ``threshold`` times the row's largest and make the rows sum to one."""
    kept = np.where(np.abs(matrix) >= threshold * np.abs(matrix).max(axis=1, keepdims=True), matrix, 0.0)
    return sparse.csr_matrix(kept / kept.sum(axis=1, keepdims=True))
