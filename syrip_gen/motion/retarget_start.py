"""A first guess of the moving body in closed form: bones as the source's, twists from how limbs bend."""

import numpy as np
from scipy.spatial.transform import Rotation

from syrip_gen.motion.retarget_energy import State
from syrip_gen.motion.retarget_points import BONES, Bones

__all__ = ["start_from_bones", "unwrap"]

TWIST_SECONDS = 0.12
"""Width of the window over which a limb's twist is averaged; frames in which the limb bends more say more."""
STRAIGHT = 0.01
"""Weight of no twist at all, against the squared sine of the bend."""
BACKWARDS_DEG, BACKWARDS_WEIGHT = 120.0, 0.05
"""Twists beyond this mean a knee or an elbow that bends backwards, which is noise of a straight limb."""


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _frame(up: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Return (T, 3, 3) rotations that take y to ``up`` and x as near to ``left`` as can be."""
    left = _unit(left - (left * up).sum(-1, keepdims=True) * up)
    return np.stack([left, up, np.cross(left, up)], axis=-1)


def _shortest(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return (T, 3, 3) the shortest rotations from unit vectors to unit vectors."""
    start = np.broadcast_to(start, end.shape)
    axis, cosine = np.cross(start, end), (start * end).sum(-1)
    opposite = cosine < -0.9999
    angle = np.arctan2(np.linalg.norm(axis, axis=-1), cosine)
    other = _unit(np.cross(start, np.where(np.abs(start[:, :1]) < 0.9, [[1.0, 0, 0]], [[0, 1.0, 0]])))
    axis = np.where(opposite[:, None], other, _unit(axis))
    return Rotation.from_rotvec(axis * angle[:, None]).as_matrix()


def _smooth(values: np.ndarray, fps: float) -> np.ndarray:
    width = TWIST_SECONDS * fps
    reach = max(round(3 * width), 1)
    window = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(width, 1e-9)) ** 2)
    return np.convolve(np.pad(values, reach, mode="edge"), window / window.sum(), mode="valid")


def _limb(
    swing: np.ndarray, bone: np.ndarray, hinge: np.ndarray, upper: np.ndarray, lower: np.ndarray, fps: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return rotations (T, 3, 3) of a limb's first joint and flexions (T,) of its second.

    Args:
        swing: (T, 3, 3) a rotation that takes ``bone`` to ``upper``.
        bone: (3,) the upper bone at rest.
        hinge: (3,) axis about which the second joint flexes, at rest.
        upper: (T, 3) direction of the upper bone in the parent's frame.
        lower: (T, 3) of the lower bone.
        fps: Frames a second.
    """
    axis, rest_axis = np.cross(upper, lower), swing @ hinge
    twist = np.arctan2((np.cross(rest_axis, axis) * upper).sum(-1), (rest_axis * axis).sum(-1))
    weight = (axis * axis).sum(-1)
    weight = np.where(np.abs(twist) > np.radians(BACKWARDS_DEG), BACKWARDS_WEIGHT * weight, weight)
    real, imaginary = _smooth(weight * np.cos(twist) + STRAIGHT, fps), _smooth(weight * np.sin(twist), fps)
    twist = np.arctan2(imaginary, real)
    first = swing @ Rotation.from_rotvec(twist[:, None] * bone).as_matrix()
    inside = np.einsum("tij,ti->tj", first, lower)
    flexion = np.arctan2((np.cross(bone, inside) * hinge).sum(-1), inside @ bone)
    return first, np.maximum(flexion, 0.0)


def unwrap(rotvec: np.ndarray) -> np.ndarray:
    """Return (T, 3) rotation vectors without jumps of a whole turn, the smallest one as it is."""
    out = rotvec.copy()
    first = int(np.argmin((rotvec * rotvec).sum(-1)))
    for order in (range(first + 1, len(out)), range(first - 1, -1, -1)):
        before = out[first]
        for t in order:
            angle = np.linalg.norm(out[t])
            if angle > 1e-9:
                other = out[t] * (1.0 - 2.0 * np.pi / angle)
                if np.linalg.norm(other - before) < np.linalg.norm(out[t] - before):
                    out[t] = other
            before = out[t]
    return out


def _arms_and_legs(
    pose: np.ndarray, parents: dict[str, np.ndarray], bones: dict[str, np.ndarray], fps: float
):
    """Fill hips, knees, shoulders and elbows of (T, 24, 3) axis-angles, in place."""
    for side, sign in (("left", 1.0), ("right", -1.0)):
        hip, knee, shoulder, elbow = (1, 4, 16, 18) if sign > 0 else (2, 5, 17, 19)
        thigh, shin, arm, forearm = (
            np.einsum("tij,ti->tj", parents[part], bones[f"{side}_{name}"])
            for part, name in (
                ("root", "thigh"),
                ("root", "shin"),
                ("chest", "upper_arm"),
                ("chest", "forearm"),
            )
        )
        flex = np.arctan2(thigh[:, 2], -thigh[:, 1])
        ahead = np.stack([np.zeros_like(flex), -np.cos(flex), np.sin(flex)], axis=-1)
        swing = _shortest(ahead, thigh) @ Rotation.from_euler("x", -flex[:, None]).as_matrix()
        down, across = np.array([0.0, -1.0, 0.0]), np.array([1.0, 0.0, 0.0])
        turn, bend = _limb(swing, down, across, thigh, shin, fps)
        pose[:, hip] = unwrap(Rotation.from_matrix(turn).as_rotvec())
        pose[:, knee, 0] = bend
        out, hinge = np.array([sign, 0.0, 0.0]), np.array([0.0, -sign, 0.0])
        turn, bend = _limb(_shortest(out, arm), out, hinge, arm, forearm, fps)
        pose[:, shoulder] = unwrap(Rotation.from_matrix(turn).as_rotvec())
        pose[:, elbow] = bend[:, None] * hinge


def start_from_bones(source: Bones, fps: float) -> State:
    """Return a moving body (translation 0) whose bones point about as the source's do.

    Args:
        source: Directions of the source's bones.
        fps: Frames a second.
    """
    count = len(source.direction)
    rest = {
        "thigh": (0, -1, 0), "shin": (0, -1, 0), "trunk": (0, 1, 0), "hip_line": (1, 0, 0),
        "shoulder_line": (1, 0, 0),
    }  # fmt: skip
    bones = {}
    for b, name in enumerate(BONES):
        default = rest.get(name, rest.get(name.partition("_")[2], (1, 0, 0)))
        if name in ("right_upper_arm", "right_forearm"):
            default = (-1, 0, 0)
        bones[name] = np.where(source.known[:, b, None], source.direction[:, b], default).astype(float)
    root = _frame(bones["trunk"], bones["hip_line"])
    chest = _frame(bones["trunk"], bones["shoulder_line"])
    pose = np.zeros((count, 24, 3))
    twist = Rotation.from_matrix(root.transpose(0, 2, 1) @ chest).as_rotvec()
    twist *= np.minimum(1.0, np.radians(60.0) / np.maximum(np.linalg.norm(twist, axis=1), 1e-9))[:, None]
    pose[:, [3, 6, 9]] = twist[:, None] / 3.0
    _arms_and_legs(pose, {"root": root, "chest": chest}, bones, fps)
    index = list(BONES).index("head_up")
    if source.known[:, index].all():
        up = np.einsum("tij,ti->tj", chest, bones["head_up"])
        nod = Rotation.from_matrix(_shortest(np.array([0.0, 1.0, 0.0]), up)).as_rotvec()
        pose[:, [12, 15]] = np.clip(0.5 * nod[:, None], -0.6, 0.6)
    return State(root, pose[:, 1:].reshape(count, 69), np.zeros((count, 3)))
