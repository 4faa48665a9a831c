"""One video or camera through the estimator: follow the person, smooth, write, draw. Memory does not grow."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from fidip.inference.detected import DetectedFollower, Locate
from fidip.inference.estimator import PoseEstimator
from fidip.inference.given_camera import GivenCamera
from fidip.inference.overlay import draw_caption, draw_legend, draw_poses
from fidip.inference.overlay_3d import beside
from fidip.inference.persons import PersonFollower, keypoint_box
from fidip.inference.photo_run import Tally
from fidip.inference.result_files import PictureName, ResultFiles
from fidip.inference.smoothing import OneEuroFilter
from fidip.inference.sources import Source
from fidip.inference.video_reader import Frame, FrameReader, open_camera, open_video
from fidip.inference.video_writer import VideoWriter
from fidip.lifting.lift import Lifter, LiftQueue
from fidip.progress import Progress
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["VideoRun"]

RATE_MEMORY = 0.9
"""Share of the old value in the running mean of the seconds per frame that the overlay shows."""


class VideoTally(Tally, Protocol):
    """Counts what was done."""

    num_videos: int
    num_frames: int


@dataclass(frozen=True, slots=True)
class _Done:
    """A frame whose 2D pose is known."""

    name: PictureName
    frame: Frame
    keypoints: np.ndarray
    """(N, K, 3); N = 0 in a gap, where nobody is found."""
    scores: np.ndarray
    boxes: list[np.ndarray]
    rate: float
    """Frames per second."""


class VideoRun:
    """Predicts videos and writes their results and overlays."""

    def __init__(
        self,
        estimator: PoseEstimator,
        files: ResultFiles,
        tally: VideoTally,
        overlays: Path | None,
        *,
        is_smooth: bool,
        max_frames: int | None,
        lifter: Lifter | None = None,
        locate: Locate | None = None,
        camera: GivenCamera | None = None,
    ) -> None:
        self.lifter, self.locate, self.camera = lifter, locate, camera
        self.estimator, self.files, self.tally = estimator, files, tally
        self.overlays, self.is_smooth, self.max_frames = overlays, is_smooth, max_frames

    def run(self, source: Source, image_id: int, progress: Progress, should_stop: Callable[[], bool]) -> int:
        """Predict one video; return the image id that follows its last frame's."""
        try:
            reader = open_camera(source.camera) if source.kind == "camera" else open_video(source.path)
        except (OSError, ValueError) as error:
            self.tally.failures[source.name] = str(error)
            return image_id
        total = min(reader.num_frames, self.max_frames or reader.num_frames)
        progress.stage(source.name, total)
        writer = self._writer(source, reader)
        try:
            count = self._frames(source, reader, writer, image_id, progress, should_stop)
        finally:  # what was drawn until an error plays, too
            reader.close()
            if writer is not None:
                writer.close()
        if writer is not None and writer.num_frames:
            self.tally.overlays.append(writer.path.relative_to(self.overlays).as_posix())
        if reader.problem:
            self.tally.failures[source.name] = reader.problem
        self.tally.num_videos += count > 0
        return image_id + count

    def _writer(self, source: Source, reader: FrameReader) -> VideoWriter | None:
        if self.overlays is None:
            return None
        name = source.name if source.path.suffix.lower() == ".mp4" else f"{source.name}.mp4"
        return VideoWriter(self.overlays / name, reader.fps)

    def _frames(
        self,
        source: Source,
        reader: FrameReader,
        writer: VideoWriter | None,
        image_id: int,
        progress: Progress,
        should_stop: Callable[[], bool],
    ) -> int:
        follower = (
            PersonFollower(self.estimator)
            if self.locate is None
            else DetectedFollower(self.estimator, self.locate)
        )
        smoother = OneEuroFilter() if self.is_smooth else None
        began, seconds_a_frame, count = time.monotonic(), 0.0, 0
        queue: LiftQueue[_Done] | None = None
        camera: tuple[float, float, float, float] | None = None
        for frame in reader:
            keypoints, scores = self._pose(frame, follower, smoother)
            boxes = [keypoint_box(points, frame.image) for points in keypoints]
            if isinstance(follower, DetectedFollower) and boxes:
                boxes = [follower.box]
            size = frame.image.shape[1::-1]
            name = PictureName(image_id + count, source.name, size, frame.index, frame.time_s)
            now = time.monotonic()
            seconds = now - began
            began = now
            seconds_a_frame = (
                RATE_MEMORY * seconds_a_frame + (1 - RATE_MEMORY) * seconds if count else seconds
            )
            done = _Done(name, frame, keypoints, scores, boxes, 1 / max(seconds_a_frame, 1e-6))
            if self.lifter is not None and queue is None:
                camera = None if self.camera is None else self.camera.of(source.name, size)
                queue = LiftQueue(self.lifter, size, camera, reader.fps)
            self._finish(_lifted(done, queue), writer, camera)
            count += 1
            self.tally.num_frames += 1
            self.tally.num_gaps += not len(keypoints)
            self.tally.score_sum += float(scores.sum())
            progress.advance()
            if should_stop() or (self.max_frames and count >= self.max_frames):
                break
        if queue is not None:
            self._finish(queue.flush(), writer, camera)
        return count

    def _finish(
        self,
        frames: Iterator[tuple[_Done, np.ndarray | None]],
        writer: VideoWriter | None,
        camera: tuple[float, float, float, float] | None,
    ) -> None:
        """Write frames that are ready."""
        for done, pose in frames:
            poses = None if pose is None else pose[None][: len(done.keypoints)]
            self.files.add(done.name, done.keypoints, done.scores, done.boxes, poses, camera)
            if writer is None:
                continue
            picture = _drawn(done.frame, done.keypoints, done.rate, self.estimator.schema)
            if pose is not None:
                picture = beside(picture, pose, done.frame.time_s, schema=self.lifter.output_schema)
            writer.write(picture, done.frame.time_s)

    @staticmethod
    def _pose(
        frame: Frame, follower: PersonFollower | DetectedFollower, smoother: OneEuroFilter | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the one person's (1, K, 3) keypoints, smoothed where asked for, and (1,) score; or none."""
        poses = follower(frame.image, frame.time_s)
        if poses is None:
            return np.zeros((0, len(follower.estimator.schema), 3)), np.zeros(0)
        keypoints = poses.keypoints[0].astype(np.float64)
        if smoother is not None:
            if follower.is_new:
                smoother.reset()
            size = float(np.linalg.norm(keypoint_box(keypoints, frame.image)[2:]))
            keypoints[:, :2] = smoother(keypoints[:, :2], frame.time_s, size=size, scores=keypoints[:, 2])
        return keypoints[None], poses.scores


def _lifted(done: _Done, queue: LiftQueue[_Done] | None) -> Iterator[tuple[_Done, np.ndarray | None]]:
    """Yield the frames that are ready now, with their lifted poses (None without a lifter)."""
    if queue is None:
        yield done, None
    else:
        gap = np.zeros((len(queue.lifter.schema), 3))
        yield from queue.push(done, done.keypoints[0] if len(done.keypoints) else gap)


def _drawn(frame: Frame, keypoints: np.ndarray, rate: float, schema: KeypointSchema) -> np.ndarray:
    """Return the frame's picture with skeleton, scale and a caption, drawn in place."""
    image = draw_legend(draw_poses(frame.image, keypoints, schema=schema))
    return draw_caption(image, f"frame {frame.index}   {frame.time_s:.2f} s   {rate:.1f} FPS")
