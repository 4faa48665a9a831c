"""What the body lies on: it bounces light, it gives way under the body, and it shows the body's shadow."""

import bpy
import numpy as np
from materials import ground_material
from meshes import build_mesh, move_vertices

__all__ = ["Ground", "plane_frame", "sag"]

CELLS = 96
"""Squares along each side of the part that gives way."""
MARGIN = 0.35
"""The part that gives way is larger than the body by this share of its size on each side."""
FAR_M = 30.0
GAP_M = 0.0015
"""Room left between the body and the cloth that gave way."""


def plane_frame(plane: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a frame of the plane (4,): rows first, second, normal (3, 3), and the point of it at (0, 0)."""
    normal = plane[:3]
    first = np.cross(normal, np.eye(3)[np.argmin(np.abs(normal))])
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(normal, first), normal]), -plane[3] * normal


class Ground:
    """A sheet in the support plane: a fine grid around the body, which sags, and a wide rim."""

    def __init__(self, scene: bpy.types.Scene) -> None:
        self.material, self._albedo = ground_material()
        self.albedo = np.full(3, 0.5)
        side = CELLS + 3  # the grid and a rim
        k = np.arange(side * side).reshape(side, side)
        a, b, c, d = k[:-1, :-1].ravel(), k[:-1, 1:].ravel(), k[1:, 1:].ravel(), k[1:, :-1].ravel()
        faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
        mesh = build_mesh("ground", np.zeros((side * side, 3)), faces, np.zeros((1, 2)), np.zeros_like(faces))
        mesh.materials.append(self.material)
        self.object = bpy.data.objects.new("ground", mesh)
        scene.collection.objects.link(self.object)

    def update(self, plane: np.ndarray, body: np.ndarray, albedo: np.ndarray) -> None:
        """Lay the sheet under the body.

        Args:
            plane: (4,) support plane, Blender's axes, normal towards the body.
            body: (V, 3) vertices of the body, Blender's axes.
            albedo: (3,); kept within what real cloth has.
        """
        axes, origin = plane_frame(plane)
        local = (body - origin) @ axes.T
        low, high = local[:, :2].min(axis=0), local[:, :2].max(axis=0)
        margin = MARGIN * float(np.max(high - low))
        xs, ys = (np.linspace(low[i] - margin, high[i] + margin, CELLS + 1) for i in (0, 1))
        heights = np.zeros((CELLS + 3, CELLS + 3))
        heights[1:-1, 1:-1] = sag(local, xs, ys)
        xs, ys = (np.concatenate([[v[0] - FAR_M], v, [v[-1] + FAR_M]]) for v in (xs, ys))
        y, x = np.meshgrid(ys, xs, indexing="ij")
        points = np.stack([x, y, heights], axis=-1).reshape(-1, 3) @ axes + origin
        move_vertices(self.object.data, points)
        self.object.data.update()
        self.albedo = np.clip(albedo, 0.02, 0.9)
        self._albedo.default_value = (*self.albedo, 1.0)


def sag(local: np.ndarray, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Return heights (len(ys), len(xs)) <= 0 of cloth that gives way where the body is below the plane.

    Args:
        local: (V, 3) body in the plane's frame, heights last.
        xs: Evenly spaced places of the columns.
        ys: Of the rows.
    """
    low = np.zeros((len(ys), len(xs)))
    sunk = local[local[:, 2] < GAP_M]
    if not len(sunk):
        return low
    column = np.clip(np.rint((sunk[:, 0] - xs[0]) / (xs[1] - xs[0])).astype(int), 0, len(xs) - 1)
    row = np.clip(np.rint((sunk[:, 1] - ys[0]) / (ys[1] - ys[0])).astype(int), 0, len(ys) - 1)
    np.minimum.at(low, (row, column), sunk[:, 2] - GAP_M)
    wide = np.pad(low, 1)
    low = np.min([wide[i : i + len(ys), j : j + len(xs)] for i in range(3) for j in range(3)], axis=0)
    for _ in range(3):  # cloth does not bend sharply; it never rises into the body
        wide = np.pad(low, 1, mode="edge")
        mean = np.mean([wide[i : i + len(ys), j : j + len(xs)] for i in range(3) for j in range(3)], axis=0)
        low = np.minimum(low, mean)
    low[[0, -1]] = low[:, [0, -1]] = 0.0
    return low
