"""Finds, prepares and remembers the pictures of a project, from several threads at once."""

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from fidip.labelling.pictures import PictureSource
from fidip.labelling.records import FileState, ImageRow
from fidip.labelling.server.picture_bytes import (
    MAX_FILE_BYTES,
    BadPicture,
    BrowserPicture,
    browser_picture,
)

__all__ = ["NoPicture", "PictureService", "SentPicture"]

BUDGET_BYTES = 128 * 2**20
ENTRY_BYTES = 500
"""Counted for every entry beside its data."""


class NoPicture(Exception):
    """A picture cannot be shown."""

    def __init__(self, state: FileState, reason: str) -> None:
        super().__init__(reason)
        self.state: FileState = state
        """What this says of the file."""
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SentPicture:
    """A picture as it goes out."""

    media_type: str
    etag: str
    """Changes with the file."""
    data: bytes | None
    """None if the caller has this version already."""


class PictureService:
    """Pictures for the page. Prepared ones are kept in memory up to a budget, least recently used go first.

    Args:
        source: Where the files are.
        budget_bytes: Most memory for prepared pictures.
    """

    def __init__(self, source: PictureSource, *, budget_bytes: int = BUDGET_BYTES) -> None:
        self._source = source
        self._prepared = _Remembered(budget_bytes)

    def overlays(self, row: ImageRow) -> tuple[str, ...]:
        """Return the names of the overlays of an image; none where its folder is gone."""
        try:
            return tuple(self._source.overlays(row))
        except (OSError, ValueError):
            return ()

    def get(
        self, row: ImageRow, *, width: int | None = None, overlay: str | None = None, known: str = ""
    ) -> SentPicture:
        """Return the picture of an image, or one of its overlays.

        Args:
            row: The image.
            width: Most px across; None for all.
            overlay: Name of an overlay.
            known: ``If-None-Match`` of the request.

        Raises:
            NoPicture: If the file is gone, cannot be read, is no picture, or is not that of the labels.
        """
        size = (row.width, row.height) if overlay is None else None
        if size is not None and 0 in size:
            reason = f"{row.name!a} could not be read when it was added; run syrip label again to try anew"
            raise NoPicture("unreadable", reason)
        try:
            path = self._source.path_of(row, overlay)
            with path.open("rb") as file:
                facts = os.fstat(file.fileno())
                if facts.st_size > MAX_FILE_BYTES:
                    raise BadPicture(f"is larger than {MAX_FILE_BYTES // 1_000_000} MB")
                key = (str(path), facts.st_mtime_ns, facts.st_ino, facts.st_size, width, size)
                etag = f'"{hashlib.sha256(repr(key).encode()).hexdigest()[:20]}"'
                if etag in known:
                    return SentPicture("", etag, None)
                picture = self._prepared.get(key, lambda: browser_picture(file, size=size, width=width))
                if picture.data is None:
                    file.seek(0)
                return SentPicture(picture.media_type, etag, picture.data or file.read())
        except FileNotFoundError as error:
            reason = f"{row.name!a} is not in the image folder (moved or deleted?)"
            raise NoPicture("missing", reason if error.strerror else str(error)) from None
        except BadPicture as error:
            raise NoPicture("unreadable", f"{row.name!a} {error}") from None
        except OSError as error:
            raise NoPicture(
                "unreadable", f"{row.name!a} cannot be read ({error.strerror or error})"
            ) from None
        except ValueError as error:  # its name or a link leads out of the folder
            raise NoPicture("unreadable", str(error)) from None


class _Remembered:
    """Results of slow calls by key, up to a budget; two threads that want the same one make it once."""

    def __init__(self, budget_bytes: int) -> None:
        self._budget_bytes = budget_bytes
        self._used_bytes = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple, BrowserPicture] = OrderedDict()
        self._making: dict[tuple, Future[BrowserPicture]] = {}

    def get(self, key: tuple, make: Callable[[], BrowserPicture]) -> BrowserPicture:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            future = self._making.get(key)
            if mine := future is None:
                future = self._making[key] = Future()
        if not mine:
            return future.result()
        try:
            picture = make()
        except BaseException as error:
            future.set_exception(error)
            raise
        else:
            self._keep(key, picture)
            future.set_result(picture)
            return picture
        finally:
            with self._lock:
                del self._making[key]

    def _keep(self, key: tuple, picture: BrowserPicture) -> None:
        with self._lock:
            self._kept[key] = picture
            self._used_bytes += _cost(picture)
            while self._used_bytes > self._budget_bytes:
                _, oldest = self._kept.popitem(last=False)
                self._used_bytes -= _cost(oldest)


def _cost(picture: BrowserPicture) -> int:
    return ENTRY_BYTES + len(picture.data or b"")
