"""The page's own files: a fixed set, served by look-up, so that no path of a request reaches the disk."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PAGE_FOLDER", "PageFile", "PageFiles"]

PAGE_FOLDER = Path(__file__).resolve().parent.parent / "page"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}
INDEX = "index.html"


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file of the page."""

    media_type: str
    data: bytes
    etag: str


class PageFiles:
    """The files below a folder whose types a page is made of.

    A request names one of them or gets nothing. They are listed at each request: who works on the page need
    not restart the server.
    """

    def __init__(self, folder: Path = PAGE_FOLDER) -> None:
        self._folder = folder

    def get(self, name: str) -> PageFile | None:
        """Return a file by its path below the folder, with forward slashes; None if there is none."""
        path = self._listing().get(name)
        if path is None:
            return None
        data = path.read_bytes()
        return PageFile(MEDIA_TYPES[path.suffix], data, f'"{hashlib.sha256(data).hexdigest()[:20]}"')

    def index(self) -> PageFile | None:
        """Return the page itself."""
        return self.get(INDEX)

    def _listing(self) -> dict[str, Path]:
        return {
            path.relative_to(self._folder).as_posix(): path
            for path in self._folder.rglob("*")
            if path.suffix in MEDIA_TYPES and path.is_file() and not path.is_symlink()
        }
