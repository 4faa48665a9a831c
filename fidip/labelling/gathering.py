"""The pictures of a labelling run: photos as they are, videos split into frames, what failed beside them."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fidip.labelling.frame_choice import FrameChoice
from fidip.labelling.frames import split_video
from fidip.labelling.media import FoundMedia, frames_folder
from fidip.labelling.records import MAX_SIDE_PX, Frame
from fidip.progress import Progress

__all__ = ["Gathered", "Picture", "gather"]


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture to label."""

    path: Path
    name: str
    """Path relative to the project's folder, with forward slashes."""
    size: tuple[int, int]
    """(width, height) px; (0, 0) where it cannot be read."""
    problem: str = ""
    """Why it cannot be used; empty if it can."""
    frame: Frame | None = None


@dataclass(slots=True)
class Gathered:
    """All pictures, and what went wrong."""

    pictures: list[Picture] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    """Reason by the name of a video."""
    was_stopped: bool = False


def gather(
    media: FoundMedia,
    root: Path,
    output: Path,
    choice: FrameChoice,
    progress: Progress,
    should_stop: Callable[[], bool] = lambda: False,
) -> Gathered:
    """Return the pictures of photos and videos; frames are written where they are not yet.

    A video that cannot be read is recorded and the others go on.

    Args:
        media: What was found.
        root: The project's folder; every picture lies in it.
        output: COCO file; frames go into the folder beside it.
        choice: Which frames of videos.
        progress: Told of the frames that are read.
        should_stop: Asked at every frame.

    Raises:
        ValueError: If a picture lies outside ``root``.
        OSError: If frames cannot be written.
    """
    found = Gathered()
    names = _names([photo.path for photo in media.photos], root)
    for photo, name in zip(media.photos, names, strict=True):
        problem = photo.problem or _too_long(photo.size)
        found.pictures.append(Picture(photo.path, name, photo.size if not problem else (0, 0), problem))
    folder = frames_folder(output).absolute()
    for video in media.videos:
        try:
            split = split_video(video, choice, folder, progress, should_stop)
        except (ValueError, FileNotFoundError) as error:
            found.failures[video.name] = str(error)
            continue
        if split is None:
            found.was_stopped = True
            return found
        if split.problem:
            found.failures[video.name] = f"{video.name} {split.problem}; the frames until there are kept"
        names = _names([picture.path for picture in split.pictures], root)
        for picture, name in zip(split.pictures, names, strict=True):
            found.pictures.append(Picture(picture.path, name, picture.size, frame=picture.frame))
    return found


def _names(paths: Sequence[Path], root: Path) -> list[str]:
    """Return the names of pictures in the project's folder.

    Raises:
        ValueError: If one lies outside.
    """
    home = os.path.join(root, "")
    outside = next((path for path in paths if not str(path).startswith(home)), None)
    if outside is not None:
        raise ValueError(
            f"{outside} lies outside the folder of this project, {root}; label it into another file (-o), or "
            "put it there"
        )
    return [path.relative_to(root).as_posix() for path in paths]


def _too_long(size: tuple[int, int]) -> str:
    if max(size) <= MAX_SIDE_PX:
        return ""
    return f"{size[0]}x{size[1]} px; sides of at most {MAX_SIDE_PX} px can be labelled, scale it down"
