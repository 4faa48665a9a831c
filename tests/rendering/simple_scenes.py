"""Small scenes with answers that are known in closed form."""

import dataclasses

import numpy as np
import trimesh

from syrip_gen.rendering.types import RenderInputs

WHITE_SH = np.zeros((9, 3), np.float32)
WHITE_SH[0] = 1.0 / 0.886227
"""Light from everywhere with irradiance 1."""


def inputs_of(vertices: np.ndarray, faces: np.ndarray, **changes: object) -> RenderInputs:
    """Return a 64x48 scene of one white mesh under irradiance 1, before a grey background."""
    vertices = np.asarray(vertices, np.float32)
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    defaults = RenderInputs(
        vertices=vertices,
        normals=np.array(mesh.vertex_normals, np.float32),
        faces=np.asarray(faces, np.int32),
        uv=np.full((1, 2), 0.5, np.float32),
        uv_faces=np.zeros((len(faces), 3), np.int32),
        texture=np.full((8, 8, 3), 255, np.uint8),
        gloss=None,
        background=np.full((48, 64, 3), 90, np.uint8),
        support_plane=None,
        sh=WHITE_SH,
        key_direction=np.array([0.0, -1.0, 0.0], np.float32),
        key_color=np.zeros(3, np.float32),
        shadow_softness=0.1,
        fx=60.0,
        fy=60.0,
        cx=32.0,
        cy=24.0,
        width=64,
        height=48,
    )
    return dataclasses.replace(defaults, **changes)


def sphere(
    center: tuple[float, float, float], radius: float, subdivisions: int = 4
) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices and faces of a closed sphere."""
    mesh = trimesh.creation.icosphere(subdivisions=subdivisions, radius=radius)
    return np.asarray(mesh.vertices) + center, np.asarray(mesh.faces, np.int32)


def quad(corners: list[tuple[float, float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices and faces of a quadrilateral whose corners run clockwise as the camera sees them."""
    return np.array(corners, np.float64), np.array([[0, 2, 1], [0, 3, 2]], np.int32)


def two_meshes(
    first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Join two meshes."""
    return (
        np.concatenate([first[0], second[0]]),
        np.concatenate([first[1], second[1] + len(first[0])]).astype(np.int32),
    )
