"""Films of the takes of a dataset, put together from its pictures."""

import importlib.util
import tempfile
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from syrip_gen.annotation.coco import IMAGE_FOLDER
from syrip_gen.dataset_files import OutputFolder
from syrip_gen.quality.sheets import decode_picture

__all__ = ["check_films", "film_file", "write_films"]

TIME_BASE = Fraction(1, 90_000)
"""Seconds of a tick of a film's clock."""
CODECS = ("libx264", "mpeg4")
OPTIONS = {"libx264": {"preset": "medium", "crf": "20"}, "mpeg4": {"qscale": "4"}}
REC_709 = 1
"""FFmpeg's number of Rec. 709, which players expect of H.264."""


def film_file(take: int) -> str:
    """Return the name of a take's film within the dataset."""
    return f"take{take:03d}.mp4"


def check_films() -> None:
    """Say so when films cannot be written here.

    Raises:
        ImportError: When the extra is not installed.
    """
    if importlib.util.find_spec("av") is None:
        raise ImportError("--film needs the package 'av': pip install 'syrip[video]'")


def write_films(folder: OutputFolder, records: Callable[[], Iterable[dict[str, Any]]]) -> None:
    """Write one film a take; every picture is shown at its time in the clip.

    Equal pictures give equal bytes: one thread encodes, and no clock gets in.
    """
    made = (record for record in records() if "annotation" in record)
    for take, group in groupby(made, key=lambda record: record["annotation"]["source"]["take"]):
        folder.write_bytes(film_file(take), _film(_pictures(folder, group)))


def _pictures(folder: OutputFolder, records: Iterable[dict[str, Any]]) -> Iterator[tuple[float, np.ndarray]]:
    """Yield the time, seconds, and the (H, W, 3) uint8 RGB pixels of every record."""
    for record in records:
        picture = decode_picture(folder.read_bytes(f"{IMAGE_FOLDER}/{record['image']['file_name']}"))
        height, width = picture.shape[:2]
        even = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")  # as 4:2:0 needs
        yield float(record["annotation"]["source"]["time_s"]), even


def _film(pictures: Iterable[tuple[float, np.ndarray]]) -> bytes:
    """Encode pictures as H.264 (MPEG-4 where there is none) in MP4."""
    import av

    codec = next(name for name in CODECS if name in av.codecs_available)
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "film.mp4"
        with av.open(str(path), "w", options={"movflags": "+faststart", "fflags": "+bitexact"}) as container:
            stream, began = None, 0.0
            for time_s, picture in pictures:
                if stream is None:
                    began = time_s
                    stream = container.add_stream(codec, rate=30, options=OPTIONS[codec])
                    stream.height, stream.width = picture.shape[:2]
                    stream.pix_fmt = "yuv420p"
                    context = stream.codec_context
                    context.time_base, context.thread_count = TIME_BASE, 1
                    context.colorspace = context.color_primaries = context.color_trc = REC_709
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709")
                frame.pts, frame.time_base = round((time_s - began) / TIME_BASE), TIME_BASE
                container.mux(stream.encode(frame))
            if stream is not None:
                container.mux(stream.encode())
        return path.read_bytes()
