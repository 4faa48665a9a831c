"""What can go wrong with a labelling project while it is in use."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fidip.labelling.records import ImageState

__all__ = ["Conflict", "StoreError", "UnknownImage"]


class Conflict(Exception):
    """Somebody else saved this image since; nothing was written."""

    def __init__(self, current: "ImageState") -> None:
        super().__init__(
            f"image {current.row.id} was changed by {current.who or 'somebody'} "
            f"(revision {current.row.revision}); nothing was saved"
        )
        self.current = current
        """The newest state, to show and to base the next save on."""


class StoreError(OSError):
    """The project cannot be read or written right now (busy, disk full, damaged); what is in it is whole."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else super().__str__()


class UnknownImage(LookupError):
    """The project has no image, or no revision, with this number."""
