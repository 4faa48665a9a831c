"""Posed vertices: a fast numpy path for one body and a batched torch module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numba import njit

from syrip_gen.body.assets import BodyAssets
from syrip_gen.body.kinematics import forward_kinematics
from syrip_gen.geometry.rotations import axis_angle_to_matrix

if TYPE_CHECKING:
    from syrip_gen.body.torch_model import BodyModel

__all__ = ["BodyModel", "PosedBody", "pose_body", "rest_body"]


class PosedBody(NamedTuple):
    """What :func:`pose_body` returns; body frame after ``global_orient`` and ``transl``, metres."""

    vertices: np.ndarray
    """(V, 3) float32."""
    joints: np.ndarray
    """(24, 3) float64."""
    joint_transforms: np.ndarray
    """(24, 4, 4) float64 frame of each joint: global rotation and posed position (``transl`` included)."""


@dataclass(frozen=True, slots=True, eq=False)
class _Tables:
    """Arrays of one body in the layout that the fast path reads."""

    template: np.ndarray
    shape_rows: np.ndarray
    pose_rows: np.ndarray | None
    joint_template: np.ndarray
    joint_shape: np.ndarray
    bone: np.ndarray
    weight: np.ndarray


_TABLES: WeakKeyDictionary[BodyAssets, _Tables] = WeakKeyDictionary()


def _tables(assets: BodyAssets) -> _Tables:
    """Return the (cached) fast-path arrays of a body."""
    found = _TABLES.get(assets)
    if found is not None:
        return found
    width = int((assets.weights > 0).sum(axis=1).max())
    bone = np.argsort(-assets.weights, axis=1, kind="stable")[:, :width]
    weight = np.take_along_axis(assets.weights, bone, axis=1)
    v = assets.num_vertices
    built = _Tables(
        template=np.ascontiguousarray(assets.v_template, np.float32).reshape(-1),
        shape_rows=np.ascontiguousarray(assets.shapedirs.reshape(3 * v, -1), np.float32),
        pose_rows=None
        if assets.posedirs is None
        else np.ascontiguousarray(assets.posedirs.reshape(3 * v, -1), np.float32),
        joint_template=assets.J_regressor @ assets.v_template,
        joint_shape=(assets.J_regressor @ assets.shapedirs.reshape(v, -1)).reshape(24, 3, -1),
        bone=np.ascontiguousarray(bone, np.int32),
        weight=np.ascontiguousarray(weight, np.float32),
    )
    _TABLES[assets] = built
    return built


@njit(cache=True, nogil=True)
def _skin(vertices, bone, weight, transforms):  # pragma: no cover - compiled
    """Blend (24, 3, 4) transforms per vertex and apply them; all float32."""
    out = np.empty_like(vertices)
    for v in range(vertices.shape[0]):
        x, y, z = vertices[v, 0], vertices[v, 1], vertices[v, 2]
        ox = np.float32(0.0)
        oy = np.float32(0.0)
        oz = np.float32(0.0)
        for k in range(bone.shape[1]):
            w = weight[v, k]
            if w == 0.0:
                break
            t = transforms[bone[v, k]]
            ox += w * (t[0, 0] * x + t[0, 1] * y + t[0, 2] * z + t[0, 3])
            oy += w * (t[1, 0] * x + t[1, 1] * y + t[1, 2] * z + t[1, 3])
            oz += w * (t[2, 0] * x + t[2, 1] * y + t[2, 2] * z + t[2, 3])
        out[v, 0], out[v, 1], out[v, 2] = ox, oy, oz
    return out


def _checked(values: np.ndarray | None, size: int, name: str) -> np.ndarray:
    """Return ``values`` as ``size`` float64 numbers; None gives zeros."""
    if values is None:
        return np.zeros(size)
    flat = np.asarray(values, np.float64).reshape(-1)
    if flat.size != size:
        raise ValueError(f"{name} must hold {size} numbers, got shape {np.shape(values)}")
    return flat


def _betas(assets: BodyAssets, betas: np.ndarray | None) -> np.ndarray:
    if betas is None:
        return np.zeros(assets.num_betas)
    flat = np.asarray(betas, np.float64).reshape(-1)
    if flat.size > assets.num_betas:
        raise ValueError(f"betas hold {flat.size} numbers but body '{assets.name}' has {assets.num_betas}")
    return np.concatenate([flat, np.zeros(assets.num_betas - flat.size)])


def rest_body(assets: BodyAssets, betas: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the (V, 3) float32 vertices and (24, 3) joints of the unposed body; missing betas are zero."""
    tables = _tables(assets)
    b = _betas(assets, betas)
    vertices = (tables.template + tables.shape_rows @ b.astype(np.float32)).reshape(-1, 3)
    return vertices, tables.joint_template + tables.joint_shape @ b


def pose_body(
    assets: BodyAssets,
    betas: np.ndarray | None = None,
    global_orient: np.ndarray | None = None,
    body_pose: np.ndarray | None = None,
    transl: np.ndarray | None = None,
) -> PosedBody:
    """Pose one body by linear blend skinning (SMPL, Loper et al. 2015); None means zeros.

    Args:
        assets: Body model.
        betas: Up to (S,) shape coefficients.
        global_orient: (3,) axis-angle of the root, radians.
        body_pose: (69,) or (23, 3) axis-angle of joints 1..23 relative to their parents.
        transl: (3,) metres.
    """
    tables = _tables(assets)
    vertices, rest = rest_body(assets, betas)
    pose = np.concatenate([_checked(global_orient, 3, "global_orient"), _checked(body_pose, 69, "body_pose")])
    shift = _checked(transl, 3, "transl")
    rotations = axis_angle_to_matrix(pose.reshape(24, 3))
    if tables.pose_rows is not None:
        feature = (rotations[1:] - np.eye(3)).reshape(-1).astype(np.float32)
        vertices = vertices + (tables.pose_rows @ feature).reshape(-1, 3)
    world, posed = forward_kinematics(rotations, rest, assets.parents)
    posed = posed + shift
    frames = np.zeros((24, 4, 4))
    frames[:, :3, :3], frames[:, :3, 3], frames[:, 3, 3] = world, posed, 1.0
    skinning = frames[:, :3].copy()
    skinning[:, :, 3] -= np.einsum("jab,jb->ja", world, rest)
    skinned = _skin(vertices, tables.bone, tables.weight, skinning.astype(np.float32))
    return PosedBody(skinned, posed, frames)


def __getattr__(name: str) -> object:
    """Give :class:`BodyModel` lazily, so that rendering workers need not import torch."""
    if name == "BodyModel":
        from syrip_gen.body.torch_model import BodyModel

        return BodyModel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
