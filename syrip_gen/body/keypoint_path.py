"""Posed keypoints without skinning the mesh (exact)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from syrip_gen.body.assets import BodyAssets
from syrip_gen.body.kinematics import forward_kinematics_torch
from syrip_gen.geometry.rotations import axis_angle_to_matrix_torch

__all__ = ["KeypointPath", "PosedKeypoints"]


class PosedKeypoints(NamedTuple):
    """What :class:`KeypointPath` returns; body frame after ``global_orient`` and ``transl``, metres."""

    keypoints: Tensor
    """(*B, K, 3) regressed keypoints, COCO-17 order by default."""
    joints: Tensor
    """(*B, 24, 3) SMPL joints."""
    rotations: Tensor
    """(*B, 24, 3, 3) global rotation of each joint."""


class KeypointPath(torch.nn.Module):
    """Regress keypoints of the posed body at 1/1000 of the cost of skinning it.

    A keypoint is ``sum_v R_kv x_v`` with ``x_v = sum_j W_vj (G_j v(beta, pose) + t_j)``. Exchanging the sums
    gives ``sum_j (G_j a_kj(beta, pose) + s_kj t_j)`` with ``a_kj = sum_v R_kv W_vj v`` and ``s_kj = sum_v
    R_kv W_vj``; ``a`` is linear in the betas (and in the pose feature of models with pose blend shapes), so
    its coefficients are summed once here. Only the (k, j) pairs that occur are kept.

    Args:
        assets: Body model.
        regressor: (K, V) regressor; the COCO-17 regressor of the assets by default.
        dtype: Floating-point type of all arrays.
    """

    def __init__(
        self, assets: BodyAssets, regressor: np.ndarray | None = None, dtype: torch.dtype = torch.float64
    ) -> None:
        super().__init__()
        matrix = assets.keypoint_regressor if regressor is None else regressor
        dense = np.asarray(matrix.todense() if hasattr(matrix, "todense") else matrix, np.float64)
        joint_regressor = np.asarray(assets.J_regressor.todense())
        scale = dense @ assets.weights
        rows, cols = np.nonzero(np.abs(scale) > 1e-9)
        pairs = np.stack([dense[k] * assets.weights[:, j] for k, j in zip(rows, cols, strict=True)])
        self.parents = np.asarray(assets.parents)
        self._pair_joint = cols
        gather = np.zeros((dense.shape[0], len(rows)))
        gather[rows, np.arange(len(rows))] = 1.0
        arrays = {
            "gather": gather,
            "pair_scale": scale[rows, cols],
            "pair_template": pairs @ assets.v_template,
            "pair_shape": np.einsum("pv,vcs->pcs", pairs, assets.shapedirs, optimize=True),
            "joint_template": joint_regressor @ assets.v_template,
            "joint_shape": np.einsum("jv,vcs->jcs", joint_regressor, assets.shapedirs, optimize=True),
        }
        if assets.posedirs is not None:
            arrays["pair_pose"] = np.einsum("pv,vcq->pcq", pairs, assets.posedirs, optimize=True)
        for name, array in arrays.items():
            self.register_buffer(name, torch.as_tensor(array, dtype=dtype))
        if assets.posedirs is None:
            self.register_buffer("pair_pose", None)

    @property
    def num_betas(self) -> int:
        """Number S of shape coefficients."""
        return self.pair_shape.shape[-1]

    def rest_joints(self, betas: Tensor) -> Tensor:
        """Return the (*B, 24, 3) joints of the unposed bodies with (*B, S') betas, S' <= S."""
        return self.joint_template + torch.einsum(
            "jcs,...s->...jc", self.joint_shape[..., : betas.shape[-1]], betas
        )

    def forward(
        self, betas: Tensor, global_orient: Tensor, body_pose: Tensor, transl: Tensor | None = None
    ) -> PosedKeypoints:
        """Pose a batch from axis-angle vectors.

        Args:
            betas: (*B, S') shape coefficients, S' <= S.
            global_orient: (*B, 3) root rotation.
            body_pose: (*B, 69) or (*B, 23, 3) rotations of joints 1..23.
            transl: (*B, 3) translation, metres.
        """
        body_pose = body_pose.reshape(*global_orient.shape[:-1], 23, 3)
        pose = torch.cat([global_orient[..., None, :], body_pose], dim=-2)
        return self.from_matrices(betas, axis_angle_to_matrix_torch(pose), transl)

    def from_matrices(self, betas: Tensor, rotations: Tensor, transl: Tensor | None = None) -> PosedKeypoints:
        """Pose a batch from (*B, 24, 3, 3) rotation matrices, the root first."""
        rest = self.rest_joints(betas)
        world, posed = forward_kinematics_torch(rotations, rest, self.parents)
        shift = posed - (world @ rest[..., None])[..., 0]
        anchor = self.pair_template + torch.einsum(
            "pcs,...s->...pc", self.pair_shape[..., : betas.shape[-1]], betas
        )
        if self.pair_pose is not None:
            eye = torch.eye(3, dtype=rotations.dtype, device=rotations.device)
            feature = (rotations[..., 1:, :, :] - eye).flatten(-3)
            anchor = anchor + torch.einsum("pcq,...q->...pc", self.pair_pose, feature)
        j = self._pair_joint
        terms = (world[..., j, :, :] @ anchor[..., None])[..., 0] + self.pair_scale[:, None] * shift[
            ..., j, :
        ]
        keypoints = self.gather @ terms
        if transl is not None:
            keypoints, posed = keypoints + transl[..., None, :], posed + transl[..., None, :]
        return PosedKeypoints(keypoints, posed, world)
