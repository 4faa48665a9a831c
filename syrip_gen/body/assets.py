"""The arrays of one SMPL-format body model, validated once."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

__all__ = ["NUM_JOINTS", "BodyAssets"]

NUM_JOINTS = 24
"""Joints of the SMPL kinematic tree, root included."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class BodyAssets:
    """An SMPL-format body: template, blend shapes, skinning, regressors, UVs.

    Rest pose and axes are SMPL's: T-pose, y up, facing +z, x to the body's left, metres.
    """

    name: str
    """Short name, saved with every dataset (``infant``, ``smil_web`` ...)."""
    licence: str
    """Terms under which images of this body may be used."""
    v_template: np.ndarray
    """(V, 3) float64 rest vertices at zero betas."""
    shapedirs: np.ndarray
    """(V, 3, S) float64 displacement per unit of each beta; betas have unit variance."""
    posedirs: np.ndarray | None
    """(V, 3, 207) float64 pose blend shapes, or None when the model has none."""
    J_regressor: sparse.csr_matrix
    """(24, V) joint regressor; rows sum to 1."""
    weights: np.ndarray
    """(V, 24) float64 skinning weights; rows sum to 1."""
    parents: np.ndarray
    """(24,) int64 parent of each joint, -1 for the root."""
    faces: np.ndarray
    """(F, 3) int32 triangles, counter-clockwise seen from outside."""
    keypoint_regressor: sparse.csr_matrix
    """(17, V) regressor of COCO-17 keypoints; rows sum to 1."""
    uv: np.ndarray
    """(U, 2) float32 texture coordinates in [0, 1], v up (OpenGL)."""
    uv_faces: np.ndarray
    """(F, 3) int32 indices into ``uv``, one triangle per face."""
    regions: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Named vertex sets (eyes, lips, scalp ...): int32 vertex indices; may be empty for foreign bodies."""
    sha256: str = ""
    """Digest of the file that the arrays came from."""

    @property
    def identity(self) -> str:
        """Name and digest: what fits say they were made with."""
        return f"{self.name}:{self.sha256}"

    @property
    def num_vertices(self) -> int:
        """Number V of vertices."""
        return self.v_template.shape[0]

    @property
    def num_betas(self) -> int:
        """Number S of shape coefficients."""
        return self.shapedirs.shape[2]
