"""Smooth changes of shape: scaling the parts of a T-posed body, and softening MakeHuman's muscles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import SuperLU, splu

from syrip_gen.body.kinematics import SMPL_PARENTS

__all__ = ["Softener", "build_softener", "scale_parts"]


def scale_parts(
    vertices: np.ndarray, joints: np.ndarray, weights: np.ndarray, scales: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Scale the parts of one T-posed body.

    Each part is scaled about its own joint, children are carried along by their parent's scale, and the
    results are blended with (smooth) weights, so that no ring or step appears where two parts meet.

    Args:
        vertices: (V, 3).
        joints: (24, 3).
        weights: (V, 24) blending weights.
        scales: (24, 3) factors along x, y, z.
    """
    moved = joints.copy()
    for joint in range(1, 24):
        parent = SMPL_PARENTS[joint]
        moved[joint] = moved[parent] + scales[parent] * (joints[joint] - joints[parent])
    linear = weights @ scales
    offset = weights @ (moved - scales * joints)
    return linear * vertices + offset, moved


@dataclass(frozen=True, slots=True, eq=False)
class Softener:
    """A linear low-pass filter of the surface: two implicit steps of curvature flow on a fixed metric.

    Being linear in the vertices and the same for every sample, it keeps the shape space linear.
    """

    solver: SuperLU
    mass: sparse.csr_matrix
    amount: np.ndarray
    """(V,) how much of the filtered surface is taken, 0..1."""

    def __call__(self, vertices: np.ndarray) -> np.ndarray:
        """Filter (V, 3) vertices."""
        soft = vertices
        for _ in range(2):
            soft = self.solver.solve(self.mass @ soft)
        return vertices + self.amount[:, None] * (soft - vertices)


def build_softener(vertices: np.ndarray, faces: np.ndarray, amount: np.ndarray, radius_m: float) -> Softener:
    """Prepare a filter that flattens details below ``radius_m`` (Desbrun et al. 1999, cotangent weights)."""
    count = len(vertices)
    rows, cols, values = [], [], []
    for a, b, c in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        left, right = (
            vertices[faces[:, b]] - vertices[faces[:, a]],
            vertices[faces[:, c]] - vertices[faces[:, a]],
        )
        sine = np.linalg.norm(np.cross(left, right), axis=1)
        cotangent = np.clip(np.einsum("fi,fi->f", left, right) / np.maximum(sine, 1e-12), 0.02, 20.0) / 2
        rows += [faces[:, b], faces[:, c]]
        cols += [faces[:, c], faces[:, b]]
        values += [cotangent, cotangent]
    indices = (np.concatenate(rows), np.concatenate(cols))
    stiffness = sparse.csr_matrix((np.concatenate(values), indices), (count, count))
    laplacian = sparse.diags(np.asarray(stiffness.sum(axis=1)).ravel()) - stiffness
    edges = vertices[faces]
    area = np.linalg.norm(np.cross(edges[:, 1] - edges[:, 0], edges[:, 2] - edges[:, 0]), axis=1) / 2
    mass = np.bincount(faces.ravel(), np.repeat(area / 3, 3), minlength=count)
    system = sparse.diags(mass) + radius_m**2 / 2 * laplacian
    return Softener(splu(system.tocsc()), sparse.diags(mass).tocsr(), amount)
