"""Which way is up in a clip that was seen by a camera."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.spatial.transform import Rotation

from syrip_gen.body.assets import BodyAssets
from syrip_gen.fitting.objective import Mixture
from syrip_gen.geometry.rotations import matrix_to_axis_angle
from syrip_gen.motion.retarget_energy import State, posture_shares
from syrip_gen.sampling.coarse_body import CoarseBody
from syrip_gen.sampling.resting import rest_direction

__all__ = ["Up", "up_rotation"]

Up = Literal["auto", "camera", "h36m", "world"]
LEVEL = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""World (z up) from the axes of a level camera (x right, y down, z forward)."""
H36M_QUATERNION = (0.1407, -0.1501, -0.7552, 0.6223)
"""(w, x, y, z), camera to world, with which VideoPose3D shows what it makes of videos."""
NEARLY_LEVEL_DEG = 40.0
"""A camera is taken as level when the poses speak for a gravity this near to the picture's down."""
RESTING_FRAMES, MAX_TILT_DEG = 24, 35.0
"""Frames that are laid down, and how far from what the posture says the resting direction may lie."""
CERTAIN = 0.35
"""Length of the mean of the gravity vectors from which the poses say anything at all."""


def up_rotation(
    up: Up, frame: str, state: State, body: BodyAssets, betas: np.ndarray, prior: Mixture, fps: float
) -> tuple[np.ndarray, str]:
    """Return the (3, 3) rotation from a clip's axes to the world's, and a note that says what was assumed.

    Args:
        up: ``world``: z is up in the clip. ``camera``: the camera was level. ``h36m``: as VideoPose3D shows
            its results. ``auto``: a clip in the world's axes is left as it is; a camera is level, unless the
            postures (as the prior sees them) speak for a camera that looked down or lay on its side; then
            gravity is what lets the bodies rest on their hulls' facets.
        frame: The clip's axes, ``camera`` or ``world``.
        state: Bodies in the clip's axes.
        body: The infant.
        betas: (S,) its shape.
        prior: Pose prior; its Gaussians may know which way is down.
        fps: Frames a second.

    Raises:
        ValueError: When ``up`` is none of these.
    """
    if up == "world" or (up == "auto" and frame == "world"):
        return np.eye(3), "up: z, as the clip has it"
    if up == "h36m":
        w, *xyz = H36M_QUATERNION
        return Rotation.from_quat([*xyz, w]).as_matrix(), "up: VideoPose3D's Human3.6M camera"
    if up == "camera":
        return LEVEL, "up: against the picture's down (level camera)"
    if up != "auto":
        raise ValueError(f"up must be auto, camera, h36m or world, got {up!r}")
    down = (state.roots @ (posture_shares(prior, state.pose, fps) @ prior.gravity)[..., None])[..., 0].mean(0)
    length = float(np.linalg.norm(down))
    if length < CERTAIN:
        return LEVEL, "up: against the picture's down (level camera; the poses do not tell)"
    down /= length
    if down[1] > np.cos(np.radians(NEARLY_LEVEL_DEG)):
        return LEVEL, "up: against the picture's down (level camera; the poses agree)"
    down = _resting(down, state, body, betas)
    pitch = np.degrees(np.arctan2(down[2], np.hypot(down[0], down[1])))
    turn = Rotation.align_vectors([[0.0, 0.0, -1.0]], [down])[0].as_matrix()
    return turn, f"up: from how the bodies rest; the camera looked down by about {pitch:.0f} degrees"


def _resting(hint: np.ndarray, state: State, body: BodyAssets, betas: np.ndarray) -> np.ndarray:
    """Return the mean (3,) of the directions near ``hint`` in which the bodies rest, of a few frames."""
    coarse = CoarseBody.from_assets(body)
    found = np.zeros(3)
    for t in np.unique(np.linspace(0, len(state.pose) - 1, RESTING_FRAMES).astype(int)):
        orient = matrix_to_axis_angle(state.roots[t])
        found += rest_direction(coarse.pose(betas, orient, state.pose[t].reshape(23, 3)), hint, MAX_TILT_DEG)
    return found / np.linalg.norm(found)
