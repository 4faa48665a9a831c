"""Which fitted pose an image uses, and how it is varied: order, jitter, mirror, shape."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from syrip_gen.randomness import stream_rng

__all__ = [
    "BETA_LIMIT",
    "JITTER_DEG",
    "choose_pose",
    "jitter_body_pose",
    "mirror_pose",
    "sample_betas",
]

LEFT_RIGHT_JOINTS = ((1, 2), (4, 5), (7, 8), (10, 11), (13, 14), (16, 17), (18, 19), (20, 21), (22, 23))
"""SMPL joint pairs that trade places in a mirror."""

JITTER_DEG = np.array(
    # hips, spine1, knees, spine2, ankles, spine3, feet, neck, collars, head, shoulders, elbows, wrists, hands
    [3, 3, 2, 3, 3, 2, 9, 9, 2, 6, 6, 3, 2, 2, 6, 4, 4, 4, 4, 12, 12, 8, 8],
    dtype=np.float64,
)
"""(23,) standard deviation of the jitter of joints 1..23 in degrees per axis.

Ankles, wrists, hands and the head's turn move most: COCO's keypoints hardly see them, so a fit leaves them at
the prior's mean, while real infants' vary a great deal. """

HINGES = {4: (0, 1.0), 5: (0, 1.0), 18: (1, -1.0), 19: (1, 1.0)}
"""Knees and elbows: joint -> (axis, sign of flexion); SMPL axes (cf. the bending prior, SMPLify sec. 3.2)."""
HINGE_OFF_AXIS = 0.35
"""Share of the jitter that a hinge takes on its two other axes."""
HINGE_EXTENSION_LIMIT = np.deg2rad(-5.0)
"""Flexion below which jitter does not push a knee or an elbow (infants hyperextend a little)."""
COMPONENT_LIMIT = np.deg2rad(150.0)
"""No axis-angle component is pushed beyond this."""

BETA_LIMIT = 2.0
"""Shape coefficients are drawn within +-this; the embedded body keeps WHO's growth bounds there."""
BETA_STD = 0.9


def choose_pose(num_poses: int, seed: int, index: int, postures: Sequence[str] | None = None) -> int:
    """Return which of ``num_poses`` accepted poses image ``index`` uses.

    The poses are dealt like a pack of cards: shuffled, used once each, shuffled again; so any n images use
    all poses about equally often. With ``postures`` (one label a pose) the images take turns through the
    postures and each posture deals its own pack.
    """
    if num_poses <= 0:
        raise ValueError("no accepted pose to choose from")
    if postures is None:
        return _deal(np.arange(num_poses), seed, index, "pose-order")
    names = sorted(set(postures))
    turn, name = index // len(names), names[index % len(names)]
    members = np.flatnonzero(np.asarray(postures) == name)
    return _deal(members, seed, turn, f"pose-order/{name}")


def _deal(pack: np.ndarray, seed: int, turn: int, purpose: str) -> int:
    return int(pack[_shuffled(len(pack), seed, turn // len(pack), purpose)[turn % len(pack)]])


@lru_cache(maxsize=16)
def _shuffled(count: int, seed: int, round_: int, purpose: str) -> np.ndarray:
    return stream_rng(seed, round_, purpose).permutation(count)


def jitter_body_pose(body_pose: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Return a (23, 3) pose near ``body_pose``, radians.

    Noise is drawn per axis with :data:`JITTER_DEG` x ``strength``, cut at 2 standard deviations. Knees and
    elbows are hinges: they mostly flex, and are never pushed into hyperextension beyond what the fit had.
    """
    noise = np.clip(rng.standard_normal((23, 3)), -2.0, 2.0) * np.deg2rad(JITTER_DEG)[:, None] * strength
    for joint, (axis, _) in HINGES.items():
        off_axis = [a for a in range(3) if a != axis]
        noise[joint - 1, off_axis] *= HINGE_OFF_AXIS
    pose = np.asarray(body_pose, dtype=np.float64).reshape(23, 3)
    limit = np.maximum(COMPONENT_LIMIT, np.abs(pose))
    varied = np.clip(pose + noise, -limit, limit)
    for joint, (axis, sign) in HINGES.items():
        floor = min(HINGE_EXTENSION_LIMIT, sign * pose[joint - 1, axis])
        varied[joint - 1, axis] = sign * max(sign * varied[joint - 1, axis], floor)
    return varied


def mirror_pose(global_orient: np.ndarray, body_pose: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mirror a pose about the body's x = 0 plane, and its placement about that of the outer frame.

    Left and right joints trade places and every rotation vector (x, y, z) becomes (x, -y, -z).

    Args:
        global_orient: (3,) axis-angle, radians.
        body_pose: (23, 3) axis-angle of joints 1..23, radians.
    """
    order = np.arange(24)
    for left, right in LEFT_RIGHT_JOINTS:
        order[left], order[right] = right, left
    flip = np.array([1.0, -1.0, -1.0])
    pose = np.asarray(body_pose, dtype=np.float64).reshape(23, 3)[order[1:] - 1] * flip
    return np.asarray(global_orient, dtype=np.float64) * flip, pose


def sample_betas(num_betas: int, rng: np.random.Generator) -> np.ndarray:
    """Draw (S,) shape coefficients: normal, redrawn by clipping at +-:data:`BETA_LIMIT`."""
    return np.clip(rng.standard_normal(num_betas) * BETA_STD, -BETA_LIMIT, BETA_LIMIT)
