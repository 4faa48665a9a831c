"""A user's rigged scan: read from .blend, .fbx or .glb without running anything in it, described, posed."""

from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from armature import matrix_array
from mathutils import Matrix
from server import BadRequestError

__all__ = ["Character", "describe_file", "load_character"]


@dataclass
class Character:
    """One armature with its meshes, in the open scene."""

    file: str
    armature: bpy.types.Object
    meshes: list[bpy.types.Object]
    placement: bpy.types.Object
    """Empty that everything hangs from."""


def describe_file(path: str) -> list[dict]:
    """Return every armature of a file: its name, its meshes, and its bones at rest in Blender's world axes.

    Raises:
        BadRequestError: When the file cannot be read.
    """
    bpy.ops.wm.read_factory_settings(use_empty=True)
    objects = _read(path)
    described = []
    for rig in (o for o in objects if o.type == "ARMATURE"):
        world = matrix_array(rig.matrix_world)
        scales = np.linalg.norm(world[:3, :3], axis=0)
        bones = []
        for bone in _parents_first(rig.data.bones):
            rest = world @ matrix_array(bone.matrix_local)
            tail = world @ np.append(np.array(bone.tail_local), 1.0)
            bones.append(
                {
                    "name": bone.name,
                    "parent": bone.parent.name if bone.parent else None,
                    "head": rest[:3, 3].tolist(),
                    "tail": tail[:3].tolist(),
                    "axes": (rest[:3, :3] / np.linalg.norm(rest[:3, :3], axis=0)).tolist(),
                }
            )
        described.append(
            {
                "name": rig.name,
                "bones": bones,
                "meshes": [o.name for o in _meshes_of(rig, objects)],
                "hidden": [o.name for o in _meshes_of(rig, objects) if o.hide_render],
                "is_skewed": bool(scales.max() > 1.001 * scales.min() or np.linalg.det(world[:3, :3]) <= 0),
            }
        )
    return described


def load_character(path: str, armature: str, meshes: list[str]) -> Character:
    """Add one armature of a file and some of its meshes to the open scene.

    Raises:
        BadRequestError: When the file cannot be read or lacks what is named.
    """
    objects = _read(path)
    rigs = [o for o in objects if o.type == "ARMATURE" and o.name == armature]
    kept = [o for o in _meshes_of(rigs[0], objects) if o.name in meshes] if rigs else []
    if not kept:
        raise BadRequestError(f"{path}: no armature '{armature}' with meshes {', '.join(meshes)}")
    rest = [o for o in objects if o.type != "EMPTY" and o not in kept and o is not rigs[0]]
    for other in rest:
        objects.remove(other)
        bpy.data.objects.remove(other)
    for item in kept:
        item.hide_render = False
        _show_as_rendered(item)
    _free_bones(rigs[0])
    placement = bpy.data.objects.new("syrip placement", None)
    bpy.context.scene.collection.objects.link(placement)
    for item in objects:
        if item.parent is None:
            item.parent = placement  # the inverse stays the identity: it moves with the placement
    return Character(path, rigs[0], kept, placement)


def _read(path: str) -> list[bpy.types.Object]:
    """Add all objects of a file to the scene and return them, scripts off and animation thrown away."""
    before, camera = set(bpy.data.objects), bpy.context.scene.camera
    bpy.context.preferences.filepaths.use_scripts_auto_execute = False
    kind = Path(path).suffix.lower()
    try:
        if kind == ".blend":
            with bpy.data.libraries.load(path, link=False) as (source, target):
                target.objects = list(source.objects)
        elif kind in (".glb", ".gltf"):
            _importer("io_scene_gltf2")
            bpy.ops.import_scene.gltf(filepath=path, disable_bone_shape=True)
        elif kind == ".fbx":
            _import_fbx(path)
        else:
            raise BadRequestError(
                f"{path}: unknown file type '{kind}'; .blend, .fbx, .glb and .gltf are read"
            )
    except (OSError, RuntimeError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        if isinstance(error, BadRequestError):
            raise
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise BadRequestError(f"{path}: Blender cannot read it as {kind}: {lines[-1]}") from error
    _disarm()
    objects = [item for item in bpy.data.objects if item not in before]
    for item in objects:
        if not item.users_scene:
            bpy.context.scene.collection.objects.link(item)
        item.hide_viewport = False
    bpy.context.scene.camera = camera
    bpy.context.view_layer.update()
    return objects


def _importer(addon: str) -> None:
    """Switch on an importer that Blender ships."""
    import addon_utils

    addon_utils.enable(addon)


def _import_fbx(path: str) -> None:
    if hasattr(bpy.ops.wm, "fbx_import") and "fbx_import" in dir(bpy.ops.wm):  # Blender 4.5 and later
        bpy.ops.wm.fbx_import(filepath=path)
    else:
        _importer("io_scene_fbx")
        bpy.ops.import_scene.fbx(filepath=path)


def _disarm() -> None:
    """Throw away drivers, actions and texts of a file before Blender evaluates anything of it."""
    for collection in (getattr(bpy.data, name) for name in dir(bpy.data)):
        if isinstance(collection, bpy.types.bpy_prop_collection):
            for block in collection:
                if hasattr(block, "animation_data_clear"):
                    block.animation_data_clear()
                tree = getattr(block, "node_tree", None)
                if tree is not None:
                    tree.animation_data_clear()
    for text in list(bpy.data.texts):
        bpy.data.texts.remove(text)


def _meshes_of(rig: bpy.types.Object, objects: list[bpy.types.Object]) -> list[bpy.types.Object]:
    """Return the meshes that an armature deforms or carries, by name."""
    found = [
        o
        for o in objects
        if o.type == "MESH"
        and (
            any(m.type == "ARMATURE" and m.object is rig for m in o.modifiers)
            or (o.parent is rig and len(o.data.polygons) > 0)
        )
    ]
    return sorted(found, key=lambda o: o.name)


def _parents_first(bones: bpy.types.ArmatureBones) -> list[bpy.types.Bone]:
    return sorted(bones, key=lambda bone: len(bone.parent_recursive))


def _show_as_rendered(mesh: bpy.types.Object) -> None:
    """Let the surface that labels are made of be the one that is rendered."""
    for modifier in mesh.modifiers:
        modifier.show_viewport = modifier.show_render
        if hasattr(modifier, "render_levels"):
            modifier.levels = modifier.render_levels


def _free_bones(rig: bpy.types.Object) -> None:
    """Make bones obey their own rotations alone."""
    rig.data.pose_position = "POSE"
    for bone in rig.data.bones:
        bone.use_inherit_rotation = True
        bone.inherit_scale = "FULL"
    for bone in rig.pose.bones:
        for constraint in list(bone.constraints):
            bone.constraints.remove(constraint)
        bone.rotation_mode = "QUATERNION"
        bone.matrix_basis = Matrix.Identity(4)
    for constraint in list(rig.constraints):
        rig.constraints.remove(constraint)
