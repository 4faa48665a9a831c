"""Draw infant poses from the posture templates, keeping those that a body on a support could take."""

from typing import NamedTuple

import numpy as np

from syrip_gen.fitting.anatomy import forward_joints, mirror_pose, pose_from_angles
from syrip_gen.fitting.postures import ARMS, LEGS, POSTURES, Posture, Ranges
from syrip_gen.fitting.proxies import Spheres, penetration, posed_centers

__all__ = ["PoseSamples", "sample_posture", "sample_postures"]

_TOUCH = {"wrists": (20, 21), "elbows": (18, 19), "knees": (4, 5), "ankles": (7, 8)}
_ONE_OF = {"an_ankle": (7, 8), "a_knee": (4, 5)}
_BATCH = 6000
MAX_OVERLAP = 0.008
"""Overlap of two body parts, metres beyond the soft slack, that a sample may have."""


class PoseSamples(NamedTuple):
    """N poses."""

    body_pose: np.ndarray
    """(N, 23, 3) axis-angle, radians."""
    gravity: np.ndarray
    """(N, 3) unit vector of gravity in the root's frame."""
    template: np.ndarray
    """(N,) index into :data:`~syrip_gen.fitting.postures.POSTURES`."""


def _draw(ranges: Ranges, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw (count, 6) angles: bell-shaped over each range and a little beyond it."""
    low, high = np.array(ranges, dtype=float).T
    margin = 0.12 * (high - low)
    return low - margin + (high - low + 2 * margin) * rng.beta(2.0, 2.0, (count, len(low)))


def _draw_limbs(
    names: tuple[str, ...], table: dict[str, Ranges], count: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw two limbs (2, count, 6): both of one kind two times in three, as infants do, and then alike."""
    kinds = rng.integers(len(names), size=(2, count))
    kinds[1] = np.where(rng.random(count) < 0.67, kinds[0], kinds[1])
    drawn = np.stack([_draw(table[name], 2 * count, rng).reshape(2, count, 6) for name in names])
    both = np.take_along_axis(drawn, kinds[None, :, :, None], axis=0)[0]
    alike = 0.6 * rng.random((count, 1)) * (kinds[0] == kinds[1])[:, None]
    both[1] = (1 - alike) * both[1] + alike * both[0]
    return both


def _gravity(posture: Posture, count: int, rng: np.random.Generator) -> np.ndarray:
    recline = np.radians(rng.uniform(*posture.recline, count))
    roll = np.radians(rng.uniform(*posture.roll, count))
    forward = -np.sin(recline)
    return np.stack([forward * np.sin(roll), -np.cos(recline), forward * np.cos(roll)], axis=1)


def _reaches_goals(
    posture: Posture, joints: np.ndarray, head: np.ndarray, mouth: np.ndarray, pose: np.ndarray
) -> np.ndarray:
    """Return (N,) whether the hands are where the template wants them."""
    good = np.ones(len(joints), dtype=bool)
    size = np.linalg.norm(joints[:, 12] - joints[:, 0], axis=1)
    hands = 0.5 * (joints[:, [20, 21]] + joints[:, [22, 23]])
    if "mouth" in posture.goals:
        good &= np.linalg.norm(hands - mouth[:, None], axis=-1).min(1) < 0.25 * size
    if "hands" in posture.goals:
        good &= np.linalg.norm(hands[:, 0] - hands[:, 1], axis=-1) < 0.35 * size
    if "feet" in posture.goals:
        shins = 0.3 * joints[:, [4, 5]] + 0.7 * joints[:, [7, 8]]
        gaps = np.linalg.norm(hands[:, :, None] - shins[:, None], axis=-1)
        good &= gaps.min((1, 2)) < 0.35 * size
    if "atnr" in posture.goals:
        turn = pose[:, 11, 1] + pose[:, 14, 1]
        left, right = -pose[:, 17, 1], pose[:, 18, 1]
        face, skull = np.where(turn > 0, left, right), np.where(turn > 0, right, left)
        good &= (face < 0.7) & (skull > 1.0)
    return good


def _rests_on_support(
    posture: Posture, gravity: np.ndarray, joints: np.ndarray, spheres: Spheres, centers: np.ndarray
) -> np.ndarray:
    """Return (N,) whether nothing is below the support and the joints that must touch it do."""
    if posture.support == "none":
        return np.ones(len(joints), dtype=bool)
    height = -np.einsum("nka,na->nk", centers, gravity) - spheres.radius
    joint_height = -np.einsum("nka,na->nk", joints, gravity)
    trunk = [i for i, name in enumerate(spheres.names) if name.split("_")[0] in ("pelvis", "belly", "chest")]
    seat = [i for i, name in enumerate(spheres.names) if name.startswith(("pelvis", "thigh"))]
    if posture.support == "low":
        floor = np.sort(height, axis=1)[:, 1]
    else:
        floor = height[:, trunk if posture.support == "trunk" else seat].min(1)
    good = height.min(1) > floor - 0.03
    for name in posture.touch:
        index = list(_TOUCH.get(name, _ONE_OF.get(name)))
        lift = joint_height[:, index] - floor[:, None]
        good &= (lift.min(1) if name in _ONE_OF else lift.max(1)) < 0.065
    return good


def sample_posture(
    posture: Posture,
    count: int,
    rng: np.random.Generator,
    joints: np.ndarray,
    parents: np.ndarray,
    spheres: Spheres,
    mouth: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw ``count`` poses of one template.

    Args:
        posture: The template.
        count: Number of poses.
        rng: Random generator.
        joints: (24, 3) rest joints.
        parents: (24,).
        spheres: Proxies of the body.
        mouth: (3,) the mouth relative to the head joint, rest frame.

    Returns:
        (count, 23, 3) body poses and (count, 3) gravity in the root's frame.

    Raises:
        ValueError: When fewer than one draw in 300 is possible: the template contradicts itself.
    """
    poses, gravities, kept, drawn = [], [], 0, 0
    while kept < count:
        legs = _draw_limbs(posture.legs, LEGS, _BATCH, rng)
        arms = _draw_limbs(posture.arms, ARMS, _BATCH, rng)
        pose = pose_from_angles(legs[0], legs[1], arms[0], arms[1], _draw(posture.trunk, _BATCH, rng))
        gravity = _gravity(posture, _BATCH, rng)
        posed, rotations = forward_joints(pose, joints, parents)
        lips = posed[:, 15] + rotations[:, 15] @ mouth
        centers = posed_centers(spheres, posed, rotations)
        good = _reaches_goals(posture, posed, centers[:, 0], lips, pose)
        good &= _rests_on_support(posture, gravity, posed, spheres, centers)
        good &= penetration(spheres, centers).max(1) < MAX_OVERLAP
        poses.append(pose[good])
        gravities.append(gravity[good])
        kept, drawn = kept + int(good.sum()), drawn + _BATCH
        if drawn > 300 * max(kept, 100):
            raise ValueError(
                f"posture template keeps only {kept} of {drawn} draws: its ranges contradict its contacts"
            )
    return np.concatenate(poses)[:count], np.concatenate(gravities)[:count]


def sample_postures(
    count: int,
    rng: np.random.Generator,
    joints: np.ndarray,
    parents: np.ndarray,
    spheres: Spheres,
    mouth: np.ndarray,
) -> PoseSamples:
    """Draw about ``count`` poses over all templates by their weights, half of them mirrored."""
    total = sum(posture.weight for posture in POSTURES.values())
    poses, gravities, templates = [], [], []
    for index, posture in enumerate(POSTURES.values()):
        number = int(np.ceil(count * posture.weight / total))
        pose, gravity = sample_posture(posture, number, rng, joints, parents, spheres, mouth)
        flip = rng.random(number) < 0.5
        pose[flip] = mirror_pose(pose[flip])
        gravity[flip, 0] *= -1
        poses.append(pose)
        gravities.append(gravity)
        templates.append(np.full(number, index))
    return PoseSamples(np.concatenate(poses), np.concatenate(gravities), np.concatenate(templates))
