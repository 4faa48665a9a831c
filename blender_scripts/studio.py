"""The set: body, ground, lamps and camera, changed from one scene to the next, and the renders of each.

Three renders make a picture. The *body* lit by everything, ground included, which the camera does not see;
the *ground* with the body's shadow, which is divided by the light that falls there without a body; and, if
asked for, the *depth* at pixel centres.
"""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import bpy
import numpy as np
from cached_files import ImageCache
from camera import OPENCV_TO_BLENDER, aim_camera, make_camera, set_region, to_blender
from engine import prepare_cycles, set_quality, use_device
from ground import Ground
from light_maths import radiance_map
from lights import World, add_lamp, place_lamp
from materials import BodyMaterial, view_depth_material
from meshes import Body, read_mesh
from outputs import RenderedPictures
from scene_file import SceneFile
from shadows import ShadowLight, add_shadow, coarse_view

__all__ = ["Rendered", "Studio"]

CENTRE_FILTER_PX = 0.01


@dataclass(frozen=True)
class Rendered:
    """One picture."""

    arrays: dict[str, np.ndarray]
    seconds: dict[str, float]
    device: str


class Studio:
    """Everything that lasts from scene to scene. Raises BadRequestError without Cycles."""

    def __init__(self) -> None:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self.scene = bpy.context.scene
        prepare_cycles(self.scene)
        self.camera = make_camera(self.scene)
        self._images, self._pictures = ImageCache(), RenderedPictures()
        self._world = World(self.scene)
        self._material = BodyMaterial()
        self._body = Body(self.scene, self._material.material)
        self._ground = Ground(self.scene)
        self._depth_material = view_depth_material()
        self._lamps: list[bpy.types.Object] = []
        self._seconds: Counter[str] = Counter()

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[part] += time.perf_counter() - began

    def aim(self, scene: SceneFile) -> None:
        """Set the camera."""
        aim_camera(self.scene, self.camera, scene.pinhole)
        set_region(self.scene, scene.pinhole, scene.region)
        lens = self.camera.data.dof
        lens.use_dof = scene.focus_m is not None
        if scene.focus_m is not None:
            lens.focus_distance, lens.aperture_fstop = scene.focus_m, scene.fstop

    def render(self, scene: SceneFile) -> Rendered:
        """Take the picture that a scene file describes."""
        self._seconds = Counter()
        with self._timed("set up"):
            device = use_device(self.scene, scene.device)
            self.aim(scene)
            light = self._arrange(scene)
        size = scene.region[2] - scene.region[0], scene.region[3] - scene.region[1]
        self._set_motion(scene)
        with self._timed("body"):
            self._show(body=True, ground=False)
            rgba = self._take(scene, size, scene.samples)
        if light is not None:
            with self._timed("ground"):
                lit = self._take_ground(scene)
                rgba = add_shadow(rgba, lit, light, self._ground.albedo, scene)
        arrays = {"rgba": rgba.astype(np.float32)}
        if scene.with_depth:
            with self._timed("depth"):
                arrays |= self._take_depth(scene, size)
        return Rendered(arrays, dict(self._seconds), device)

    def _arrange(self, scene: SceneFile) -> ShadowLight | None:
        """Place body, lights and ground; returns the light on the ground if there is one."""
        vertices = self.place_body(scene)
        middle = 0.5 * (vertices.min(axis=0) + vertices.max(axis=0))
        soft = radiance_map(_turn_harmonics(scene.sh))
        self._light(scene, soft, middle)
        self._ground.object.hide_render = scene.support_plane is None
        if scene.support_plane is None:
            return None
        plane = np.concatenate([to_blender(scene.support_plane[:3]), scene.support_plane[3:]])
        light = ShadowLight(plane, middle, soft, scene.lamps)
        under = light.at(middle[None] - plane[:3] * (plane[:3] @ middle + plane[3]))[0]
        self._ground.update(plane, vertices, scene.ground_color / np.maximum(under, 1e-3))
        return light

    def place_body(self, scene: SceneFile) -> np.ndarray:
        """Put the body into the set; returns its (V, 3) float64 vertices, Blender's axes."""
        arrays = read_mesh(scene.mesh)
        self._body.update(arrays, with_motion=scene.shutter is not None)
        gloss = self._images.picture(scene.gloss, "Non-Color") if scene.gloss else None
        self._material.update(self._images.picture(scene.texture, "sRGB"), gloss)
        return to_blender(arrays.vertices).astype(np.float64)

    def body_objects(self) -> list[bpy.types.Object]:
        """Return what the body consists of."""
        return [self._body.object]

    def _light(self, scene: SceneFile, soft: np.ndarray, middle: np.ndarray) -> None:
        """Set world and lamps."""
        panorama, gain = None, None
        if scene.panorama is not None:
            panorama = self._images.picture(scene.panorama, "sRGB")
            gain = soft.mean(axis=(0, 1)) / 0.3
        turn = scene.panorama_rotation @ OPENCV_TO_BLENDER
        self._world.update(self._images.radiance(soft), panorama, turn, gain)
        while len(self._lamps) < len(scene.lamps):
            self._lamps.append(add_lamp(self.scene, f"lamp{len(self._lamps)}"))
        for k, lamp in enumerate(self._lamps):
            lamp.hide_render = k >= len(scene.lamps) or scene.lamps[k].color.max() <= 0.0
            if not lamp.hide_render:
                given = scene.lamps[k]
                direction = to_blender(given.direction)
                place_lamp(lamp, middle, direction, given.distance_m, given.radius_m, given.color)

    def _show(self, *, body: bool, ground: bool) -> None:
        """Choose what the camera sees; the rest still casts shadows and throws light back."""
        self._ground.object.visible_camera = ground
        for item in self.body_objects():
            item.visible_camera = body

    def _set_motion(self, scene: SceneFile) -> None:
        render = self.scene.render
        render.use_motion_blur = scene.shutter is not None
        self.scene.frame_set(1)
        if scene.shutter is not None:
            render.motion_blur_position, render.motion_blur_shutter = "CENTER", 2.0 * scene.shutter

    def _take(self, scene: SceneFile, size: tuple[int, int], samples: int) -> np.ndarray:
        set_quality(
            self.scene, samples=samples, seed=scene.seed, denoise=scene.denoise, threads=scene.threads
        )
        return self._pictures.take(self.scene, size)

    def _take_ground(self, scene: SceneFile) -> np.ndarray:
        """Return the ground with the body's shadow, at half the resolution."""
        pinhole, region = coarse_view(scene.pinhole, scene.region)
        self._show(body=False, ground=True)
        aim_camera(self.scene, self.camera, pinhole)
        set_region(self.scene, pinhole, region)
        size = region[2] - region[0], region[3] - region[1]
        samples = max(scene.samples // 4, min(scene.samples, 4))  # shadows are soft and have no detail
        lit = self._take(scene, size, samples)
        self.aim(scene)
        return lit

    def _take_depth(self, scene: SceneFile, size: tuple[int, int]) -> dict[str, np.ndarray]:
        """Return sharp depth and mask at pixel centres."""
        layer, hidden = bpy.context.view_layer, self._ground.object.hide_render
        self._show(body=True, ground=False)
        self.camera.data.dof.use_dof = self.scene.render.use_motion_blur = False
        self._ground.object.hide_render, layer.material_override = True, self._depth_material
        try:
            set_quality(
                self.scene,
                samples=1,
                seed=0,
                denoise=False,
                threads=scene.threads,
                filter_px=CENTRE_FILTER_PX,
            )
            pixels = self._pictures.take(self.scene, size)
        finally:
            layer.material_override, self._ground.object.hide_render = None, hidden
        mask = pixels[..., 3] > 0.5
        return {
            "depth": np.where(mask, pixels[..., 0], np.inf).astype(np.float32),
            "mask": mask.astype(np.uint8),
        }


def _turn_harmonics(sh: np.ndarray) -> np.ndarray:
    """Turn coefficients (9, 3) of the camera frame into Blender's: half a turn about x."""
    signs = np.array([1, -1, -1, 1, -1, 1, 1, -1, 1], dtype=float)  # y and z change sign
    return sh * signs[:, None]
