"""Batched, differentiable body model (full skinning)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from syrip_gen.body.assets import BodyAssets
from syrip_gen.body.kinematics import forward_kinematics_torch
from syrip_gen.geometry.rotations import axis_angle_to_matrix_torch

__all__ = ["BodyModel", "BodyOutput"]


class BodyOutput(NamedTuple):
    """Posed bodies; body frame after ``global_orient`` and ``transl``, metres."""

    vertices: Tensor
    """(*B, V, 3)."""
    joints: Tensor
    """(*B, 24, 3)."""
    rotations: Tensor
    """(*B, 24, 3, 3) global rotation of each joint."""


class BodyModel(torch.nn.Module):
    """SMPL's function: shape and pose blend shapes, then linear blend skinning (Loper et al. 2015, eq. 2-10).

    Any leading batch shape is allowed. For keypoints alone use
    :class:`~syrip_gen.body.keypoint_path.KeypointPath`, which costs a thousandth of it.
    """

    def __init__(self, assets: BodyAssets, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.parents = np.asarray(assets.parents)
        joint_regressor = assets.J_regressor
        v = assets.num_vertices
        arrays = {
            "v_template": assets.v_template,
            "shapedirs": assets.shapedirs,
            "weights": assets.weights,
            "joint_template": joint_regressor @ assets.v_template,
            "joint_shape": (joint_regressor @ assets.shapedirs.reshape(v, -1)).reshape(24, 3, -1),
        }
        for name, array in arrays.items():
            self.register_buffer(name, torch.as_tensor(array, dtype=dtype))
        posedirs = None if assets.posedirs is None else torch.as_tensor(assets.posedirs, dtype=dtype)
        self.register_buffer("posedirs", posedirs)

    def forward(
        self,
        betas: Tensor,
        global_orient: Tensor,
        body_pose: Tensor,
        transl: Tensor | None = None,
    ) -> BodyOutput:
        """Pose a batch.

        Args:
            betas: (*B, S') shape coefficients, S' <= S.
            global_orient: (*B, 3) axis-angle of the root, radians.
            body_pose: (*B, 69) or (*B, 23, 3) axis-angle of joints 1..23 relative to their parents.
            transl: (*B, 3) metres.
        """
        batch = global_orient.shape[:-1]
        pose = torch.cat([global_orient[..., None, :], body_pose.reshape(*batch, 23, 3)], dim=-2)
        rotations = axis_angle_to_matrix_torch(pose)
        count = betas.shape[-1]
        vertices = self.v_template + torch.einsum("vcs,...s->...vc", self.shapedirs[..., :count], betas)
        rest = self.joint_template + torch.einsum("jcs,...s->...jc", self.joint_shape[..., :count], betas)
        if self.posedirs is not None:
            eye = torch.eye(3, dtype=pose.dtype, device=pose.device)
            feature = (rotations[..., 1:, :, :] - eye).flatten(-3)
            vertices = vertices + torch.einsum("vcq,...q->...vc", self.posedirs, feature)
        world, posed = forward_kinematics_torch(rotations, rest, self.parents)
        shift = posed - (world @ rest[..., None])[..., 0]
        blended = torch.einsum("vj,...jab->...vab", self.weights, world)
        moved = torch.einsum("vj,...ja->...va", self.weights, shift)
        vertices = (blended @ vertices[..., None])[..., 0] + moved
        if transl is not None:
            vertices, posed = vertices + transl[..., None, :], posed + transl[..., None, :]
        return BodyOutput(vertices, posed, world)
