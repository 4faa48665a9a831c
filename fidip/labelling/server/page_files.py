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
STATIC = "/static/"


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file of the page."""

    media_type: str
    data: bytes
    etag: str
    is_lasting: bool = False
    """Its address will never mean another content: browsers need not ask again."""


class PageFiles:
    """The files below a folder whose types a page is made of.

    A request names one of them or gets nothing. They are read anew each time the page itself is asked for, so
    that who works on the page need not restart the server. The page names its files by addresses that hold a
    digest of all of them: a browser that has opened this version before fetches none.
    """

    def __init__(self, folder: Path = PAGE_FOLDER) -> None:
        self._folder = folder
        self._version = ""
        self._files: dict[str, PageFile] = {}
        self._read()

    def get(self, name: str) -> PageFile | None:
        """Return a file by its path below the folder, with forward slashes; None if there is none.

        Args:
            name: The path, perhaps below the digest that the page's addresses hold.
        """
        return self._files.get(name)

    def index(self) -> PageFile | None:
        """Return the page itself, as it is now on the disk."""
        self._read()
        page = self._files.get(INDEX)
        if page is None:
            return None
        return _page_file(INDEX, page.data.replace(STATIC.encode(), f"{STATIC}{self._version}/".encode()))

    def _read(self) -> None:
        files = {
            path.relative_to(self._folder).as_posix(): _page_file(path.name, path.read_bytes())
            for path in sorted(self._folder.rglob("*"))
            if path.suffix in MEDIA_TYPES and path.is_file() and not path.is_symlink()
        }
        content = "\n".join(f"{name} {file.etag}" for name, file in files.items())
        self._version = hashlib.sha256(content.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        lasting = {
            f"{self._version}/{name}": PageFile(file.media_type, file.data, file.etag, is_lasting=True)
            for name, file in files.items()
        }
        self._files = files | lasting


def _page_file(name: str, data: bytes) -> PageFile:
    return PageFile(MEDIA_TYPES[Path(name).suffix], data, f'"{hashlib.sha256(data).hexdigest()[:20]}"')
