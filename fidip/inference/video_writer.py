"""Write an overlay video that plays everywhere: H.264 in MP4 with the time stamps of the source."""

import os
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

__all__ = ["VideoWriter"]

TIME_BASE = Fraction(1, 60000)
"""Divides the frame durations of 24, 25, 29.97, 30, 50, 59.94, 60 and 120 frames/s; MPEG-4 allows 65535."""
CODECS = ("libx264", "mpeg4")
H264_OPTIONS = {"preset": "superfast", "crf": "20"}
"""As sharp as ``veryfast`` in two thirds of its time; files of generated films are 1.8 times as large."""
MPEG4_BITS_PER_PIXEL = 0.2
REC_709 = 1
"""FFmpeg's number of Rec. 709, which players expect of H.264."""


class VideoWriter:
    """Writes frames as they come; the file appears under its name when it is closed.

    With PyAV the frames keep their times; OpenCV, the fallback, writes MPEG-4 at a constant rate. Odd sides
    are padded by a pixel, as 4:2:0 video needs even ones.
    """

    def __init__(self, path: Path, fps: float, backend: Literal["auto", "av", "opencv"] = "auto") -> None:
        self.path, self.fps = path, fps
        self.num_frames = 0
        self._part = path.with_name(f".{path.stem}.part{path.suffix}")
        if backend == "auto":
            backend = "av" if find_spec("av") else "opencv"
        self._open = _AvFile if backend == "av" else _OpenCvFile
        self._file: _AvFile | _OpenCvFile | None = None

    def write(self, image: np.ndarray, time_s: float) -> None:
        """Append a frame.

        Args:
            image: (H, W, 3) uint8 RGB; all of the first one's size (others are scaled to it).
            time_s: Its time from the first frame, seconds.

        Raises:
            OSError: If the file cannot be written.
        """
        image = _even(image)
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._size = image.shape[1::-1]
            self._file = self._open(self._part, self._size, self.fps)
        elif image.shape[1::-1] != self._size:
            image = cv2.resize(image, self._size, interpolation=cv2.INTER_AREA)
        self._file.write(image, time_s)
        self.num_frames += 1

    def close(self) -> None:
        """Finish the file; nothing is left where no frame was written or the end cannot be written.

        Raises:
            OSError: If the file cannot be completed.
        """
        if self._file is None:
            return
        file, self._file = self._file, None
        try:
            file.close()
            os.replace(self._part, self.path)
        finally:
            self._part.unlink(missing_ok=True)


class _AvFile:
    def __init__(self, path: Path, size: tuple[int, int], fps: float) -> None:
        import av

        self._av = av
        codec = next(name for name in CODECS if name in av.codecs_available)
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        self._stream = self._container.add_stream(
            codec,
            rate=Fraction(fps).limit_denominator(1001),
            options=H264_OPTIONS if codec == "libx264" else {},
        )
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.time_base = TIME_BASE
        if codec == "mpeg4":
            self._stream.bit_rate = max(400_000, int(MPEG4_BITS_PER_PIXEL * size[0] * size[1] * fps))
        context.colorspace = context.color_primaries = context.color_trc = REC_709
        self._last_pts = -1

    def write(self, image: np.ndarray, time_s: float) -> None:
        frame = self._av.VideoFrame.from_ndarray(image, format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709")
        self._last_pts = max(round(time_s / TIME_BASE), self._last_pts + 1)
        frame.pts, frame.time_base = self._last_pts, TIME_BASE
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        try:
            self._container.mux(self._stream.encode())
        finally:
            self._container.close()


class _OpenCvFile:
    def __init__(self, path: Path, size: tuple[int, int], fps: float) -> None:
        self._writer = cv2.VideoWriter(
            str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), fps, (int(size[0]), int(size[1]))
        )
        if not self._writer.isOpened():
            raise OSError(f"{path} cannot be written as a video; is the folder writable?")

    def write(self, image: np.ndarray, time_s: float) -> None:
        self._writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))

    def close(self) -> None:
        self._writer.release()


def _even(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return image
