"""Where the persons are when a detector looks for them: every person of a photo, one person of a video."""

from collections.abc import Callable

import numpy as np

from fidip.detection.boxes import FoundBoxes, PersonDetector, above
from fidip.evaluation.pose_metrics import box_iou
from fidip.inference.estimator import EstimatedPoses, PoseEstimator

__all__ = ["DetectedFollower", "Locate", "locator"]

Locate = Callable[[np.ndarray], FoundBoxes]
"""(H, W, 3) uint8 RGB picture to the boxes of persons in it; there may be none."""
SAME_PERSON = 0.1
"""Boxes of two frames that overlap less are taken for different persons."""


def locator(detector: PersonDetector, min_score: float | None) -> Locate:
    """Return a function that finds the boxes with at least this score (None: the detector's own)."""
    least = detector.min_score if min_score is None else min_score
    return lambda image: above(detector.detect([image])[0], least)


class DetectedFollower:
    """Estimates the pose of one person through a video, in the boxes that a detector finds.

    Of several boxes it takes a sure one that overlaps the last frame's. Without any the frame is a gap.
    """

    def __init__(self, estimator: PoseEstimator, locate: Locate) -> None:
        self.estimator, self.locate = estimator, locate
        self.is_new = True
        """Whether the last frame's person is another than the frame's before, or found again after a gap."""
        self.box: np.ndarray | None = None
        """(4,) xywh px of the last frame's person."""

    def __call__(self, image: np.ndarray, time_s: float) -> EstimatedPoses | None:
        """Return the pose of one person in the next frame, or None where nobody is found.

        Args:
            image: (H, W, 3) uint8 RGB.
            time_s: Time of the frame, seconds (not needed here).
        """
        found = self.locate(image)
        if not len(found):
            self.box, self.is_new = None, True
            return None
        near = np.zeros(len(found)) if self.box is None else box_iou(self.box[None], found.boxes)[0]
        best = int((found.scores * (1 + near)).argmax())
        self.is_new = bool(near[best] < SAME_PERSON)
        self.box = found.boxes[best]
        return self.estimator.predict(image, self.box)
