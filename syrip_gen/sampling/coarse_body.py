"""A body of a few hundred vertices: enough to find quickly how it rests and how large it looks."""

from dataclasses import dataclass
from itertools import product

import numpy as np

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
        rotations = np.empty((24, 3, 3))
        joints = np.empty((24, 3))
        rotations[0], joints[0] = local[0], rest[0]
        for j in range(1, 24):
            p = self.parents[j]
            rotations[j] = rotations[p] @ local[j]
            joints[j] = joints[p] + rotations[p] @ (rest[j] - rest[p])
        offsets = joints - np.einsum("jab,jb->ja", rotations, rest)
        blended = (self.weights @ rotations.reshape(24, 9)).reshape(-1, 3, 3)
        shaped = self.template + self.shapedirs @ betas
        vertices = np.einsum("nab,nb->na", blended, shaped) + self.weights @ offsets
        return CoarsePose(vertices, joints, self.part_weights @ vertices, rotations)
