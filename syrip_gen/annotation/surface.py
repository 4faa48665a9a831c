"""BodySurface: which body part every triangle belongs to, and which parts adjoin each keypoint."""

from dataclasses import dataclass

import numpy as np

from syrip_gen.annotation.rays import first_hits
from syrip_gen.body.assets import BodyAssets
from syrip_gen.keypoints.catalog import COCO17, SMPL24

__all__ = ["NO_PART", "BodySurface"]

NO_PART = -1
"""Part of triangles that belong to nothing a keypoint lies in."""

_ADJOINING: dict[str, tuple[str, ...]] = {
    "nose": ("head",),
    "eye": ("head",),
    "ear": ("head",),
    "shoulder": ("spine2", "spine3", "collar", "shoulder"),
    "elbow": ("shoulder", "elbow"),
    "wrist": ("elbow", "wrist", "hand"),
    "hip": ("pelvis", "spine1", "spine2", "hip"),
    "knee": ("hip", "knee"),
    "ankle": ("knee", "ankle", "foot"),
}
"""Parts that meet at a keypoint; a part has the name of the joint that moves it (``elbow`` = the forearm)."""

_SHARE_OF_VIEWS = {"nose": 0.15, "eye": 0.15, "ear": 0.15, "shoulder": 0.5, "hip": 0.5}
"""Keypoints of head and trunk may also be on the far side of their own part. There flesh is measured at rest:
the least that covers the keypoint in this share of all views. The face's lie at the surface, shoulders and
hips in it."""
_SLANT, _MARGIN_M = 2.0, 0.02
"""A ray at a slant runs through this many times as much, and through clothing or hair."""
_DIRECTIONS, _FAR_M = 64, 100.0


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
    """(17,) metres: how deep below the surface of its part a keypoint may lie and still count as seen; inf
    for limbs, which are thin."""

    @classmethod
    def from_body(cls, body: BodyAssets) -> "BodySurface":
        """Take parts from the skinning weights and depths from the template at rest."""
        part = body.weights[body.faces].sum(axis=1).argmax(axis=1).astype(np.int16)
        keypoints = body.keypoint_regressor @ body.v_template
        return cls.from_parts(part, adjoining_parts(), keypoints, body.v_template, body.faces)

    @classmethod
    def from_parts(
        cls,
        face_part: np.ndarray,
        adjoins: np.ndarray,
        keypoints: np.ndarray,
        vertices: np.ndarray,
        faces: np.ndarray,
    ) -> "BodySurface":
        """Measure depths on a mesh at rest whose parts are known.

        Args:
            face_part: (F,) int16 part of each triangle.
            adjoins: (17, 24) bool parts that meet at each keypoint.
            keypoints: (17, 3) at rest, metres.
            vertices: (V, 3) at rest, metres.
            faces: (F, 3) triangles.
        """
        depths = _flesh_depths(keypoints, vertices, faces)
        reach = np.full(len(COCO17), np.inf)
        for k, name in enumerate(COCO17.keypoints):
            kind = name.rpartition("_")[2]
            if kind in _SHARE_OF_VIEWS:
                pair = depths[:, [k, COCO17.flip_index[k]]]  # both sides of the body, so that they are alike
                reach[k] = _SLANT * max(np.quantile(pair, _SHARE_OF_VIEWS[kind]), 0) + _MARGIN_M
        return cls(face_part, adjoins, reach)


def _flesh_depths(keypoints: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return (views, 17) metres of flesh in front of each keypoint of a body at rest.

    The views come from all directions, each from so far that its rays are parallel.
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
    return depths


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
