"""A made-up clip of an adult on all fours, as VideoPose3D would give it."""

import numpy as np

__all__ = ["crawling_points"]

# Facing +x, seen from the side by a level camera: x right, y down, z forward; metres.
_POINTS = {
    "hip": (0.0, 0.40, 4.0), "rhip": (0.0, 0.40, 3.88), "rknee": (0.05, 0.85, 3.88),
    "rankle": (-0.38, 0.87, 3.88), "lhip": (0.0, 0.40, 4.12), "lknee": (0.05, 0.85, 4.12),
    "lankle": (-0.38, 0.87, 4.12), "spine": (0.25, 0.40, 4.0), "thorax": (0.50, 0.38, 4.0),
    "neck": (0.60, 0.34, 4.0), "head": (0.70, 0.26, 4.0), "lshoulder": (0.48, 0.40, 4.16),
    "lelbow": (0.50, 0.65, 4.17), "lwrist": (0.52, 0.87, 4.17), "rshoulder": (0.48, 0.40, 3.84),
    "relbow": (0.50, 0.65, 3.83), "rwrist": (0.52, 0.87, 3.83),
}  # fmt: skip
_AHEAD = {
    "rknee": 1,
    "rankle": 1,
    "lknee": -1,
    "lankle": -1,
    "lelbow": 0.5,
    "lwrist": 1,
    "relbow": -0.5,
    "rwrist": -1,
}


def crawling_points(num_frames: int = 12, speed_m_s: float = 0.3, fps: float = 30.0) -> np.ndarray:
    """Return (T, 17, 3) float32 Human3.6M points in the camera frame, metres."""
    time = np.arange(num_frames) / fps
    points = np.repeat(np.array(list(_POINTS.values()))[None], num_frames, axis=0)
    for row, name in enumerate(_POINTS):
        points[:, row, 0] += speed_m_s * time + 0.08 * _AHEAD.get(name, 0) * np.sin(2 * np.pi * time)
    return points.astype(np.float32)
