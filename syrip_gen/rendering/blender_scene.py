"""A scene as files for ``blender_scripts/render_scene.py``, and what comes back, composited.

Everything stays in the camera frame (OpenCV axes, metres); Blender's side turns it, in one place.
"""

import json
import math
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from syrip_gen.rendering.colors import ENCODE_STEPS, LINEAR_OF_SRGB, SRGB_OF_LINEAR
from syrip_gen.rendering.influence import Region
from syrip_gen.rendering.types import RenderInputs

__all__ = ["composite", "ground_color", "read_result", "scene_seed", "write_scene"]

SCENE_VERSION = 1
KEY_DISTANCE_M = 3.0
"""Of the key light, which the raster path treats as infinitely far; its angular size is kept."""
_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1]


def write_scene(
    inputs: RenderInputs, folder: Path, region: Region, mask: np.ndarray | None, **settings: Any
) -> Path:
    """Write ``scene.json`` and the files that it names; earlier ones are replaced.

    Args:
        inputs: The scene.
        folder: Where to; must exist.
        region: Pixels to render.
        mask: (H, W) bool pixels of the body, for the colour of what it lies on; None = the whole region.
        settings: ``samples``, ``threads``, ``device``, ``denoise``, ``with_depth`` as Blender's side knows
            them; they override what is written here.

    Returns:
        The path of ``scene.json``.
    """
    arrays = {
        "vertices": np.asarray(inputs.vertices, dtype=np.float32),
        "faces": np.asarray(inputs.faces, dtype=np.int32),
        "uv": np.asarray(inputs.uv, dtype=np.float32),
        "uv_faces": np.asarray(inputs.uv_faces, dtype=np.int32),
    }
    is_moving = inputs.vertices_open is not None and inputs.vertices_close is not None
    if is_moving:
        arrays["vertices_open"] = np.asarray(inputs.vertices_open, dtype=np.float32)
        arrays["vertices_close"] = np.asarray(inputs.vertices_close, dtype=np.float32)
    for name, values in (("rest", inputs.rest_vertices), ("head", inputs.head_weights)):
        if values is not None:
            arrays[name] = np.asarray(values, dtype=np.float32)
    np.savez(folder / "mesh.npz", **arrays)
    _write_png(folder / "texture.png", cv2.cvtColor(inputs.texture, cv2.COLOR_RGB2BGR))
    if inputs.gloss is not None:
        _write_png(folder / "gloss.png", inputs.gloss)
    has_focus = inputs.fstop is not None and inputs.focus_distance_m is not None
    scene = {
        "version": SCENE_VERSION,
        **{name: getattr(inputs, name) for name in ("width", "height", "fx", "fy", "cx", "cy")},
        "mesh": str(folder / "mesh.npz"),
        "texture": str(folder / "texture.png"),
        "gloss": None if inputs.gloss is None else str(folder / "gloss.png"),
        "support_plane": inputs.support_plane,
        "ground_color": ground_color(inputs.background, region, mask),
        "environment": {"sh": np.asarray(inputs.sh, dtype=np.float64).tolist()},
        "lamps": _lamps(inputs),
        "region": list(region),
        "seed": scene_seed(inputs),
        "denoise": True,
        "depth_of_field": {"distance_m": inputs.focus_distance_m, "fstop": inputs.fstop}
        if has_focus
        else None,
        "motion_blur": {"shutter": 1.0} if is_moving else None,
        "character": inputs.character,
        "result": str(folder / "result.npz"),
        **settings,
    }
    path = folder / "scene.json"
    path.write_text(json.dumps(scene, allow_nan=False), encoding="utf-8")
    return path


def scene_seed(inputs: RenderInputs) -> int:
    """Return the seed of the path tracer's noise: another for each scene, the same whenever it is made."""
    return zlib.crc32(np.ascontiguousarray(inputs.vertices, dtype=np.float32).tobytes()) & 0x7FFFFFFF


def ground_color(background: np.ndarray, region: Region, mask: np.ndarray | None) -> list[float]:
    """Return the mean linear colour of what the body covers or, when that is not known, of the region."""
    x0, y0, x1, y1 = region
    part = background[y0:y1, x0:x1]
    if mask is not None and mask[y0:y1, x0:x1].any():
        part = part[mask[y0:y1, x0:x1]]
    return [float(value) for value in LINEAR_OF_SRGB[part].reshape(-1, 3).mean(axis=0)]


def read_result(path: Path, region: Region) -> np.ndarray:
    """Return the light (h, w, 4) float32 that Blender saw: linear, premultiplied.

    Raises:
        ValueError: When the file does not hold it.
    """
    x0, y0, x1, y1 = region
    with np.load(path, allow_pickle=False) as file:
        rgba = np.asarray(file["rgba"], dtype=np.float32)
    if rgba.shape != (y1 - y0, x1 - x0, 4):
        raise ValueError(
            f"Blender returned a picture of shape {rgba.shape}, expected {(y1 - y0, x1 - x0, 4)}"
        )
    return np.nan_to_num(rgba, nan=0.0, posinf=1.0, neginf=0.0)


def composite(rgb: np.ndarray, rgba: np.ndarray, region: Region) -> None:
    """Blend ``rgba`` (h, w, 4; linear, premultiplied) over the picture ``rgb`` (H, W, 3), sRGB, in place.

    Pixels that nothing covers keep their bytes.
    """
    x0, y0, x1, y1 = region
    part = rgb[y0:y1, x0:x1]
    touched = (rgba != 0.0).any(axis=-1)
    light = rgba[touched]
    alpha = np.clip(light[:, 3:], 0.0, 1.0)
    linear = np.clip(light[:, :3] + (1.0 - alpha) * LINEAR_OF_SRGB[part[touched]], 0.0, 1.0)
    part[touched] = SRGB_OF_LINEAR[np.rint(linear * ENCODE_STEPS).astype(np.int32)]


def _lamps(inputs: RenderInputs) -> list[dict[str, Any]]:
    """Return the key light and the lamps, those that give light."""
    radius = KEY_DISTANCE_M * math.tan(min(inputs.shadow_softness, 1.0))
    lamps = [(inputs.key_direction, KEY_DISTANCE_M, radius, inputs.key_color)]
    lamps += [(lamp.direction, lamp.distance_m, lamp.radius_m, lamp.color) for lamp in inputs.lamps]
    return [
        {
            "direction": [float(value) for value in direction],
            "distance_m": float(distance),
            "radius_m": float(radius),
            "color": [float(value) for value in color],
        }
        for direction, distance, radius, color in lamps
        if np.max(color) > 0.0
    ]


def _write_png(path: Path, image: np.ndarray) -> None:
    is_good, data = cv2.imencode(".png", image, _PNG)
    if not is_good:
        raise ValueError(f"OpenCV could not encode a {image.shape} {image.dtype} image as PNG")
    path.write_bytes(data.tobytes())
