"""First labels by a network: who is on a picture, 17 points each, and which of them are doubtful."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from fidip.detection.boxes import FoundBoxes
from fidip.inference.detected import Locate, locator
from fidip.inference.estimator import EstimatedPoses, PoseEstimator
from fidip.inference.persons import find_persons, keypoint_box
from fidip.inference.predict import open_checkpoint, pick_device
from fidip.labelling.documents import Doubt, ImageLabel, LabelledPerson
from fidip.labelling.doubts import MISSING_SCORE, missing_person, point_doubts, unsure_person

__all__ = ["ABSENT_SCORE", "HIDDEN_SCORE", "AiLabel", "AiLabeller", "guess_visibility", "most_prominent"]

HIDDEN_SCORE = 0.3
"""Points that the network is less sure of are taken for occluded (v = 1): on generated infants half of them
are; at no threshold are more points told rightly."""
ABSENT_SCORE = 0.15
"""Points below this are taken for absent (v = 0): on COCO photos 95 % of them are not labelled; on generated
infants, whose points are nearly all in the picture, half of them are wrong."""
MAX_PEOPLE = 100
MULTIPOSE = "movenet_multipose"


@dataclass(frozen=True, slots=True)
class AiLabel:
    """What the network says of one picture."""

    label: ImageLabel
    doubts: tuple[Doubt, ...]


class AiLabeller:
    """Labels pictures with a pose network.

    Args:
        estimator: The network; made with ``compare_flips``, its flip test raises doubts.
        name: How the labels name it.
        people: Only the most prominent person, or all that ``locate`` finds.
        locate: Finds people; None looks at the picture as a whole, for one person.

    Raises:
        ValueError: If all people are wanted and nothing finds them.
    """

    def __init__(
        self,
        estimator: PoseEstimator,
        name: str,
        people: Literal["one", "all"] = "one",
        locate: Locate | None = None,
    ) -> None:
        if people == "all" and locate is None:
            raise ValueError("--people all needs a detector")
        self.estimator, self.name, self.people, self.locate = estimator, name, people, locate

    @classmethod
    def open(
        cls,
        model: str | None = None,
        *,
        people: Literal["one", "all"] = "one",
        detector: str | None = None,
        rotation_pick: bool = True,
        device: str = "auto",
    ) -> "AiLabeller":
        """Open networks by name.

        Args:
            model: Run folder or weights file; None for the shipped network.
            people: See the class.
            detector: Run folder, file or ``movenet_multipose``; None for no detector, but that one if all
                people are wanted.
            rotation_pick: Try each person at four rotations.
            device: ``auto``, ``cpu``, ``cuda``.

        Raises:
            FileNotFoundError: If a network is not there.
            ValueError: If it is not usable.
        """
        chosen = pick_device(device)
        estimator = PoseEstimator(
            open_checkpoint(model), device=chosen, rotation_pick=rotation_pick, compare_flips=True
        )
        detector = MULTIPOSE if detector is None and people == "all" else detector
        locate = None
        if detector is not None:
            from fidip.detection.detectors import open_detector  # torchvision is not needed without

            locate = locator(open_detector(detector, chosen), None)
        name = estimator.spec.name if model is None else Path(model).name
        return cls(estimator, name, people, locate)

    def label(self, images: Sequence[np.ndarray]) -> list[AiLabel]:
        """Label pictures, in one batch where that is possible.

        Args:
            images: (H, W, 3) uint8 RGB.

        Raises:
            ValueError: If the network gives no usable values.
        """
        found = [None if self.locate is None else self._people(self.locate(i), i) for i in images]
        boxed = [
            (i, boxes) for i, boxes in zip(images, found, strict=True) if boxes is not None and len(boxes)
        ]
        in_boxes = iter(list(self.estimator.predict_stream(boxed)))
        whole = [i for i, boxes in zip(images, found, strict=True) if boxes is None]
        wholes = iter(_one_by_one(find_persons(self.estimator, whole)) if whole else ())
        labels = []
        for image, boxes in zip(images, found, strict=True):
            if boxes is None:
                poses = next(wholes)
                boxes = np.stack([keypoint_box(points, image) for points in poses.keypoints])
                labels.append(self._label(image, poses, boxes))
            elif len(boxes):
                labels.append(self._label(image, next(in_boxes), boxes))
            else:
                labels.append(AiLabel(ImageLabel(), (missing_person(),)))
        return labels

    def _people(self, found: FoundBoxes, image: np.ndarray) -> np.ndarray:
        """Return the (N, 4) boxes of the people to label, most prominent first."""
        order = most_prominent(found, image.shape[1::-1])
        return found.boxes[order[:1] if self.people == "one" else order[:MAX_PEOPLE]]

    def _label(self, image: np.ndarray, poses: EstimatedPoses, boxes: np.ndarray) -> AiLabel:
        people, doubts = [], []
        size = np.array(image.shape[1::-1], np.float64)
        for i, (points, box) in enumerate(zip(poses.keypoints, boxes, strict=True)):
            number = i + 1
            visibility = guess_visibility(points, size)
            mean = float(points[:, 2].mean())
            people.append(_person(number, points, visibility, box, size, float(poses.scores[i])))
            if mean < MISSING_SCORE:
                doubts.append(unsure_person(number, mean))
            gaps = None if poses.flip_gaps_px is None else poses.flip_gaps_px[i]
            doubts += point_doubts(number, points, visibility, gaps, box, self.estimator.schema)
        return AiLabel(ImageLabel(people=tuple(people)), tuple(doubts))


def guess_visibility(keypoints: np.ndarray, size: np.ndarray | tuple[int, int]) -> np.ndarray:
    """Return (K,) v: 0 outside the picture or not seen at all, 1 occluded, 2 visible, by score.

    Args:
        keypoints: (K, 3) x, y px and score.
        size: (width, height) px.
    """
    points, scores = keypoints[:, :2], keypoints[:, 2]
    is_there = ((points >= 0) & (points <= np.asarray(size))).all(axis=1) & (scores >= ABSENT_SCORE)
    return np.where(is_there, np.where(scores >= HIDDEN_SCORE, 2, 1), 0)


def most_prominent(found: FoundBoxes, size: tuple[int, int]) -> np.ndarray:
    """Return the order of boxes by prominence: score x area, up to half less at the picture's border.

    Args:
        found: Boxes, px.
        size: (width, height) px of the picture.
    """
    centers = found.boxes[:, :2] + found.boxes[:, 2:] / 2
    half = np.asarray(size, np.float64) / 2
    off = np.clip(np.abs(centers - half) / half, 0, 1).max(axis=1, initial=0)
    weight = found.scores * found.boxes[:, 2:].prod(axis=1) * (1 - off / 2)
    return np.argsort(-weight, kind="stable")


def _person(
    number: int, points: np.ndarray, visibility: np.ndarray, box: np.ndarray, size: np.ndarray, score: float
) -> LabelledPerson:
    low, high = np.clip(box[:2], 0, size), np.clip(box[:2] + box[2:], 0, size)
    extent = high - low
    return LabelledPerson(
        id=number,
        keypoints=tuple(
            (round(float(x), 2), round(float(y), 2), int(v)) if v else (0.0, 0.0, 0)
            for (x, y, _), v in zip(points, visibility, strict=True)
        ),
        bbox=tuple(round(float(n), 2) for n in (*low, *extent)) if extent.min() >= 1 else None,  # type: ignore[arg-type]
        score=round(score, 4),
    )


def _one_by_one(poses: EstimatedPoses) -> list[EstimatedPoses]:
    """Return the poses of N pictures as N results of one person."""
    gaps = poses.flip_gaps_px
    return [
        EstimatedPoses(
            poses.keypoints[n : n + 1],
            poses.scores[n : n + 1],
            poses.rotations_deg[n : n + 1],
            None if gaps is None else gaps[n : n + 1],
        )
        for n in range(len(poses))
    ]
