"""Which of the network's points deserve a look, and why. docs/guides/label.md has the measured tables."""

from collections.abc import Sequence

import numpy as np

from fidip.labelling.documents import Doubt
from fidip.labelling.limb_lengths import suspects
from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = [
    "FLIP_SHARE",
    "LOW_SCORE",
    "MISSING_SCORE",
    "missing_person",
    "point_doubts",
    "unsure_person",
]

LOW_SCORE = 0.4
"""Points that the network is less sure of are doubtful: every third of them is wrong on COCO photos, every
seventh of those at 0.4 to 0.5 (wrong: farther off than 0.1 of the box's longer side)."""
FLIP_SHARE = 0.05
"""Points are doubtful that the mirrored picture puts so far away, as a share of the box's longer side: every
second of them is wrong."""
MISSING_SCORE = 0.2
"""Below this mean keypoint score it is doubtful whether somebody is there at all: so are 88 % of rooms
without people and 5 % of photos of people."""


def point_doubts(
    person: int,
    keypoints: np.ndarray,
    visibility: Sequence[int] | np.ndarray,
    flip_gaps_px: np.ndarray | None,
    box: Sequence[float] | np.ndarray,
    schema: KeypointSchema = COCO17,
) -> list[Doubt]:
    """Return the doubts about one person's points, in the order of the keypoints.

    Args:
        person: Id of the person in the label.
        keypoints: (K, 3) x, y in px and the network's score.
        visibility: (K,) v that the label gives them; absent points are not doubted.
        flip_gaps_px: (K,) distance between the two halves of the flip test, or None.
        box: (4,) xywh px of the person.
        schema: Names; limb lengths are known for COCO-17 only.
    """
    side = max(float(box[2]), float(box[3]), 1e-9)
    is_there = np.asarray(visibility) > 0
    scores = keypoints[:, 2]
    limbs = suspects(keypoints[:, :2], scores, is_there) if schema.name == COCO17.name else {}
    doubts = []
    for k in np.flatnonzero(is_there).tolist():
        if scores[k] < LOW_SCORE:
            text = f"low score ({scores[k]:.2f})"
            doubts.append(Doubt(person=person, keypoint=k, kind="low_score", text=text))
        share = 0.0 if flip_gaps_px is None else float(flip_gaps_px[k]) / side
        if share > FLIP_SHARE:
            text = f"elsewhere in the mirrored picture (by {share:.0%} of the box)"
            doubts.append(Doubt(person=person, keypoint=k, kind="flip", text=text))
        if k in limbs:
            limb, excess = limbs[k]
            text = f"{limb} too long for the body ({excess:.1f} times)"
            doubts.append(Doubt(person=person, keypoint=k, kind="limb", text=text))
    return doubts


def missing_person(person: int = 1) -> Doubt:
    """Return the doubt about a picture in which nobody was found."""
    return Doubt(person=person, kind="missing", text="nobody was found in this picture")


def unsure_person(person: int, score: float) -> Doubt:
    """Return the doubt about a person who may not be there."""
    text = f"it is not sure that somebody is here (mean score {score:.2f})"
    return Doubt(person=person, kind="missing", text=text)
