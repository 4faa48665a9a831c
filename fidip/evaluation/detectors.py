"""The part of ``syrip eval`` that runs detectors: their boxes, and how good those are."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fidip.detection.boxes import FoundBoxes, PersonDetector, above
from fidip.detection.detectors import open_detector
from fidip.detection.metrics import BoxFigures, measure_boxes
from fidip.evaluation.boxes import BoxSet, PersonBox
from fidip.evaluation.ground_truth import GroundTruth, annotation_file
from fidip.evaluation.networks import choose_device
from fidip.evaluation.options import EvalConfig
from fidip.evaluation.pictures import find_pictures, picture_folder, read_ahead
from fidip.progress import Progress

__all__ = ["DetectorRuns"]


@dataclass(frozen=True, slots=True)
class _Found:
    """What one detector found."""

    boxes: Mapping[int, FoundBoxes]
    """By image id; pictures that could not be read are missing."""
    failures: tuple[str, ...]


class DetectorRuns:
    """Runs the detectors of ``--detector`` on all pictures of the ground truth."""

    def __init__(self, config: EvalConfig, gt: GroundTruth, progress: Progress) -> None:
        """Open the detectors and look for the pictures, before one runs.

        Raises:
            FileNotFoundError: If a detector or pictures are missing.
            ValueError: If one is no detector, or named twice.
        """
        if len(set(config.detector)) < len(config.detector):
            raise ValueError(f"--detector {', '.join(config.detector)}: one is named twice")
        device = choose_device(config.device)
        self.config, self.gt, self.progress = config, gt, progress
        names = [Path(text).name for text in config.detector]
        names = [n if names.count(n) == 1 else text for n, text in zip(names, config.detector, strict=True)]
        self.detectors: dict[str, PersonDetector] = {
            name: open_detector(text, device) for name, text in zip(names, config.detector, strict=True)
        }
        if gt.picture_root is not None and config.images is None:
            folder = gt.picture_root
        else:
            folder = picture_folder(annotation_file(config.gt), config.images)
        self.paths = find_pictures(gt, folder, gt.image_ids)

    def run(self) -> tuple[dict[str, BoxFigures], BoxSet]:
        """Return the figures by the detector's name, and the boxes of the first for pose networks."""
        found = {name: self._run(name, detector) for name, detector in self.detectors.items()}
        figures = {name: self._measure(name, own) for name, own in found.items()}
        first = next(iter(found))
        return figures, self._box_set(found[first], self._least(first))

    def _least(self, name: str) -> float:
        given = self.config.detector_score
        return self.detectors[name].min_score if given is None else given

    def _run(self, name: str, detector: PersonDetector) -> _Found:
        self.progress.stage(f"detector {name}", len(self.paths))
        sizes = {image["id"]: _size(image) for image in self.gt.images}
        boxes, failures = {}, []
        for image_id, picture in read_ahead(self.paths.items(), sizes):
            if isinstance(picture, str):
                failures.append(picture)
            else:
                boxes[image_id] = detector.detect([picture])[0]
            self.progress.advance(1)
        if not boxes:
            raise ValueError(f"{name}: no picture could be read: {'; '.join(failures[:3])}")
        return _Found(boxes, tuple(failures))

    def _measure(self, name: str, found: _Found) -> BoxFigures:
        """Compare with all persons that have a box, labelled keypoints or not."""
        truth: dict[int, list] = {image_id: [] for image_id in found.boxes}
        crowds: dict[int, list] = {image_id: [] for image_id in found.boxes}
        for person in self.gt.persons:
            if person.image_id in truth and person.box_area > 0:
                (crowds if person.is_crowd else truth)[person.image_id].append(person.box)
        return measure_boxes(
            [np.array(boxes, np.float64).reshape(-1, 4) for boxes in truth.values()],
            list(found.boxes.values()),
            self._least(name),
            [np.array(boxes, np.float64).reshape(-1, 4) for boxes in crowds.values()],
        )

    def _box_set(self, found: _Found, min_score: float) -> BoxSet:
        category = self.gt.category_ids[0]
        by_image = {}
        for image_id, own in found.boxes.items():
            sure = above(own, min_score)
            rows = zip(sure.boxes.tolist(), sure.scores.tolist(), strict=True)
            boxes = tuple(PersonBox(tuple(box), score, category) for box, score in rows)
            if boxes:
                by_image[image_id] = boxes
        return BoxSet(by_image, are_detected=True, failures=found.failures)


def _size(image: Mapping) -> tuple[int, int] | None:
    width, height = image.get("width"), image.get("height")
    return (width, height) if isinstance(width, int) and isinstance(height, int) else None
