"""BVH files to Human3.6M's 17 points: forward kinematics, and joints found by their names."""

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from syrip_gen.keypoints.catalog import H36M17
from syrip_gen.motion.bvh_parse import Joint, parse_bvh
from syrip_gen.motion.clip import MotionClip
from syrip_gen.motion.joint_names import crown, find_parts, missing_parts
from syrip_gen.motion.mending import check_frames
from syrip_gen.motion.named_clips import Y_UP_TO_WORLD, part_points
from syrip_gen.motion.points_3d import clip_from_points

__all__ = ["forward_kinematics", "read_bvh"]

NOSE_FORWARD, NOSE_UP = 0.5, 0.45
"""Where the nose is, as shares of the way from the head joint to the crown."""


def read_bvh(text: str, path: Path, *, fps: float | None) -> MotionClip:
    """Make a clip of a BVH file.

    Args:
        text: The file's content.
        path: For messages and the clip's name.
        fps: Frames a second instead of the file's own.

    Raises:
        ValueError: If the file is broken, or joints that are needed are not found; all of them are listed.
    """
    bvh = parse_bvh(text, str(path))
    check_frames(len(bvh.motion), str(path))
    scheme, found = find_parts(j.name for j in bvh.joints if not j.is_end)
    missing = missing_parts(found)
    if missing:
        raise ValueError(
            f"{path}: no joint for {', '.join(missing)} (nearest naming: {scheme or 'none'}); the file has "
            f"{', '.join(j.name for j in bvh.joints if not j.is_end)}"
        )
    index = {part: _first(bvh.joints, name) for part, name in found.items()}
    sound = np.isfinite(bvh.motion).all(axis=1)
    places, turns = forward_kinematics(bvh.joints, np.where(sound[:, None], bvh.motion, 0.0))
    places[~sound] = np.nan
    still = np.zeros((1, bvh.motion.shape[1]))
    rest = forward_kinematics(bvh.joints, still, use_positions=False)[0][0]
    at = {part: places[:, i] for part, i in index.items()}
    at |= _head_points(bvh.joints, places, turns, rest, index)
    points = part_points(at)
    is_z_up = _is_z_up(rest, index)
    if not is_z_up:
        points = points @ Y_UP_TO_WORLD.T
    rate = 1.0 / bvh.frame_time
    clip = clip_from_points(
        points, str(path), path.stem, fps=rate if fps is None else fps, schema=H36M17, frame="world"
    )
    notes = [f"joints are named as by {scheme}"]
    if is_z_up:
        notes.append("z is up in this file, by its rest pose")
    if fps is not None and abs(fps - rate) > 0.01:
        notes.append(f"played at {fps:g} frames a second instead of its own {rate:.4g}")
    return clip.with_notes(*notes)


def forward_kinematics(
    joints: list[Joint], motion: np.ndarray, *, use_positions: bool = True
) -> tuple[np.ndarray, list[Rotation]]:
    """Return (T, J, 3) places in the file's axes and unit, and the T rotations of every joint to the world.

    Rotations apply in the order in which their channels stand: ``Zrotation Xrotation Yrotation`` is
    Rz Rx Ry. A position channel stands in for that coordinate of the joint's offset.
    """
    count = len(motion)
    places = np.zeros((count, len(joints), 3))
    turns: list[Rotation] = []
    at = 0
    for i, joint in enumerate(joints):
        local = np.repeat(joint.offset[None], count, axis=0)
        axes, angles = "", []
        for channel in joint.channels:
            if channel.endswith("rotation"):
                axes += channel[0].upper()
                angles.append(motion[:, at])
            elif use_positions:
                local[:, "xyz".index(channel[0])] = motion[:, at]
            at += 1
        turn = Rotation.identity(count)
        if axes:
            turn = Rotation.from_euler(axes, np.stack(angles, axis=1), degrees=True)
        if joint.parent >= 0:
            parent = turns[joint.parent]
            places[:, i] = places[:, joint.parent] + parent.apply(local)
            turn = parent * turn
        else:
            places[:, i] = local
        turns.append(turn)
    return places, turns


def _first(joints: list[Joint], name: str) -> int:
    return next(i for i, joint in enumerate(joints) if joint.name == name)


def _head_points(
    joints: list[Joint],
    places: np.ndarray,
    turns: list[Rotation],
    rest: np.ndarray,
    index: dict[str, int],
) -> dict[str, np.ndarray]:
    """Return the crown (the head's end site where it has one) and a nose, carried by the head joint.

    Args:
        joints: The hierarchy.
        places: (T, J, 3) places.
        turns: Rotations of the joints.
        rest: (J, 3) places with all rotations 0; tells where the head's left and front are.
        index: Part -> joint.
    """
    head = index["head"]
    trunk = float(np.linalg.norm(rest[index["neck"]] - rest[index["pelvis"]]))
    top = index.get(
        "head_top", next((i for i, j in enumerate(joints) if j.is_end and j.parent == head), None)
    )
    if top is not None and np.linalg.norm(rest[top] - rest[head]) > 0.1 * trunk:
        head_top, way = places[:, top], rest[top] - rest[head]
    else:
        head_top = crown(places[:, head], places[:, index["neck"]], places[:, index["pelvis"]])
        way = crown(*(rest[None, index[part]] for part in ("head", "neck", "pelvis")))[0] - rest[head]
    length = float(np.linalg.norm(way))
    up = rest[head] - rest[index["pelvis"]]
    left = rest[index["left_hip"]] - rest[index["right_hip"]]
    forward = np.cross(left, up)
    if np.linalg.norm(forward) < 1e-9 or length < 1e-9:
        return {"head_top": head_top}
    nose = NOSE_UP * way + NOSE_FORWARD * length * forward / np.linalg.norm(forward)
    return {"head_top": head_top, "neck_nose": places[:, head] + turns[head].apply(nose)}


def _is_z_up(rest: np.ndarray, index: dict[str, int]) -> bool:
    """Whether the rest pose stands along z. BVH is y up by custom; some tools write z up.

    A rest pose that does not stand (LaFAN1's bones all point along x) says nothing, and y is up.
    """
    spine = rest[index["neck"]] - rest[index["pelvis"]]
    ankles = (rest[index["left_ankle"]] + rest[index["right_ankle"]]) / 2
    legs = rest[index["pelvis"]] - ankles
    tall = np.linalg.norm(spine) * np.linalg.norm(legs)
    stands = tall > 0 and spine @ legs / tall > 0.7
    return bool(stands and np.argmax(np.abs(spine)) == 2 and spine[2] > 0)
