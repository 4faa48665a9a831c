"""Small scenes for Blender, with known answers."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

WIDTH, HEIGHT = 64, 48
SPHERE_MIDDLE, SPHERE_RADIUS = np.array([0.02, -0.01, 1.0]), 0.18
UNIFORM = np.zeros((9, 3))
UNIFORM[0] = 1.0 / 0.886227
"""Harmonics of irradiance 1 from everywhere."""


def sphere(rows: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Return (V, 3) unit vectors in rows of equal latitude and (F, 3) triangles that face outwards."""
    columns = 2 * rows
    polar, around = np.pi * np.arange(1, rows) / rows, 2 * np.pi * np.arange(columns) / columns
    polar, around = np.meshgrid(polar, around, indexing="ij")
    rings = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], -1)
    vertices = np.concatenate([rings.reshape(-1, 3), [[0, 0, 1], [0, 0, -1]]])
    here = np.arange(rings.shape[0] * columns).reshape(-1, columns)
    beside = np.roll(here, -1, axis=1)
    upper, lower = here[:-1], here[1:]
    faces = [np.stack([upper, lower, beside[:-1]], -1), np.stack([lower, beside[1:], beside[:-1]], -1)]
    top, bottom = np.full(columns, len(vertices) - 2), np.full(columns, len(vertices) - 1)
    faces += [np.stack([top, here[0], beside[0]], -1), np.stack([bottom, beside[-1], here[-1]], -1)]
    return vertices, np.concatenate([part.reshape(-1, 3) for part in faces])


def write_scene(folder: Path, **changes: Any) -> Path:
    """Write a scene with a matte sphere and return its path.

    Args:
        folder: Where to.
        changes: Entries of the scene file to replace; besides ``gray`` (sRGB value of the texture),
            ``shine`` (of the gloss map: 0 cloth, 35 skin, 255 eyes) and ``move`` (3,) the sphere's motion
            while exposed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    directions, faces = sphere()
    vertices = (SPHERE_MIDDLE + SPHERE_RADIUS * directions).astype(np.float32)
    uv = (0.5 + 0.45 * directions[:, :2]).astype(np.float32)
    arrays = {
        "vertices": vertices,
        "faces": faces.astype(np.int32),
        "uv": uv,
        "uv_faces": faces.astype(np.int32),
    }
    move = changes.pop("move", None)
    if move is not None:
        arrays |= {"vertices_open": vertices - 0.5 * move, "vertices_close": vertices + 0.5 * move}
    np.savez(folder / "mesh.npz", **arrays)
    cv2.imwrite(str(folder / "texture.png"), np.full((8, 8, 3), changes.pop("gray", 188), np.uint8))
    cv2.imwrite(str(folder / "gloss.png"), np.full((8, 8), changes.pop("shine", 0), np.uint8))
    scene = {
        "version": 1, "width": WIDTH, "height": HEIGHT, "fx": 80.0, "fy": 80.0, "cx": 32.0, "cy": 24.0,
        "mesh": str(folder / "mesh.npz"), "texture": str(folder / "texture.png"),
        "gloss": str(folder / "gloss.png"), "support_plane": None, "ground_color": [0.3, 0.3, 0.3],
        "environment": {"sh": UNIFORM.tolist()}, "lamps": [], "region": [0, 0, WIDTH, HEIGHT], "samples": 4,
        "seed": 3, "denoise": False, "threads": 0, "device": "cpu", "depth_of_field": None,
        "motion_blur": None, "with_depth": False, "result": str(folder / "result.npz"),
    }  # fmt: skip
    path = folder / "scene.json"
    path.write_text(json.dumps(scene | changes))
    return path


def sphere_depth(scene: dict[str, Any]) -> np.ndarray:
    """Return the depth (h, w) of the exact sphere along the camera's axis at pixel centres, inf beside it."""
    x, y = np.meshgrid(np.arange(scene["width"]) + 0.5, np.arange(scene["height"]) + 0.5)
    rays = np.stack([(x - scene["cx"]) / scene["fx"], (y - scene["cy"]) / scene["fy"], np.ones_like(x)], -1)
    a, b = (rays * rays).sum(-1), rays @ SPHERE_MIDDLE
    root = b * b - a * (SPHERE_MIDDLE @ SPHERE_MIDDLE - SPHERE_RADIUS**2)
    return np.where(root >= 0, (b - np.sqrt(np.maximum(root, 0))) / a, np.inf)
