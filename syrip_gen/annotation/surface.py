"""BodySurface: which body part every triangle belongs to, and which parts adjoin each keypoint."""

from dataclasses import dataclass

import numpy as np

from syrip_gen.annotation.rays import first_hits
from syrip_gen.body.assets import BodyAssets
from syrip_gen.keypoints.catalog import COCO17, SMPL24

__all__ = ["NO_PART", "BodySurface"]

NO_PART = -1
"""Part of triangles that belong to nothing a keypoint lies in."""

_HEAD = ("head",)
_ADJOINING: dict[str, tuple[str, ...]] = {
    "nose": _HEAD,
    "eye": _HEAD,
    "ear": _HEAD,
    "shoulder": ("spine3", "collar", "shoulder"),
    "elbow": ("shoulder", "elbow"),
    "wrist": ("elbow", "wrist"),
    "hip": ("pelvis", "spine1", "hip"),
    "knee": ("hip", "knee"),
    "ankle": ("knee", "ankle"),
}
"""Parts that meet at a keypoint; a part has the name of the joint that moves it (``elbow`` = the forearm)."""

_SLANT, _MARGIN_M = 2.0, 0.02
"""A ray at a slant runs through this many times the flesh's thickness, and through clothing or hair."""
_DIRECTIONS, _THIN_SIDES, _FAR_M = 64, 0.15, 100.0


@dataclass(frozen=True, slots=True, eq=False)
class BodySurface:
    """What the visibility test needs to know about a body's mesh.

    A keypoint lies inside the body, so flesh always covers it. What covers it may belong to it (the forearm's
    skin in front of the wrist) or hide it (the other arm; the far side of the head in front of an ear). It
    belongs to the keypoint when its part meets at that keypoint and it is no deeper than flesh is there.
    """

    face_part: np.ndarray
    """(F,) int16 SMPL-24 joint that moves each triangle most, or :data:`NO_PART`."""
    adjoins: np.ndarray
    """(17, 24) bool: part j meets at COCO keypoint k."""
    reach: np.ndarray
    """(17,) metres: how deep below the surface a keypoint may lie and still count as seen."""

    @classmethod
    def from_body(cls, body: BodyAssets) -> "BodySurface":
        """Take parts from the skinning weights and depths from the template at rest."""
        per_face = body.weights[body.faces].sum(axis=1)
        adjoins = adjoining_parts()
        thickness = _flesh_thickness(body.keypoint_regressor @ body.v_template, body.v_template, body.faces)
        return cls(per_face.argmax(axis=1).astype(np.int16), adjoins, _SLANT * thickness + _MARGIN_M)


def _flesh_thickness(keypoints: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return (17,) metres of flesh over each keypoint of the body at rest, on the sides where it is thin.

    That is a low quantile over views from all directions, each from so far that its rays are parallel; the
    same for left and right.
    """
    i = np.arange(_DIRECTIONS) + 0.5
    height, turn = 1 - 2 * i / _DIRECTIONS, np.pi * (1 + 5**0.5) * i
    ring = np.sqrt(1 - height**2)
    depths = np.empty((_DIRECTIONS, len(keypoints)))
    for n, direction in enumerate(np.column_stack([ring * np.cos(turn), ring * np.sin(turn), height])):
        axes = _frame(direction)
        points = keypoints @ axes.T + (0, 0, _FAR_M)
        pixels = points[:, :2] / points[:, 2:]
        _, depth = first_hits(pixels, vertices @ axes.T + (0, 0, _FAR_M), faces, 1, 1, 0, 0)
        depths[n] = points[:, 2] - depth
    thickness = np.maximum(np.quantile(depths, _THIN_SIDES, axis=0), 0)
    return np.maximum(thickness, thickness[COCO17.flip_index])


def _frame(forward: np.ndarray) -> np.ndarray:
    """Return a (3, 3) rotation whose last row is the unit vector ``forward``."""
    right = np.cross(np.eye(3)[np.argmin(np.abs(forward))], forward)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(forward, right), forward])


def adjoining_parts() -> np.ndarray:
    """Return the (17, 24) table of parts that meet at each COCO keypoint."""
    table = np.zeros((len(COCO17), len(SMPL24)), dtype=bool)
    for k, name in enumerate(COCO17.keypoints):
        side, _, kind = name.rpartition("_")
        for part in _ADJOINING[kind]:
            full = part if part in SMPL24.keypoints else f"{side}_{part}"
            table[k, SMPL24.index(full)] = True
    return table
