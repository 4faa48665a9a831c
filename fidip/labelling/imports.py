"""Labels of another file, found by the name of a picture."""

from dataclasses import replace
from pathlib import Path, PurePosixPath

from fidip.labelling.documents import put_into_picture
from fidip.labelling.exchange.readers import read_labels
from fidip.labelling.gathering import Picture
from fidip.labelling.records import NewImage

__all__ = ["ImportedByName", "open_import"]

MAX_NAMES = 5
"""Names of left out pictures that a note lists."""


class ImportedByName:
    """Imported labels by picture.

    A picture's label is the one of its name in the project; failing that, of the same frame of the same video
    (the frames' folder is named after each output); failing that, of the same file name in any folder, where
    only one label has it.

    Args:
        file: Where they come from, for notes.
        images: The labels.
        notes: What the reader had to say.
    """

    def __init__(self, file: str, images: tuple[NewImage, ...], notes: tuple[str, ...] = ()) -> None:
        self.file = file
        self._notes = list(notes)
        self._by_name = {image.name: image for image in images}
        by_file_name: dict[str, list[NewImage]] = {}
        for image in images:
            by_file_name.setdefault(PurePosixPath(image.name).name, []).append(image)
        self._by_file_name = {name: found[0] for name, found in by_file_name.items() if len(found) == 1}
        self._by_frame = {_frame(image.name): image for image in images}
        self._used: set[str] = set()
        self._other_size: list[str] = []
        self._moved = 0

    def has(self, picture: Picture) -> bool:
        """Whether the file names a picture."""
        return self._named(picture.name) is not None

    def find(self, picture: Picture) -> NewImage | None:
        """Return what the file says of a picture; None if nothing, or of a picture of another size."""
        image = self._named(picture.name)
        if image is None or image.name in self._used:
            return None
        self._used.add(image.name)
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
        if image := self._named(name):
            self._used.add(image.name)

    def _named(self, name: str) -> NewImage | None:
        by_frame = self._by_frame.get(_frame(name))
        return self._by_name.get(name) or by_frame or self._by_file_name.get(PurePosixPath(name).name)

    def notes(self) -> list[str]:
        """Return what the user should know about the import, a line each."""
        notes = list(self._notes)
        if self._other_size:
            more = f" (and {len(self._other_size) - 1} more)" if len(self._other_size) > 1 else ""
            notes.append(f"{self.file}: not imported: {self._other_size[0]}{more}")
        if self._moved:
            notes.append(f"{self.file}: {self._moved} keypoints outside their picture moved to its border")
        left = [name for name in self._by_name if name not in self._used]
        if left:
            shown = ", ".join(map(ascii, left[:MAX_NAMES])) + (", ..." if len(left) > MAX_NAMES else "")
            notes.append(f"{self.file}: {len(left)} labelled pictures are not among those named: {shown}")
        return notes


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
