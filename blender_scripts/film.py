"""A moving infant as one Blender scene: skin on a skeleton, keyframes, camera, lamps, support, background.

World frame: z up, the support is z = 0, metres, which is Blender's own. Everything that an artist may want to
change is an ordinary object.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from armature import REST_TO_BLENDER, build_armature, skin_mesh
from camera import OPENCV_TO_BLENDER, Pinhole, aim_camera, make_camera
from engine import prepare_cycles, set_quality
from film_background import show_background
from ground import Ground
from keyframes import FIRST_FRAME, key_motion, key_object, key_shapes, set_frame_range
from light_maths import map_irradiance, radiance_map
from lights import World, add_lamp, lamp_irradiance, place_lamp
from materials import BodyMaterial
from meshes import HEAD, REST, build_mesh, set_attribute
from server import BadRequestError

__all__ = ["Film", "build_film", "read_film"]

VERSION = 1
SUPPORT_FRAMES = 24
"""So many frames, evenly spread, decide how the support gives way."""
UP = np.array([0.0, 0.0, 1.0, 0.0])


@dataclass(frozen=True)
class Film:
    """The objects of the open scene that requests need again."""

    scene: bpy.types.Scene
    rig: bpy.types.Object
    body: bpy.types.Object
    camera: bpy.types.Object
    names: list[str]

    def at(self, frame: int) -> tuple[np.ndarray, np.ndarray]:
        """Go to a frame (0-based); return (V, 3) evaluated vertices and (J, 3) heads of the bones, world."""
        self.scene.frame_set(FIRST_FRAME + frame)
        graph = bpy.context.evaluated_depsgraph_get()
        mesh = self.body.evaluated_get(graph).data
        points = np.empty(3 * len(mesh.vertices), np.float32)
        mesh.vertices.foreach_get("co", points)
        pose = self.rig.evaluated_get(graph).pose
        return points.reshape(-1, 3), np.array([list(pose.bones[name].head) for name in self.names])


def read_film(path: str | Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read a film file and its arrays, both written by ``syrip_gen.rendering.blend_file``.

    Raises:
        BadRequestError: When the file is of another version.
    """
    data = json.loads(Path(path).read_text(encoding="utf-8"))
    if data.get("version") != VERSION:
        raise BadRequestError(f"{path}: version is {data.get('version')!r}, expected {VERSION}")
    with np.load(data["arrays"], allow_pickle=False) as file:
        return data, {name: file[name] for name in file.files}


def build_film(data: dict[str, Any], arrays: dict[str, np.ndarray]) -> Film:
    """Build the scene in place of the open one."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.name = "infant"
    scene.unit_settings.system = "METRIC"
    prepare_cycles(scene)
    set_quality(scene, samples=data["samples"], seed=0, denoise=True, threads=0)
    rig, body = _infant(data, arrays)
    num_frames = len(arrays["rotations"])
    set_frame_range(scene, num_frames, data["fps"])
    camera = _camera(scene, data, arrays["T_world_cam"])
    film = Film(scene, rig, body, camera, data["names"])
    shown = sorted({int(t) for t in np.linspace(0, num_frames - 1, SUPPORT_FRAMES)})
    swept = np.concatenate([film.at(t)[0] for t in shown]).astype(np.float64)
    middle = 0.5 * (swept.min(axis=0) + swept.max(axis=0))
    received = _light(scene, data, middle)
    if data["has_support"]:
        sheet = _support(scene, swept, np.array(data["ground_color"]) / np.maximum(received, 1e-3))
        sheet.is_shadow_catcher = data["background"] is not None
    if data["background"]:
        show_background(scene, camera, data["background"])
    else:
        scene.render.film_transparent = False
    scene.frame_set(FIRST_FRAME)
    return film


def _infant(data: dict[str, Any], arrays: dict[str, np.ndarray]) -> tuple[bpy.types.Object, bpy.types.Object]:
    """Make skeleton, skin and motion."""
    names, parents = data["names"], data["parents"]
    rig = build_armature("infant", arrays["joints"], parents, names)
    rest = arrays["rest"].astype(np.float64) @ REST_TO_BLENDER.T
    mesh = build_mesh("infant skin", rest, arrays["faces"], arrays["uv"], arrays["uv_faces"])
    set_attribute(mesh, REST, rest)
    set_attribute(mesh, HEAD, arrays.get("head", np.zeros(len(rest))))
    material = BodyMaterial(name="infant skin")
    gloss = _picture(data["gloss"], "Non-Color") if data["gloss"] else None
    material.update(_picture(data["texture"], "sRGB"), gloss)
    mesh.materials.append(material.material)
    body = bpy.data.objects.new("infant skin", mesh)
    bpy.context.scene.collection.objects.link(body)
    if "posedirs" in arrays:
        offsets = np.einsum("ab,vbp->vap", REST_TO_BLENDER, arrays["posedirs"])
        key_shapes(body, offsets, arrays["pose_features"])
    skin_mesh(body, rig, names, arrays["bones"], arrays["weights"])
    key_motion(rig, names, parents, arrays["rotations"], arrays["roots"])
    return rig, body


def _picture(path: str, color_space: str) -> bpy.types.Image:
    image = bpy.data.images.load(path)
    image.colorspace_settings.name, image.alpha_mode = color_space, "NONE"
    return image


def _camera(scene: bpy.types.Scene, data: dict[str, Any], T_world_cam: np.ndarray) -> bpy.types.Object:
    """Set up the camera; it is keyed when it moves."""
    names = ("width", "height", "fx", "fy", "cx", "cy")
    camera = make_camera(scene)
    aim_camera(scene, camera, Pinhole(**{name: data[name] for name in names}), T_world_cam[0])
    if len(T_world_cam) > 1:
        poses = T_world_cam.copy()
        poses[:, :3, :3] = poses[:, :3, :3] @ OPENCV_TO_BLENDER
        key_object(camera, poses)
    focus = data.get("focus")
    camera.data.dof.use_dof = focus is not None
    if focus:
        camera.data.dof.focus_distance, camera.data.dof.aperture_fstop = focus["distance_m"], focus["fstop"]
    return camera


def _light(scene: bpy.types.Scene, data: dict[str, Any], middle: np.ndarray) -> np.ndarray:
    """Set the world's soft light, and lamps around the middle of what the infant sweeps.

    Returns:
        (3,) irradiance on the support below that, without the infant.
    """
    soft = radiance_map(np.array(data["sh"], np.float64))
    pixels = np.ones((*soft.shape[:2], 4), np.float32)
    pixels[..., :3] = soft
    image = bpy.data.images.new("soft light", soft.shape[1], soft.shape[0], float_buffer=True)
    image.colorspace_settings.name = "Linear Rec.709"
    image.pixels.foreach_set(pixels.ravel())
    image.update()
    World(scene).update(image)
    below, up = middle[None] * (1.0, 1.0, 0.0), UP[:3]
    received = map_irradiance(soft, up[None])[0]
    for k, lamp in enumerate(data["lamps"]):
        item = add_lamp(scene, "key light" if k == 0 else f"lamp {k + 1}")
        direction, color = np.array(lamp["direction"]), np.array(lamp["color"])
        place = middle, direction, lamp["distance_m"], lamp["radius_m"], color
        place_lamp(item, *place)
        received = received + lamp_irradiance(below, up, *place)[0]
    return received


def _support(scene: bpy.types.Scene, swept: np.ndarray, albedo: np.ndarray) -> bpy.types.Object:
    """Lay a sheet under all that the infant sweeps."""
    ground = Ground(scene)
    ground.update(UP, swept, albedo)
    ground.object.name = "support"
    return ground.object
