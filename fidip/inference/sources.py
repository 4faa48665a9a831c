"""What the user named: photos, folders, videos, cameras; sorted into items to work on."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fidip.inference.pictures import is_picture

__all__ = ["PHOTO_SUFFIXES", "VIDEO_SUFFIXES", "Source", "find_sources"]

PHOTO_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif"}
)
"""Files of a folder that are taken for photos (HEIC ones are then reported, not passed over in silence)."""
VIDEO_SUFFIXES = frozenset(
    {".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".3gp", ".mts", ".gif"}
)
OTHER_SUFFIXES = frozenset(
    {".json", ".csv", ".txt", ".md", ".html", ".pdf", ".yaml", ".yml", ".toml", ".py", ".zip"}
    | {".pth", ".pt", ".ckpt", ".pkl", ".npz", ".npy", ".onnx", ".safetensors"}
)
"""Files that are certainly none."""
CAMERA = re.compile(r"(?:camera:)?(\d{1,2})")


@dataclass(frozen=True, slots=True)
class Source:
    """One photo, video or camera."""

    kind: Literal["photo", "video", "camera"]
    path: Path
    """The file; for a camera a name such as ``camera0``."""
    name: str
    """How outputs name it: the path below the folder that the user gave, or the file's name; unique."""
    camera: int = -1
    """Index of the camera."""


def find_sources(inputs: Sequence[str], exclude: Path | None = None) -> list[Source]:
    """Return what is to be worked on, in the order given, folders in the order of their names.

    Args:
        inputs: Files, folders (searched recursively), camera numbers (``0`` or ``camera:0``).
        exclude: Output folder; what lies in it is left out, so that a second run does not read
            its own overlays.

    Raises:
        FileNotFoundError: A path that does not exist.
        ValueError: A folder without photos or videos, another kind of file, or nothing named.
    """
    if not inputs:
        raise ValueError("name at least one photo, folder, video or camera number")
    found: list[Source] = []
    for text in inputs:
        path = Path(text)
        camera = CAMERA.fullmatch(text)
        if camera and not path.exists():
            number = int(camera[1])
            found.append(Source("camera", Path(f"camera{number}"), f"camera{number}", number))
        elif path.is_dir():
            found += _of_folder(path, exclude)
        elif path.exists():
            found.append(Source(_kind(path), path, path.name))
        else:
            raise FileNotFoundError(f"{text}: no such file or folder (a camera is a number, such as 0)")
    return _with_unique_names(found)


def _of_folder(folder: Path, exclude: Path | None) -> list[Source]:
    outside = exclude.resolve() if exclude else None
    if outside == folder.resolve():
        raise ValueError(f"the output folder {exclude} is also an input; choose another --output")
    sources = []
    for path in sorted(folder.rglob("*"), key=lambda p: p.relative_to(folder).as_posix()):
        suffix = path.suffix.lower()
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if hidden or not path.is_file() or suffix not in PHOTO_SUFFIXES | VIDEO_SUFFIXES:
            continue
        if outside is None or not path.resolve().is_relative_to(outside):
            kind = "photo" if suffix in PHOTO_SUFFIXES else "video"
            sources.append(Source(kind, path, path.relative_to(folder).as_posix()))
    if not sources:
        kinds = ", ".join(sorted(s[1:] for s in PHOTO_SUFFIXES | VIDEO_SUFFIXES))
        raise ValueError(f"{folder} holds no photo or video ({kinds})")
    return sources


def _kind(path: Path) -> Literal["photo", "video"]:
    """Return what a named file is: by its suffix, else by its content."""
    suffix = path.suffix.lower()
    if suffix in VIDEO_SUFFIXES:
        return "video"
    if suffix in OTHER_SUFFIXES and not is_picture(path):
        raise ValueError(f"{path} is no photo, folder or video")
    return "photo" if suffix in PHOTO_SUFFIXES or is_picture(path) else "video"


def _with_unique_names(sources: Sequence[Source]) -> list[Source]:
    """Drop repetitions; number names that two inputs share."""
    unique: dict[tuple[Path, int], Source] = {}
    taken: set[str] = set()
    for source in sources:
        key = (source.path.resolve(), source.camera)
        if key in unique:
            continue
        name, count = source.name, 1
        while name in taken:
            count += 1
            stem = Path(source.name)
            name = stem.with_name(f"{stem.stem}-{count}{stem.suffix}").as_posix()
        taken.add(name)
        unique[key] = Source(source.kind, source.path, name, source.camera)
    return list(unique.values())
