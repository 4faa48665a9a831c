"""A user's own skeleton driven by the body model's motion: alignment of rest poses, rotations, placement."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from syrip_gen.geometry.camera import transform_points
from syrip_gen.geometry.rotations import rotation_between
from syrip_gen.keypoints.catalog import COCO17, SMPL24
from syrip_gen.rendering.character_bones import CharacterRig, mapped_above
from syrip_gen.rendering.character_map import BoneMap

__all__ = ["CharacterPose", "RigDriver"]

_ALIGNED = {
    f"{side}_{joint}": f"{side}_{child}"
    for side in ("left", "right")
    for joint, child in (
        ("hip", "knee"),
        ("knee", "ankle"),
        ("ankle", "foot"),
        ("shoulder", "elbow"),
        ("elbow", "wrist"),
        ("wrist", "hand"),
    )
}
"""Joints whose bones are turned to SMPL's rest direction (towards the child) before they follow the motion.
Only long bones: that spines and collars run differently is anatomy, not pose."""
_MIN_LENGTH = 1e-6
_HIPS = (SMPL24.index("left_hip"), SMPL24.index("right_hip"))


@dataclass(frozen=True, slots=True, eq=False)
class CharacterPose:
    """One frame of a driven skeleton."""

    quaternions: dict[str, tuple[float, float, float, float]]
    """w, x, y, z of each driven bone in its own rest axes, as Blender's pose bones take them."""
    T_world_file: np.ndarray
    """(4, 4) similarity: the file with its bones posed to the world (z up, metres); it turns the pelvis."""
    heads: np.ndarray
    """(B, 3) posed heads of all bones, world."""
    tails: np.ndarray
    """(B, 3) posed tails, world."""
    keypoints: np.ndarray
    """(17, 3) COCO-17, world."""

    def lifted(self, metres: float) -> "CharacterPose":
        """Return the pose moved upwards."""
        up = np.array([0.0, 0.0, metres])
        T = self.T_world_file.copy()
        T[:3, 3] += up
        return CharacterPose(self.quaternions, T, self.heads + up, self.tails + up, self.keypoints + up)


class RigDriver:
    """Turns the body model's joint rotations into those of one rig's bones.

    A bone turns in the world as its joint does. Before that, limbs are laid into SMPL's T-pose along their
    directions, one below the other, so that arms at rest in an A-pose do not stay 45 degrees off.

    Attributes:
        rig: The skeleton.
        scale: Metres per unit of the file.
        axes: (3, 3) rotation from the file's axes to SMPL's rest axes.
        keypoints: (17, 3) keypoints at rest, file axes and units.
        joint_of_bone: (B,) SMPL joint that moves each bone.
    """

    def __init__(self, rig: CharacterRig, bones: BoneMap, rest_joints: np.ndarray) -> None:
        """Compare the rest poses.

        Args:
            rig: The skeleton; :func:`check_bones` has passed.
            bones: Its map.
            rest_joints: (24, 3) rest joints of the body model that the motion belongs to, metres.
        """
        self.rig = rig
        self._bone = {joint: rig.names.index(name) for joint, name in bones.joints.items()}
        self.axes = self._file_axes(bones, rest_joints)
        legs = [self._length(side, "hip", "knee") + self._length(side, "knee", "ankle") for side in _SIDES]
        ours = [_chain(rest_joints, f"{side}_hip", f"{side}_knee", f"{side}_ankle") for side in _SIDES]
        self.leg_ratio = 1.0 if bones.scale is None else bones.scale * sum(legs) / sum(ours)
        self.scale = sum(ours) / sum(legs) if bones.scale is None else bones.scale
        self._alignment = self._alignments(rest_joints)
        self.keypoints, self._keypoint_bone, self._second_bone = self._rest_keypoints(bones)
        self.joint_of_bone = self._joints_of_bones()

    def _head(self, joint: str) -> np.ndarray:
        return self.rig.heads[self._bone[joint]]

    def _length(self, side: str, joint: str, child: str) -> float:
        return float(np.linalg.norm(self._head(f"{side}_{child}") - self._head(f"{side}_{joint}")))

    def _file_axes(self, bones: BoneMap, rest_joints: np.ndarray) -> np.ndarray:
        """Return the rotation from the file's axes to SMPL's that brings hips and head to the same sides."""
        ours = rest_joints[[SMPL24.index(name) for name in ("left_hip", "right_hip", "head")]]
        theirs = np.array([self._head(name) for name in ("left_hip", "right_hip", "head")])
        up, their_up = ours[2] - ours[:2].mean(axis=0), theirs[2] - theirs[:2].mean(axis=0)
        if bones.up:
            up, their_up = np.array([0.0, 1.0, 0.0]), np.array(bones.up)
        x = theirs[0] - theirs[1]
        if np.linalg.norm(np.cross(x, their_up)) < _MIN_LENGTH * np.linalg.norm(their_up):
            raise ValueError(
                f"{bones.source}: the hips' bones begin on one spot, or one above the other; left and right "
                "cannot be told. Give 'up', or map other bones"
            )
        return _frame(ours[0] - ours[1], up) @ _frame(x, their_up).T

    def _alignments(self, rest_joints: np.ndarray) -> dict[str, np.ndarray]:
        """Return by joint the rotation (SMPL's axes) that lays its bone into SMPL's rest pose."""
        alignment: dict[str, np.ndarray] = {}
        for joint in SMPL24.keypoints:
            if joint not in self._bone:
                continue
            above = mapped_above(joint, self._bone)
            turn = alignment[above] if above else np.eye(3)
            child = _ALIGNED.get(joint)
            if child in self._bone:
                theirs = turn @ self.axes @ (self._head(child) - self._head(joint))
                ours = rest_joints[SMPL24.index(child)] - rest_joints[SMPL24.index(joint)]
                if np.linalg.norm(theirs) > _MIN_LENGTH:
                    turn = rotation_between(theirs, ours) @ turn
            alignment[joint] = turn
        return alignment

    def _rest_keypoints(self, bones: BoneMap) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (17, 3) keypoints at rest in the file's axes and (17,) the first and second bone of each.

        A joint's flesh lies on both bones that meet there, so a keypoint beside its joint turns half with
        either. What is fixed to one bone has it twice.
        """
        points, carriers, seconds = [], [], []
        for name in COCO17.keypoints:
            keypoint = bones.keypoints[name]
            bone = self.rig.names.index(keypoint.bone)
            head, tail = self.rig.heads[bone], self.rig.tails[bone]
            place = head + keypoint.at * (tail - head) + np.array(keypoint.offset) @ self.axes
            points.append(place if keypoint.point is None else np.array(keypoint.point))
            carriers.append(bone)
            is_joint = self._bone.get(name) == bone and keypoint.at == 0 and self.rig.parents[bone] >= 0
            seconds.append(self.rig.parents[bone] if is_joint else bone)
        return np.array(points), np.array(carriers), np.array(seconds)

    def _joints_of_bones(self) -> np.ndarray:
        """Return (B,) the SMPL joint whose motion each bone follows; what is above the pelvis is pelvis."""
        own = {bone: SMPL24.index(joint) for joint, bone in self._bone.items()}
        joints = np.zeros(len(self.rig.names), np.int64)
        for bone, parent in enumerate(self.rig.parents):
            joints[bone] = own.get(bone, joints[parent] if parent >= 0 else 0)
        return joints

    def drive(self, rotations: np.ndarray, joints: np.ndarray, anchor: np.ndarray) -> CharacterPose:
        """Pose the skeleton for one frame.

        Args:
            rotations: (24, 3, 3) turn of each SMPL joint from SMPL's rest axes to the world (z up).
            joints: (24, 3) posed joints of the body model, world, metres.
            anchor: (3,) world point that the motion's path is scaled about when the rig keeps a size of its
                own (``scale`` of the bone map); a point of the floor.
        """
        turns = self._turns(rotations)
        root = turns[self._bone["pelvis"]]
        turns = root.T @ turns
        heads, tails = self._posed_bones(turns)
        hips = (heads[self._bone["left_hip"]] + heads[self._bone["right_hip"]]) / 2
        target = anchor + self.leg_ratio * (joints[list(_HIPS)].mean(axis=0) - anchor)
        T = np.eye(4)
        T[:3, :3] = self.scale * root
        T[:3, 3] = target - T[:3, :3] @ hips
        carrier = self._keypoint_bone
        between = (turns[carrier] + turns[self._second_bone]) / 2
        beside = self.keypoints - self.rig.heads[carrier]
        points = heads[carrier] + np.einsum("kab,kb->ka", between, beside)
        return CharacterPose(
            quaternions=self._local_quaternions(turns @ self.rig.axes),
            T_world_file=T,
            heads=transform_points(T, heads),
            tails=transform_points(T, tails),
            keypoints=transform_points(T, points),
        )

    def _turns(self, rotations: np.ndarray) -> np.ndarray:
        """Return (B, 3, 3) turns of all bones from the file to the world.

        Bones without a joint go with their parents, and those that are not below the pelvis with the pelvis.
        """
        root = rotations[0] @ self._alignment["pelvis"] @ self.axes
        turns = np.tile(root, (len(self.rig.names), 1, 1))
        joint_of = {bone: joint for joint, bone in self._bone.items()}
        for bone, parent in enumerate(self.rig.parents):
            if bone in joint_of:
                joint = joint_of[bone]
                turns[bone] = rotations[SMPL24.index(joint)] @ self._alignment[joint] @ self.axes
            elif parent >= 0:
                turns[bone] = turns[parent]
        return turns

    def _posed_bones(self, turns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (B, 3) heads and tails in the file's axes; bones only turn, so roots stay where they are."""
        rest = self.rig.heads
        heads = rest.copy()
        for bone, parent in enumerate(self.rig.parents):
            if parent >= 0:
                heads[bone] = heads[parent] + turns[parent] @ (rest[bone] - rest[parent])
        return heads, heads + np.einsum("bij,bj->bi", turns, self.rig.tails - rest)

    def _local_quaternions(self, posed: np.ndarray) -> dict[str, tuple[float, float, float, float]]:
        """Return the rotations of the mapped bones relative to where their parents carry them."""
        rest, local = self.rig.axes, {}
        for bone in self._bone.values():
            parent = self.rig.parents[bone]
            frame = rest[bone] if parent < 0 else posed[parent] @ rest[parent].T @ rest[bone]
            x, y, z, w = Rotation.from_matrix(frame.T @ posed[bone]).as_quat().tolist()
            local[self.rig.names[bone]] = (w, x, y, z)
        return local


_SIDES = ("left", "right")


def _frame(left: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Return a rotation whose columns are the unit vectors left, up (at right angles to it) and forward."""
    x = left / np.linalg.norm(left)
    z = np.cross(x, up)
    z = z / np.linalg.norm(z)
    return np.stack([x, np.cross(z, x), z], axis=1)


def _chain(joints: np.ndarray, *names: str) -> float:
    """Return the length of a chain of SMPL joints."""
    points = joints[[SMPL24.index(name) for name in names]]
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
