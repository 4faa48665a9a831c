"""Which file on disk holds the picture of an image, and nothing outside the project's folders."""

from pathlib import Path
from typing import Protocol

from fidip.labelling.records import ImageRow, check_image_name

__all__ = ["FolderPictures", "PictureSource", "inside"]


class PictureSource(Protocol):
    """Finds the pictures of a project."""

    def path_of(self, image: ImageRow, overlay: str | None = None) -> Path:
        """Return the file of an image, or that of one of its overlays.

        Raises:
            FileNotFoundError: If there is none, with a text for the page.
            ValueError: If the name leads out of the folder.
        """
        ...

    def overlays(self, image: ImageRow) -> tuple[str, ...]:
        """Return the names of the overlays that exist for an image."""
        ...


class FolderPictures:
    """Pictures below one folder; no overlays."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def path_of(self, image: ImageRow, overlay: str | None = None) -> Path:
        """Return the file of an image; see :class:`PictureSource`."""
        if overlay is not None:
            raise FileNotFoundError(f"{image.name}: there is no overlay {overlay[:40]!a}")
        return inside(self.root, image.name)

    def overlays(self, image: ImageRow) -> tuple[str, ...]:
        """Return no names."""
        return ()


def inside(root: Path, name: str) -> Path:
    """Return the file of this name below a folder, links followed.

    Args:
        root: The folder.
        name: Relative path with forward slashes; untrusted.

    Raises:
        ValueError: If the name or a link in it leads out of the folder.
        FileNotFoundError: If there is no such file.
    """
    home = root.resolve()
    check_image_name(name)
    try:
        path = (home / name).resolve()
        is_file = path.is_file()
    except (OSError, RuntimeError, UnicodeError) as error:  # too long, links in a circle, no name of a file
        reason = getattr(error, "strerror", None) or "it is no name of a file"
        raise FileNotFoundError(f"{name[:200]!a} cannot be opened: {reason}") from None
    if not path.is_relative_to(home):
        raise ValueError(f"{name[:200]!a} leads out of the image folder")
    if not is_file:
        raise FileNotFoundError(f"{name[:200]!a} is not in the image folder (moved or deleted?)")
    return path
