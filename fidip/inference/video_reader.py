"""Frames of a video file or camera, one at a time, turned the way a player shows them.

PyAV (extra ``video``) is used where it is installed; OpenCV reads videos otherwise, and cameras always.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, Protocol

import cv2
import numpy as np

__all__ = ["Frame", "FrameReader", "open_camera", "open_video"]

logger = logging.getLogger(__name__)

Backend = Literal["auto", "av", "opencv"]
MISSING_FRAMES = 3
MISSING_SHARE = 0.02
"""A video that ends earlier than declared, by more than 3 frames and 2 %, is reported as cut off."""
MAX_FRAME_PIXELS = 70_000_000
"""8K video has 33 million."""
DEFAULT_FPS = 30.0


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame."""

    index: int
    """Counts decoded frames from 0."""
    time_s: float
    """Seconds since the first frame; never falls."""
    image: np.ndarray
    """(H, W, 3) uint8 RGB."""


class FrameReader(Protocol):
    """An open video or camera."""

    fps: float
    """Nominal frames per second."""
    num_frames: int
    """Frames that the file declares; 0 where it does not say, and for a camera."""
    problem: str
    """After reading: what was wrong with the video although frames came; empty if nothing."""

    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None:
        """Free the file or the camera."""
        ...


def open_video(path: Path, backend: Backend = "auto") -> FrameReader:
    """Open a video file.

    Raises:
        FileNotFoundError: No such file.
        ValueError: Not a video, or one without a picture stream or with frames that are too large.
        ImportError: If PyAV is asked for and not installed.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty (0 bytes)")
    if backend == "auto":
        backend = "av" if find_spec("av") else "opencv"
    return AvReader(path) if backend == "av" else OpenCvReader(path)


def open_camera(index: int) -> "OpenCvReader":
    """Open a camera by its number.

    Raises:
        ValueError: If there is no such camera or it gives no picture.
    """
    return OpenCvReader(index)


class AvReader:
    """Reads with PyAV (FFmpeg's libraries)."""

    def __init__(self, path: Path) -> None:
        try:
            import av
        except ImportError as error:
            raise ImportError("PyAV is not installed: pip install 'syrip[video]'") from error
        self.path, self.problem = path, ""
        self._errors = (av.error.FFmpegError, ValueError)
        try:
            self._container = av.open(str(path), metadata_errors="replace")
        except self._errors as error:
            hint = "; it may be cut off before its index" if path.stat().st_size else ""
            raise ValueError(f"{path} does not open as a video ({_text(error)}){hint}") from None
        if not self._container.streams.video:
            self._container.close()
            raise ValueError(f"{path} has no picture stream; expected a video")
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        width, height = self._stream.codec_context.width, self._stream.codec_context.height
        if width * height > MAX_FRAME_PIXELS:
            self.close()
            raise ValueError(f"{path} has frames of {width}x{height} px; scale it down")
        self.fps = float(self._stream.average_rate or self._stream.guessed_rate or DEFAULT_FPS)
        self.num_frames = int(self._stream.frames or 0)

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames; damaged ones are passed over and told in :attr:`problem`."""
        count, damaged, first_s, last_s = 0, 0, None, 0.0
        for picture in self._decoded():
            if picture is None or picture.is_corrupt:
                damaged += 1
                continue
            seconds = float(picture.time) if picture.time is not None else count / self.fps
            first_s = seconds if first_s is None else first_s
            last_s = max(seconds - first_s, last_s)
            yield Frame(count, last_s, _upright(picture.to_ndarray(format="rgb24"), picture.rotation))
            count += 1
        self.problem = self._verdict(count, damaged, last_s)

    def _decoded(self) -> Iterator:
        """Yield decoded frames, None for every packet that does not decode."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except self._errors as error:
                logger.info("%s: %s", self.path, error)
                yield None
                return
            if packet is None:
                return
            try:
                yield from packet.decode()
            except self._errors as error:
                logger.info("%s: %s", self.path, error)
                yield None

    def _verdict(self, count: int, damaged: int, last_s: float) -> str:
        if count == 0:
            return f"{self.path} holds no frame that decodes"
        declared = self._stream.duration
        if declared and self._stream.time_base:
            end_s = last_s + 1 / self.fps
            missing = float(declared * self._stream.time_base) - end_s
            if missing > max(MISSING_FRAMES / self.fps, MISSING_SHARE * end_s):
                return f"{self.path} is cut off: it ends {missing:.1f} s early, after {count} frames"
        return f"{self.path}: {damaged} damaged parts were passed over" if damaged else ""

    def close(self) -> None:
        """Close the file."""
        self._container.close()


class OpenCvReader:
    """Reads a file or a camera with OpenCV; the rotation of phone videos is applied by OpenCV."""

    def __init__(self, source: Path | int) -> None:
        self.problem = ""
        self._is_camera = isinstance(source, int)
        self.name = f"camera {source}" if self._is_camera else str(source)
        with _quiet_opencv():
            if self._is_camera:
                self._capture = cv2.VideoCapture(source)
            else:
                self._capture = cv2.VideoCapture(str(source), cv2.CAP_FFMPEG)
        if not self._capture.isOpened():
            self._capture.release()
            what = (
                "is not there or is in use"
                if self._is_camera
                else "does not open as a video (cut off before its index?)"
            )
            raise ValueError(f"{self.name} {what}")
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if np.isfinite(fps) and 0 < fps <= 1000 else DEFAULT_FPS
        declared = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.num_frames = 0 if self._is_camera or not 0 < declared < 1e9 else int(declared)
        size = [self._capture.get(p) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)]
        if size[0] * size[1] > MAX_FRAME_PIXELS:
            self.close()
            raise ValueError(f"{self.name} has frames of {size[0]:.0f}x{size[1]:.0f} px; scale it down")

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames; a camera goes on until the caller stops."""
        count, last_s, began = 0, 0.0, time.monotonic()
        while True:
            ok, picture = self._capture.read()
            if not ok:
                break
            if self._is_camera:
                last_s = time.monotonic() - began
            else:
                last_s = max(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, last_s)
            yield Frame(count, last_s, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
            count += 1
        self.problem = self._verdict(count)

    def _verdict(self, count: int) -> str:
        if count == 0:
            return f"{self.name} gives no picture" if self._is_camera else f"{self.name} holds no frame"
        if self._is_camera:
            return f"{self.name} stopped after {count} frames"
        missing = self.num_frames - count
        if missing > max(MISSING_FRAMES, MISSING_SHARE * self.num_frames):
            return f"{self.name} is cut off: {count} of {self.num_frames} frames"
        return ""

    def close(self) -> None:
        """Close the file or the camera."""
        self._capture.release()


@contextmanager
def _quiet_opencv() -> Iterator[None]:
    """Keep OpenCV from printing warnings about what an error will say."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


def _upright(image: np.ndarray, rotation_deg: float) -> np.ndarray:
    """Turn a stored frame by the multiple of 90 degrees (counter-clockwise) that its file asks for."""
    turns = round(rotation_deg / 90) % 4
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


def _text(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
