"""What there is to label: the photos and videos in folders, told by their content, in natural order."""

import os
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from fidip.data.images import MAX_PIXELS
from fidip.inference.pictures import ORIENTATION_TAG
from fidip.inference.sources import PHOTO_SUFFIXES, VIDEO_SUFFIXES

__all__ = ["FoundMedia", "Photo", "Video", "find_media", "frames_folder", "natural_key", "photo_size"]

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
KNOWN = "JPEG, PNG, WebP, BMP, TIFF"
VIDEO_MARKS = ((4, b"ftyp"), (0, b"\x1aE\xdf\xa3"), (8, b"AVI "), (0, b"GIF8"), (0, b"\x00\x00\x01\xba"))
"""Offset and bytes that MP4 and MOV, Matroska and WebM, AVI, GIF and MPEG files have."""
HEIC_BRANDS = (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"hevc")
PICTURE_ERRORS = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo, readable or not."""

    path: Path
    size: tuple[int, int]
    """(width, height) px after EXIF's quarter turns; (0, 0) where it cannot be told."""
    problem: str = ""
    """Why it cannot be used; empty if its header can be read."""


@dataclass(frozen=True, slots=True)
class Video:
    """One video, still to be split into frames."""

    path: Path
    name: str
    """Path below the folder that the user named, or the file's name; unique."""


@dataclass(frozen=True, slots=True)
class FoundMedia:
    """What the user's folders and files hold."""

    photos: tuple[Photo, ...]
    videos: tuple[Video, ...]
    root: Path
    """Deepest folder that holds all photos and all frames."""
    notes: tuple[str, ...] = ()
    """Folders that could not be searched."""


def frames_folder(output: Path) -> Path:
    """Return the folder for the frames of videos: ``real_frames`` beside ``real.json``."""
    return output.with_name(f"{output.stem}_frames")


def find_media(inputs: Sequence[str | Path], output: Path) -> FoundMedia:
    """Return the photos and videos in folders (sub-folders too) and among files.

    A file of a folder is a photo or video if its content says so; one that is called a photo and is none is
    listed with the reason. Hidden files and folders are passed over, and so are the frames of an earlier run.

    Args:
        inputs: Folders, photos, videos.
        output: COCO file; frames of videos will lie beside it.

    Raises:
        FileNotFoundError: If an input does not exist.
        ValueError: If nothing was named, an input is neither photo nor video, or a folder holds none.
    """
    if not inputs:
        raise ValueError("name at least one folder, photo or video")
    frames = Path(os.path.abspath(frames_folder(output)))
    photos: dict[Path, Photo] = {}
    videos: dict[Path, str] = {}
    homes = []
    notes: list[str] = []
    for given in inputs:
        place = _without_dots(Path(given))
        is_folder = place.is_dir()
        if not is_folder and not place.is_file():
            raise FileNotFoundError(f"{given}: no such folder or file")
        home = place if is_folder else place.parent
        count = len(photos), len(videos)
        for path in _files(place, frames, notes) if is_folder else [place]:
            kind = _kind(path)
            if kind == "photo" and path not in photos:
                photos[path] = _photo(path, home)
            elif kind == "video":
                videos.setdefault(path, path.relative_to(home).as_posix())
            elif kind == "other" and not is_folder:
                raise ValueError(
                    f"{given}: neither a photo (JPEG, PNG, WebP, BMP, TIFF) nor a video nor a folder"
                )
        if is_folder and count == (len(photos), len(videos)) and not _is_repeated(place, photos, videos):
            raise ValueError(
                f"{given}: no photo (JPEG, PNG, WebP, BMP, TIFF) or video in this folder or below"
            )
        if len(photos) > count[0]:
            homes.append(home)
    homes += [frames] if videos else []
    root = _shared(homes) if homes else _without_dots(Path(inputs[0]))
    return FoundMedia(tuple(photos.values()), _with_unique_names(videos), root, tuple(notes))


def _shared(folders: Sequence[Path]) -> Path:
    """Return the deepest folder that holds all."""
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:
        drives = ", ".join(sorted({folder.drive for folder in folders}))
        raise ValueError(
            f"pictures and frames lie on several drives ({drives}), which no project can hold; put them and "
            "the output (-o) on one"
        ) from None


def _without_dots(given: Path) -> Path:
    """Return a place as an absolute path without ``..``: the project compares paths by their text."""
    plain = Path(os.path.abspath(given))
    leads_elsewhere = (
        ".." in given.parts and given.exists() and not (plain.exists() and plain.samefile(given))
    )
    return given.resolve() if leads_elsewhere else plain  # LINK/.. is not the folder that LINK lies in


def photo_size(path: Path) -> tuple[int, int]:
    """Return (width, height) px of a photo as a viewer shows it; its pixels are not decoded.

    Raises:
        ValueError: With the reason why it is no picture that can be used.
    """
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as picture:
            width, height = picture.size
            is_turned = picture.getexif().get(ORIENTATION_TAG, 1) in (5, 6, 7, 8)
            is_turned &= picture.format != "TIFF"  # Pillow gives their size as turned already
    except PICTURE_ERRORS as error:
        raise ValueError(_reason(path, error)) from None
    if width * height > MAX_PIXELS:
        limit = MAX_PIXELS // 1_000_000
        raise ValueError(f"{width}x{height} px; the limit is {limit} million px, scale it down")
    return (height, width) if is_turned else (width, height)


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """Return a sort key that puts ``img9`` before ``img10``."""
    parts = re.split(r"([0-9]+)", text)
    return [(1, int(part), "") if i % 2 else (0, 0, part.casefold()) for i, part in enumerate(parts)]


def _files(folder: Path, frames: Path, notes: list[str]) -> Iterator[Path]:
    """Yield the files of a folder and below: no hidden ones, no frames of an earlier run, no devices."""

    def note(error: OSError) -> None:
        notes.append(f"{error.filename}: cannot be searched ({error.strerror})")

    found = []
    for place, folders, files in os.walk(folder, onerror=note):
        folders[:] = [f for f in folders if not f.startswith(".") and Path(place, f) != frames]
        found += [Path(place, file) for file in files if not file.startswith(".")]
    for path in sorted(found, key=lambda path: natural_key(path.relative_to(folder).as_posix())):
        if path.is_file() or not path.exists():  # a link to nowhere is listed
            yield path


def _kind(path: Path) -> str:
    """Return ``photo``, ``video`` or ``other``: by content; by name where the content says nothing."""
    suffix = path.suffix.lower()
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        head = b""
    is_heic = head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS
    if is_heic or suffix in PHOTO_SUFFIXES or (suffix not in VIDEO_SUFFIXES and _opens(path)):
        return "photo"
    if suffix in VIDEO_SUFFIXES or any(head[at : at + len(mark)] == mark for at, mark in VIDEO_MARKS):
        return "video"
    return "other"


def _opens(path: Path) -> bool:
    try:
        photo_size(path)
    except ValueError:
        return False
    return True


def _photo(path: Path, home: Path) -> Photo:
    """Return a photo with its size, or with what is wrong."""
    if not Path(os.path.realpath(path)).is_relative_to(
        os.path.realpath(home)
    ):  # passes over links in a circle
        return Photo(path, (0, 0), "a link to a file outside the folder; copy the file itself")
    try:
        return Photo(path, photo_size(path))
    except ValueError as error:
        return Photo(path, (0, 0), str(error))


def _reason(path: Path, error: Exception) -> str:
    """Return why a file is no usable picture, without its name."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as failed:
        return f"cannot be read ({failed.strerror})"
    if not head:
        return "empty (0 bytes)"
    if head[4:8] == b"ftyp":
        return "an HEIC or AVIF picture; save it as JPEG or PNG"
    if isinstance(error, Image.DecompressionBombError):
        return f"too many pixels; the limit is {MAX_PIXELS // 1_000_000} million px, scale it down"
    return f"does not decode as a picture; expected one of {KNOWN}"


def _is_repeated(folder: Path, photos: dict[Path, Photo], videos: dict[Path, str]) -> bool:
    """Whether an earlier input held all that this folder holds."""
    return any(path.is_relative_to(folder) for path in [*photos, *videos])


def _with_unique_names(videos: dict[Path, str]) -> tuple[Video, ...]:
    """Number the names that two inputs share, whether or not their suffixes differ."""
    taken: set[str] = set()
    named = []
    for path, name in videos.items():
        stem, suffix, count = str(Path(name).with_suffix("")), Path(name).suffix, 1
        unique = stem
        while unique in taken:
            count += 1
            unique = f"{stem}-{count}"
        taken.add(unique)
        named.append(Video(path, Path(f"{unique}{suffix}").as_posix()))
    return tuple(named)
