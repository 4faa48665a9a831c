"""How far an infant's joints turn, as bounds of the axis-angle parameters of a body pose."""

import numpy as np

__all__ = ["LIMITS_DEG", "joint_limits"]

Range = tuple[float, float]

LIMITS_DEG: dict[str, tuple[tuple[int, int], Range, Range, Range]] = {
    # (left, right) joints, and the left one's range about x (to the left), y (up) and z (to the front)
    "hip": ((1, 2), (-140, 12), (-45, 95), (-60, 80)),
    "knee": ((4, 5), (-5, 150), (-15, 15), (-15, 15)),
    "ankle": ((7, 8), (-40, 50), (-15, 15), (-35, 20)),
    "foot": ((10, 11), (-25, 35), (-15, 15), (-15, 15)),
    "collar": ((13, 14), (-15, 15), (-25, 20), (-25, 35)),
    "shoulder": ((16, 17), (-140, 90), (-130, 50), (-100, 120)),
    "elbow": ((18, 19), (-50, 50), (-155, 5), (-20, 20)),
    "wrist": ((20, 21), (-45, 45), (-25, 25), (-65, 65)),
    "hand": ((22, 23), (-20, 20), (-20, 20), (-20, 20)),
    "lower spine": ((3, 3), (-25, 30), (-15, 15), (-15, 15)),
    "middle spine": ((6, 6), (-25, 30), (-18, 18), (-18, 18)),
    "upper spine": ((9, 9), (-25, 30), (-18, 18), (-18, 18)),
    "neck": ((12, 12), (-40, 35), (-55, 55), (-25, 25)),
    "head": ((15, 15), (-40, 35), (-55, 55), (-25, 25)),
}
"""Ranges of motion of the first year: hips lack some extension and flex to 130-140, abduct to 70 and turn
outwards to 90 degrees, knees and elbows hardly overextend (Haas, Epps and Adams 1973; Waugh et al. 1983;
Drews, Vraciu and Pellino 1984; Broughton, Wright and Menelaus 1993); spine and neck after
:mod:`syrip_gen.fitting.postures`, shared by their joints. Ball joints' ranges bound each component of the
rotation vector, which is coarse: within them the pose prior decides."""


def joint_limits() -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the greatest (69,) body-pose parameters, radians."""
    low, high = np.full((23, 3), -np.inf), np.full((23, 3), np.inf)
    for (left, right), *ranges in LIMITS_DEG.values():
        bounds = np.radians(ranges)
        low[left - 1], high[left - 1] = bounds.T
        if right != left:
            # A mirrored rotation vector keeps x and negates y and z.
            flipped = np.stack([bounds[0], -bounds[1, ::-1], -bounds[2, ::-1]])
            low[right - 1], high[right - 1] = flipped.T
    return low.ravel(), high.ravel()
