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


def icosphere(levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (V, 3) unit vectors and (F, 3) triangles that face outwards."""
    g = (1 + 5**0.5) / 2
    points = [(-1, g, 0), (1, g, 0), (-1, -g, 0), (1, -g, 0), (0, -1, g), (0, 1, g)]
    points += [(0, -1, -g), (0, 1, -g), (g, 0, -1), (g, 0, 1), (-g, 0, -1), (-g, 0, 1)]
    faces = [(0, 11, 5), (0, 5, 1), (0, 1, 7), (0, 7, 10), (0, 10, 11), (1, 5, 9), (5, 11, 4), (11, 10, 2)]
    faces += [(10, 7, 6), (7, 1, 8), (3, 9, 4), (3, 4, 2), (3, 2, 6), (3, 6, 8), (3, 8, 9), (4, 9, 5)]
    faces += [(2, 4, 11), (6, 2, 10), (8, 6, 7), (9, 8, 1)]
    for _ in range(levels):
        middles: dict[tuple[int, int], int] = {}

        def middle(a: int, b: int, known: dict[tuple[int, int], int] = middles) -> int:
            key = (min(a, b), max(a, b))
            if key not in known:
                known[key] = len(points)
                points.append(tuple(np.array(points[a]) / 2 + np.array(points[b]) / 2))
            return known[key]

        split = []
        for a, b, c in faces:
            ab, bc, ca = middle(a, b), middle(b, c), middle(c, a)
            split += [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
        points = [tuple(np.array(p) / np.linalg.norm(p)) for p in points]
        faces = split
    vertices = np.array(points)
    return vertices / np.linalg.norm(vertices, axis=1, keepdims=True), np.array(faces)


def write_scene(folder: Path, **changes: Any) -> Path:
    """Write a scene with a matte sphere and return its path.

    Args:
        folder: Where to.
        changes: Entries of the scene file to replace; besides ``gray`` (sRGB value of the texture),
            ``cloth`` (gloss 0 rather than skin) and ``move`` (3,) the sphere's motion while exposed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    directions, faces = icosphere(4)
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
    cv2.imwrite(str(folder / "gloss.png"), np.full((8, 8), 0 if changes.pop("cloth", True) else 35, np.uint8))
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
