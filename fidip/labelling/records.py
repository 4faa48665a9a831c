"""What a labelling project hands out and takes in: rows, states, revisions."""

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from fidip.labelling.documents import EMPTY_LABEL, Doubt, ImageLabel

__all__ = [
    "Counts",
    "FileState",
    "Frame",
    "ImageRow",
    "ImageState",
    "NewImage",
    "Revision",
    "check_image_name",
]

FileState = Literal["ok", "unreadable", "missing"]
FILE_STATES = ("ok", "unreadable", "missing")
MAX_NAME_LENGTH = 4096
MAX_SIDE_PX = 65_535
MAX_IMAGE_ID = 10**12
"""Ids of annotations, a thousand times as large, stay exact in every reader of JSON."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where in a video an image comes from."""

    video: str
    """Name of the video file."""
    index: int
    """Frame number, from 0."""
    time_s: float | None = None


@dataclass(frozen=True, slots=True)
class NewImage:
    """An image to add to a project, with what the network or an import said of it."""

    name: str
    """Path relative to the project's root, with forward slashes; untrusted text."""
    width: int
    """px; 0 where the file cannot be read."""
    height: int
    """px; 0 where the file cannot be read."""
    label: ImageLabel = EMPTY_LABEL
    """Becomes revision 0."""
    who: str = "import"
    """``ai:<model>``, ``import:<file>``, or the person whom an imported file names."""
    when: str | None = None
    """UTC time that an imported file names, ISO 8601; None for now."""
    action: str = "first"
    """What made the label, such as ``import real.json``."""
    doubts: tuple[Doubt, ...] = ()
    state: FileState = "ok"
    note: str = ""
    """Why the file cannot be used."""
    frame: Frame | None = None
    id: int | None = None
    """Wanted id, such as that of a COCO file, 0 to 10¹²; None for the next free one."""


class ImageRow(NamedTuple):
    """One line of the list of images; a tuple, because there are ten thousand."""

    id: int
    name: str
    width: int
    height: int
    state: FileState
    status: str
    """``unreviewed``, ``reviewed`` or ``rejected``."""
    doubtful: bool
    """Whether the network's label raised doubts; stays true after the review."""
    revision: int
    """Number of the newest revision."""
    who: str
    """Who wrote it."""
    frame: Frame | None = None


@dataclass(frozen=True, slots=True)
class ImageState:
    """All that is known of one image."""

    row: ImageRow
    label: ImageLabel
    """The newest revision."""
    when: str
    """UTC time of the newest revision, ISO 8601."""
    action: str
    """What the newest revision did."""
    first: ImageLabel
    """Revision 0."""
    first_who: str
    doubts: tuple[Doubt, ...]
    note: str
    """Why the file cannot be used; empty if it can."""

    @property
    def who(self) -> str:
        """Who wrote the newest revision."""
        return self.row.who


@dataclass(frozen=True, slots=True)
class Revision:
    """One entry of an image's history."""

    image_id: int
    revision: int
    action: str
    who: str
    when: str
    """UTC, ISO 8601."""
    label: ImageLabel = field(default=EMPTY_LABEL, repr=False)
    """Not read by :meth:`~fidip.labelling.store.LabelStore.history`."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Progress of a project in images."""

    total: int
    reviewed: int
    unreviewed: int
    rejected: int
    doubtful: int
    """With doubts, reviewed or not."""
    doubtful_left: int
    """With doubts and unreviewed."""
    unreadable: int
    """Unreadable or missing files."""


def check_image_name(name: str) -> str:
    """Return the name of an image if it stays inside its folder.

    Raises:
        ValueError: If it is empty, absolute, too long, or goes up.
    """
    path = PurePosixPath(name)
    if not name or not path.parts or len(name) > MAX_NAME_LENGTH or "\0" in name:
        raise ValueError(f"image name {name[:40]!a}: expected 1 to {MAX_NAME_LENGTH} characters without NUL")
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"image name {name[:80]!a} leaves the image folder")
    return name
