"""Labels of another file, found by the name of a picture."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TypeVar

from fidip.labelling.documents import put_into_picture
from fidip.labelling.exchange.readers import read_labels
from fidip.labelling.gathering import Picture
from fidip.labelling.records import NewImage

__all__ = ["ImportedByName", "open_import"]

T = TypeVar("T")
MAX_NAMES = 5
"""Names of left out pictures that a note lists."""


class ImportedByName:
    """Imported labels by picture, at most one each; :meth:`match` comes first.

    A picture's label is the one of its name in the project; failing that, of the same frame of the same video
    (the frames' folder is named after each output); failing that, of the same file name in any folder, where
    only one label and one picture are left with it. Backslashes are slashes, and letters with accents are the
    same however they are composed (macOS takes them apart).

    Args:
        file: Where they come from, for notes.
        images: The labels.
        notes: What the reader had to say.
    """

    def __init__(self, file: str, images: Sequence[NewImage], notes: Sequence[str] = ()) -> None:
        self.file = file
        self._notes = list(notes)
        self._images = {_plain(image.name): image for image in images}
        self._by_picture: dict[str, NewImage] = {}
        self._unsure: list[NewImage] = []
        self._left = dict.fromkeys(image.name for image in images)
        self._other_size: list[str] = []
        self._moved = 0

    def match(self, pictures: Sequence[str]) -> None:
        """Look for the labels of pictures, all that there are."""
        self._by_picture, self._unsure = _matched(self._images, pictures)
        for image in self._unsure:
            self._left.pop(image.name, None)

    def has(self, name: str) -> bool:
        """Whether the file names a picture."""
        return name in self._by_picture

    def id_of(self, name: str) -> int | None:
        """Return the number that the file gives a picture, whether or not its label is used."""
        return self._by_picture[name].id if name in self._by_picture else None

    def find(self, picture: Picture) -> NewImage | None:
        """Return what the file says of a picture; None if nothing, or of a picture of another size."""
        image = self._by_picture.get(picture.name)
        if image is None:
            return None
        self._left.pop(image.name, None)
        if image.width and (image.width, image.height) != picture.size:
            self._other_size.append(
                f"{picture.name!a} is {picture.size[0]}x{picture.size[1]} px, its label is for "
                f"{image.width}x{image.height} px"
            )
            return None
        if image.width or not picture.size[0]:
            return image
        label, moved = put_into_picture(image.label, picture.size)  # the file does not know the size
        self._moved += moved
        return replace(image, label=label)

    def keep(self, name: str) -> None:
        """Count a picture's label as used although the project has its own."""
        if image := self._by_picture.get(name):
            self._left.pop(image.name, None)

    def notes(self) -> list[str]:
        """Return what the user should know about the import, a line each."""
        notes = list(self._notes)
        if self._other_size:
            more = f" (and {len(self._other_size) - 1} more)" if len(self._other_size) > 1 else ""
            notes.append(f"{self.file}: not imported: {self._other_size[0]}{more}")
        if self._moved:
            notes.append(f"{self.file}: {self._moved} keypoints outside their picture moved to its border")
        if self._unsure:
            shown = _some(PurePosixPath(_plain(image.name)).name for image in self._unsure)
            notes.append(f"{self.file}: not imported, as several pictures are called so: {shown}")
        if self._left:
            count = len(self._left)
            shown = _some(self._left)
            notes.append(f"{self.file}: {count} labelled pictures are not among those named: {shown}")
        return notes


def _matched(
    images: Mapping[str, NewImage], pictures: Sequence[str]
) -> tuple[dict[str, NewImage], list[NewImage]]:
    """Return the label of each picture that has one, and the labels that several pictures might have."""
    by_frame = {_frame(name): image for name, image in images.items()}
    found: dict[str, NewImage] = {}
    left = {id(image): image for image in images.values()}
    for name in pictures:
        image = images.get(_plain(name)) or by_frame.get(_frame(_plain(name)))
        if image is not None and left.pop(id(image), None):
            found[name] = image
    labels = _by_file_name((image.name, image) for image in left.values())
    places = _by_file_name((name, name) for name in pictures if name not in found)
    unsure = []
    for file_name, names in places.items():
        several = labels.get(file_name, [])
        if len(several) == len(names) == 1:
            found[names[0]] = several[0]
        elif len(several) == 1:
            unsure += several
    return found, unsure


def _by_file_name(named: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = {}
    for name, value in named:
        found.setdefault(PurePosixPath(_plain(name)).name, []).append(value)
    return found


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name.replace("\\", "/"))


def _some(names: Iterable[str]) -> str:
    every = list(names)
    return ", ".join(map(ascii, every[:MAX_NAMES])) + (", ..." if len(every) > MAX_NAMES else "")


def _frame(name: str) -> str:
    """Return a name without the folder ``NAME_frames`` that frames lie in; other names as they are."""
    folder, _, rest = name.partition("/")
    return rest if folder.endswith("_frames") and "/" in rest else name


def open_import(file: str | None, pictures: Path | None) -> ImportedByName | None:
    """Read a file of labels: COCO, CVAT, Label Studio or AH-CoLT.

    Args:
        file: The file, or None.
        pictures: Folder of the pictures; AH-CoLT's files without names need it.

    Raises:
        FileNotFoundError: If it does not exist.
        ValueError: If it is not understood.
    """
    if file is None:
        return None
    found = read_labels(file, pictures=pictures)
    return ImportedByName(Path(file).name, found.images, found.notes)
