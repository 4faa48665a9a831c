"""Small BVH files for tests, in several naming schemes, with the joints' places known."""

import numpy as np
from scipy.spatial.transform import Rotation

__all__ = ["NAMES", "RIG", "along_x", "random_angles", "walk_tree", "write_bvh"]

RIG = (
    # part, parent, offset in cm (x left, y up, z forward)
    ("pelvis", None, (0, 0, 0)),
    ("spine", "pelvis", (0, 20, 0)),
    ("neck", "spine", (0, 26, 0)),
    ("head", "neck", (0, 9, 1)),
    ("left_hip", "pelvis", (9, -4, 0)),
    ("left_knee", "left_hip", (0, -42, 0)),
    ("left_ankle", "left_knee", (0, -41, 0)),
    ("right_hip", "pelvis", (-9, -4, 0)),
    ("right_knee", "right_hip", (0, -42, 0)),
    ("right_ankle", "right_knee", (0, -41, 0)),
    ("left_shoulder", "spine", (18, 24, 0)),
    ("left_elbow", "left_shoulder", (27, 0, 0)),
    ("left_wrist", "left_elbow", (25, 0, 0)),
    ("right_shoulder", "spine", (-18, 24, 0)),
    ("right_elbow", "right_shoulder", (-27, 0, 0)),
    ("right_wrist", "right_elbow", (-25, 0, 0)),
)
UPRIGHT = np.eye(3)
HEAD_END = np.array([0.0, 19.0, 0.0])
FRAMES = {
    "trunk": np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    "leg": np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]),
}
"""Columns: a joint's own x (along the bone), y and z (left) in the rig's axes."""
_LIMBS = ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")


def _names(core, limbs):
    sided = {f"{s}_{p}": limbs[p].replace("@", s.title()).replace("%", s[0]).replace("^", s[0].upper())
             for s in ("left", "right") for p in _LIMBS}  # fmt: skip
    return dict(zip(("pelvis", "spine", "neck", "head"), core, strict=True)) | sided


def _limbs(*names):
    return dict(zip(_LIMBS, names, strict=True))


_CMU = _limbs("@UpLeg", "@Leg", "@Foot", "@Arm", "@ForeArm", "@Hand")
NAMES = {
    "cmu": _names(("Hips", "Spine1", "Neck", "Head"), _CMU),
    "mixamo": {k: f"mixamorig:{v}" for k, v in _names(("Hips", "Spine1", "Neck", "Head"), _CMU).items()},
    "bandai": _names(
        ("Hips", "Spine", "Neck", "Head"),
        _limbs("UpperLeg_^", "LowerLeg_^", "Foot_^", "UpperArm_^", "LowerArm_^", "Hand_^"),
    ),
    "biovision": _names(
        ("Hips", "Chest", "Neck", "Head"),
        _limbs("@Hip", "@Knee", "@Ankle", "@Shoulder", "@Elbow", "@Wrist"),
    ),
    "poser": _names(
        ("hip", "chest", "neck", "head"), _limbs("%Thigh", "%Shin", "%Foot", "%Shldr", "%ForeArm", "%Hand")
    ),
    "blender": _names(
        ("pelvis", "spine_01", "neck", "head"),
        _limbs("thigh.^", "shin.^", "foot.^", "upper_arm.^", "forearm.^", "hand.^"),
    ),
}
"""Scheme -> part -> joint name."""


def random_angles(rng, frames, scale=25.0):
    """(T, J, 3) degrees in the order in which a file's channels stand."""
    return rng.normal(0.0, scale, (frames, len(RIG), 3))


def write_bvh(path, names, angles, root, order="ZXY", frame_time=1 / 60, scale=1.0, turn=UPRIGHT, rig=RIG):
    """Write a file; ``turn`` (3, 3) takes the rig's axes (y up) to the file's."""
    head_end = HEAD_END if rig is RIG else FRAMES["trunk"].T @ HEAD_END
    parts = [part for part, *_ in rig]
    lines = ["HIERARCHY"]

    def joint(part, depth):
        pad = "\t" * depth
        _, parent, offset = rig[parts.index(part)]
        lines.append(f"{pad}{'JOINT' if parent else 'ROOT'} {names[part]}")
        lines.append(pad + "{")
        x, y, z = scale * (turn @ np.array(offset, float))
        lines.append(f"{pad}\tOFFSET {x:.9f} {y:.9f} {z:.9f}")
        rotations = " ".join(f"{axis}rotation" for axis in order)
        if parent:
            lines.append(f"{pad}\tCHANNELS 3 {rotations}")
        else:
            lines.append(f"{pad}\tCHANNELS 6 Xposition Yposition Zposition {rotations}")
        written.append(part)
        children = [name for name, p, _ in rig if p == part]
        for child in children:
            joint(child, depth + 1)
        if not children:
            x, y, z = scale * (turn @ (head_end if part == "head" else np.array([0.0, -5.0, 0.0])))
            lines.extend([f"{pad}\tEnd Site", pad + "\t{", f"{pad}\t\tOFFSET {x:.9f} {y:.9f} {z:.9f}"])
            lines.append(pad + "\t}")
        lines.append(pad + "}")

    written = []
    joint("pelvis", 0)
    lines += ["MOTION", f"Frames: {len(angles)}", f"Frame Time: {frame_time:.9f}"]
    for t in range(len(angles)):
        values = [scale * (turn @ root[t])]
        values += [angles[t, parts.index(part)] for part in written]
        lines.append(" ".join(f"{v:.9f}" for v in np.concatenate(values)))
    path.write_text("\n".join(lines) + "\n")
    return path


def along_x(angles, order="ZXY"):
    """The same motion of a rig whose joints' own axes are turned so that at rest every bone lies along x."""
    frame = {part: FRAMES["leg" if part.endswith(("hip", "knee", "ankle")) else "trunk"] for part, *_ in RIG}
    rig, turned = [], np.empty_like(angles)
    for i, (part, parent, offset) in enumerate(RIG):
        above = frame[parent] if parent else np.eye(3)
        rig.append((part, parent, tuple(above.T @ np.array(offset, float))))
        for t in range(len(angles)):
            local = above.T @ _product(order, angles[t, i]) @ frame[part]
            turned[t, i] = Rotation.from_matrix(local).as_euler(order, degrees=True)
    return tuple(rig), turned


def walk_tree(angles, root, order="ZXY", turn=UPRIGHT):
    """Part -> (T, 3) places in the file's axes, cm, by plain matrix products, and the head's (T, 3, 3)."""
    places, turns = {}, {}
    for i, (part, parent, offset) in enumerate(RIG):
        local = np.stack([_product(order, a) for a in angles[:, i]])
        if parent is None:
            places[part], turns[part] = root @ turn.T, local
        else:
            places[part] = places[parent] + np.einsum(
                "tij,j->ti", turns[parent], turn @ np.array(offset, float)
            )
            turns[part] = np.einsum("tij,tjk->tik", turns[parent], local)
    places["head_top"] = places["head"] + np.einsum("tij,j->ti", turns["head"], turn @ HEAD_END)
    return places, turns["head"]


def _product(order, degrees):
    matrix = np.eye(3)
    for axis, angle in zip(order, degrees, strict=True):
        vector = np.zeros(3)
        vector["XYZ".index(axis)] = np.radians(angle)
        matrix = matrix @ Rotation.from_rotvec(vector).as_matrix()
    return matrix
