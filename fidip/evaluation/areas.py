"""Which area OKS divides by: the file's, or the box's where the file's cannot be the persons' areas."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from fidip.evaluation.ground_truth import GroundTruth

__all__ = ["AREA_POLICIES", "AreaChoice", "AreaPolicy", "area_fault", "choose_areas"]

AreaPolicy = Literal["auto", "bbox", "file"]
AREA_POLICIES: tuple[AreaPolicy, ...] = ("auto", "bbox", "file")
MAX_OF_BOX = 1.1
"""A person's area cannot exceed its box's; a tenth is allowed for rounding and tight boxes."""
MIN_MEDIAN_OF_BOX = 0.02
"""A median below this is no area in px² (COCO's persons: 0.54, the box itself: 1)."""
TOLERATED_SHARE = 0.05
"""Share of annotations that may be wrong before the whole file is distrusted."""
MIN_FOR_CONSTANT = 5
"""Identical areas are suspicious from this many persons on."""


@dataclass(frozen=True, slots=True)
class AreaChoice:
    """The areas of all persons of a ground truth."""

    used: Literal["bbox", "file"]
    areas: np.ndarray
    """(N,) px², in the order of ``GroundTruth.persons``; the box's where the file has none."""
    fault: str
    """Why the file's areas cannot be the persons', or nothing."""
    note: str
    """What to tell the user, or nothing."""


def choose_areas(gt: GroundTruth, policy: AreaPolicy = "auto") -> AreaChoice:
    """Return the areas to evaluate with (those in SyRIP's larger files are 15 times too large).

    Args:
        gt: Ground truth.
        policy: ``file`` takes the file's areas, ``bbox`` width times height of the box, ``auto`` the file's
            unless they cannot be the persons' areas.

    Raises:
        ValueError: If the policy is unknown.
    """
    if policy not in AREA_POLICIES:
        raise ValueError(f"--area {policy!r}: expected {', '.join(AREA_POLICIES)}")
    boxes = np.array([p.box_area for p in gt.persons])
    file = np.array([p.file_area for p in gt.persons])
    fault = area_fault(gt)
    if policy == "bbox" or (policy == "auto" and fault):
        note = f"{gt.name}: {fault}; the box's area is used instead." if policy == "auto" else ""
        return AreaChoice("bbox", boxes, fault, note)
    missing = ~(np.isfinite(file) & (file > 0)) & (boxes > 0)
    notes = []
    if fault:
        notes.append(f"{gt.name}: {fault}; it is used because of --area file, and AP with it means nothing.")
    if missing.any():
        notes.append(f"{gt.name}: {missing.sum()} annotations have no area; their box's is used.")
    areas = np.where(missing | ~np.isfinite(file), boxes, file)
    return AreaChoice("file", areas, fault, " ".join(notes))


def area_fault(gt: GroundTruth) -> str:
    """Return why the file's areas cannot be the areas of its persons, or an empty text."""
    persons = gt.labelled
    boxes = np.array([p.box_area for p in persons])
    file = np.array([p.file_area for p in persons])
    has_area = np.isfinite(file) & (file > 0)
    if np.mean(~has_area) > TOLERATED_SHARE:
        return f"{(~has_area).sum()} of {len(file)} persons have no area"
    ratio = file[has_area] / np.maximum(boxes[has_area], 1e-9)
    same = np.ptp(file[has_area]) <= 1e-6 * file[has_area].max()
    differ = np.ptp(boxes) > 0.01 * boxes.max()
    median = np.median(ratio)
    if len(persons) >= MIN_FOR_CONSTANT and same and differ:
        what = f"all {len(file)} persons have the same area {file[has_area][0]:.6g} px² in the file"
        return f"{what} ({median:.3g} times the box's, median), though their boxes differ"
    if np.mean(ratio > MAX_OF_BOX) > TOLERATED_SHARE:
        what = f"the file's area is {median:.3g} times the box's (median)"
        return f"{what} and larger than the box for {(ratio > MAX_OF_BOX).sum()} of {len(file)} persons"
    if median < MIN_MEDIAN_OF_BOX:
        return f"the file's area is {median:.3g} times the box's (median), too small to be in px²"
    return ""
