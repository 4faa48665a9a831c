"""Posing a character and reading its surface: vertices, triangles and the bones that move them."""

import bpy
import numpy as np
from armature import matrix_array
from character_file import Character
from mathutils import Matrix, Quaternion
from server import BadRequestError

__all__ = ["pose_character", "read_surface", "read_weights", "set_placement"]

MAX_WEIGHTS = 4
"""Bones kept for a vertex when the parts of the surface are told apart."""


def pose_character(character: Character, quaternions: dict[str, list[float]]) -> None:
    """Turn bones: w, x, y, z in their own rest axes; bones that are not named go back to rest."""
    for bone in character.armature.pose.bones:
        bone.matrix_basis = Matrix.Identity(4)
        if bone.name in quaternions:
            bone.rotation_quaternion = Quaternion(quaternions[bone.name])
    bpy.context.view_layer.update()


def set_placement(character: Character, transform: list[list[float]]) -> None:
    """Put everything into place by a (4, 4) similarity."""
    character.placement.matrix_world = Matrix(transform)
    bpy.context.view_layer.update()


def read_surface(character: Character) -> tuple[np.ndarray, np.ndarray]:
    """Return all meshes as one, as posed: (V, 3) float64 vertices in Blender's world, (F, 3) triangles."""
    graph = bpy.context.evaluated_depsgraph_get()
    vertices, faces, count = [], [], 0
    for item in character.meshes:
        evaluated = item.evaluated_get(graph)
        mesh = evaluated.to_mesh()
        mesh.calc_loop_triangles()
        points = np.empty(3 * len(mesh.vertices), np.float32)
        mesh.vertices.foreach_get("co", points)
        triangles = np.empty(3 * len(mesh.loop_triangles), np.int32)
        mesh.loop_triangles.foreach_get("vertices", triangles)
        world = matrix_array(evaluated.matrix_world)
        vertices.append(points.reshape(-1, 3).astype(np.float64) @ world[:3, :3].T + world[:3, 3])
        faces.append(triangles.reshape(-1, 3) + count)
        count += len(mesh.vertices)
        evaluated.to_mesh_clear()
    return np.concatenate(vertices), np.concatenate(faces)


def read_weights(character: Character, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the bones (V, 4) that move each vertex of the surface (-1 = none) and their weights (V, 4)."""
    graph = bpy.context.evaluated_depsgraph_get()
    number = {name: i for i, name in enumerate(names)}
    rows = []
    for item in character.meshes:
        evaluated = item.evaluated_get(graph)
        mesh = evaluated.to_mesh()
        groups = [number.get(group.name, -1) for group in item.vertex_groups]
        carrier = number.get(item.parent_bone, -1) if item.parent_type == "BONE" else -1
        for vertex in mesh.vertices:
            pairs = [
                (g.weight, groups[g.group]) for g in vertex.groups if groups[g.group] >= 0 and g.weight > 0
            ]
            rows.append(sorted(pairs, reverse=True)[:MAX_WEIGHTS] or [(1.0, carrier)])
        evaluated.to_mesh_clear()
    bones, weights = np.full((len(rows), MAX_WEIGHTS), -1, np.int32), np.zeros((len(rows), MAX_WEIGHTS))
    for i, pairs in enumerate(rows):
        for k, (weight, bone) in enumerate(pairs):
            bones[i, k], weights[i, k] = bone, weight
    if not len(rows):
        raise BadRequestError(f"{character.file}: the meshes have no vertices")
    return bones, weights
