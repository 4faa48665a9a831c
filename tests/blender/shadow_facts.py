"""Run by Blender's Python: prints what ``add_shadow`` makes of a bare floor, rendered all but exactly."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "blender_scripts"))

import numpy as np
from camera import Pinhole, to_blender
from scene_file import Lamp
from shadows import ShadowLight, add_shadow, coarse_view

ALBEDO = np.array([0.3, 0.25, 0.2])
GROUND_COLOR = np.array([0.3, 0.3, 0.3])


def floor() -> ShadowLight:
    """Return uneven soft light and a near warm lamp on a floor that the camera sees from above."""
    normal = np.array([0.0, -0.7, -0.7]) / np.hypot(0.7, 0.7)
    plane = np.array([*to_blender(normal), 1.4 * -normal[2]])
    soft = np.full((32, 64, 3), 0.5) * np.linspace(0.5, 1.5, 64)[None, :, None]
    direction = np.array([0.5, -0.6, -0.62])
    lamp = Lamp(direction / np.linalg.norm(direction), 1.2, 0.3, np.array([0.9, 0.7, 0.4]))
    return ShadowLight(plane, to_blender(np.array([0.0, 0.0, 1.3])), soft, (lamp,))


def places(light: ShadowLight, p: Pinhole, region: tuple[int, int, int, int]) -> np.ndarray:
    """Return where (h, w, 3) the rays through pixel centres meet the plane."""
    x0, y0, x1, y1 = region
    x, y = np.meshgrid((np.arange(x0, x1) + 0.5 - p.cx) / p.fx, (np.arange(y0, y1) + 0.5 - p.cy) / p.fy)
    rays = to_blender(np.stack([x, y, np.ones_like(x)], axis=-1))
    return rays * (-light.plane[3] / (rays @ light.plane[:3]))[..., None]


def changes(size: tuple[int, int], region: tuple[int, int, int, int], error: tuple[float, ...]) -> float:
    """Return the largest value of the picture, which stays empty but for an ``error``, a share by channel."""
    width, height = size
    pinhole = Pinhole(width, height, 1.1 * width, 1.1 * width, 0.47 * width, 0.52 * height)
    scene = SimpleNamespace(pinhole=pinhole, region=region, ground_color=GROUND_COLOR)
    light = floor()
    points = places(light, *coarse_view(pinhole, region))
    lit = light.at(points.reshape(-1, 3)).reshape(points.shape) * ALBEDO * (1.0 + np.array(error))
    lit = np.concatenate([lit, np.ones_like(lit[..., :1])], axis=-1)
    x0, y0, x1, y1 = region
    return float(np.abs(add_shadow(np.zeros((y1 - y0, x1 - x0, 4)), lit, light, ALBEDO, scene)).max())


CASES = {
    "whole": ((320, 240), (0, 0, 320, 240), (0.006, 0.0, 0.0)),
    "odd": ((321, 241), (0, 0, 321, 241), (0.0, 0.006, 0.0)),
    "odd part at the border": ((321, 241), (61, 31, 321, 241), (0.0, 0.0, 0.006)),
    "odd part": ((321, 241), (61, 31, 300, 220), (0.006, 0.0, 0.006)),
    "red light": ((320, 240), (0, 0, 320, 240), (0.2, 0.0, 0.0)),
}
print("@facts " + json.dumps({name: changes(*case) for name, case in CASES.items()}))
