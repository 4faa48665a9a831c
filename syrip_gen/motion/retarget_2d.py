"""Clips of 2D keypoints: the infant fitted over time, with one shape and one focal length."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from syrip_gen.body.assets import BodyAssets
from syrip_gen.fitting.bank import FitBank
from syrip_gen.fitting.fit import FOCAL_PER_SIDE, fit_poses
from syrip_gen.fitting.objective import Mixture
from syrip_gen.geometry.rotations import axis_angle_to_matrix
from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.keypoints.poses import PoseSet
from syrip_gen.motion.clip import MotionClip
from syrip_gen.motion.retarget_energy import Goals, PixelGoals, State, blend_prior
from syrip_gen.motion.retarget_points import named_points
from syrip_gen.motion.retarget_rows import pixel_rows
from syrip_gen.motion.retarget_solve import minimise
from syrip_gen.motion.retarget_start import unwrap

__all__ = ["FittedClip", "fit_clip"]

KEY_SECONDS = 0.3
MIN_KEYS, MAX_KEYS = 8, 150
"""Frames that are fitted on their own: one in 0.3 s, within these bounds."""
MIN_ACCEPTED = 0.2
"""Share of these that must be plausible bodies."""
SIGMA, RHO = 0.008, 0.1
"""Standard deviation of a keypoint and where the robustifier lets go, in box diagonals (those of the fit)."""
TURN_SIGMA, SHIFT_SIGMA = 30.0, 2.0
"""Standard deviation of accelerations, radians/s^2 and metres/s^2: depth is known from its smoothness."""
ROUNDS, STEPS, TOLERANCE = 5, 8, 0.02


class FittedClip(NamedTuple):
    """Bodies in the camera's frame, and how well they meet the keypoints."""

    state: State
    betas: np.ndarray
    focal_px: float
    reprojection_error: float
    """Median distance of a keypoint, as a share of the keypoint box's diagonal."""
    note: str


def fit_clip(clip: MotionClip, body: BodyAssets, prior: Mixture) -> FittedClip:
    """Fit a body to every frame of a 2D clip.

    Key frames are fitted one by one (many starts, all sides); what is no plausible infant is left out and
    bridged. The shape is their median; the focal length lies between their median and a typical camera's,
    because single frames underestimate it. Then all frames are refined together with the same prior, the
    same robust data term and a term of smoothness.

    Args:
        clip: Pixels, with the size of the image.
        body: The infant.
        prior: Pose prior.

    Raises:
        ValueError: When the image's size is unknown or too few key frames are plausible bodies.
    """
    if clip.image_size is None:
        raise ValueError(f"clip '{clip.name}': 2D points need the size of the video in pixels")
    count = len(clip)
    number = int(np.clip(round(clip.duration_s / KEY_SECONDS) + 1, MIN_KEYS, MAX_KEYS))
    keys = np.unique(np.linspace(0, count - 1, number).round().astype(int))
    bank = fit_poses(_pose_set(clip, keys), body, prior)
    good = bank.accepted
    if good.sum() < max(1, MIN_ACCEPTED * len(keys)):
        reasons = ", ".join(f"{name} ({n})" for name, n in bank.reasons().items())
        raise ValueError(
            f"clip '{clip.name}': only {good.sum()} of {len(keys)} frames are plausible bodies: {reasons}"
        )
    betas = np.median(bank.betas[good], axis=0)
    typical = FOCAL_PER_SIDE * max(clip.image_size)
    focal = float(np.sqrt(np.median(bank.focal_px[good]) * typical))
    state = _bridge(bank, keys, count, focal)
    kin, index = named_points(body, betas, clip.schema is COCO17)
    seen = [k for k, name in enumerate(clip.schema.keypoints) if name in index]
    ids = np.array([index[clip.schema.keypoints[k]] for k in seen])
    pixels = clip.points[:, seen] - 0.5 * np.array(clip.image_size)
    known = np.isfinite(pixels).all(-1)
    pixels = np.ascontiguousarray(np.where(known[..., None], pixels, 0.0))
    diagonal = _diagonal(pixels, known)
    sure = known * (1.0 if clip.scores is None else np.clip(clip.scores[:, seen], 0.1, 1.0))
    goals = PixelGoals(kin, ids, pixels, sure / (SIGMA * diagonal), focal)
    state = _refine(state, goals, prior, clip.fps, diagonal)
    distance = _distances(goals, state) / diagonal
    error = float(np.median(distance[known]))
    note = (
        f"2D: {good.sum()} of {len(keys)} key frames fitted and bridged, focal length {focal:.0f} px, "
        f"reprojection error {100 * error:.2f} % of the box's diagonal (median)"
    )
    return FittedClip(state, betas, focal, error, note)


def _pose_set(clip: MotionClip, frames: np.ndarray) -> PoseSet:
    """Return frames as single poses in COCO-17 order."""
    points = clip.to_schema(COCO17).points[frames]
    known = np.isfinite(points).all(-1)
    count = len(frames)
    keypoints = np.zeros((count, 17, 3))
    keypoints[..., :2] = np.where(known[..., None], points, 0.0)
    keypoints[..., 2] = np.where(known, 2.0, 0.0)
    return PoseSet(
        keypoints=keypoints,
        image_size=np.tile(np.array(clip.image_size, dtype=np.int64), (count, 1)),
        bbox=np.zeros((count, 4)),
        image_id=frames.astype(np.int64),
        annotation_id=frames.astype(np.int64),
        file_name=("",) * count,
        posture=("",) * count,
        pose_id=tuple(f"{clip.name}/{frame}" for frame in frames),
    )


def _bridge(bank: FitBank, keys: np.ndarray, count: int, focal: float) -> State:
    """Interpolate the accepted fits over all frames; depths are those of the shared focal length."""
    good = np.flatnonzero(bank.accepted)
    at, frames = keys[good].astype(float), np.arange(count, dtype=float)
    inside = np.clip(frames, at[0], at[-1])
    transl = bank.transl[good].copy()
    transl[:, 2] *= focal / bank.focal_px[good]
    pose = np.stack([unwrap(bank.body_pose[good, j]) for j in range(23)], axis=1).reshape(len(good), 69)
    roots = axis_angle_to_matrix(bank.global_orient[good])
    if len(good) > 1:
        roots = Slerp(at, Rotation.from_matrix(roots))(inside).as_matrix()
    else:
        roots = np.repeat(roots, count, axis=0)
    between = [np.stack([np.interp(inside, at, x) for x in values.T], 1) for values in (pose, transl)]
    return State(roots, *between)


def _diagonal(pixels: np.ndarray, known: np.ndarray) -> float:
    """Return the median diagonal of the keypoints' boxes, pixels."""
    low = np.where(known[..., None], pixels, np.inf).min(1)
    high = np.where(known[..., None], pixels, -np.inf).max(1)
    return float(np.median(np.linalg.norm(high - low, axis=-1)))


def _distances(goals: PixelGoals, state: State) -> np.ndarray:
    """Return the (T, K) distances in pixels; of unseen keypoints too."""
    residual = np.zeros((len(state.pose), 2 * len(goals.keypoints)))
    plain = goals._replace(weight=np.ones_like(goals.weight))
    pixel_rows(*plain, *state, residual, np.empty((0, 0, 0)))
    return np.linalg.norm(residual.reshape(*goals.weight.shape, 2), axis=-1)


def _refine(state: State, goals: PixelGoals, prior: Mixture, fps: float, diagonal: float) -> State:
    """Refine all frames together; the data term is Geman-McClure's by reweighting (cf. the fit)."""
    smooth = fps**2 / np.concatenate([np.full(72, TURN_SIGMA), np.full(3, SHIFT_SIGMA)])
    for _ in range(ROUNDS):
        ratio = RHO**2 / ((_distances(goals, state) / diagonal) ** 2 + RHO**2)
        weighted = goals._replace(weight=goals.weight * ratio)
        blend = blend_prior(prior, state.pose, fps, 1.0)
        state, _ = minimise(Goals(smooth, *blend, pixels=weighted), state, STEPS, TOLERANCE)
    return state
