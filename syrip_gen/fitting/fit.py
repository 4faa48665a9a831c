"""Fit a body to every pose of a PoseSet."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from syrip_gen.body.assets import BodyAssets
from syrip_gen.fitting.bank import FitBank
from syrip_gen.fitting.checks import DEFAULT_LIMITS, Limits, reason_for
from syrip_gen.fitting.energy import Contacts, Target, unpack
from syrip_gen.fitting.kinematics import Kinematics, build_kinematics, forward
from syrip_gen.fitting.limbs import LimbLibrary, build_limb_library
from syrip_gen.fitting.objective import Mixture
from syrip_gen.fitting.priors import for_posture
from syrip_gen.fitting.proxies import SLACK, Spheres, build_spheres, sphere_kinematics
from syrip_gen.fitting.search import DEFAULT_SCHEDULE, Problem, Schedule, fit_target
from syrip_gen.fitting.starts import StartTable, build_start_table
from syrip_gen.geometry.rotations import matrix_to_axis_angle
from syrip_gen.keypoints.poses import MIN_LABELLED, PoseSet

__all__ = ["Fitter", "fit_poses", "make_target"]

FOCAL_PER_SIDE = 1.2
"""Typical focal length of a phone or camera, in units of the image's longer side."""
LOG_FOCAL_SIGMA = 0.35
MIN_DIAGONAL, MAX_DIAGONAL = 4.0, 1e7
"""Range of keypoint boxes that are poses, pixels."""
SUSPICIOUS = 0.016
"""Mean reprojection error, box diagonals, from which exchanged labels are looked for."""
SWAPS = ((5, 7, 9), (11, 13, 15), (1, 3), (1, 3, 5, 7, 9, 11, 13, 15))
"""Left keypoints of the parts whose sides annotators confuse: arms, legs, face, the whole body."""
SWAP_GAIN = 25.0
"""Energy (log-likelihood) that the exchange must gain."""
SCATTERED = [3, 4, 11, 12]
SCATTERED_CONFIDENCE = 0.7
"""Weight of ears and hips: of all keypoints, annotators scatter most about hips (COCO's OKS sigma is 1.07
there, 0.62 to 0.89 elsewhere; the authors leave hips out altogether), and about the ear that they do not see.
"""
OCCLUDED_CONFIDENCE = 0.7
"""Weight of a keypoint that the annotator placed without seeing it."""


@dataclass(frozen=True, slots=True, eq=False)
class Fitter:
    """A body and a prior, made ready for fitting."""

    kinematics: Kinematics
    prior: Mixture
    table: StartTable
    limbs: LimbLibrary
    spheres: Spheres
    contacts: Contacts
    schedule: Schedule = DEFAULT_SCHEDULE
    limits: Limits = DEFAULT_LIMITS
    max_mixture: bool = False

    @classmethod
    def create(cls, body: BodyAssets, prior: Mixture, max_mixture: bool = False) -> "Fitter":
        """Precompute what all poses share."""
        kinematics = build_kinematics(body)
        table = build_start_table(kinematics, prior)
        limbs = build_limb_library(prior)
        spheres = build_spheres(body)
        reach = spheres.radius[spheres.pairs].sum(1) - SLACK
        contacts = Contacts(sphere_kinematics(kinematics, spheres), reach, spheres.pairs.astype(np.int64))
        return cls(kinematics, prior, table, limbs, spheres, contacts, max_mixture=max_mixture)


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """One pose's entry of the bank."""

    x: np.ndarray
    """Betas, root, pose, translation, log focal length (:mod:`~syrip_gen.fitting.energy`)."""
    keypoints: np.ndarray
    focal_px: float
    error: float
    reason: str


def box_diagonal(keypoints: np.ndarray) -> float:
    """Return the diagonal (pixels) of the box around the labelled keypoints of one (17, 3) pose."""
    points = keypoints[keypoints[:, 2] > 0, :2]
    return float(np.hypot(*np.ptp(points, axis=0))) if len(points) else 0.0


def make_target(keypoints: np.ndarray, image_size: np.ndarray) -> Target:
    """Express one (17, 3) pose in box diagonals about the image's centre."""
    diagonal = box_diagonal(keypoints)
    labelled = keypoints[:, 2] > 0
    points = np.where(labelled[:, None], (keypoints[:, :2] - 0.5 * image_size) / diagonal, 0.0)
    confidence = np.where(keypoints[:, 2] >= 2, 1.0, np.where(labelled, OCCLUDED_CONFIDENCE, 0.0))
    confidence[SCATTERED] *= SCATTERED_CONFIDENCE
    log_focal = float(np.log(FOCAL_PER_SIDE * max(image_size) / diagonal))
    return Target(np.ascontiguousarray(points), confidence, log_focal, LOG_FOCAL_SIGMA)


def _failed(size: int, reason: str) -> _Row:
    return _Row(np.full(size + 82, np.nan), np.full((17, 3), np.nan), np.nan, np.nan, reason)


def fit_one(fitter: Fitter, keypoints: np.ndarray, image_size: np.ndarray, posture: str = "") -> _Row:
    """Fit one (17, 3) pose; what goes wrong is its own reason and nobody else's."""
    size = fitter.kinematics.joint_dirs.shape[2]
    if not np.isfinite(keypoints).all():
        return _failed(size, "not finite")
    if (keypoints[:, 2] > 0).sum() < MIN_LABELLED:
        return _failed(size, "too few keypoints")
    diagonal = box_diagonal(keypoints)
    if diagonal > MAX_DIAGONAL:
        return _failed(size, "not finite")
    if not diagonal > MIN_DIAGONAL:
        return _failed(size, "keypoints coincide")
    target = make_target(keypoints, image_size)
    mixture = for_posture(fitter.prior, posture)
    problem = Problem(fitter.kinematics, fitter.contacts, mixture, target, fitter.max_mixture)
    found = fit_target(problem, fitter.table, fitter.limbs, fitter.schedule)
    if found is None:
        return _failed(size, "no fit")
    x = found[1]
    betas, root, pose, transl, log_focal = unpack(x)
    points, joints, rotations, _ = forward(fitter.kinematics, betas, root, pose, transl)
    pixels = np.exp(log_focal) * points[:, :2] / points[:, 2:]
    errors = np.where(target.confidence > 0, np.linalg.norm(pixels - target.points, axis=1), np.nan)
    reason = reason_for(errors, x, joints, rotations, fitter.spheres, mixture, fitter.limits)
    if np.nanmean(errors) > SUSPICIOUS and _fits_better_swapped(fitter, problem, found[0]):
        reason = "left and right swapped"
    return _Row(x, points, float(np.exp(log_focal) * diagonal), float(np.nanmean(errors)), reason)


def _fits_better_swapped(fitter: Fitter, problem: Problem, energy: float) -> bool:
    """Tell whether the keypoints make far more sense with left and right exchanged in some part."""
    for parts in SWAPS:
        order = np.arange(17)
        for left in parts:
            order[left], order[left + 1] = left + 1, left
        target = problem.target._replace(
            points=problem.target.points[order], confidence=problem.target.confidence[order]
        )
        other = fit_target(problem._replace(target=target), fitter.table, fitter.limbs, fitter.schedule)
        if other is not None and other[0] < energy - SWAP_GAIN:
            return True
    return False


def fit_poses(
    poses: PoseSet,
    body: BodyAssets,
    prior: Mixture,
    *,
    workers: int | None = None,
    max_mixture: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> FitBank:
    """Fit a body to every pose.

    Every pose is computed on its own by compiled code, so the result is the same for any number of workers
    and a pose that cannot be fitted leaves the others alone.

    Args:
        poses: N poses in pixels.
        body: SMPL-format body.
        prior: Pose prior (:func:`~syrip_gen.fitting.priors.load_prior`).
        workers: Threads; by default one for each processor that this process may use.
        max_mixture: Use the prior's most probable Gaussian (SMPLify) instead of the sum over all.
        progress: Called with (poses done, poses) after every pose.
    """
    if body.keypoint_regressor.shape[0] != 17:
        raise ValueError(
            f"body '{body.name}' has {body.keypoint_regressor.shape[0]} keypoints, expected COCO's 17"
        )
    fitter = Fitter.create(body, prior, max_mixture)
    count = workers or len(os.sched_getaffinity(0))
    rows = []
    # Matrices are small: a BLAS with threads of its own would only get in the way of these.
    with threadpool_limits(1), ThreadPoolExecutor(count) as pool:
        try:
            for row in pool.map(
                lambda i: fit_one(fitter, poses.keypoints[i], poses.image_size[i], poses.posture[i]),
                range(len(poses)),
            ):
                rows.append(row)
                if progress is not None:
                    progress(len(rows), len(poses))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return _to_bank(rows, poses, body)


def _to_bank(rows: list[_Row], poses: PoseSet, body: BodyAssets) -> FitBank:
    size = body.num_betas
    x = np.array([row.x for row in rows]).reshape(-1, size + 82)
    roots = x[:, size : size + 9].reshape(-1, 3, 3)
    fitted = np.isfinite(roots).all((1, 2))
    orient = np.full((len(rows), 3), np.nan)
    orient[fitted] = matrix_to_axis_angle(roots[fitted])
    return FitBank(
        betas=x[:, :size],
        global_orient=orient,
        body_pose=x[:, size + 9 : size + 78].reshape(-1, 23, 3),
        transl=x[:, size + 78 : size + 81],
        focal_px=np.array([row.focal_px for row in rows], dtype=float),
        image_size=np.asarray(poses.image_size, dtype=np.int64),
        keypoints_3d_m=np.array([row.keypoints for row in rows]).reshape(-1, 17, 3),
        reprojection_error=np.array([row.error for row in rows], dtype=float),
        accepted=np.array([row.reason == "" for row in rows], dtype=bool),
        reason=np.array([row.reason for row in rows], dtype=np.str_),
        image_id=np.asarray(poses.image_id, dtype=np.int64),
        annotation_id=np.asarray(poses.annotation_id, dtype=np.int64),
        file_name=np.array(poses.file_name, dtype=np.str_),
        pose_id=np.array(poses.pose_id, dtype=np.str_),
        posture=np.array(poses.posture, dtype=np.str_),
        body=body.identity,
    )
