"""One video or camera through the estimator: follow the person, smooth, write, draw. Memory does not grow."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from fidip.inference.estimator import PoseEstimator
from fidip.inference.overlay import draw_caption, draw_legend, draw_poses
from fidip.inference.persons import PersonFollower, keypoint_box
from fidip.inference.photo_run import Tally
from fidip.inference.result_files import PictureName, ResultFiles
from fidip.inference.smoothing import OneEuroFilter
from fidip.inference.sources import Source
from fidip.inference.video_reader import Frame, FrameReader, open_camera, open_video
from fidip.inference.video_writer import VideoWriter
from fidip.progress import Progress

__all__ = ["VideoRun"]

RATE_MEMORY = 0.9
"""Share of the old value in the running mean of the seconds per frame that the overlay shows."""


class VideoTally(Tally, Protocol):
    """Counts what was done."""

    num_videos: int
    num_frames: int


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
    ) -> None:
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
        follower = PersonFollower(self.estimator)
        smoother = OneEuroFilter() if self.is_smooth else None
        began, seconds_a_frame, count = time.monotonic(), 0.0, 0
        for frame in reader:
            keypoints, scores = self._pose(frame, follower, smoother)
            box = keypoint_box(keypoints, frame.image)
            name = PictureName(
                image_id + count, source.name, frame.image.shape[1::-1], frame.index, frame.time_s
            )
            self.files.add(name, keypoints[None], scores, [box])
            now = time.monotonic()
            seconds = now - began
            began = now
            seconds_a_frame = (
                RATE_MEMORY * seconds_a_frame + (1 - RATE_MEMORY) * seconds if count else seconds
            )
            if writer is not None:
                writer.write(_drawn(frame, keypoints, 1 / max(seconds_a_frame, 1e-6)), frame.time_s)
            count += 1
            self.tally.num_frames += 1
            self.tally.score_sum += float(scores.sum())
            progress.advance()
            if should_stop() or (self.max_frames and count >= self.max_frames):
                break
        return count

    @staticmethod
    def _pose(
        frame: Frame, follower: PersonFollower, smoother: OneEuroFilter | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (K, 3) keypoints, smoothed where asked for, and the (1,) person's score."""
        poses = follower(frame.image, frame.time_s)
        keypoints = poses.keypoints[0].astype(np.float64)
        if smoother is not None:
            if follower.is_new:
                smoother.reset()
            size = float(np.linalg.norm(keypoint_box(keypoints, frame.image)[2:]))
            keypoints[:, :2] = smoother(keypoints[:, :2], frame.time_s, size=size, scores=keypoints[:, 2])
        return keypoints, poses.scores


def _drawn(frame: Frame, keypoints: np.ndarray, rate: float) -> np.ndarray:
    """Return the frame's picture with skeleton, scale and a caption, drawn in place."""
    image = draw_legend(draw_poses(frame.image, keypoints[None]))
    return draw_caption(image, f"frame {frame.index}   {frame.time_s:.2f} s   {rate:.1f} FPS")
