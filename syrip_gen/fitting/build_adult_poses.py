"""Make 3D poses of adults to pretrain lifters on: ``python -m syrip_gen.fitting.build_adult_poses``.

For those who have no motion capture. The skeleton of the embedded infant is rescaled limb by limb to adult
segment lengths (fractions of stature by Drillis and Contini 1966, as in Winter, "Biomechanics and Motor
Control of Human Movement", 2009, fig. 4.1), and stands, walks (sagittal hip, knee and ankle angles over the
gait cycle as in Winter 1991 and Perry 1992, rounded), sits on chairs, bends and squats, seen by cameras at
about eye level. What comes out is what ``syrip train --recipe lifter-adult --poses-3d`` takes.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from syrip_gen.body import load_body
from syrip_gen.body.assets import BodyAssets
from syrip_gen.fitting.anatomy import forward_joints, pose_from_angles
from syrip_gen.fitting.npz_files import write_npz
from syrip_gen.keypoints.catalog import COCO17, SMPL24, get_schema
from syrip_gen.keypoints.schema import KeypointSchema
from syrip_gen.randomness import stream_rng

__all__ = ["adult_skeleton", "build_adult_poses", "main"]

STATURE_M = (1.70, 0.09)
"""Mean and standard deviation over women and men."""
VARIATION = 0.04
"""Relative standard deviation of a segment's length about its fraction of stature."""
THIGH, SHANK, FOOT, UPPER_ARM, FOREARM, HAND = 0.245, 0.246, 0.09, 0.186, 0.146, 0.06
TRUNK = 0.288
"""Hip joints to shoulder joints, upright."""
SHOULDERS, HIPS = 0.20, 0.10
"""Distance of the joint centres (the cited breadths are those of the body's outline: 0.259 and 0.191)."""
EYES_ABOVE_SHOULDERS, CROWN_ABOVE_EYES = 0.118, 0.064

Ranges = tuple[tuple[float, float], ...]
LEGS: Mapping[str, Ranges] = {  # syrip_gen.fitting.anatomy.LEG_ANGLES, degrees
    "stand": ((-8, 15), (-2, 14), (-5, 20), (0, 12), (-5, 10), (-5, 5)),
    "stride": ((-20, 40), (-2, 12), (-5, 15), (0, 45), (-15, 15), (-5, 5)),
    "sit": ((65, 105), (0, 30), (-15, 20), (55, 110), (-10, 15), (-5, 10)),
    "squat": ((55, 120), (5, 35), (0, 25), (60, 130), (5, 30), (-5, 5)),
}
ARMS: Mapping[str, Ranges] = {  # ARM_ANGLES, degrees
    "hang": ((-5, 25), (-86, -68), (-25, 15), (3, 40), (-30, 30), (-10, 15)),
    "gesture": ((0, 60), (-75, -30), (-60, 10), (30, 120), (-40, 40), (-20, 20)),
    "reach": ((50, 95), (-40, 30), (-50, 20), (0, 60), (-40, 40), (-20, 20)),
    "raise": ((0, 70), (20, 85), (-60, 10), (0, 90), (-40, 40), (-20, 20)),
    "aside": ((-5, 40), (-30, 25), (-60, 10), (0, 50), (-40, 40), (-20, 20)),
}
TRUNKS: Mapping[str, Ranges] = {  # TRUNK_ANGLES, degrees
    "upright": ((-8, 12), (-8, 8), (-15, 15), (-15, 20), (-10, 10), (-45, 45)),
    "bent": ((20, 75), (-12, 12), (-25, 25), (-25, 15), (-10, 10), (-35, 35)),
}
DEEDS: tuple[tuple[float, str, str, tuple[str, ...]], ...] = (
    (0.3, "stand", "upright", ("hang", "hang", "gesture", "reach", "raise", "aside")),
    (0.3, "walk", "upright", ("hang",)),
    (0.1, "stride", "upright", ("gesture", "reach", "raise", "aside")),
    (0.15, "sit", "upright", ("hang", "gesture", "gesture", "reach")),
    (0.1, "stand", "bent", ("hang", "reach", "gesture")),
    (0.05, "squat", "bent", ("reach", "gesture", "hang")),
)
"""Share, legs, trunk, and the arms to choose from."""
GAIT_PERCENT = {
    "hip": ((0, 10, 30, 50, 60, 75, 87, 100), (30, 25, 5, -10, -3, 20, 32, 30)),
    "knee": ((0, 12, 40, 60, 72, 87, 97, 100), (5, 18, 5, 38, 62, 25, 3, 5)),
    "ankle": ((0, 8, 45, 62, 80, 100), (0, -5, 10, -17, 0, 0)),
}
"""Angles over the gait cycle from heel strike, degrees (ankle: dorsiflexion)."""
ARM_SWING_DEG = 22.0
CAMERA_ELEVATION_DEG = (-10, 30)
DISTANCE_M = (2.5, 6.0)
FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")


def adult_skeleton(assets: BodyAssets, factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rest joints (24, 3) of an adult of stature 1, and five face points and the crown (6, 3).

    Args:
        assets: Body whose skeleton is rescaled (T-pose, y up, facing +z).
        factors: (8,) lengths over the tables': thigh, shank, upper arm, forearm, trunk, shoulders, hips,
            head.
    """
    joints = np.asarray(assets.J_regressor @ assets.v_template)
    face = np.asarray(assets.keypoint_regressor @ assets.v_template)[:5]
    crown = np.array([0.0, assets.v_template[:, 1].max(), joints[15, 2]])
    thigh, shank, upper, fore, trunk, shoulders, hips, head = factors
    lengths = {(4, 5): THIGH * thigh, (7, 8): SHANK * shank, (10, 11): FOOT, (18, 19): UPPER_ARM * upper,
               (20, 21): FOREARM * fore, (22, 23): HAND}  # fmt: skip
    offset = joints - joints[np.maximum(np.asarray(assets.parents), 0)]
    for pair, length in lengths.items():
        for joint in pair:
            offset[joint] *= length / np.linalg.norm(offset[joint])
    offset[[1, 2]] *= HIPS * hips / (joints[1, 0] - joints[2, 0])
    rise = (TRUNK * trunk + offset[[1, 2], 1].mean()) / (joints[[16, 17], 1].mean() - joints[0, 1])
    wide = SHOULDERS * shoulders / (joints[16, 0] - joints[17, 0])
    offset[[3, 6, 9, 13, 14, 16, 17]] *= [wide, rise, rise]
    larger = CROWN_ABOVE_EYES * head / (crown[1] - face[1:3, 1].mean())
    eyes = larger * (face[1:3, 1].mean() - joints[15, 1])
    neck = (EYES_ABOVE_SHOULDERS - eyes) / (joints[15, 1] - joints[[16, 17], 1].mean())
    offset[[12, 15]] *= max(neck, 0.3 * rise)
    rest = np.zeros((24, 3))
    for joint in range(1, 24):
        rest[joint] = rest[assets.parents[joint]] + offset[joint]
    return rest, larger * (np.vstack([face, crown]) - joints[15])


def build_adult_poses(
    num_poses: int, seed: int, schema: KeypointSchema = COCO17, body: str = "infant"
) -> dict[str, np.ndarray]:
    """Return the arrays of a pose file: keypoints_3d_m (N, K, 3) m, gravity (N, 3), clip (N,), schema.

    Args:
        num_poses: N.
        seed: Root seed.
        schema: Keypoints wanted; adults' files often come in ``h36m17``.
        body: Body whose skeleton is rescaled.

    Raises:
        ValueError: If the schema has keypoints that the skeleton has not.
    """
    assets, rng = load_body(body), stream_rng(seed, 0, "adult-poses")
    shares = np.array([share for share, *_ in DEEDS])
    deeds = np.sort(rng.choice(len(DEEDS), num_poses, p=shares / shares.sum()))
    pose = np.concatenate([_poses(DEEDS[i], int((deeds == i).sum()), rng) for i in range(len(DEEDS))])
    pose = pose[rng.permutation(num_poses)]
    points = np.empty((num_poses, len(schema), 3))
    stature = np.clip(rng.normal(*STATURE_M, num_poses), 1.45, 2.0)
    for i in range(num_poses):
        rest, head = adult_skeleton(assets, np.clip(rng.normal(1, VARIATION, 8), 0.88, 1.12))
        joints, turns = forward_joints(pose[i : i + 1], rest, assets.parents)
        face = joints[0, 15] + head @ turns[0, 15].T
        points[i] = stature[i] * _in_schema(joints[0], face, schema)
    view, gravity = _views(num_poses, rng)
    points = np.einsum("nij,nkj->nki", view, points)
    hips = points[:, [schema.index("left_hip"), schema.index("right_hip")]].mean(1, keepdims=True)
    distance = rng.uniform(*DISTANCE_M, (num_poses, 1, 1)) * [0.0, 0.0, 1.0]
    return {
        "keypoints_3d_m": (points - hips + distance).astype(np.float32),
        "gravity": gravity.astype(np.float32),
        "clip": np.arange(num_poses, dtype=np.int32),
        "schema": np.array(schema.name),
    }


def _poses(deed: tuple[float, str, str, tuple[str, ...]], count: int, rng: np.random.Generator) -> np.ndarray:
    """Return (count, 23, 3) body poses of one deed."""
    _, legs, trunk, arms = deed
    phase = rng.uniform(0, 100, count)
    if legs == "walk":
        both = [_gait(phase, rng), _gait((phase + 50) % 100, rng)]
    else:
        both = [_draw(LEGS[legs], count, rng) for _ in range(2)]
    kinds = rng.integers(len(arms), size=(2, count))
    kinds[1] = np.where(rng.random(count) < 0.5, kinds[0], kinds[1])
    drawn = np.stack([[_draw(ARMS[name], count, rng) for _ in range(2)] for name in arms])
    sides = [drawn[kinds[side], side, np.arange(count)] for side in range(2)]
    pose = pose_from_angles(both[0], both[1], sides[0], sides[1], _draw(TRUNKS[trunk], count, rng))
    if legs == "walk":  # arms swing against the legs
        swing = ARM_SWING_DEG * rng.uniform(0.3, 1.3, count) * np.cos(2 * np.pi * phase / 100)
        for joint, forward in ((15, -swing), (16, swing)):
            pose[:, joint] = (_about("x", -forward) * Rotation.from_rotvec(pose[:, joint])).as_rotvec()
    return pose


def _draw(ranges: Ranges, count: int, rng: np.random.Generator) -> np.ndarray:
    low, high = np.array(ranges, dtype=float).T
    return low + (high - low) * rng.beta(2.0, 2.0, (count, len(low)))


def _gait(phase: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return (N, 6) angles of a leg at phases in percent of the gait cycle."""
    hip, knee, ankle = (np.interp(phase, *GAIT_PERCENT[name]) for name in ("hip", "knee", "ankle"))
    angles = _draw(LEGS["stand"], len(phase), rng)
    size = rng.uniform(0.6, 1.25, len(phase))
    angles[:, 0], angles[:, 3], angles[:, 4] = size * hip, np.maximum(size * knee, 0), size * ankle
    return angles


def _views(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return (N, 3, 3) rotations from the body's frame (y up) to cameras, and gravity there."""
    yaw = _about("y", rng.uniform(-180, 180, count))
    level = _about("x", rng.uniform(*CAMERA_ELEVATION_DEG, count)) * _about("x", np.full(count, 180.0))
    return (level * yaw).as_matrix(), level.apply([0.0, -1.0, 0.0])


def _about(axis: str, degrees: np.ndarray) -> Rotation:
    return Rotation.from_rotvec(np.radians(degrees)[:, None] * np.eye(3)["xyz".index(axis)])


def _in_schema(joints: np.ndarray, face: np.ndarray, schema: KeypointSchema) -> np.ndarray:
    at = dict(zip(SMPL24.keypoints, joints, strict=True)) | dict(zip(FACE, face, strict=False))
    shoulders = 0.5 * (at["left_shoulder"] + at["right_shoulder"])
    at |= {"head_top": face[5], "neck_nose": at["nose"], "upper_neck": at["neck"]}
    at |= {"spine": at["spine2"], "thorax": shoulders, "mid_hip": 0.5 * (at["left_hip"] + at["right_hip"])}
    lacking = [name for name in schema.keypoints if name not in at]
    if lacking:
        raise ValueError(f"{schema.name} has {', '.join(lacking[:4])}, which this skeleton has not")
    return np.stack([at[name] for name in schema.keypoints])


def main() -> None:
    """Write a pose file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--poses", type=int, default=20_000, help="how many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--schema", default="coco17", help="coco17, h36m17, mpii16 or smpl24")
    parser.add_argument("-o", "--output", type=Path, default=Path("adult_poses.npz"))
    args = parser.parse_args()
    if args.poses < 1:
        parser.error("--poses must be at least 1")
    write_npz(args.output, build_adult_poses(args.poses, args.seed, get_schema(args.schema)))
    print(f"{args.output}: {args.poses} poses ({args.schema})")


if __name__ == "__main__":
    main()
