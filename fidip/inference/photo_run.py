"""Photos through the estimator, a few at a time; a photo that cannot be read does not stop the others."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from fidip.inference.box_file import BoxFile, PictureBoxes
from fidip.inference.detected import Locate
from fidip.inference.estimator import EstimatedPoses, PoseEstimator
from fidip.inference.given_camera import GivenCamera
from fidip.inference.overlay import draw_legend, draw_poses
from fidip.inference.overlay_3d import beside
from fidip.inference.persons import find_persons, keypoint_box
from fidip.inference.pictures import read_photo, write_photo
from fidip.inference.result_files import PictureName, ResultFiles
from fidip.inference.sources import Source
from fidip.lifting.lift import Lifter

__all__ = ["PhotoRun", "Tally", "counted"]

CHUNK_PIXELS = 40_000_000
"""Photos that are held decoded at once have so many pixels together, or are one."""
WRITABLE = (".jpg", ".jpeg", ".png")


class Tally(Protocol):
    """Counts what was done."""

    num_photos: int
    num_gaps: int
    score_sum: float
    overlays: list[str]
    failures: dict[str, str]
    notes: list[str]


class PhotoRun:
    """Predicts photos and writes their results and overlays.

    Args:
        estimator: Network and crops.
        files: Where results go.
        tally: Counts.
        overlays: Folder for pictures with skeletons, or None.
        boxes: The persons' boxes; None, or a photo that the file does not have, means one person somewhere in
            the picture.
        lifter: Lifts every pose by itself, or None.
        locate: Finds the persons of photos without boxes, however many; None = one person is assumed.
        camera: Of all photos, for the lifter; None = unknown.
    """

    def __init__(
        self,
        estimator: PoseEstimator,
        files: ResultFiles,
        tally: Tally,
        overlays: Path | None,
        boxes: BoxFile | None,
        lifter: Lifter | None = None,
        locate: Locate | None = None,
        camera: GivenCamera | None = None,
    ) -> None:
        self.lifter, self.locate, self.camera = lifter, locate, camera
        self.estimator, self.files, self.tally = estimator, files, tally
        self.overlays, self.boxes = overlays, boxes
        self.next_image_id = boxes.max_image_id + 1 if boxes else 1
        """Id of the next picture that has none of its own."""

    def run(
        self, sources: Sequence[Source], advance: Callable[[int], None], should_stop: Callable[[], bool]
    ) -> None:
        """Predict all photos."""
        known = [self.boxes.find(source.name) if self.boxes else None for source in sources]
        strangers = sum(entry is None for entry in known)
        if self.boxes and strangers:
            which = f"{counted(strangers, 'photo')} not in the box file"
            self.tally.notes.append(f"{which}: looked at as a whole")
        for chunk in self._chunks(sources, known, advance):
            if should_stop():
                return
            boxes = [self._boxes(entry, image) for _, entry, image in chunk]
            poses = self._estimate([image for _, _, image in chunk], boxes)
            for (source, entry, image), own, found in zip(chunk, boxes, poses, strict=True):
                self._write(source, entry, image, own, found)
            advance(len(chunk))

    def _chunks(
        self,
        sources: Sequence[Source],
        known: Sequence[PictureBoxes | None],
        advance: Callable[[int], None],
    ) -> Iterator[list[tuple[Source, PictureBoxes | None, np.ndarray]]]:
        chunk, pixels = [], 0
        for source, entry in zip(sources, known, strict=True):
            try:
                image = read_photo(source.path, entry.size if entry else None)
            except (OSError, ValueError) as error:
                self.tally.failures[source.name] = str(error)
                advance(1)
                continue
            size = image.shape[0] * image.shape[1]
            if chunk and (len(chunk) >= self.estimator.batch_size or pixels + size > CHUNK_PIXELS):
                yield chunk
                chunk, pixels = [], 0
            chunk.append((source, entry, image))
            pixels += size
        if chunk:
            yield chunk

    def _boxes(self, entry: PictureBoxes | None, image: np.ndarray) -> np.ndarray | None:
        """Return a photo's (N, 4) boxes, given or detected; None where neither is to be had."""
        if entry is not None:
            return entry.boxes
        return None if self.locate is None else self.locate(image).boxes

    def _estimate(
        self, images: Sequence[np.ndarray], boxes: Sequence[np.ndarray | None]
    ) -> list[EstimatedPoses]:
        """Return the poses of every photo: in its boxes, else of one person to be found."""
        pairs = list(zip(images, boxes, strict=True))
        in_boxes = self.estimator.predict_stream([(i, own) for i, own in pairs if own is not None])
        whole = find_persons(self.estimator, [image for image, own in pairs if own is None])
        one_each = iter(range(len(whole)))
        poses = []
        for _, own in pairs:
            if own is not None:
                poses.append(next(in_boxes))
            else:
                n = next(one_each)
                part = slice(n, n + 1)
                poses.append(
                    EstimatedPoses(whole.keypoints[part], whole.scores[part], whole.rotations_deg[part])
                )
        return poses

    def _write(
        self,
        source: Source,
        entry: PictureBoxes | None,
        image: np.ndarray,
        found: np.ndarray | None,
        poses: EstimatedPoses,
    ) -> None:
        if entry is None:
            image_id, self.next_image_id = self.next_image_id, self.next_image_id + 1
        else:
            image_id = entry.image_id
        boxes = [keypoint_box(points, image) for points in poses.keypoints] if found is None else list(found)
        self.tally.num_gaps += entry is None and not len(poses)
        size = image.shape[1::-1]
        camera = None if self.camera is None else self.camera.of(source.name, size)
        lifted = self._lifted(poses.keypoints, size, camera)
        name = PictureName(image_id, source.name, size)
        self.files.add(name, poses.keypoints, poses.scores, boxes, lifted, camera)
        self.tally.num_photos += 1
        self.tally.score_sum += float(poses.scores.sum())
        if self.overlays is not None:
            suffix = source.path.suffix.lower()
            path = self.overlays / (source.name if suffix in WRITABLE else f"{source.name}.jpg")
            drawn = draw_legend(draw_poses(image, poses.keypoints, schema=self.estimator.schema))
            for pose in lifted if lifted is not None else ():
                drawn = beside(drawn, pose, schema=self.lifter.output_schema)
            write_photo(path, drawn)
            self.tally.overlays.append(path.relative_to(self.overlays).as_posix())

    def _lifted(
        self,
        keypoints: np.ndarray,
        size: tuple[int, int],
        camera: tuple[float, float, float, float] | None,
    ) -> np.ndarray | None:
        """Return (N, K, 3) poses, each from its own picture alone."""
        if self.lifter is None:
            return None
        return self.lifter.lift(keypoints, size, camera, clip=np.arange(len(keypoints)))


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: ``1 photo``, ``2 photos``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
