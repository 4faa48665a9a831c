"""Which way is up in a clip that was seen by a camera."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.spatial.transform import Rotation

from syrip_gen.fitting.objective import Mixture
from syrip_gen.motion.contacts import floor_score, leg_length
from syrip_gen.motion.retarget_energy import State, posture_shares

__all__ = ["Up", "up_rotation"]

Up = Literal["auto", "camera", "h36m", "world"]
H36M_QUATERNION = (0.1407, -0.1501, -0.7552, 0.6223)
"""(w, x, y, z), camera to world, with which VideoPose3D shows what it makes of videos."""
PITCHES_DEG = np.arange(-15, 91)
"""Cameras that are considered, 0 = level, 90 = straight down; none lies on its side."""
USUAL_PITCH_DEG, FITTED_USUAL_PITCH_DEG, PITCH_SIGMA_DEG = 10.0, 60.0, 35.0
"""How cameras look at adults, and at infants."""
POSTURE_WEIGHT, FITTED_POSTURE_WEIGHT = 2.0, 4.0
"""Weight of what the pose prior says of gravity, against points that lie on the floor."""
LEVEL_DEG = 5
"""Cameras this near to level are level."""


def up_rotation(
    up: Up,
    frame: str,
    points: dict[str, np.ndarray],
    is_absolute: bool,
    is_fitted: bool,
    state: State,
    prior: Mixture,
    fps: float,
) -> tuple[np.ndarray, str]:
    """Return the (3, 3) rotation from a clip's axes to the world's, and a note that says what was assumed.

    Args:
        up: ``world``: z is up in the clip. ``camera``: the camera was level. ``h36m``: as VideoPose3D shows
            its results. ``auto``: a clip in the world's axes is left as it is; otherwise the camera was not
            tilted sideways and looked down by the angle at which most points lie on one floor, with a say of
            the postures as the pose prior sees them.
        frame: The clip's axes, ``camera`` or ``world``.
        points: The clip's points by name, metres.
        is_absolute: Whether they move through the world.
        is_fitted: Whether they are those of infants that were fitted to pixels: postures are then sure, and
            depths are not.
        state: Bodies in the clip's axes.
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
        return _from_pitch(0.0), "up: against the picture's down (level camera)"
    if up != "auto":
        raise ValueError(f"up must be auto, camera, h36m or world, got {up!r}")
    told = (state.roots @ (posture_shares(prior, state.pose, fps) @ prior.gravity)[..., None])[..., 0].mean(0)
    weight = FITTED_POSTURE_WEIGHT if is_fitted else POSTURE_WEIGHT
    usual = FITTED_USUAL_PITCH_DEG if is_fitted else USUAL_PITCH_DEG
    leg, scores = leg_length(points), []
    for pitch in PITCHES_DEG:
        down = -_from_pitch(pitch)[2]
        score = floor_score(points, leg, is_absolute and not is_fitted, down) + weight * float(told @ down)
        scores.append(score - 0.5 * ((pitch - usual) / PITCH_SIGMA_DEG) ** 2)
    pitch = int(PITCHES_DEG[np.argmax(scores)])
    pitch = 0 if abs(pitch) <= LEVEL_DEG else pitch
    return _from_pitch(pitch), f"up: from contacts and postures, the camera looked down by {pitch} degrees"


def _from_pitch(pitch_deg: float) -> np.ndarray:
    """Return the (3, 3) rotation to the world from the axes of a camera that looks down so far."""
    sine, cosine = np.sin(np.radians(pitch_deg)), np.cos(np.radians(pitch_deg))
    return np.array([[1.0, 0.0, 0.0], [0.0, -sine, cosine], [0.0, -cosine, -sine]])
