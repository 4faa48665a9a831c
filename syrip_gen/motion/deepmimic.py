"""DeepMimic's motion clips: joint quaternions of its humanoid, turned into Human3.6M's 17 points.

A clip is JSON with ``Frames``: 44 numbers each: duration (s), root position (m) and rotation, rotations of
chest, neck, right hip, knee, ankle, shoulder, elbow, left hip, knee, ankle, shoulder, elbow. Rotations are
quaternions (w, x, y, z), knees and elbows one angle about z. The humanoid faces +x, y is up, z its right
(Peng et al., DeepMimic, 2018, and its data/characters/humanoid3d.txt, from which the lengths below are).
"""

from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from syrip_gen.keypoints.catalog import H36M17
from syrip_gen.motion.clip import MotionClip
from syrip_gen.motion.mending import check_frames

__all__ = ["NUM_VALUES", "read_deepmimic"]

NUM_VALUES = 44
JOINTS: tuple[tuple[str, str, tuple[float, float, float], int], ...] = (
    ("chest", "root", (0.0, 0.236151, 0.0), 4),
    ("neck", "chest", (0.0, 0.223894, 0.0), 4),
    ("right_hip", "root", (0.0, 0.0, 0.084887), 4),
    ("right_knee", "right_hip", (0.0, -0.421546, 0.0), 1),
    ("right_ankle", "right_knee", (0.0, -0.409870, 0.0), 4),
    ("right_shoulder", "chest", (-0.02405, 0.24350, 0.18311), 4),
    ("right_elbow", "right_shoulder", (0.0, -0.274788, 0.0), 1),
    ("left_hip", "root", (0.0, 0.0, -0.084887), 4),
    ("left_knee", "left_hip", (0.0, -0.421546, 0.0), 1),
    ("left_ankle", "left_knee", (0.0, -0.409870, 0.0), 4),
    ("left_shoulder", "chest", (-0.02405, 0.24350, -0.18311), 4),
    ("left_elbow", "left_shoulder", (0.0, -0.274788, 0.0), 1),
)
"""Joint, parent, its place in the parent's frame in metres, and how many numbers turn it; in file order."""
POINTS: dict[str, tuple[str, tuple[float, float, float]]] = {
    "pelvis": ("root", (0.0, 0.0, 0.0)),
    "spine": ("chest", (0.0, 0.0, 0.0)),
    "thorax": ("neck", (0.0, 0.0, 0.0)),
    "neck_nose": ("neck", (0.09, 0.13, 0.0)),
    "head_top": ("neck", (0.0, 0.2775, 0.0)),
    "left_wrist": ("left_elbow", (0.0, -0.258947, 0.0)),
    "right_wrist": ("right_elbow", (0.0, -0.258947, 0.0)),
    **{name: (name, (0.0, 0.0, 0.0)) for name, *_ in JOINTS if name in H36M17.keypoints},
}
"""Point, joint that carries it, place in that joint's frame. The head is a ball of 205 mm, 175 mm above the
neck: its top is ``head_top``; ``neck_nose`` lies on its front."""
TO_WORLD = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""From x forward, y up, z right to x forward, y left, z up."""
MAX_FPS = 1000.0
MIN_QUATERNION = 0.3
"""Published clips hold quaternions as short as 0.58, mixed from two without being scaled to 1 again."""


def read_deepmimic(content: dict[str, Any], path: Path, *, fps: float | None) -> MotionClip:
    """Make a clip of a parsed file; frames of unequal length become equal ones (slerp).

    Args:
        content: The JSON document.
        path: For messages and the clip's name.
        fps: Frames a second to play the frames at instead of the file's own.

    Raises:
        ValueError: If a frame is not 44 finite numbers, or a rotation is none.
    """
    frames = _frames(content, path)
    check_frames(len(frames), str(path))
    times, notes = _times(frames[:, 0], path)
    position = frames[:, 1:4]
    rotations = _rotations(frames, path)
    own_fps = 30.0
    if len(times) > 1:
        own_fps = float(1.0 / np.median(np.diff(times)))
        even = np.arange(int(times[-1] * own_fps + 1e-3) + 1) / own_fps
        even = np.minimum(even, times[-1])
        if np.abs(np.diff(times) * own_fps - 1.0).max() > 0.01:
            notes.append(f"frames of unequal length: played at {own_fps:.3g} frames a second")
            position = np.stack([np.interp(even, times, p) for p in position.T], axis=1)
            rotations = {name: Slerp(times, r)(even) for name, r in rotations.items()}
    if fps is not None and abs(fps - own_fps) > 0.01:
        notes.append(f"played at {fps:g} frames a second instead of its own {own_fps:.3g}")
    points = _points(position, rotations) @ TO_WORLD.T
    if len(points) == 1:
        notes.append("one frame only: a still pose, nothing can be said of speed, contact or smoothness")
    return MotionClip(
        points,
        H36M17,
        float(fps if fps is not None else round(own_fps, 3)),
        frame="world",
        name=path.stem,
        notes=("adult-sized body, 1.66 m tall (DeepMimic's humanoid)", *notes),
    )


def _frames(content: dict[str, Any], path: Path) -> np.ndarray:
    """Return the (T, 44) numbers."""
    rows = content.get("Frames")
    if not isinstance(rows, list) or not rows:
        raise ValueError(
            f"{path}: not a DeepMimic clip: expected a list 'Frames' of {NUM_VALUES} numbers each"
        )
    for i, row in enumerate(rows):
        numbers = isinstance(row, list) and all(isinstance(v, int | float) for v in row)
        if not numbers or len(row) != NUM_VALUES:
            found = f"{len(row)} values" if isinstance(row, list) else type(row).__name__
            raise ValueError(
                f"{path}: frame {i}: expected {NUM_VALUES} numbers (DeepMimic's humanoid), found {found}"
            )
    frames = np.array(rows, dtype=np.float64)
    if not np.isfinite(frames).all():
        raise ValueError(
            f"{path}: frame {int(np.argmin(np.isfinite(frames).all(1)))} holds NaN or infinities"
        )
    return frames


def _times(durations: np.ndarray, path: Path) -> tuple[np.ndarray, list[str]]:
    """Return the time of each frame; the last frame's duration does not count."""
    steps = durations[:-1]
    if (steps < 0).any() or (steps.size and not (steps > 0).any()):
        raise ValueError(f"{path}: frame durations must be above 0 seconds, found {steps.min():g}")
    notes = []
    if (steps == 0).any():
        typical = float(np.median(steps[steps > 0]))
        notes.append(f"{int((steps == 0).sum())} frames without a duration: {typical:.4g} s assumed")
        steps = np.where(steps == 0, typical, steps)
    if steps.size and 1.0 / float(np.median(steps)) > MAX_FPS:
        raise ValueError(f"{path}: frames of {np.median(steps):g} s, at most {MAX_FPS:g} a second are read")
    return np.concatenate([[0.0], np.cumsum(steps)]), notes


def _rotations(frames: np.ndarray, path: Path) -> dict[str, Rotation]:
    """Return the rotation of every joint relative to its parent, over time."""
    result = {}
    at = 4
    for name, size in (("root", 4), *((name, size) for name, _, _, size in JOINTS)):
        values = frames[:, at : at + size]
        at += size
        if size == 1:
            result[name] = Rotation.from_rotvec(values * np.array([0.0, 0.0, 1.0]))
            continue
        length = np.linalg.norm(values, axis=1)
        if (length < MIN_QUATERNION).any():
            raise ValueError(
                f"{path}: frame {int(np.argmin(length))}: the rotation of {name} is no quaternion "
                f"(length {length.min():.3g} instead of 1)"
            )
        result[name] = Rotation.from_quat(values[:, [1, 2, 3, 0]])
    return result


def _points(position: np.ndarray, rotations: dict[str, Rotation]) -> np.ndarray:
    """Return (T, 17, 3) points in DeepMimic's axes (forward kinematics)."""
    places, turns = {"root": position}, {"root": rotations["root"]}
    for name, parent, offset, _ in JOINTS:
        places[name] = places[parent] + turns[parent].apply(np.array(offset))
        turns[name] = turns[parent] * rotations[name]
    points = [
        places[joint] + turns[joint].apply(np.array(offset))
        for joint, offset in (POINTS[name] for name in H36M17.keypoints)
    ]
    return np.stack(points, axis=1)
