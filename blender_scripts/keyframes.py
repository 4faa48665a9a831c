"""Motion as keyframes: quaternions of pose bones without sign flips, the root's place, the frame range."""

import bpy
import numpy as np
from armature import REST_TO_BLENDER, rest_matrices

__all__ = ["FIRST_FRAME", "key_motion", "key_object", "key_shapes", "set_frame_range"]

FIRST_FRAME = 1
"""Blender's habit; frame t of a motion is t + 1 there."""
SHAPE_RANGE = 2.0
"""Entries of a rotation minus the identity do not go beyond."""


def set_frame_range(scene: bpy.types.Scene, num_frames: int, fps: float) -> None:
    """Make the scene play all frames at their rate; rates that are no whole numbers are exact, too."""
    scene.render.fps = max(1, round(fps))
    scene.render.fps_base = scene.render.fps / fps
    scene.frame_start, scene.frame_end = FIRST_FRAME, FIRST_FRAME + num_frames - 1


def key_motion(
    rig: bpy.types.Object, names: list[str], parents: list[int], rotations: np.ndarray, roots: np.ndarray
) -> None:
    """Key a motion on an armature made by :func:`armature.build_armature`.

    Args:
        rig: The armature, its object frame the world's.
        names: J bone names, the root first.
        parents: J parents, -1 for the root.
        rotations: (T, J, 3, 3) turn of each joint from SMPL's rest axes to the world (z up).
        roots: (T, 3) places of the root joint, world, metres.
    """
    rest = rest_matrices(rig, names)
    local = local_rotations(rest[:, :3, :3], parents, rotations @ REST_TO_BLENDER.T)
    quaternions = continuous(quaternions_of(local))
    root = rest[0]
    places = (roots - root[:3, 3]) @ root[:3, :3]
    curves = CurveWriter(rig, f"{rig.name} motion")
    for j, name in enumerate(names):
        curves.write(f'pose.bones["{name}"].rotation_quaternion', quaternions[:, j], group=name)
    curves.write(f'pose.bones["{names[0]}"].location', places, group=names[0])


def local_rotations(rest: np.ndarray, parents: list[int], turns: np.ndarray) -> np.ndarray:
    """Return (T, J, 3, 3) rotations of pose bones in their own rest axes.

    Args:
        rest: (J, 3, 3) rest axes of the bones.
        parents: J parents, -1 for the root.
        turns: (T, J, 3, 3) turn of each bone from rest, in the armature's frame.
    """
    posed = turns @ rest
    local = np.empty_like(posed)
    for j, parent in enumerate(parents):
        frame = rest[j] if parent < 0 else posed[:, parent] @ rest[parent].T @ rest[j]
        local[:, j] = np.swapaxes(np.broadcast_to(frame, posed[:, j].shape), -1, -2) @ posed[:, j]
    return local


def quaternions_of(matrices: np.ndarray) -> np.ndarray:
    """Turn (..., 3, 3) rotations into (..., 4) unit quaternions w, x, y, z (Shepperd's method)."""
    m = matrices
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    xy, xz, yz = m[..., 1, 0] + m[..., 0, 1], m[..., 0, 2] + m[..., 2, 0], m[..., 2, 1] + m[..., 1, 2]
    wx, wy, wz = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    rows = (
        (1 + xx + yy + zz, wx, wy, wz),
        (wx, 1 + xx - yy - zz, xy, xz),
        (wy, xy, 1 - xx + yy - zz, yz),
        (wz, xz, yz, 1 - xx - yy + zz),
    )
    candidates = np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
    pivot = np.einsum("...ii->...i", candidates).argmax(axis=-1)
    best = np.take_along_axis(candidates, pivot[..., None, None], axis=-2)[..., 0, :]
    return best / np.linalg.norm(best, axis=-1, keepdims=True)


def continuous(quaternions: np.ndarray) -> np.ndarray:
    """Return (T, ..., 4) quaternions, each on the side of the one before, so that between keys none flips."""
    steps = np.einsum("t...i,t...i->t...", quaternions[1:], quaternions[:-1])
    signs = np.cumprod(np.where(steps < 0, -1.0, 1.0), axis=0)
    return np.concatenate([quaternions[:1], quaternions[1:] * signs[..., None]])


def key_object(target: bpy.types.Object, transforms: np.ndarray) -> None:
    """Key the (T, 4, 4) rigid world transforms of an object, such as a camera."""
    target.rotation_mode = "QUATERNION"
    curves = CurveWriter(target, f"{target.name} path")
    curves.write("location", transforms[:, :3, 3], group="Path")
    curves.write("rotation_quaternion", continuous(quaternions_of(transforms[:, :3, :3])), group="Path")


def key_shapes(mesh: bpy.types.Object, offsets: np.ndarray, values: np.ndarray) -> None:
    """Add shapes to a mesh and key how much of each is there: the body model's pose blend shapes.

    Args:
        mesh: The object; its vertices are at rest.
        offsets: (V, 3, P) metres by which each shape moves the vertices.
        values: (T, P) amounts.
    """
    rest = np.empty(3 * len(mesh.data.vertices), np.float32)
    mesh.data.vertices.foreach_get("co", rest)
    mesh.shape_key_add(name="rest", from_mix=False)
    for shape in range(offsets.shape[2]):
        block = mesh.shape_key_add(name=f"pose {shape:03d}", from_mix=False)
        block.slider_min, block.slider_max = -SHAPE_RANGE, SHAPE_RANGE
        block.data.foreach_set("co", rest + offsets[:, :, shape].astype(np.float32).ravel())
    curves = CurveWriter(mesh.data.shape_keys, f"{mesh.name} shapes")
    for shape in range(offsets.shape[2]):
        curves.write(f'key_blocks["pose {shape:03d}"].value', values[:, shape : shape + 1], group="Shapes")


class CurveWriter:
    """Writes whole F-curves of one data block at once; key by key would take minutes for a long motion."""

    def __init__(self, target: bpy.types.ID, name: str) -> None:
        """Give the object, or whatever it is, a fresh action."""
        action = bpy.data.actions.new(name)
        data = target.animation_data_create()
        data.action = action
        if hasattr(action, "slots"):  # Blender 4.4 and later
            slot = action.slots.new(id_type=target.id_type, name=target.name)
            data.action_slot = slot
            bag = action.layers.new("Motion").strips.new(type="KEYFRAME").channelbag(slot, ensure=True)
            self._curves, self._groups = bag.fcurves, bag.groups
        else:
            self._curves, self._groups = action.fcurves, action.groups

    def write(self, path: str, values: np.ndarray, *, group: str) -> None:
        """Key (T, C) values of a property, a key a frame, straight lines in between."""
        held = self._groups.get(group) or self._groups.new(group)
        points = np.empty((len(values), 2), np.float32)
        points[:, 0] = FIRST_FRAME + np.arange(len(values))
        for channel in range(values.shape[1]):
            curve = self._curves.new(path, index=channel)
            curve.group = held
            curve.keyframe_points.add(len(values))
            points[:, 1] = values[:, channel]
            curve.keyframe_points.foreach_set("co", points.reshape(-1))
            curve.keyframe_points.foreach_set("interpolation", np.ones(len(values), np.int32))  # LINEAR
            curve.update()
