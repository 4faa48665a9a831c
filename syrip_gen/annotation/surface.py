"""BodySurface: which body part every triangle belongs to, and which parts adjoin each keypoint."""

from dataclasses import dataclass

import numpy as np

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
    "hip": ("pelvis", "hip"),
    "knee": ("hip", "knee"),
    "ankle": ("knee", "ankle"),
}
"""Parts that meet at a keypoint; a part has the name of the joint that moves it (``elbow`` = the forearm)."""

_DEPTH_FACTOR, _DEPTH_MARGIN_M = 2.5, 0.015
"""A limb is up to this many radii (and some clothing) deep along a ray that meets it at a slant."""
_FACE_MARGIN_M = 0.02
"""Eyes, ears and nose lie at the surface: a hat or hair may cover them, half a head may not."""


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
        """Derive parts from the skinning weights and depths from the template at rest."""
        per_face = body.weights[body.faces].sum(axis=1)
        adjoins = adjoining_parts()
        keypoints = body.keypoint_regressor @ body.v_template
        owner = body.weights.argmax(axis=1)
        reach = np.empty(len(COCO17))
        for k in range(len(COCO17)):
            near = body.v_template[adjoins[k][owner]]
            radius = np.linalg.norm(near - keypoints[k], axis=1).min() if len(near) else 0.0
            if adjoins[k, SMPL24.index("head")]:
                reach[k] = radius + _FACE_MARGIN_M
            else:
                reach[k] = _DEPTH_FACTOR * radius + _DEPTH_MARGIN_M
        return cls(per_face.argmax(axis=1).astype(np.int16), adjoins, reach)


def adjoining_parts() -> np.ndarray:
    """Return the (17, 24) table of parts that meet at each COCO keypoint."""
    table = np.zeros((len(COCO17), len(SMPL24)), dtype=bool)
    for k, name in enumerate(COCO17.keypoints):
        side, _, kind = name.rpartition("_")
        for part in _ADJOINING[kind]:
            full = part if part in SMPL24.keypoints else f"{side}_{part}"
            table[k, SMPL24.index(full)] = True
    return table
