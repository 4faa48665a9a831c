"""A body of a few hundred vertices: enough to find quickly how it rests and how large it looks."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numba import njit

from syrip_gen.body.assets import BodyAssets
from syrip_gen.geometry.rotations import axis_angle_to_matrix

__all__ = ["CoarseBody", "CoarsePose"]

SEGMENT_MASS = {
    # Infant segment masses as a share of the body's, after Schneider & Zernicke (1992) and Jensen (1989);
    # the head weighs about a quarter of a young infant.
    0: 0.140, 3: 0.080, 6: 0.080, 9: 0.180, 12: 0.005, 15: 0.240, 13: 0.005, 14: 0.005,
    16: 0.021, 17: 0.021, 18: 0.014, 19: 0.014, 20: 0.005, 21: 0.005, 22: 0.003, 23: 0.003,
    1: 0.049, 2: 0.049, 4: 0.027, 5: 0.027, 7: 0.008, 8: 0.008, 10: 0.0055, 11: 0.0055,
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class CoarsePose:
    """A posed coarse body, in the frame that ``global_orient`` maps to; the root joint rests where it is."""

    vertices: np.ndarray
    """(n, 3) metres."""
    joints: np.ndarray
    """(24, 3) metres."""
    centre_of_mass: np.ndarray
    """(3,) metres."""
    joint_rotations: np.ndarray
    """(24, 3, 3) rotation of every bone."""


@dataclass(frozen=True, slots=True, eq=False)
class CoarseBody:
    """The extreme vertices of every body part with their blend shapes and skinning."""

    template: np.ndarray
    """(n, 3) rest vertices, metres."""
    shapedirs: np.ndarray
    """(n, 3, S)."""
    weights: np.ndarray
    """(n, 24)."""
    joints: np.ndarray
    """(24, 3) rest joints at zero betas."""
    joint_dirs: np.ndarray
    """(24, 3, S)."""
    parents: np.ndarray
    """(24,)."""
    part_weights: np.ndarray
    """(n,) weights of the vertices in the centre of mass; they sum to 1."""

    @classmethod
    def from_assets(cls, body: BodyAssets) -> "CoarseBody":
        """Keep, of every part, the vertices that are extreme in 26 directions at rest."""
        part = np.argmax(body.weights, axis=1)
        directions = np.array([d for d in product((-1, 0, 1), repeat=3) if any(d)], dtype=np.float64)
        keep: set[int] = set()
        for joint in range(24):
            members = np.flatnonzero(part == joint)
            if len(members):
                keep.update(members[np.argmax(body.v_template[members] @ directions.T, axis=0)].tolist())
        index = np.array(sorted(keep))
        kept_part = part[index]
        mass = np.zeros(len(index))
        for joint, share in SEGMENT_MASS.items():
            members = kept_part == joint
            if members.any():
                mass[members] = share / members.sum()
        return cls(
            template=body.v_template[index],
            shapedirs=body.shapedirs[index],
            weights=np.ascontiguousarray(body.weights[index]),
            joints=body.J_regressor @ body.v_template,
            joint_dirs=np.stack(
                [body.J_regressor @ body.shapedirs[:, :, s] for s in range(body.num_betas)], axis=-1
            ),
            parents=np.asarray(body.parents),
            part_weights=mass / mass.sum(),
        )

    @property
    def num_betas(self) -> int:
        """S, the number of shape coefficients."""
        return self.shapedirs.shape[2]

    def pose(self, betas: np.ndarray, global_orient: np.ndarray, body_pose: np.ndarray) -> CoarsePose:
        """Pose the body as SMPL does (no pose blend shapes), translation zero.

        Args:
            betas: (S,) shape.
            global_orient: (3,) axis-angle of the root.
            body_pose: (23, 3) axis-angle of joints 1..23.
        """
        rest = self.joints + self.joint_dirs @ betas
        local = axis_angle_to_matrix(np.concatenate([np.reshape(global_orient, (1, 3)), body_pose]))
        rotations, joints, offsets = _chain(local, rest, self.parents)
        shaped = self.template + self.shapedirs @ betas
        blended = self.weights @ np.concatenate([rotations.reshape(24, 9), offsets], axis=1)
        vertices = _transform(blended, shaped)
        return CoarsePose(vertices, joints, self.part_weights @ vertices, rotations)


@njit(nogil=True, cache=True, error_model="numpy")
def _chain(local, rest, parents):
    """Turn rotations (24, 3, 3) of joints in their parents' frames into those of bones.

    Returns:
        (24, 3, 3) rotations, (24, 3) posed joints, (24, 3) offsets: a bone takes x to rotation · x + offset.
    """
    rotations, joints, offsets = np.empty((24, 3, 3)), np.empty((24, 3)), np.empty((24, 3))
    for j in range(24):
        p = parents[j] if j else 0
        for a in range(3):
            joints[j, a] = rest[0, a] if j == 0 else joints[p, a]
            for b in range(3):
                if j == 0:
                    rotations[j, a, b] = local[j, a, b]
                    continue
                rotations[j, a, b] = 0.0
                for c in range(3):
                    rotations[j, a, b] += rotations[p, a, c] * local[j, c, b]
                joints[j, a] += rotations[p, a, b] * (rest[j, b] - rest[p, b])
        for a in range(3):
            offsets[j, a] = joints[j, a]
            for b in range(3):
                offsets[j, a] -= rotations[j, a, b] * rest[j, b]
    return rotations, joints, offsets


@njit(nogil=True, cache=True, error_model="numpy")
def _transform(blended, shaped):
    """Apply (n, 12) matrices, rotation row by row and then offset, to (n, 3) points."""
    moved = np.empty(shaped.shape)
    for i in range(shaped.shape[0]):
        for a in range(3):
            moved[i, a] = blended[i, 9 + a]
            for b in range(3):
                moved[i, a] += blended[i, 3 * a + b] * shaped[i, b]
    return moved
