"""One picture file on its way into another dataset: found, decoded once to check it, and named safely."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

from fidip.data.annotations import ID_PATTERNS

__all__ = ["KeyMaker", "PictureFile", "find_picture", "inspect_picture"]

SUFFIXES = {"JPEG": "jpg", "MPO": "jpg", "PNG": "png", "WEBP": "webp", "BMP": "bmp", "TIFF": "tif"}
"""By what a file holds, whatever its name says; formats that training tools open."""
MAX_PIXELS = 100_000_000
MAX_KEY_LENGTH = 80
"""A tar header of 1988 holds 100 characters."""
TURNED_SIDEWAYS = (5, 6, 7, 8)
"""Values of EXIF's orientation that exchange width and height."""


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A file that decodes."""

    path: Path
    suffix: str
    """Without a dot, by its content."""
    stored_size: tuple[int, int]
    """(width, height) px as stored."""
    shown_size: tuple[int, int]
    """(width, height) px after turning it as its EXIF flag asks."""
    is_flagged: bool
    """Whether such a flag asks to turn or mirror it."""


def find_picture(folder: Path, image: Mapping[str, Any]) -> Path:
    """Return the place of a picture: by its name below the folder, by the last part of it, or by its id.

    By its id as SyRIP's own loader builds names.

    Raises:
        ValueError: If the name leaves the folder, or there is no such file.
    """
    name = image.get("file_name")
    if not isinstance(name, str) or not name:
        raise ValueError("it has no file_name")
    if Path(name).is_absolute() or ".." in Path(name).parts or "\\" in name:
        raise ValueError(f"its file_name {name!r} leaves the picture folder")
    for candidate in (name, Path(name).name, *(pattern % image["id"] for pattern in ID_PATTERNS)):
        try:
            if (folder / candidate).is_file():
                return folder / candidate
        except (OSError, ValueError):  # names that no file can have
            continue
    raise ValueError(f"its picture {name!r} is missing in {folder}")


def inspect_picture(path: Path) -> PictureFile:
    """Decode a picture and say what it is.

    Raises:
        ValueError: If it does not decode as a whole, is too large, or is of another format than photos'.
    """
    try:
        with Image.open(path) as picture:
            suffix = SUFFIXES.get(picture.format or "")
            if suffix is None:
                known = ", ".join(SUFFIXES)
                raise ValueError(f"its picture {path.name!r} is {picture.format}; expected {known}")
            size = picture.size
            if size[0] * size[1] > MAX_PIXELS:
                raise ValueError(
                    f"its picture {path.name!r} has more than {MAX_PIXELS // 1_000_000} million pixels"
                )
            orientation = picture.getexif().get(ExifTags.Base.Orientation, 1)
            picture.draft(None, (1, 1))  # JPEG: all is read, an eighth is drawn
            picture.load()
    except (OSError, SyntaxError, Image.DecompressionBombError):
        raise ValueError(f"its picture {path.name!r} does not decode") from None
    shown = size[::-1] if orientation in TURNED_SIDEWAYS else size
    return PictureFile(path, suffix, size, shown, orientation in range(2, 9))


class KeyMaker:
    """Gives every picture a name of letters, digits, ``-`` and ``_`` that no other one has."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def key(self, image: Mapping[str, Any]) -> str:
        """Return the picture's name without folders and suffix, its image id added where that is not enough.

        Neither case nor suffix tells two keys apart: label files have none of the picture's suffix, and some
        file systems ignore case.
        """
        stem = Path(image["file_name"]).with_suffix("").as_posix()
        base = re.sub(r"[^A-Za-z0-9_-]+", "_", stem).strip("_-")[:MAX_KEY_LENGTH] or "picture"
        key, number = base, 0
        while key.lower() in self._taken:
            number += 1
            key = f"{base[: MAX_KEY_LENGTH - 30]}_{image['id']}" + (f"_{number}" if number > 1 else "")
        self._taken.add(key.lower())
        return key
