"""Where the person is when nobody drew a box: the whole picture first, then around the keypoints found."""

from collections.abc import Sequence

import numpy as np

from fidip.inference.estimator import EstimatedPoses, PoseEstimator

__all__ = ["PersonFollower", "find_persons", "keypoint_box", "picture_box"]

MARGIN = 0.12
"""Space around keypoints, in diagonals of their extent: hands, feet and the top of the head lie outside."""
SEEN = 0.2
"""Keypoints above this score span the box ..."""
MIN_SEEN = 6
"""... but at least so many do, the surest ones."""
MIN_SIDE = 0.04
"""A box is at least this share of the picture's longer side wide and high."""
LOST = 0.25
"""Below this mean keypoint score the person is looked for afresh in the whole picture."""
LOOK_AROUND_S, CLEARLY_BETTER = 2.0, 0.1
"""So often the whole picture is searched all the same; what is found there must be this much surer."""
TURN_CHECK_S, TURN_BETTER = 0.5, 0.03
"""So often the other rotations are tried on a video; one must be this much surer to be taken."""


def picture_box(image: np.ndarray, padding: float) -> np.ndarray:
    """Return the (4,) xywh box whose padded crop shows the whole picture and little else."""
    size = np.array(image.shape[1::-1], np.float64)
    return np.concatenate([size * (1 - 1 / padding) / 2, size / padding])


def keypoint_box(keypoints: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Return the (4,) xywh px box around one person's (K, 3) keypoints, inside the picture.

    Like an annotator's: it was compared with the mask boxes of generated infants, whose median margin is 0.10
    diagonals.
    """
    scores = keypoints[:, 2]
    least = np.sort(scores)[-min(MIN_SEEN, len(scores))]
    points = keypoints[scores >= min(SEEN, least), :2].astype(np.float64)
    low, high = points.min(0), points.max(0)
    margin = MARGIN * np.linalg.norm(high - low)
    size = np.array(image.shape[1::-1], np.float64)
    low, high = np.clip(low - margin, 0, size), np.clip(high + margin, 0, size)
    short = np.maximum(MIN_SIDE * size.max() - (high - low), 0) / 2
    return np.concatenate([low - short, high - low + 2 * short])


def find_persons(estimator: PoseEstimator, images: Sequence[np.ndarray]) -> EstimatedPoses:
    """Estimate one pose in each of several pictures, without boxes.

    The first pass looks at the whole picture, the second around the keypoints of the first. On generated
    infants this equals given boxes (mean OKS 0.83 either way; 0.77 after the first pass).
    """
    boxes = [picture_box(image, estimator.padding) for image in images]
    first = estimator.predict_crops([estimator.cut(i, b) for i, b in zip(images, boxes, strict=True)])
    boxes = [keypoint_box(k, i) for k, i in zip(first.keypoints, images, strict=True)]
    return estimator.predict_crops([estimator.cut(i, b) for i, b in zip(images, boxes, strict=True)])


class PersonFollower:
    """Estimates the pose of one person through a video; each frame's keypoints give the next frame's box."""

    def __init__(self, estimator: PoseEstimator) -> None:
        self.estimator = estimator
        self.num_searches = 0
        """Frames in which the whole picture was searched."""
        self.is_new = True
        """Whether the last frame's person was found afresh (smoothing then starts anew)."""
        self._box: np.ndarray | None = None
        self._rotation_deg = 0
        self._looked_s = self._turned_s = -np.inf

    def __call__(self, image: np.ndarray, time_s: float) -> EstimatedPoses:
        """Return the pose of one person in the next frame.

        Args:
            image: (H, W, 3) uint8 RGB.
            time_s: Time of the frame, seconds.
        """
        poses = None if self._box is None else self._follow(image, time_s)
        self.is_new = False
        if poses is None or _confidence(poses) < LOST or time_s - self._looked_s >= LOOK_AROUND_S:
            found = self._search(image, time_s)
            if poses is None or _confidence(found) > _confidence(poses) + CLEARLY_BETTER:
                poses, self.is_new = found, True
        self._rotation_deg = int(poses.rotations_deg[0])
        is_lost = _confidence(poses) < LOST
        self._box = None if is_lost else keypoint_box(poses.keypoints[0], image)
        return poses

    def _follow(self, image: np.ndarray, time_s: float) -> EstimatedPoses:
        estimator = self.estimator
        poses = estimator.predict_crops([estimator.cut(image, self._box, (self._rotation_deg,))])
        others = [angle for angle in estimator.rotations_deg if angle != self._rotation_deg]
        if others and time_s - self._turned_s >= TURN_CHECK_S:
            self._turned_s = time_s
            turned = estimator.predict_crops([estimator.cut(image, self._box, others)])
            if _confidence(turned) > _confidence(poses) + TURN_BETTER:
                return turned
        return poses

    def _search(self, image: np.ndarray, time_s: float) -> EstimatedPoses:
        self.num_searches += 1
        self._looked_s = self._turned_s = time_s
        return find_persons(self.estimator, [image])


def _confidence(poses: EstimatedPoses) -> float:
    return float(poses.keypoints[0, :, 2].mean())
