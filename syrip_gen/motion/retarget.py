"""An adult's (or anybody's) motion on an infant's body: bone directions, contacts and gravity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from syrip_gen.body.assets import BodyAssets
from syrip_gen.fitting.kinematics import Kinematics, forward
from syrip_gen.fitting.objective import Mixture
from syrip_gen.geometry.rotations import matrix_to_axis_angle
from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.motion.clip import MotionClip
from syrip_gen.motion.contacts import Ground, leg_length, read_ground
from syrip_gen.motion.contacts_surface import build_surface
from syrip_gen.motion.retarget_2d import fit_clip
from syrip_gen.motion.retarget_energy import BoneGoals, Floor, Goals, State, blend_prior, lowest_points
from syrip_gen.motion.retarget_points import BONES, Bones, bone_directions, named_points, source_points
from syrip_gen.motion.retarget_report import RetargetReport, measure
from syrip_gen.motion.retarget_rows import Surface
from syrip_gen.motion.retarget_solve import minimise
from syrip_gen.motion.retarget_start import start_from_bones
from syrip_gen.motion.retarget_up import Up, up_rotation
from syrip_gen.motion.sequence import BodySequence

__all__ = ["Retargeted", "retarget"]

PRIOR_WEIGHT = 1.0
TURN_SIGMA, SHIFT_SIGMA = 60.0, 5.0
"""Standard deviation of joints' accelerations (radians/s^2) and of the body's (metres/s^2)."""
FOLLOW_ROUNDS, SETTLE_ROUNDS, STEPS = 3, 4, 8
TOLERANCE = 0.02
TOUCH_SIGMA_M, SLIP_SIGMA_M = 0.004, 0.0005
PATH_SIGMA_M = np.array([0.10, 0.10, 0.05])
PACE_SIGMA_M_S = np.array([0.15, 0.15, 0.3])


@dataclass(frozen=True, slots=True, eq=False)
class Retargeted:
    """A motion of an infant, and how well it follows its source."""

    sequence: BodySequence
    report: RetargetReport


def retarget(
    clip: MotionClip,
    body: BodyAssets,
    prior: Mixture,
    *,
    betas: np.ndarray | None = None,
    up: Up = "auto",
) -> Retargeted:
    """Let an infant move as the person of a clip does.

    Bones take the source's directions as far as the joints' limits and the pose prior of the fit allow; what
    points cannot tell (twists, feet, hands) follows the prior and changes smoothly. The root's path is scaled
    by the length of the legs, or follows from what carries the body where the clip is relative to its root.
    Parts that lie on the floor there lie on it here, and do not slide.

    Args:
        clip: 3D points in metres, or 2D points in pixels, which are fitted first.
        body: The infant.
        prior: Pose prior, as for fitting.
        betas: (S,) shape; the mean by default, and the one that was fitted for a 2D clip.
        up: See :func:`~syrip_gen.motion.retarget_up.up_rotation`.

    Raises:
        ValueError: When the clip's points or the betas do not serve.
    """
    if betas is not None and np.shape(betas) != (body.num_betas,):
        raise ValueError(f"betas: expected ({body.num_betas},) for body '{body.name}', got {np.shape(betas)}")
    # Blocks of 150 unknowns are too small to share: threads of BLAS would only wait for each other.
    with threadpool_limits(limits=1):
        return _retarget(clip, body, prior, betas, up)


def _retarget(
    clip: MotionClip, body: BodyAssets, prior: Mixture, betas: np.ndarray | None, up: Up
) -> Retargeted:
    """Follow the points, find up and floor, settle, measure."""
    followed = _follow_points(clip, body, prior, betas) if clip.is_3d else _fit(clip, body, prior, betas)
    state, source, points, shape, kin, index, notes = followed
    is_absolute = clip.is_absolute or not clip.is_3d
    turn, note = up_rotation(up, clip.frame, points, is_absolute, not clip.is_3d, state, prior, clip.fps)
    state = state._replace(roots=turn @ state.roots)
    goals = bone_goals(kin, index, source._replace(direction=source.direction @ turn.T))
    points = {name: value @ turn.T for name, value in points.items()}
    leg = leg_length(points)
    scale = float(np.linalg.norm(np.diff(kin.joints[[1, 4, 7]], axis=0), axis=1).sum() / leg)
    ground = read_ground(points, clip.fps, leg, is_absolute)
    state, floor = settle(state, goals, ground, scale, build_surface(body, shape), prior, clip.fps)
    sequence = BodySequence(
        betas=shape,
        global_orient=matrix_to_axis_angle(state.roots),
        body_pose=state.pose.reshape(-1, 23, 3),
        transl=state.transl,
        fps=clip.fps,
        name=clip.name,
        notes=(*clip.notes, *notes, note),
    )
    return Retargeted(sequence, measure(sequence, body, state, goals, floor, points, scale))


class _Followed(NamedTuple):
    """A body that moves as the clip does, in the clip's axes, and what it follows."""

    state: State
    source: Bones
    points: dict[str, np.ndarray]
    betas: np.ndarray
    kin: Kinematics
    index: dict[str, int]
    notes: tuple[str, ...]


def _follow_points(clip: MotionClip, body: BodyAssets, prior: Mixture, betas: np.ndarray | None) -> _Followed:
    """Follow a 3D clip."""
    shape = np.zeros(body.num_betas) if betas is None else np.asarray(betas, dtype=np.float64)
    source = bone_directions(clip)
    kin, index = named_points(body, shape, clip.schema is COCO17, source.spine_share)
    state = follow_bones(bone_goals(kin, index, source), start_from_bones(source, clip.fps), prior, clip.fps)
    return _Followed(state, source, source_points(clip), shape, kin, index, ())


def _fit(clip: MotionClip, body: BodyAssets, prior: Mixture, betas: np.ndarray | None) -> _Followed:
    """Fit a 2D clip; its bodies are what an infant of another shape follows."""
    fitted = fit_clip(clip, body, prior)
    kin, index = named_points(body, fitted.betas, False)
    posed = np.stack([forward(kin, np.zeros(0), *one)[0] for one in zip(*fitted.state, strict=True)])
    points = {name: posed[:, k] for name, k in index.items()}
    direction = np.stack([points[end] - points[start] for start, end, _ in BONES.values()], axis=1)
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    source = Bones(direction, np.ones(direction.shape[:2], dtype=bool), 0.5)
    shape = fitted.betas if betas is None else np.asarray(betas, dtype=np.float64)
    kin, index = named_points(body, shape, False)
    return _Followed(fitted.state, source, points, shape, kin, index, (fitted.note,))


def bone_goals(kin: Kinematics, index: dict[str, int], source: Bones) -> BoneGoals:
    """Weigh the source's directions."""
    ends = np.array([[index[start], index[end]] for start, end, _ in BONES.values()])
    sigma = np.radians([degrees for _, _, degrees in BONES.values()])
    return BoneGoals(kin, ends, np.ascontiguousarray(source.direction), source.known / sigma)


def smoothness(fps: float) -> np.ndarray:
    """Return (75,) one over standard deviation of a second difference."""
    return fps**2 / np.concatenate([np.full(72, TURN_SIGMA), np.full(3, SHIFT_SIGMA)])


def follow_bones(goals: BoneGoals, state: State, prior: Mixture, fps: float) -> State:
    """Turn the joints so that the bones follow the source, wherever the body may be."""
    for _ in range(FOLLOW_ROUNDS):
        blend = blend_prior(prior, state.pose, fps, PRIOR_WEIGHT)
        state, _ = minimise(Goals(smoothness(fps), *blend, bones=goals), state, STEPS, TOLERANCE)
    return state


def settle(
    state: State,
    goals: BoneGoals,
    ground: Ground,
    scale: float,
    surface: Surface,
    prior: Mixture,
    fps: float,
) -> tuple[State, Floor]:
    """Put the moving body on the floor."""
    rest = goals.kin.joints
    offset = 0.5 * (rest[1] + rest[2]) - rest[0]
    path = scale * ground.path - rest[0] - state.roots @ offset
    state = state._replace(transl=path)
    count = len(path)
    floor = Floor(
        surface=surface,
        touch=ground.touch.astype(float),
        clearance=scale * ground.clearance,
        pins=np.zeros((count - 1, surface.num_parts), dtype=np.int64),
        pin_weight=ground.still / SLIP_SIGMA_M,
        path=path,
        path_sigma=PATH_SIGMA_M,
        pace_sigma=PACE_SIGMA_M_S / fps,
        sigma=(0.002, TOUCH_SIGMA_M),
    )
    _, height = lowest_points(floor, state)
    state.transl[:, 2] += floor.clearance - height.min(axis=1)
    for _ in range(SETTLE_ROUNDS):
        lowest, _ = lowest_points(floor, state)
        floor = floor._replace(pins=lowest[:-1])
        blend = blend_prior(prior, state.pose, fps, PRIOR_WEIGHT)
        all_goals = Goals(smoothness(fps), *blend, bones=goals, floor=floor)
        state, _ = minimise(all_goals, state, STEPS, TOLERANCE)
    return state, floor
