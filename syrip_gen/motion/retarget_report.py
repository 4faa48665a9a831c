"""How well an infant follows its source: directions, contacts, floor, smoothness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from syrip_gen.body.assets import BodyAssets
from syrip_gen.body.posing import pose_body
from syrip_gen.fitting.kinematics import forward
from syrip_gen.motion.retarget_energy import BoneGoals, Floor, State, lowest_points
from syrip_gen.motion.retarget_limits import joint_limits
from syrip_gen.motion.retarget_points import BONES, LIMBS, TRUNK
from syrip_gen.motion.retarget_rows import bone_rows, pin_rows
from syrip_gen.motion.sequence import BodySequence

__all__ = ["RetargetReport", "bone_errors_deg", "measure"]

MOVED_BY = {"thigh": (1, 2), "shin": (4, 5), "upper_arm": (16, 17), "forearm": (18, 19), "trunk": (3, 6, 9)}
AT_LIMIT = np.radians(0.05)
FEET = (0, 1)


@dataclass(frozen=True, slots=True)
class RetargetReport:
    """Figures of one retargeted clip. NaN where there is nothing to measure."""

    num_frames: int
    bone_error_median_deg: float
    """Angle between the infant's and the source's bones: thighs, shins, upper arms, forearms, trunk."""
    bone_error_p90_deg: float
    clamped_bones: int
    """Of the frames x bones, how many are moved by a joint at its limit (left out of the two above)."""
    num_bones: int
    """Frames x bones."""
    foot_speed_median_cm: float
    """Horizontal way of the lowest point of a foot that stays on the floor, cm a frame."""
    foot_speed_max_cm: float
    floor_depth_max_cm: float
    """Deepest vertex below the floor."""
    floor_gap_max_cm: float
    """Greatest height above the floor of the lowest vertex while something should touch it."""
    jerk_ratio: float
    """Root mean square jerk of wrists and ankles over the source's, lengths scaled."""


def bone_errors_deg(goals: BoneGoals, state: State) -> np.ndarray:
    """Return the (T, B) angles between bones and their goals, degrees, NaN where unknown."""
    known = goals.weight > 0
    residual = np.zeros((len(state.pose), 3 * len(goals.ends)))
    bone_rows(*goals._replace(weight=np.ones_like(goals.weight)), *state, residual, np.empty((0, 0, 0)))
    chord = np.linalg.norm(residual.reshape(*known.shape, 3), axis=-1)
    return np.where(known, np.degrees(2.0 * np.arcsin(np.clip(0.5 * chord, 0.0, 1.0))), np.nan)


def _clamped(pose: np.ndarray) -> np.ndarray:
    """Return (T, limbs and trunk) whether a joint that moves the bone is at a limit."""
    low, high = joint_limits()
    at = ((pose <= low + AT_LIMIT) | (pose >= high - AT_LIMIT)).reshape(-1, 23, 3).any(-1)
    columns = []
    for name in (*LIMBS, TRUNK):
        side, _, part = name.partition("_")
        joints = MOVED_BY[part] if part else MOVED_BY[name]
        if part:
            joints = (joints[side == "right"],)
        columns.append(at[:, [j - 1 for j in joints]].any(1))
    return np.stack(columns, axis=1)


def _jerk(points: np.ndarray, fps: float) -> float:
    third = np.diff(points, 3, axis=0) * fps**3
    return float(np.sqrt((third**2).sum(-1).mean())) if len(third) else float("nan")


def measure(
    sequence: BodySequence,
    body: BodyAssets,
    state: State,
    goals: BoneGoals,
    floor: Floor,
    points: dict[str, np.ndarray],
    scale: float,
) -> RetargetReport:
    """Measure a retargeted clip.

    Args:
        sequence: The result.
        body: The infant.
        state: The same as arrays.
        goals: The source's directions.
        floor: What should happen on the floor.
        points: The source's points by name, metres.
        scale: Infant's size over the source's.
    """
    names = list(BONES)
    columns = [names.index(name) for name in (*LIMBS, TRUNK)]
    error = bone_errors_deg(goals, state)[:, columns]
    clamped = _clamped(state.pose) & np.isfinite(error)
    free = error[~clamped & np.isfinite(error)]
    slip = _slips(floor, state)
    lowest = _lowest_vertices(sequence, body)
    supported = floor.clearance == 0.0
    ends = ("left_wrist", "right_wrist", "left_ankle", "right_ankle")
    placed = [forward(goals.kin, np.zeros(0), *one)[1] for one in zip(*state, strict=True)]
    own = np.stack(placed)[:, [20, 21, 7, 8]]
    theirs = [points[name] for name in ends if name in points]
    source_jerk = _jerk(np.stack(theirs, 1), sequence.fps) * scale if theirs else float("nan")
    return RetargetReport(
        num_frames=len(sequence),
        bone_error_median_deg=float(np.median(free)) if free.size else float("nan"),
        bone_error_p90_deg=float(np.percentile(free, 90)) if free.size else float("nan"),
        clamped_bones=int(clamped.sum()),
        num_bones=int(np.isfinite(error).sum()),
        foot_speed_median_cm=100.0 * float(np.median(slip)) if slip.size else float("nan"),
        foot_speed_max_cm=100.0 * float(slip.max()) if slip.size else float("nan"),
        floor_depth_max_cm=100.0 * float(max(-lowest.min(), 0.0)),
        floor_gap_max_cm=100.0 * float(max(lowest[supported].max(initial=0.0), 0.0)),
        jerk_ratio=_jerk(own, sequence.fps) / max(source_jerk, 1e-9),
    )


def _lowest_vertices(sequence: BodySequence, body: BodyAssets) -> np.ndarray:
    """Return the (T,) height of the lowest vertex of the whole mesh."""
    poses = zip(sequence.global_orient, sequence.body_pose, sequence.transl, strict=True)
    return np.array([pose_body(body, sequence.betas, *pose).vertices[:, 2].min() for pose in poses])


def _slips(floor: Floor, state: State) -> np.ndarray:
    """Return the horizontal ways (metres a frame) of the feet that stay on the floor."""
    lowest, _ = lowest_points(floor, state)
    still = floor.pin_weight > 0
    count, parts = still.shape
    residual = np.zeros((count, 2 * parts))
    nothing = np.empty((0, 0, 0))
    pin_rows(floor.surface, lowest[:-1], still.astype(float), *state, residual, nothing, nothing)
    way = np.linalg.norm(residual.reshape(count, parts, 2), axis=-1)
    return way[:, FEET][still[:, FEET]]
