"""Keypoints of one posed body and their analytic Jacobian, compiled, without skinning a mesh.

A keypoint is a weighted sum of skinned vertices. Summed over the vertices once, it becomes a short sum over
the joints that move it (DESIGN.md section 7): with regressor R and skinning weights W,

    A_kj = sum_v R_kv W_vj,   B_kj(betas) = sum_v R_kv W_vj v(betas),
    p_k  = sum_j [ R_j (B_kj - A_kj J_j) + A_kj c_j ],

where R_j is the world rotation of joint j, J_j its rest position and c_j its posed position.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from syrip_gen.body.assets import NUM_JOINTS, BodyAssets

__all__ = [
    "Kinematics",
    "build_kinematics",
    "compiled",
    "forward",
    "keypoint_jacobian",
    "left_jacobian",
    "rodrigues",
]

compiled = njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "arcp", "nsz"})
"""Compile without the interpreter's lock. Sums may be reordered (and so vectorised); NaN and infinities keep
their meaning. Plain loops only: array expressions and linear algebra would multiply the time of the first
compilation."""

MIN_PAIR_WEIGHT = 1e-6
"""Keypoint-joint pairs that carry less than this are merged into the keypoint's strongest pair."""


class Kinematics(NamedTuple):
    """Precomputed sums of one body; P keypoint-joint pairs, S betas, K keypoints, metres, rest frame."""

    parents: np.ndarray
    """(24,) int64, -1 for the root."""
    joints: np.ndarray
    """(24, 3) rest joints at zero betas."""
    joint_dirs: np.ndarray
    """(24, 3, S) their change per unit of beta."""
    pair_keypoint: np.ndarray
    """(P,) int64."""
    pair_joint: np.ndarray
    """(P,) int64."""
    pair_weight: np.ndarray
    """(P,) A_kj."""
    pair_point: np.ndarray
    """(P, 3) B_kj at zero betas."""
    pair_dirs: np.ndarray
    """(P, 3, S) change of B_kj per unit of beta."""
    pair_posedirs: np.ndarray
    """(P, 3, 207) change of B_kj per pose feature, (P, 3, 0) for a body without pose blend shapes."""
    num_keypoints: int


def build_kinematics(assets: BodyAssets) -> Kinematics:
    """Sum regressor x skinning weights x rest vertices over the vertices of a body."""
    regressor = np.asarray(assets.keypoint_regressor.todense(), dtype=np.float64)
    joint_regressor = assets.J_regressor
    size = assets.num_betas
    weight = regressor @ assets.weights
    keep = np.abs(weight) > MIN_PAIR_WEIGHT
    pair_keypoint, pair_joint = np.nonzero(keep)
    per_pair = regressor[pair_keypoint] * assets.weights[:, pair_joint].T
    dropped = regressor.sum(1) - np.where(keep, weight, 0.0).sum(1)
    strongest = np.argmax(weight, axis=1)
    for k in range(len(regressor)):
        row = np.flatnonzero((pair_keypoint == k) & (pair_joint == strongest[k]))[0]
        per_pair[row] += dropped[k] * regressor[k]
    dirs = assets.shapedirs.reshape(assets.num_vertices, 3 * size)
    if assets.posedirs is None:
        posedirs = np.zeros((len(pair_joint), 3, 0))
    else:
        flat = assets.posedirs.reshape(assets.num_vertices, -1)
        posedirs = (per_pair @ flat).reshape(len(pair_joint), 3, -1)
    return Kinematics(
        parents=np.ascontiguousarray(assets.parents, dtype=np.int64),
        joints=np.ascontiguousarray(joint_regressor @ assets.v_template),
        joint_dirs=np.ascontiguousarray((joint_regressor @ dirs).reshape(NUM_JOINTS, 3, size)),
        pair_keypoint=pair_keypoint.astype(np.int64),
        pair_joint=pair_joint.astype(np.int64),
        pair_weight=np.ascontiguousarray(per_pair.sum(1)),
        pair_point=np.ascontiguousarray(per_pair @ assets.v_template),
        pair_dirs=np.ascontiguousarray((per_pair @ dirs).reshape(len(pair_joint), 3, size)),
        pair_posedirs=np.ascontiguousarray(posedirs),
        num_keypoints=len(regressor),
    )


@compiled
def _about(w, diagonal, outer, cross):
    """Return the (3, 3) matrix diagonal I + outer w w^T + cross [w]x."""
    out = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            out[i, j] = outer * w[i] * w[j]
        out[i, i] += diagonal
    out[0, 1] -= cross * w[2]
    out[1, 0] += cross * w[2]
    out[0, 2] += cross * w[1]
    out[2, 0] -= cross * w[1]
    out[1, 2] -= cross * w[0]
    out[2, 1] += cross * w[0]
    return out


@compiled
def rodrigues(w: np.ndarray) -> np.ndarray:
    """Return the (3, 3) rotation of an axis-angle vector (3,), radians."""
    a2 = w[0] * w[0] + w[1] * w[1] + w[2] * w[2]
    if a2 < 1e-12:
        s, c = 1.0 - a2 / 6.0, 0.5 - a2 / 24.0
    else:
        a = np.sqrt(a2)
        s, c = np.sin(a) / a, (1.0 - np.cos(a)) / a2
    return _about(w, 1.0 - c * a2, c, s)


@compiled
def left_jacobian(w: np.ndarray) -> np.ndarray:
    """Return the left Jacobian of SO(3): R(w + d) = exp(J d) R(w) to first order (Chirikjian, Eq. 10.86)."""
    a2 = w[0] * w[0] + w[1] * w[1] + w[2] * w[2]
    if a2 < 1e-8:
        b, c = 0.5 - a2 / 24.0, 1.0 / 6.0 - a2 / 120.0
    else:
        a = np.sqrt(a2)
        b, c = (1.0 - np.cos(a)) / a2, (a - np.sin(a)) / (a2 * a)
    return _about(w, 1.0 - c * a2, c, b)


@compiled
def _product(a, b):
    """Return the 3x3 matrix product (a call of BLAS would cost more than the nine sums)."""
    out = np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            for k in range(3):
                out[i, j] += a[i, k] * b[k, j]
    return out


@compiled
def _rest(base: np.ndarray, dirs: np.ndarray, betas: np.ndarray) -> np.ndarray:
    out = np.empty(base.shape)
    for i in range(base.shape[0]):
        for a in range(3):
            value = base[i, a]
            for s in range(betas.shape[0]):
                value += dirs[i, a, s] * betas[s]
            out[i, a] = value
    return out


@compiled
def _pose_tree(kin, rest, root, pose, transl):
    """Return world rotations (24, 3, 3), posed joints (24, 3) and the 207 pose features."""
    count = rest.shape[0]
    rotations = np.empty((count, 3, 3))
    centers = np.empty((count, 3))
    feature = np.empty(9 * (count - 1))
    for a in range(3):
        centers[0, a] = rest[0, a] + transl[a]
        for b in range(3):
            rotations[0, a, b] = root[a, b]
    for j in range(1, count):
        p = kin.parents[j]
        local = rodrigues(pose[3 * j - 3 : 3 * j])
        world = _product(rotations[p], local)
        for a in range(3):
            centers[j, a] = centers[p, a]
            for b in range(3):
                rotations[j, a, b] = world[a, b]
                centers[j, a] += rotations[p, a, b] * (rest[j, b] - rest[p, b])
                feature[9 * (j - 1) + 3 * a + b] = local[a, b] - (1.0 if a == b else 0.0)
    return rotations, centers, feature


@compiled
def forward(kin, betas, root, pose, transl):
    """Pose one body.

    Args:
        kin: Sums of the body.
        betas: (S,).
        root: (3, 3) rotation of the root, body to output frame.
        pose: (69,) axis-angle of joints 1..23, radians.
        transl: (3,) metres.

    Returns:
        keypoints (K, 3), posed joints (24, 3), world rotations (24, 3, 3) and the pair terms (P, 3) whose sum
        over a keypoint's pairs is the keypoint.
    """
    rest = _rest(kin.joints, kin.joint_dirs, betas)
    rotations, centers, feature = _pose_tree(kin, rest, root, pose, transl)
    point = _rest(kin.pair_point, kin.pair_dirs, betas)
    if kin.pair_posedirs.shape[2] > 0:
        point = _rest(point, kin.pair_posedirs, feature)
    keypoints = np.zeros((kin.num_keypoints, 3))
    terms = np.empty(point.shape)
    for i in range(point.shape[0]):
        k, j, weight = kin.pair_keypoint[i], kin.pair_joint[i], kin.pair_weight[i]
        for a in range(3):
            value = weight * centers[j, a]
            for b in range(3):
                value += rotations[j, a, b] * (point[i, b] - weight * rest[j, b])
            terms[i, a] = value
            keypoints[k, a] += value
    return keypoints, centers, rotations, terms


@compiled
def _shape_columns(kin, rotations, out):
    """Fill out[:, :, :S] = d keypoints / d betas."""
    count, size = kin.joints.shape[0], kin.joint_dirs.shape[2]
    moved = np.zeros((count, 3, size))
    for a in range(3):
        for s in range(size):
            moved[0, a, s] = kin.joint_dirs[0, a, s]
    for j in range(1, count):
        p = kin.parents[j]
        for a in range(3):
            for s in range(size):
                moved[j, a, s] = moved[p, a, s]
            for b in range(3):
                r = rotations[p, a, b]
                for s in range(size):
                    moved[j, a, s] += r * (kin.joint_dirs[j, b, s] - kin.joint_dirs[p, b, s])
    for i in range(kin.pair_joint.shape[0]):
        k, j, weight = kin.pair_keypoint[i], kin.pair_joint[i], kin.pair_weight[i]
        for a in range(3):
            for s in range(size):
                out[k, a, s] += weight * moved[j, a, s]
            for b in range(3):
                r = rotations[j, a, b]
                for s in range(size):
                    out[k, a, s] += r * (kin.pair_dirs[i, b, s] - weight * kin.joint_dirs[j, b, s])


@compiled
def keypoint_jacobian(kin, pose, rotations, centers, terms):
    """Return (K, 3, S + 72): d keypoints / d (betas, left root rotation, body pose axis-angle).

    The root's columns belong to a small rotation w in the output frame, root <- exp(w) root. A body's pose
    blend shapes move keypoints by well under a millimetre; their derivative is left out (the value is exact).
    """
    count, size, num = kin.joints.shape[0], kin.joint_dirs.shape[2], kin.num_keypoints
    out = np.zeros((num, 3, size + 3 * count))
    _shape_columns(kin, rotations, out)
    moment = np.zeros((num, count, 4))
    for i in range(terms.shape[0]):
        k, j = kin.pair_keypoint[i], kin.pair_joint[i]
        for a in range(3):
            moment[k, j, a] += terms[i, a]
        moment[k, j, 3] += kin.pair_weight[i]
    for j in range(count - 1, 0, -1):
        for k in range(num):
            for a in range(4):
                moment[k, kin.parents[j], a] += moment[k, j, a]
    for j in range(count):
        if j > 0:
            frame = _product(rotations[kin.parents[j]], left_jacobian(pose[3 * j - 3 : 3 * j]))
        else:
            frame = rodrigues(np.zeros(3))
        for k in range(num):
            weight = moment[k, j, 3]
            if abs(weight) < 1e-9:
                continue
            x = moment[k, j, 0] - weight * centers[j, 0]
            y = moment[k, j, 1] - weight * centers[j, 1]
            z = moment[k, j, 2] - weight * centers[j, 2]
            for c in range(3):
                column = size + 3 * j + c
                out[k, 0, column] = frame[1, c] * z - frame[2, c] * y
                out[k, 1, column] = frame[2, c] * x - frame[0, c] * z
                out[k, 2, column] = frame[0, c] * y - frame[1, c] * x
    return out
