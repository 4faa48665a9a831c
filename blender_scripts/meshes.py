"""The body as a Blender mesh: built once for a topology, then only moved."""

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from camera import to_blender
from server import BadRequestError

__all__ = ["HEAD", "REST", "Body", "MeshArrays", "build_mesh", "move_vertices", "read_mesh", "set_attribute"]

REST, HEAD = "rest_position", "head"
"""Names of the mesh attributes that the materials read."""
MAX_FACES = 5_000_000


@dataclass(frozen=True)
class MeshArrays:
    """What a mesh file holds. Camera frame, metres."""

    vertices: np.ndarray
    """(V, 3) float32."""
    faces: np.ndarray
    """(F, 3) int32."""
    uv: np.ndarray
    """(U, 2) float32."""
    uv_faces: np.ndarray
    """(F, 3) int32."""
    rest: np.ndarray | None
    """(V, 3) float32 positions that fine structure sticks to; None = ``vertices``."""
    head: np.ndarray | None
    """(V,) float32 1 where gloss 0 means hair rather than cloth."""
    vertices_open: np.ndarray | None
    """(V, 3) float32 when the shutter opens."""
    vertices_close: np.ndarray | None
    """(V, 3) float32 when it closes."""


def read_mesh(path: Path) -> MeshArrays:
    """Read and check a mesh file (``.npz``).

    Raises:
        BadRequestError: When it is none, or its arrays do not fit together.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise BadRequestError(f"{path} is not a mesh file: {error}") from error
    missing = {"vertices", "faces", "uv", "uv_faces"} - set(arrays)
    if missing:
        raise BadRequestError(f"{path} has no {', '.join(sorted(missing))}")
    count = len(arrays["vertices"])

    def points(name: str, columns: int, rows: int | None) -> np.ndarray | None:
        if name not in arrays:
            return None
        value = np.ascontiguousarray(arrays[name], dtype=np.float32)
        shape = (len(value) if rows is None else rows, columns)
        if value.reshape(len(value), -1).shape != shape:
            raise BadRequestError(f"{path}: {name} has shape {arrays[name].shape}, expected {shape}")
        if not np.isfinite(value).all():
            raise BadRequestError(f"{path}: {name} holds NaN or infinity")
        return value

    vertices, uv = points("vertices", 3, None), points("uv", 2, None)
    faces = _indices(arrays["faces"], count, path, "faces")
    uv_faces = _indices(arrays["uv_faces"], len(uv), path, "uv_faces")
    if len(faces) != len(uv_faces):
        raise BadRequestError(f"{path}: {len(faces)} faces, but {len(uv_faces)} uv_faces")
    opens, closes = points("vertices_open", 3, count), points("vertices_close", 3, count)
    if (opens is None) != (closes is None):
        raise BadRequestError(f"{path}: vertices_open and vertices_close come together")
    head = points("head", 1, count)
    rest = points("rest", 3, count)
    return MeshArrays(vertices, faces, uv, uv_faces, rest, head, opens, closes)


def _indices(value: np.ndarray, count: int, path: Path, name: str) -> np.ndarray:
    if value.ndim != 2 or value.shape[1] != 3 or value.dtype.kind not in "iu":
        raise BadRequestError(f"{path}: {name} is {value.dtype} {value.shape}, expected whole numbers (F, 3)")
    if not 0 < len(value) <= MAX_FACES:
        raise BadRequestError(f"{path}: {name} has {len(value)} rows, expected 1 to {MAX_FACES}")
    if value.min() < 0 or value.max() >= count:
        raise BadRequestError(f"{path}: {name} points at {value.min()}..{value.max()} of {count} entries")
    return np.ascontiguousarray(value, dtype=np.int32)


def build_mesh(
    name: str, vertices: np.ndarray, faces: np.ndarray, uv: np.ndarray, uv_faces: np.ndarray
) -> bpy.types.Mesh:
    """Make a smooth mesh with a UV map.

    Args:
        name: Of the mesh.
        vertices: (V, 3) Blender's axes, metres.
        faces: (F, 3) triangles.
        uv: (U, 2), v up.
        uv_faces: (F, 3) places in ``uv`` of each triangle's corners.
    """
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(vertices))
    mesh.loops.add(3 * len(faces))
    mesh.polygons.add(len(faces))
    mesh.loops.foreach_set("vertex_index", np.ascontiguousarray(faces, dtype=np.int32).ravel())
    mesh.polygons.foreach_set("loop_start", np.arange(0, 3 * len(faces), 3, dtype=np.int32))
    move_vertices(mesh, vertices)
    layer = mesh.uv_layers.new(name="uv")
    layer.uv.foreach_set("vector", np.ascontiguousarray(uv[uv_faces], dtype=np.float32).ravel())
    mesh.shade_smooth()
    mesh.update(calc_edges=True)
    return mesh


def move_vertices(mesh: bpy.types.Mesh, vertices: np.ndarray) -> None:
    """Set the positions (V, 3) of a mesh's vertices."""
    mesh.attributes["position"].data.foreach_set("vector", np.ascontiguousarray(vertices, np.float32).ravel())
    mesh.update()  # the normals, too


def set_attribute(mesh: bpy.types.Mesh, name: str, values: np.ndarray) -> None:
    """Store (V,) or (V, 3) numbers by vertex under a name that materials can read."""
    kind, field = ("FLOAT_VECTOR", "vector") if values.ndim == 2 else ("FLOAT", "value")
    attribute = mesh.attributes.get(name) or mesh.attributes.new(name, kind, "POINT")
    attribute.data.foreach_set(field, np.ascontiguousarray(values, dtype=np.float32).ravel())


class Body:
    """The body's object; its mesh is built anew only when triangles or texture coordinates change."""

    def __init__(self, scene: bpy.types.Scene, material: bpy.types.Material) -> None:
        self._material, self._key = material, ""
        self.object = bpy.data.objects.new("body", bpy.data.meshes.new("body"))
        scene.collection.objects.link(self.object)

    def update(self, arrays: MeshArrays, *, with_motion: bool) -> None:
        """Show a body.

        Args:
            arrays: What to show.
            with_motion: Blur it from ``vertices_open`` to ``vertices_close``.
        """
        parts = (arrays.faces, arrays.uv, arrays.uv_faces)
        key = hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest() + str(with_motion)
        vertices = to_blender(arrays.vertices)
        old = self.object.data
        if key != self._key or with_motion:
            mesh = build_mesh("body", vertices, arrays.faces, arrays.uv, arrays.uv_faces)
            mesh.materials.append(self._material)
            self.object.data = mesh
            bpy.data.meshes.remove(old)
            self._key = key
        else:
            move_vertices(old, vertices)
        mesh = self.object.data
        set_attribute(mesh, REST, vertices if arrays.rest is None else arrays.rest)
        set_attribute(mesh, HEAD, np.zeros(len(vertices)) if arrays.head is None else arrays.head.ravel())
        if with_motion:
            self._key_motion(arrays)

    def _key_motion(self, arrays: MeshArrays) -> None:
        """Let the mesh move in a line from frame 0 (open) through 1 to frame 2 (close)."""
        blocks = []
        self.object.shape_key_add(name="middle", from_mix=False)
        for name, positions in (("open", arrays.vertices_open), ("close", arrays.vertices_close)):
            block = self.object.shape_key_add(name=name, from_mix=False)
            block.data.foreach_set("co", to_blender(positions).ravel())
            blocks.append(block)
        for block, values in zip(blocks, ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0)), strict=True):
            for frame, value in enumerate(values):
                block.value = value
                block.keyframe_insert("value", frame=frame)
        for curve in _curves(self.object.data.shape_keys.animation_data):
            for point in curve.keyframe_points:
                point.interpolation = "LINEAR"


def _curves(animation: bpy.types.AnimData) -> list[bpy.types.FCurve]:
    """Return the curves of an action; Blender 5 keeps them in channel bags."""
    if hasattr(animation.action, "fcurves"):
        return list(animation.action.fcurves)
    return [
        curve
        for layer in animation.action.layers
        for strip in layer.strips
        for bag in strip.channelbags
        for curve in bag.fcurves
    ]
