"""An .npz of several clips (T, J, 3) of named joints, y up: the layout in which Bandai-Namco's clips come."""

from pathlib import Path

import numpy as np

from syrip_gen.keypoints.catalog import H36M17
from syrip_gen.motion.clip import MotionClip
from syrip_gen.motion.clip_choice import choose_clip
from syrip_gen.motion.joint_names import PARTS, crown, find_parts, missing_parts
from syrip_gen.motion.points_3d import EXPECTED, clip_from_points

__all__ = ["Y_UP_TO_WORLD", "part_points", "read_named_clip"]

Y_UP_TO_WORLD = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""From y up to z up; x stays."""


def read_named_clip(
    arrays: dict[str, np.ndarray], path: Path, *, fps: float | None, clip: str | None
) -> MotionClip:
    """Make a clip of one array; ``joint_names`` says what its joints are. Axes: y up.

    Raises:
        ValueError: If joints that are needed are not among the names (all are listed), or the array is no
            (T, J, 3) of as many joints.
    """
    names = [str(name) for name in arrays["joint_names"].ravel()]
    clips = sorted(name for name, a in arrays.items() if a.ndim == 3 and a.shape[1:] == (len(names), 3))
    if not clips:
        raise ValueError(
            f"{path}: {EXPECTED} or (T, {len(names)}, 3) beside 'joint_names', found no such array"
        )
    chosen = choose_clip(clips, clip, str(path))
    scheme, found = find_parts(names)
    missing = missing_parts(found)
    if missing:
        raise ValueError(
            f"{path}: no joint for {', '.join(missing)} (nearest naming: {scheme or 'none'}); "
            f"'joint_names' has {', '.join(names)}"
        )
    array = arrays[chosen]
    source = f"{path}: '{chosen}'"
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{source}: {EXPECTED}, found an array of type {array.dtype}")
    at = {part: array[:, names.index(joint)].astype(np.float64) for part, joint in found.items()}
    points = part_points(at) @ Y_UP_TO_WORLD.T
    if fps is None and "fps" in arrays and arrays["fps"].shape == () and arrays["fps"].dtype.kind in "fiu":
        fps = float(arrays["fps"])
    return clip_from_points(points, source, chosen, fps=fps, schema=H36M17, frame="world")


def part_points(at: dict[str, np.ndarray]) -> np.ndarray:
    """Return (T, 17, 3) points of Human3.6M from the places of :data:`PARTS`, (T, 3) each.

    ``head_top`` and ``neck_nose`` are taken where given; else the top is guessed from neck and head, and the
    nose is NaN: joints alone do not tell where a face looks.
    """
    at = {"thorax": at["neck"]} | at
    at.setdefault("head_top", crown(at["head"], at["neck"], at["pelvis"]))
    at.setdefault("neck_nose", np.full_like(at["neck"], np.nan))
    if not set(PARTS) <= set(at):
        raise ValueError(f"parts {sorted(set(PARTS) - set(at))} are not given")
    return np.stack([at[name] for name in H36M17.keypoints], axis=1)
