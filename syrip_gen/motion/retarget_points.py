"""What is compared between a clip's points and an infant: directions of bones, never their lengths."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from syrip_gen.body.assets import BodyAssets
from syrip_gen.fitting.kinematics import Kinematics, build_kinematics
from syrip_gen.keypoints.catalog import COCO17, SMPL24
from syrip_gen.motion.clip import MotionClip

__all__ = [
    "BONES",
    "LIMBS",
    "TRUNK",
    "Bones",
    "bake_shape",
    "bone_directions",
    "named_points",
    "source_points",
]

LIMBS = tuple(
    f"{side}_{bone}" for bone in ("thigh", "shin", "upper_arm", "forearm") for side in ("left", "right")
)
TRUNK = "trunk"
BONES: dict[str, tuple[str, str, float]] = {
    **{
        f"{side}_{bone}": (f"{side}_{start}", f"{side}_{end}", 2.0)
        for bone, start, end in (
            ("thigh", "hip", "knee"),
            ("shin", "knee", "ankle"),
            ("upper_arm", "shoulder", "elbow"),
            ("forearm", "elbow", "wrist"),
        )
        for side in ("left", "right")
    },
    TRUNK: ("hip_mid", "shoulder_mid", 2.0),
    "lower_spine": ("hip_mid", "spine", 5.0),
    "hip_line": ("right_hip", "left_hip", 3.0),
    "shoulder_line": ("right_shoulder", "left_shoulder", 4.0),
    "head_up": ("head", "head_above", 6.0),
    "head_front": ("head", "head_before", 6.0),
    "head_side": ("head", "head_beside", 6.0),
}
"""Bone: where it starts and ends, and how far (degrees) the infant's may stray from the source's at no great
cost. Limbs and the trunk mean the same on every body; where a spine's or a head's point lies does not."""
MIN_LENGTH = 1e-4
"""Source bones shorter than this (metres) have no direction."""
NOSE_SHARE = 0.2
"""Distance of H36M's ``neck_nose`` from the line between shoulders and head, as a share of its length, from
which it is a nose; below, it is a neck."""


class Bones(NamedTuple):
    """Directions of a clip's bones; B bones in the order of :data:`BONES`."""

    direction: np.ndarray
    """(T, B, 3) unit vectors, zeros where unknown."""
    known: np.ndarray
    """(T, B) bool."""
    spine_share: float
    """Where the source's ``spine`` lies between the middles of hips and shoulders."""


def source_points(clip: MotionClip) -> dict[str, np.ndarray]:
    """Return the clip's points (T, 3) by name, with the middles of hips and shoulders.

    Raises:
        ValueError: When a hip or a shoulder is in no frame.
    """
    points = {
        name: clip.points[:, k]
        for k, name in enumerate(clip.schema.keypoints)
        if np.isfinite(clip.points[:, k]).any()
    }
    needed = [f"{side}_{part}" for part in ("hip", "shoulder") for side in ("left", "right")]
    lacking = [name for name in needed if name not in points]
    if lacking:
        raise ValueError(f"clip '{clip.name}' ({clip.schema.name}) lacks {', '.join(lacking)}")
    for middle, part in (("hip_mid", "hip"), ("shoulder_mid", "shoulder")):
        points[middle] = 0.5 * (points[f"left_{part}"] + points[f"right_{part}"])
    return points


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Return unit vectors, NaN where there is no direction."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > MIN_LENGTH, length, np.nan)


def _head_axes(points: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the head's axes as far as the schema's points tell them."""
    out: dict[str, np.ndarray] = {}
    if {"left_ear", "right_ear", "nose"} <= points.keys():
        side = _unit(points["left_ear"] - points["right_ear"])
        front = points["nose"] - 0.5 * (points["left_ear"] + points["right_ear"])
        front = _unit(front - (front * side).sum(-1, keepdims=True) * side)
        # The nose lies below the line from between the ears straight to the front.
        out |= {"head_side": side, "head_front": front, "head_up": np.cross(front, side)}
        return out
    top = points.get("head_top", points.get("head"))
    if top is None:
        return out
    base = points["shoulder_mid"]
    lower = points.get("neck_nose", points.get("neck", base))
    up = _unit(top - base)
    beside = (lower - base) - ((lower - base) * up).sum(-1, keepdims=True) * up
    share = np.linalg.norm(beside, axis=-1) / np.maximum(np.linalg.norm(top - base, axis=-1), MIN_LENGTH)
    if "neck_nose" in points and np.nanmedian(share) > NOSE_SHARE:
        return out | {"head_up": up, "head_front": _unit(beside)}
    return out | {"head_up": _unit(top - lower)}


def bone_directions(clip: MotionClip) -> Bones:
    """Return the directions of a 3D clip's bones in the clip's own axes.

    Raises:
        ValueError: When the clip is 2D, or lacks hips or shoulders.
    """
    if not clip.is_3d:
        raise ValueError(f"clip '{clip.name}': bone directions need 3D points, it holds pixels")
    points = source_points(clip)
    share = 0.5
    if "spine" in points:
        lower = np.linalg.norm(points["spine"] - points["hip_mid"], axis=-1)
        upper = np.linalg.norm(points["shoulder_mid"] - points["spine"], axis=-1)
        share = float(np.nanmedian(lower / np.maximum(lower + upper, MIN_LENGTH)))
    axes = _head_axes(points)
    direction = np.full((len(clip), len(BONES), 3), np.nan)
    for b, (name, (start, end, _)) in enumerate(BONES.items()):
        if name in axes:
            direction[:, b] = axes[name]
        elif start in points and end in points and not name.startswith("head"):
            direction[:, b] = _unit(points[end] - points[start])
    known = np.isfinite(direction).all(-1)
    return Bones(np.where(known[..., None], direction, 0.0), known, share)


def bake_shape(kin: Kinematics, betas: np.ndarray) -> Kinematics:
    """Return the kinematics of one shape, with no betas left."""
    return kin._replace(
        joints=np.ascontiguousarray(kin.joints + kin.joint_dirs @ betas),
        joint_dirs=np.zeros((*kin.joint_dirs.shape[:2], 0)),
        pair_point=np.ascontiguousarray(kin.pair_point + kin.pair_dirs @ betas),
        pair_dirs=np.zeros((*kin.pair_dirs.shape[:2], 0)),
    )


def named_points(
    body: BodyAssets, betas: np.ndarray, as_keypoints: bool, spine_share: float = 0.5
) -> tuple[Kinematics, dict[str, int]]:
    """Return the body's points that :data:`BONES` names, and where each is found.

    Args:
        body: The infant.
        betas: (S,) its shape.
        as_keypoints: Limbs join COCO's keypoints (what people annotate) instead of the joints that the
            skeleton turns about (what motion capture gives).
        spine_share: Where ``spine`` lies between the middles of hips and shoulders.
    """
    whole = bake_shape(build_kinematics(body), betas)
    rows: dict[str, list[tuple[int, float, np.ndarray]]] = {}
    for k, name in enumerate(SMPL24.keypoints):
        rows[name] = [(k, 1.0, whole.joints[k])]
    if as_keypoints:
        for k, name in enumerate(COCO17.keypoints):
            mine = np.flatnonzero(whole.pair_keypoint == k)
            rows[name] = [
                (int(whole.pair_joint[i]), float(whole.pair_weight[i]), whole.pair_point[i]) for i in mine
            ]
    for middle, part in (("hip_mid", "hip"), ("shoulder_mid", "shoulder")):
        rows[middle] = [
            (j, 0.5 * weight, 0.5 * point)
            for side in ("left", "right")
            for j, weight, point in rows[f"{side}_{part}"]
        ]
    low, high = (sum(point for _, _, point in rows[name]) for name in ("hip_mid", "shoulder_mid"))
    spine = low + spine_share * (high - low)
    below = max((j for j in (0, 3, 6, 9) if whole.joints[j, 1] <= spine[1]), default=0)
    rows["spine"] = [(below, 1.0, spine)]
    head = whole.joints[15]
    for k, name in enumerate(("beside", "above", "before")):
        rows[f"head_{name}"] = [(15, 1.0, head + 0.1 * np.eye(3)[k])]
    index = {name: k for k, name in enumerate(rows)}
    pairs = [(index[name], *pair) for name, row in rows.items() for pair in row]
    kin = whole._replace(
        pair_keypoint=np.array([p[0] for p in pairs], dtype=np.int64),
        pair_joint=np.array([p[1] for p in pairs], dtype=np.int64),
        pair_weight=np.array([p[2] for p in pairs]),
        pair_point=np.array([p[3] for p in pairs]),
        pair_dirs=np.zeros((len(pairs), 3, 0)),
        pair_posedirs=np.zeros((len(pairs), 3, 0)),
        num_keypoints=len(rows),
    )
    return kin, index
