"""Write any 3D clip as VideoPose3D exports them: ``python -m syrip_gen.motion.convert IN OUT.npy``.

The result is a (T, 17, 3) float32 .npy in metres, Human3.6M's points, in the axes of a camera (x right, y
down, z forward). A clip in world axes is seen by a level camera, :data:`DISTANCE_M` from the middle of the
path, which looks where the camera of Human3.6M looks that VideoPose3D assumes when it draws. The layout has
no frame rate: say it again when the file is read, or leave it at 30.
"""

import argparse
import io
import os
import sys
from pathlib import Path

import numpy as np

from syrip_gen.keypoints.catalog import H36M17
from syrip_gen.motion.clip import MotionClip
from syrip_gen.motion.points_3d import DEFAULT_FPS
from syrip_gen.motion.readers import read_motion

__all__ = ["CAMERA_AXES", "at_rate", "camera_points", "main", "write_videopose3d"]

HEADING = np.array([-0.39936335, -0.89776383]) / np.hypot(0.39936335, 0.89776383)
"""Where the camera of VideoPose3D's quaternion (0.1407, -0.1501, -0.7552, 0.6223) looks, seen from above."""
CAMERA_AXES = np.array([[HEADING[1], -HEADING[0], 0.0], [0.0, 0.0, -1.0], [HEADING[0], HEADING[1], 0.0]])
"""Rows: the camera's right, down and forward in the world's axes (z up)."""
DISTANCE_M = 4.5


def camera_points(clip: MotionClip) -> np.ndarray:
    """Return (T, 17, 3) float32 points of Human3.6M in camera axes, metres.

    Raises:
        ValueError: If the clip is 2D, or its schema lacks a point that cannot be derived.
    """
    if not clip.is_3d:
        raise ValueError(f"'{clip.name}' has 2D points; lift them first (VideoPose3D does)")
    points = clip.to_schema(H36M17).points
    absent = [n for n, p in zip(H36M17.keypoints, np.isnan(points).any((0, 2)), strict=True) if p]
    if absent:
        raise ValueError(f"'{clip.name}' ({clip.schema.name}) has no {', '.join(absent)}")
    if clip.frame == "world":
        points = points @ CAMERA_AXES.T
        if clip.is_absolute:
            root = points[:, 0]
            points = points - (root.min(axis=0) + root.max(axis=0)) / 2 + np.array([0.0, 0.0, DISTANCE_M])
    return points.astype(np.float32)


def at_rate(clip: MotionClip, fps: float) -> MotionClip:
    """Return the clip at another frame rate, points interpolated linearly.

    Raises:
        ValueError: If ``fps`` is not above 0.
    """
    if not (np.isfinite(fps) and fps > 0):
        raise ValueError(f"frames a second must be above 0, got {fps}")
    if len(clip) == 1 or fps == clip.fps:
        return clip
    place = np.arange(int(clip.duration_s * fps + 1e-3) + 1) * (clip.fps / fps)
    place = np.minimum(place, len(clip) - 1)
    first = np.minimum(place.astype(int), len(clip) - 2)
    share = (place - first)[:, None, None]
    points = (1 - share) * clip.points[first] + share * clip.points[first + 1]
    return MotionClip(
        points, clip.schema, fps, clip.frame, clip.is_absolute, clip.name, clip.image_size, notes=clip.notes
    )


def write_videopose3d(clip: MotionClip, path: Path) -> tuple[int, ...]:
    """Write the clip atomically as a .npy file and return the array's shape."""
    points = camera_points(clip)
    buffer = io.BytesIO()
    np.save(buffer, points, allow_pickle=False)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(buffer.getvalue())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return points.shape


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m syrip_gen.motion.convert", description=__doc__)
    parser.add_argument("input", type=Path, help="clip of any format that syrip reads")
    parser.add_argument("output", type=Path, help=".npy file to write")
    parser.add_argument("--fps", type=float, default=DEFAULT_FPS, help="frames a second of OUT (default 30)")
    parser.add_argument("--input-fps", type=float, help="frames a second of IN, if it does not say")
    parser.add_argument("--clip", help="name of the clip in a file of several")
    parser.add_argument("--schema", help="keypoint schema of IN, if it is not recognised")
    options = parser.parse_args(arguments)
    try:
        if options.output.suffix != ".npy":
            raise ValueError(f"{options.output}: the output must be named *.npy")
        clip = read_motion(options.input, fps=options.input_fps, clip=options.clip, schema=options.schema)
        if not isinstance(clip, MotionClip):
            raise ValueError(
                f"{options.input}: holds bodies, not points; give it to 'syrip animate' as it is"
            )
        shape = write_videopose3d(at_rate(clip, options.fps), options.output)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, ValueError | FileNotFoundError) else 1
    for note in clip.notes:
        print(f"note: {note}")
    print(f"{options.output}: {shape} float32, camera axes, metres, {options.fps:g} frames a second")
    return 0


if __name__ == "__main__":
    sys.exit(main())
