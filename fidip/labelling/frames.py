"""Videos into frames on the disk, once: a second run finds what the first one wrote."""

import hashlib
import json
import os
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fidip.inference.video_reader import open_video
from fidip.labelling.coco_export import write_atomically
from fidip.labelling.frame_choice import FrameChoice, most_different, thumbnail
from fidip.labelling.media import Video
from fidip.labelling.records import Frame
from fidip.progress import Progress

__all__ = ["FramePicture", "SplitVideo", "split_video"]

RECORD = "frames.json"
VERSION = 1
ENDS_BYTES = 2**20
"""A video is known again by its length and the SHA-256 of so many bytes at either end."""
JPEG_QUALITY = 95


@dataclass(frozen=True, slots=True)
class FramePicture:
    """One frame on the disk."""

    path: Path
    size: tuple[int, int]
    """(width, height) px."""
    frame: Frame


@dataclass(frozen=True, slots=True)
class SplitVideo:
    """The chosen frames of one video."""

    pictures: tuple[FramePicture, ...]
    problem: str = ""
    """What is wrong with the video, although frames came; empty if nothing."""


def split_video(
    video: Video,
    choice: FrameChoice,
    folder: Path,
    progress: Progress,
    should_stop: Callable[[], bool] = lambda: False,
) -> SplitVideo | None:
    """Write the chosen frames of a video as JPEG files, or find them written.

    Args:
        video: The video.
        choice: Which frames.
        folder: Frames go into a folder of the video's own below this one.
        progress: Told of the frames that are read.
        should_stop: Asked at every frame.

    Returns:
        The frames, or None if it was stopped; the next call then begins anew.

    Raises:
        ValueError: If it is no video, holds no frame, or another video has left its frames there.
        OSError: If frames cannot be written; says why.
    """
    own = folder / Path(video.name).with_suffix("")
    identity = _identity(video.path)
    record = _read_record(own / RECORD)
    if record.get("video", identity) != identity:
        raise ValueError(
            f"{video.path}: {own} holds frames of another video of this name; rename the video, or remove "
            "that folder"
        )
    known = record.get("choices", {}).get(str(choice))
    if known is not None:
        pictures = _pictures(known["frames"], own, video)
        if all(picture.path.is_file() for picture in pictures):
            return SplitVideo(pictures, known["problem"])
    wanted = None
    if choice.kind == "most":
        wanted = _choose(video, choice.count, progress, should_stop)
    done = None if wanted == "stopped" else _write(video, choice, wanted, own, progress, should_stop)
    if done is None:
        return None
    frames, problem = done
    if not frames:
        raise ValueError(f"{video.path} holds no frame that decodes")
    choices = {**record.get("choices", {}), str(choice): {"frames": frames, "problem": problem}}
    content = {"version": VERSION, "video": identity, "choices": choices}
    write_atomically(own / RECORD, json.dumps(content, indent=1).encode("ascii"))
    return SplitVideo(_pictures(frames, own, video), problem)


def _choose(
    video: Video, count: int, progress: Progress, should_stop: Callable[[], bool]
) -> frozenset[int] | str:
    """Return the indices of the frames that look most different, or ``stopped``."""
    reader = open_video(video.path)
    thumbnails = []
    try:
        progress.stage("compare", reader.num_frames)
        for frame in reader:
            if should_stop():
                return "stopped"
            thumbnails.append(thumbnail(frame.image))
            progress.advance()
    finally:
        reader.close()
    return frozenset(most_different(thumbnails, count).tolist())


def _write(
    video: Video,
    choice: FrameChoice,
    wanted: frozenset[int] | None,
    own: Path,
    progress: Progress,
    should_stop: Callable[[], bool],
) -> tuple[list[dict[str, Any]], str] | None:
    """Write frames; returns their records and what is wrong with the video, or None if stopped."""
    reader = open_video(video.path)
    frames: list[dict[str, Any]] = []
    try:
        progress.stage("frames", reader.num_frames)
        for frame in reader:
            if should_stop():
                return None
            progress.advance()
            is_wanted = frame.index % choice.count == 0 if wanted is None else frame.index in wanted
            if not is_wanted:
                continue
            name = f"frame{frame.index:06d}.jpg"
            _write_jpeg(own / name, frame.image)
            size = frame.image.shape[1::-1]
            frames.append(
                {"file": name, "index": frame.index, "time_s": round(frame.time_s, 6), "size": size}
            )
    finally:
        reader.close()
    return frames, reader.problem.removeprefix(f"{video.path}").lstrip(": ")


def _write_jpeg(path: Path, image: np.ndarray) -> None:
    """Write one frame, whole or not at all.

    Raises:
        OSError: With one line.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(temporary, format="JPEG", quality=JPEG_QUALITY, subsampling=0)
        os.replace(temporary, path)
    except OSError as error:
        raise OSError(f"cannot write the frame {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _pictures(frames: list[dict[str, Any]], own: Path, video: Video) -> tuple[FramePicture, ...]:
    return tuple(
        FramePicture(
            own / frame["file"],
            (frame["size"][0], frame["size"][1]),
            Frame(video.name, frame["index"], frame["time_s"]),
        )
        for frame in frames
    )


def _identity(path: Path) -> dict[str, Any]:
    """Return what a video is known by again, wherever it lies."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        digest = hashlib.sha256()
        for start in (0, max(size - ENDS_BYTES, 0)):
            file.seek(start)
            digest.update(file.read(ENDS_BYTES))
    return {"bytes": size, "sha256_of_ends": digest.hexdigest()}


def _read_record(path: Path) -> dict[str, Any]:
    """Return what an earlier run wrote of a video; nothing where there is none or it is not ours."""
    try:
        record = json.loads(path.read_bytes())
        is_ours = record["version"] == VERSION and isinstance(record["video"], dict)
        for choice in record["choices"].values():
            is_ours &= isinstance(choice["problem"], str) and all(map(_is_frame, choice["frames"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return record if is_ours else {}


def _is_frame(frame: dict[str, Any]) -> bool:
    """Return whether a record is a frame's: a plain name, its number and time, and two sides."""
    name, (width, height) = frame["file"], frame["size"]
    is_plain = isinstance(name, str) and Path(name).name == name
    return is_plain and all(type(n) is int for n in (frame["index"], width, height)) and frame["time_s"] >= 0
