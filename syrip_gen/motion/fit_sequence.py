"""Fit banks as motion: the accepted fits of a file, in order, laid on a floor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from syrip_gen.body.assets import BodyAssets
from syrip_gen.fitting.bank import FitBank
from syrip_gen.motion.mending import check_frames
from syrip_gen.motion.points_3d import DEFAULT_FPS
from syrip_gen.motion.sequence import BodySequence
from syrip_gen.sampling.coarse_body import CoarseBody
from syrip_gen.sampling.resting import MAX_TILT_DEG, down_hint, refine_posture, rest_direction

__all__ = ["read_fit_sequence"]


def read_fit_sequence(path: Path, *, fps: float | None, body: BodyAssets | None = None) -> BodySequence:
    """Return the accepted fits of a bank as one moving body.

    One camera is taken to have seen all frames: gravity is the mean of the directions in which the bodies
    rest (as `syrip generate` finds them), the shape the median of all, and every frame is laid on the floor,
    because the depth of a body that is fitted to 2D points is not known well enough to tell its height.

    Args:
        path: ``fits.npz``.
        fps: Frames a second; None assumes 30, the file does not say.
        body: The body that was fitted; the shipped infant by default.

    Raises:
        ValueError: If it is no sound bank, has no accepted fit, or another number of shape coefficients.
    """
    if body is None:
        from syrip_gen.body.load import load_body

        body = load_body()
    whole = FitBank.load(path)
    bank = whole.select(whole.accepted)
    if not len(bank):
        raise ValueError(f"{path}: none of the {len(whole)} fits is accepted")
    check_frames(len(bank), str(path))
    coarse = CoarseBody.from_assets(body)
    if bank.betas.shape[1] != coarse.num_betas:
        raise ValueError(
            f"{path}: fits of {bank.betas.shape[1]} shape coefficients, the body has {coarse.num_betas}; "
            "give the body that was fitted"
        )
    betas = np.median(bank.betas, axis=0)
    turn = _camera_to_world(bank, betas, coarse)
    orient = (turn * Rotation.from_rotvec(bank.global_orient)).as_rotvec()
    root = coarse.joints[0] + coarse.joint_dirs[0] @ betas
    transl = turn.apply(bank.transl + root) - root
    transl[:, :2] -= np.median(transl[:, :2], axis=0)
    for t in range(len(bank)):
        # The lowest point of the posed body touches the floor.
        transl[t, 2] = -coarse.pose(betas, orient[t], bank.body_pose[t]).vertices[:, 2].min()
    return BodySequence(
        betas, orient, bank.body_pose.copy(), transl, fps or DEFAULT_FPS, path.stem, _notes(whole, fps)
    )


def _camera_to_world(bank: FitBank, betas: np.ndarray, coarse: CoarseBody) -> Rotation:
    """Return the rotation that takes the direction in which the bodies rest to the world's down."""
    down = np.zeros(3)
    for t in range(len(bank)):
        pose = coarse.pose(betas, bank.global_orient[t], bank.body_pose[t])
        posture = refine_posture(str(bank.posture[t]), pose)
        down += rest_direction(pose, down_hint(pose, posture), MAX_TILT_DEG[posture], in_photo_frame=True)
    if np.linalg.norm(down) < 1e-6:
        down = np.array([0.0, 1.0, 0.0])
    return Rotation.align_vectors([[0.0, 0.0, -1.0]], [down / np.linalg.norm(down)])[0]


def _notes(bank: FitBank, fps: float | None) -> tuple[str, ...]:
    notes = ["bodies of a fit bank: one camera and one infant assumed, every frame laid on the floor"]
    rejected = int((~bank.accepted).sum())
    if rejected:
        notes.append(f"{rejected} of {len(bank)} fits left out: they were not accepted")
    if fps is None:
        notes.append(f"no frame rate in the file: {DEFAULT_FPS:g} frames a second assumed")
    return tuple(notes)
