"""Where a moving infant is over a clip: coarse points, the ground it covers, postures, where it looks."""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syrip_gen.sampling.coarse_body import CoarseBody, CoarsePose
from syrip_gen.sampling.resting import HEAD, hip_flexion_deg, is_on_all_fours, trunk_frame

if TYPE_CHECKING:
    from syrip_gen.motion.sequence import BodySequence

__all__ = ["ClipTrack", "posture_in_world", "track_clip"]

MAX_SAMPLES = 240
"""So many frames, evenly spaced, stand for a longer clip."""
UPRIGHT = 0.72
"""Least upward part of the trunk of who sits or stands."""
STRAIGHT_HIPS_DEG = 55.0
SIDEWAYS = 0.75
"""Least upward part of the trunk's left-right axis of who lies on the side."""


@dataclass(frozen=True, slots=True, eq=False)
class ClipTrack:
    """The infant at some frames of a clip. World frame, metres; z = 0 is the floor, x = y = 0 its middle.

    Depends on the clip alone, not on which of its frames are photographed.
    """

    frames: np.ndarray
    """(m,) frame numbers."""
    points: np.ndarray
    """(m, n, 3) body surface."""
    centre: np.ndarray
    """(m, 3) middle of the body's box."""
    postures: tuple[str, ...]
    """(m,) posture at each frame."""
    front: np.ndarray
    """(3,) mean direction in which the infant looks and, face down, in which it crawls; not normalised."""
    shift: np.ndarray
    """(3,) what was added to the clip's coordinates to bring the middle of its path to x = y = 0."""

    @property
    def posture(self) -> str:
        """The posture that is seen most."""
        return Counter(self.postures).most_common(1)[0][0]

    @property
    def footprint(self) -> np.ndarray:
        """(m * n, 2) everything that the body passes over."""
        return self.points[..., :2].reshape(-1, 2)


def track_clip(sequence: "BodySequence", coarse: CoarseBody) -> ClipTrack:
    """Follow the body of a sequence."""
    count = len(sequence)
    frames = np.unique(np.linspace(0, count - 1, min(count, MAX_SAMPLES)).round().astype(int))
    betas = np.zeros(coarse.num_betas)
    betas[: len(sequence.betas)] = sequence.betas[: coarse.num_betas]
    points, postures, front = [], [], np.zeros(3)
    for frame in frames:
        pose = coarse.pose(betas, sequence.global_orient[frame], sequence.body_pose[frame])
        points.append(pose.vertices + sequence.transl[frame])
        postures.append(posture_in_world(pose))
        front += _front(pose) / len(frames)
    cloud = np.array(points)
    low, high = cloud.min(axis=(0, 1)), cloud.max(axis=(0, 1))
    shift = np.array([-(low[0] + high[0]) / 2, -(low[1] + high[1]) / 2, 0.0])
    cloud += shift
    centre = (cloud.min(axis=1) + cloud.max(axis=1)) / 2
    return ClipTrack(frames, cloud, centre, tuple(postures), front, shift)


def _front(pose: CoarsePose) -> np.ndarray:
    """Return the direction of the face; that of the head from the pelvis counts where the belly is down."""
    trunk = trunk_frame(pose)
    return pose.joint_rotations[HEAD][:, 2] + max(-float(trunk.front[2]), 0.0) * trunk.up


def posture_in_world(pose: CoarsePose) -> str:
    """Return the posture of a body whose frame has z up."""
    trunk = trunk_frame(pose)
    if trunk.up[2] > UPRIGHT:
        return "Standing" if hip_flexion_deg(pose) < STRAIGHT_HIPS_DEG else "Sitting"
    if abs(trunk.left[2]) > SIDEWAYS:
        return "Side"
    if trunk.front[2] > 0:
        return "Supine"
    return "Crawling" if is_on_all_fours(pose) else "Prone"
