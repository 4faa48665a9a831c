"""Which frames of a motion are photographed."""

import re

import numpy as np

from syrip_gen.geometry.rotations import axis_angle_to_matrix
from syrip_gen.motion.sequence import BodySequence

__all__ = ["RULES", "most_different", "select_frames"]

RULES = "every=K (each K-th frame), most=N (the N most different poses) or all"
_RULE = re.compile(r"(every|most)=([0-9]{1,9})")


def select_frames(sequence: BodySequence, rule: str) -> np.ndarray:
    """Return the int64 indices of the chosen frames, ascending.

    Args:
        sequence: The motion.
        rule: ``every=K``: frames 0, K, 2 K ...; ``most=N``: the N frames whose poses differ most (all of them
            when there are no more); ``all``.

    Raises:
        ValueError: When the rule is none of these; the message lists them.
    """
    text = rule.strip().lower()
    if text == "all":
        return np.arange(len(sequence))
    match = _RULE.fullmatch(text)
    if match is None or int(match[2]) < 1:
        raise ValueError(f"frames {rule!r} is not a rule; expected {RULES}, with K and N from 1")
    number = int(match[2])
    return np.arange(0, len(sequence), number) if match[1] == "every" else most_different(sequence, number)


def most_different(sequence: BodySequence, count: int) -> np.ndarray:
    """Return ``count`` frames (or all there are) that lie as far from each other as can be, ascending.

    Greedy farthest points: the frame nearest to the mean pose is the first; then always the one that is
    farthest from all chosen ones. The distance of two frames is the root of the sum over the joints of
    |R_a - R_b|^2 (Frobenius, 8 sin^2 of half the angle). A turn of the body about the vertical is no
    difference: of the root only its tilt counts, three times the distance of what is up in its frame. Ties go
    to the earlier frame, so equal motions give equal frames.
    """
    total = len(sequence)
    if count >= total:
        return np.arange(total)
    up = axis_angle_to_matrix(sequence.global_orient)[:, 2, :]
    joints = axis_angle_to_matrix(sequence.body_pose).reshape(total, -1)
    features = np.concatenate([3.0 * up, joints], axis=1)
    # Rounded, so that the last bits of another machine's arithmetic choose no other frames.
    off_mean = np.round(((features - features.mean(0)) ** 2).sum(1), 9)
    chosen = [int(np.argmin(off_mean))]
    nearest = np.full(total, np.inf)
    while len(chosen) < count:
        nearest = np.minimum(nearest, np.round(((features - features[chosen[-1]]) ** 2).sum(1), 9))
        nearest[chosen] = -1.0
        chosen.append(int(np.argmax(nearest)))
    return np.sort(np.array(chosen))
