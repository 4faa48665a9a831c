"""The pinhole camera, and the one place where OpenCV's axes turn into Blender's.

Syrip's camera frame is OpenCV's (x right, y down, z forward); a Blender camera looks along its -z with y up.
``render_scene`` puts the camera at Blender's origin, so that camera-frame points only change two signs.
"""

from dataclasses import dataclass

import bpy
import numpy as np
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Matrix, Vector

__all__ = ["OPENCV_TO_BLENDER", "Pinhole", "aim_camera", "make_camera", "project", "set_region", "to_blender"]

OPENCV_TO_BLENDER = np.diag([1.0, -1.0, -1.0])
SENSOR_MM = 36.0
MIN_CLIP_M, MAX_CLIP_M = 0.01, 200.0


@dataclass(frozen=True)
class Pinhole:
    """Focal lengths and principal point in px; (0, 0) is the top left corner of the picture."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float


def to_blender(points: np.ndarray) -> np.ndarray:
    """Turn points or directions (…, 3) of the camera frame into Blender's frame."""
    return points * np.diag(OPENCV_TO_BLENDER).astype(points.dtype)


def make_camera(scene: bpy.types.Scene, name: str = "camera") -> bpy.types.Object:
    """Add a camera at the origin and let the scene look through it."""
    camera = bpy.data.objects.new(name, bpy.data.cameras.new(name))
    scene.collection.objects.link(camera)
    scene.camera = camera
    return camera


def aim_camera(
    scene: bpy.types.Scene, camera: bpy.types.Object, pinhole: Pinhole, T_world_cam: np.ndarray | None = None
) -> None:
    """Give the scene's picture and the camera the geometry of ``pinhole``.

    Pixels that are not square (fx ≠ fy) become the render's pixel aspect, an off-centre principal point the
    lens shift.

    Args:
        scene: Its resolution and pixel aspect are set.
        camera: Camera object.
        pinhole: The geometry.
        T_world_cam: (4, 4) pose of the OpenCV camera in Blender's world; None = where ``to_blender`` expects
            it.
    """
    lens, render = camera.data, scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = (
        pinhole.width,
        pinhole.height,
        100,
    )
    ratio = pinhole.fx / pinhole.fy
    render.pixel_aspect_x, render.pixel_aspect_y = max(1.0, 1.0 / ratio), max(1.0, ratio)
    lens.type, lens.sensor_fit, lens.sensor_width = "PERSP", "HORIZONTAL", SENSOR_MM
    lens.lens = pinhole.fx * SENSOR_MM / pinhole.width
    lens.shift_x = (0.5 * pinhole.width - pinhole.cx) / pinhole.width
    lens.shift_y = (pinhole.cy - 0.5 * pinhole.height) / pinhole.width * ratio
    lens.clip_start, lens.clip_end = MIN_CLIP_M, MAX_CLIP_M
    pose = np.eye(4)
    if T_world_cam is not None:
        pose = np.array(T_world_cam, dtype=float)
        pose[:3, :3] = pose[:3, :3] @ OPENCV_TO_BLENDER
    camera.matrix_world = Matrix(pose.tolist())


def set_region(scene: bpy.types.Scene, pinhole: Pinhole, region: tuple[int, int, int, int]) -> None:
    """Render only columns x0..x1 and rows y0..y1, and crop the picture to them."""
    x0, y0, x1, y1 = region
    render = scene.render
    render.use_border = render.use_crop_to_border = True
    # Blender rounds down after multiplying in single precision: aim a little past the pixel's edge.
    nudge = 0.05
    render.border_min_x, render.border_max_x = (x0 + nudge) / pinhole.width, (x1 + nudge) / pinhole.width
    render.border_min_y = (pinhole.height - y1 + nudge) / pinhole.height
    render.border_max_y = (pinhole.height - y0 + nudge) / pinhole.height


def project(scene: bpy.types.Scene, camera: bpy.types.Object, points: np.ndarray) -> np.ndarray:
    """Return where Blender's own camera sees points of Blender's world.

    Args:
        scene: Its resolution and pixel aspect count.
        camera: Camera object.
        points: (N, 3) metres.

    Returns:
        (N, 3) column and row in px from the top left corner, and depth along the view in metres.
    """
    bpy.context.view_layer.update()
    w, h = scene.render.resolution_x, scene.render.resolution_y
    seen = [world_to_camera_view(scene, camera, Vector(map(float, point))) for point in points]
    return np.array([(x * w, (1.0 - y) * h, z) for x, y, z in seen]).reshape(-1, 3)
