"""The words of ``--metrics``: which figures beside AP and AR are computed."""

import re
from dataclasses import dataclass

from fidip.evaluation.pck import DEFAULT_SHARE, PckMetric

__all__ = ["METRIC_HELP", "MetricSet", "read_metrics"]

POSE_WORDS = {
    "ajpe": "ajpe",
    "mpjpe": "mpjpe",
    "pa-mpjpe": "pa-mpjpe",
    "n-mpjpe": "n-mpjpe",
    "accel": "accel",
    "acceleration": "accel",
    "iou": "iou",
}
IN_SPACE = ("mpjpe", "pa-mpjpe", "n-mpjpe", "accel")
DEFAULT_PCK3D_MM = 150.0
"""MPI-INF-3DHP's."""
METRIC_HELP = "oks, pckh, pckh1, pckh@0.5, pck@0.05, ajpe, mpjpe, pa-mpjpe, n-mpjpe, pck3d@150, accel or iou"


@dataclass(frozen=True, slots=True)
class MetricSet:
    """What ``--metrics`` asks for."""

    pck: tuple[PckMetric, ...] = ()
    """PCK and PCKh of 2D keypoints; PCKh also in space, where there are 3D keypoints."""
    pose: tuple[str, ...] = ()
    """Of ajpe, mpjpe, pa-mpjpe, n-mpjpe, accel, iou."""
    pck3d_mm: tuple[float, ...] = ()
    """Distances of 3D PCK in mm."""

    @property
    def needs_3d(self) -> tuple[str, ...]:
        """Words that mean nothing without 3D labels."""
        words = [word for word in self.pose if word in IN_SPACE]
        return (*words, *(f"pck3d@{limit:g}" for limit in self.pck3d_mm))

    @property
    def has_pose_figures(self) -> bool:
        """Whether anything beyond AP, AR and PCK is asked for."""
        return bool(self.pose or self.pck3d_mm)


def read_metrics(text: str) -> MetricSet:
    """Read ``oks,pckh,pck@0.05,ajpe,pckh1,pckh2,mpjpe,pa-mpjpe,iou``.

    OKS (AP and AR) is always computed and needs not be named. ``pckh1`` is ``pckh@1``.

    Raises:
        ValueError: If a word is none of these or a share is not above 0 and at most 10.
    """
    pck: list[PckMetric] = []
    pose: list[str] = []
    limits: list[float] = []
    for word in filter(None, (part.strip().lower() for part in text.split(","))):
        if word in ("oks", "ap"):
            continue
        if word in POSE_WORDS:
            pose.append(POSE_WORDS[word])
        elif match := re.fullmatch(r"pck3d(?:@(\d*\.?\d+))?", word):
            limits.append(_positive(match[1], DEFAULT_PCK3D_MM, 1e5, text, word))
        elif match := re.fullmatch(r"(pckh|pck)(?:@?((?<=@)\d*\.?\d+|(?<=pckh)\d+(?:\.\d+)?))?", word):
            kind = "pckh" if match[1] == "pckh" else "pck"
            pck.append(PckMetric(kind, _positive(match[2], DEFAULT_SHARE[kind], 10, text, word)))
        else:
            raise ValueError(f"--metrics {text!r}: {word!r} is not {METRIC_HELP}")
    return MetricSet(*(tuple(dict.fromkeys(values)) for values in (pck, pose, limits)))


def _positive(number: str | None, default: float, most: float, text: str, word: str) -> float:
    value = default if number is None else float(number)
    if not 0 < value <= most:
        raise ValueError(f"--metrics {text!r}: the share in {word!r} must be above 0 and at most {most:g}")
    return value
