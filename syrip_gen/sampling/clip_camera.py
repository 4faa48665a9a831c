"""Cameras for clips: one that keeps a moving infant in the picture, as a parent holds a phone."""

from dataclasses import dataclass

import numpy as np

from syrip_gen.sampling.cameras import (
    ELEVATION_DEG,
    FOCAL_RANGE,
    Framing,
    camera_position,
    place_camera,
    view_rotation,
)
from syrip_gen.sampling.clip_track import ClipTrack
from syrip_gen.sampling.scene import CameraSpec

__all__ = ["ClipCamera", "place_clip_camera"]

ELEVATION_LIMITS_DEG = (12.0, 78.0)
ROLL_STD_DEG = 2.0
FACE_TRIES = 5
"""Of so many directions the camera looks from the one that sees the infant most from its front."""
MIN_HEIGHT_M = 0.22
"""Of the camera over the floor: lower than a parent who lies beside the infant holds it."""
FILL = (0.60, 0.92)
"""Size in the picture of the box around all that a static camera must see."""
FOLLOW_BEYOND = 2.2
"""A static camera would have to see so many bodies' widths: a camera follows instead."""
FOLLOW_S = 0.8
"""Standard deviation of the smoothing of the path that a camera follows, seconds."""


@dataclass(frozen=True, slots=True, eq=False)
class ClipCamera:
    """A camera that keeps its direction; static, or moving along with a smoothed path."""

    camera: CameraSpec
    """Where it stands while the infant is at the origin of the path."""
    path: np.ndarray | None
    """(T, 3) by how much it has moved at each frame of the clip, metres; None = static."""

    def at(self, frame: int) -> CameraSpec:
        """Return the camera of a frame."""
        if self.path is None:
            return self.camera
        T = np.array(self.camera.T_cam_world)
        T[:3, 3] -= T[:3, :3] @ self.path[frame]
        c = self.camera
        rows = tuple(tuple(float(x) for x in row) for row in T)
        return CameraSpec(c.fx, c.fy, c.cx, c.cy, c.width, c.height, rows)


def place_clip_camera(
    track: ClipTrack, num_frames: int, fps: float, width: int, height: int, rng: np.random.Generator
) -> ClipCamera:
    """Draw the camera of one take.

    Args:
        track: Where the infant is.
        num_frames: T, frames of the clip.
        fps: Frames a second.
        width: px.
        height: px.
        rng: Random stream; as many numbers are drawn for every clip.
    """
    low, mode, high = ELEVATION_DEG[track.posture]
    azimuths = rng.uniform(-np.pi, np.pi, FACE_TRIES)
    azimuth = float(max(azimuths, key=lambda a: track.front[0] * np.cos(a) + track.front[1] * np.sin(a)))
    elevation = float(np.deg2rad(np.clip(rng.triangular(low, mode, high), *ELEVATION_LIMITS_DEG)))
    roll = float(np.deg2rad(ROLL_STD_DEG) * np.clip(rng.standard_normal(), -2, 2))
    focal = float(np.exp(rng.uniform(*np.log(FOCAL_RANGE))))
    fill = float(rng.uniform(*FILL))
    slack = (1.0 - fill) * 0.3
    centre = 0.5 + np.clip(rng.standard_normal(2) * 0.08, -slack, slack)
    framing = Framing(focal, fill, (float(centre[0]), float(centre[1])))
    path = _path_to_follow(track, num_frames, fps)
    points = track.points if path is None else track.points - path[track.frames][:, None]
    camera = _placed_above(points.reshape(-1, 3), azimuth, elevation, roll, framing, width, height)
    return ClipCamera(camera, path)


def _placed_above(
    points: np.ndarray,
    azimuth: float,
    elevation: float,
    roll: float,
    framing: Framing,
    width: int,
    height: int,
) -> CameraSpec:
    """Place the camera, raised in steps until it is well above the floor."""
    while True:
        camera = place_camera(points, view_rotation(azimuth, elevation, roll), framing, width, height)
        if camera_position(camera)[2] >= MIN_HEIGHT_M or elevation >= np.pi / 2:
            return camera
        elevation = min(elevation + np.deg2rad(3.0), np.pi / 2)


def _path_to_follow(track: ClipTrack, num_frames: int, fps: float) -> np.ndarray | None:
    """Return the smoothed path (T, 3) over the floor of an infant that travels far; None for the others."""
    body = np.ptp(track.points[..., :2], axis=1).max(axis=1).mean()
    travel = np.ptp(track.footprint, axis=0).max()
    if travel <= FOLLOW_BEYOND * body:
        return None
    every = np.arange(num_frames)
    path = np.stack([np.interp(every, track.frames, track.centre[:, axis]) for axis in range(2)], axis=1)
    return np.column_stack([_smoothed(path, FOLLOW_S * fps), np.zeros(num_frames)])


def _smoothed(path: np.ndarray, sigma: float) -> np.ndarray:
    """Smooth (T, 2) by a Gaussian; beyond its ends the path goes on as it began and as it ended."""
    reach = int(np.ceil(3 * sigma))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    before, after = 2 * path[0] - path[1 : reach + 1][::-1], 2 * path[-1] - path[-reach - 1 : -1][::-1]
    padded = np.concatenate([before, path, after])
    missing = len(path) + 2 * reach - len(padded)
    padded = np.pad(padded, ((missing // 2, missing - missing // 2), (0, 0)), mode="edge")
    return np.stack([np.convolve(padded[:, k], weights / weights.sum(), "valid") for k in range(2)], axis=1)
