"""The parts of an infant's surface that can touch the floor, as a few hundred skinned points."""

import numpy as np

from syrip_gen.body.assets import BodyAssets
from syrip_gen.fitting.kinematics import build_kinematics
from syrip_gen.motion.retarget_points import bake_shape
from syrip_gen.motion.retarget_rows import Surface

__all__ = ["PARTS", "build_surface"]

PARTS: dict[str, tuple[int, ...]] = {
    "left_foot": (7, 10), "right_foot": (8, 11), "left_knee": (4,), "right_knee": (5,),
    "left_hand": (20, 22), "right_hand": (21, 23), "left_elbow": (18,), "right_elbow": (19,),
    "left_thigh": (1,), "right_thigh": (2,), "left_upper_arm": (13, 16), "right_upper_arm": (14, 17),
    "pelvis": (0,), "belly": (3, 6), "chest": (9,), "head": (12, 15),
}  # fmt: skip
"""Part: the joints that carry it. A knee's part is the whole shin, an elbow's the forearm."""
NUM_DIRECTIONS = 60
MIN_WEIGHT = 0.02
"""Skinning weights below this are left out."""


def _directions() -> np.ndarray:
    """Return (60, 3) unit vectors spread evenly over the sphere (a Fibonacci lattice)."""
    index = np.arange(NUM_DIRECTIONS) + 0.5
    height, turn = 1.0 - 2.0 * index / NUM_DIRECTIONS, np.pi * (1.0 + np.sqrt(5.0)) * index
    around = np.sqrt(1.0 - height**2)
    return np.stack([around * np.cos(turn), height, around * np.sin(turn)], axis=1)


def build_surface(body: BodyAssets, betas: np.ndarray) -> Surface:
    """Keep, of the vertices that each joint carries, those that are extreme in 60 directions at rest.

    Args:
        body: The infant.
        betas: (S,) its shape.
    """
    owner = np.argmax(body.weights, axis=1)
    shaped = body.v_template + body.shapedirs @ betas
    chosen: list[int] = []
    part: list[int] = []
    for p, joints in enumerate(PARTS.values()):
        mine: set[int] = set()
        for joint in joints:
            members = np.flatnonzero(owner == joint)
            if len(members):
                mine.update(members[np.argmax(shaped[members] @ _directions().T, axis=0)].tolist())
        chosen += sorted(mine)
        part += [p] * len(mine)
    weights = body.weights[chosen]
    weights = np.where(weights > MIN_WEIGHT, weights, 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    point, joint = np.nonzero(weights)
    weight = weights[point, joint]
    whole = bake_shape(build_kinematics(body), betas)
    kin = whole._replace(
        pair_keypoint=point.astype(np.int64),
        pair_joint=joint.astype(np.int64),
        pair_weight=weight,
        pair_point=np.ascontiguousarray(weight[:, None] * shaped[chosen][point]),
        pair_dirs=np.zeros((len(point), 3, 0)),
        pair_posedirs=np.zeros((len(point), 3, 0)),
        num_keypoints=len(chosen),
    )
    first = np.searchsorted(point, np.arange(len(chosen) + 1)).astype(np.int64)
    return Surface(kin, first, np.array(part, dtype=np.int64), len(PARTS))
