"""The infant's skeleton and skin in Blender: 24 bones on the joints, vertex groups, linear blend skinning."""

import bpy
import numpy as np
from mathutils import Matrix, Vector

__all__ = ["REST_TO_BLENDER", "build_armature", "rest_matrices", "skin_mesh"]

REST_TO_BLENDER = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""SMPL's rest axes (y up, facing +z, x to the left) to Blender's habit for characters (z up, facing -y)."""
LEAF_SHARE, MIN_LENGTH_M = 0.5, 0.01
"""Bones without children continue their parent's by this share; Blender drops bones of no length."""


def build_armature(name: str, joints: np.ndarray, parents: list[int], names: list[str]) -> bpy.types.Object:
    """Make an armature whose bone j has its head on joint j.

    Args:
        name: Of the object.
        joints: (J, 3) rest positions, SMPL's axes, metres.
        parents: J parents, -1 for the root; a parent stands before its children.
        names: J bone names.
    """
    heads = joints @ REST_TO_BLENDER.T
    tails = _tails(heads, parents)
    data = bpy.data.armatures.new(name)
    rig = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(rig)
    with bpy.context.temp_override(active_object=rig, object=rig, selected_objects=[rig]):
        bpy.context.view_layer.objects.active = rig
        bpy.ops.object.mode_set(mode="EDIT")
        bones = []
        for j, bone_name in enumerate(names):
            bone = data.edit_bones.new(bone_name)
            bone.head, bone.tail = Vector(heads[j]), Vector(tails[j])
            bone.use_connect = False
            if parents[j] >= 0:
                bone.parent = bones[parents[j]]
            bones.append(bone)
        bpy.ops.object.mode_set(mode="OBJECT")
    data.display_type = "STICK"
    rig.show_in_front = True
    for bone in rig.pose.bones:
        bone.rotation_mode = "QUATERNION"
    return rig


def _tails(heads: np.ndarray, parents: list[int]) -> np.ndarray:
    """Return (J, 3) ends of the bones: the child that goes on straightest, or a bit beyond the parent's."""
    tails = heads.copy()
    for j in range(len(heads)):
        children = [c for c, parent in enumerate(parents) if parent == j]
        onward = heads[j] - heads[parents[j]] if parents[j] >= 0 else np.array([0.0, 0.0, 1.0])
        if children:
            tails[j] = heads[max(children, key=lambda c: float((heads[c] - heads[j]) @ onward))]
        else:
            tails[j] = heads[j] + LEAF_SHARE * onward
        length = np.linalg.norm(tails[j] - heads[j])
        if length < MIN_LENGTH_M:
            tails[j] = heads[j] + MIN_LENGTH_M * (onward / max(np.linalg.norm(onward), 1e-9))
    return tails


def skin_mesh(
    mesh: bpy.types.Object, rig: bpy.types.Object, names: list[str], bones: np.ndarray, weights: np.ndarray
) -> None:
    """Bind a mesh to an armature by linear blend skinning, as SMPL-format bodies are.

    Args:
        mesh: Object whose vertices are at rest in the armature's frame.
        rig: The armature.
        names: J bone names.
        bones: (V, W) bone of each weight.
        weights: (V, W) weights; zeros are left out.
    """
    groups = [mesh.vertex_groups.new(name=name) for name in names]
    for slot in range(weights.shape[1]):
        used = np.flatnonzero(weights[:, slot] > 0)
        for v, j, w in zip(
            used.tolist(), bones[used, slot].tolist(), weights[used, slot].tolist(), strict=True
        ):
            groups[j].add([v], w, "REPLACE")
    mesh.parent = rig
    modifier = mesh.modifiers.new("Skeleton", "ARMATURE")
    modifier.object = rig
    modifier.use_deform_preserve_volume = False  # SMPL's skinning is linear


def rest_matrices(rig: bpy.types.Object, names: list[str]) -> np.ndarray:
    """Return (J, 4, 4) float64 rest frames of some bones in the armature's frame."""
    return np.array([matrix_array(rig.data.bones[name].matrix_local) for name in names])


def matrix_array(matrix: Matrix) -> np.ndarray:
    """Return Blender's matrix as float64."""
    return np.array([list(row) for row in matrix], np.float64)
