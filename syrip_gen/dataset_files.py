"""One output folder, local or remote: every write appears whole or not at all."""

import os
import shutil
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

__all__ = ["LocalFolder", "OutputFolder", "RemoteFolder", "WriteError", "open_folder"]

WORK_FOLDER = ".syrip"
"""Holds what an unfinished run needs to go on; removed when the dataset is complete."""


class WriteError(OSError):
    """The output folder cannot be written to; what is in it is whole, and a run can go on."""

    @classmethod
    def of(cls, url: str, name: str, error: OSError) -> "WriteError":
        """Say what could not be written, why, and what to do."""
        reason = error.strerror or str(error)
        return cls(
            error.errno or 0,
            f"cannot write {name} in {url}: {reason}. Nothing is lost: make room or choose a writable "
            "folder, then run the same command with --resume.",
        )

    def __str__(self) -> str:
        return self.strerror or super().__str__()


class OutputFolder(ABC):
    """A folder that files are written to by name (forward slashes, relative)."""

    url: str

    def write_bytes(self, name: str, data: bytes) -> None:
        """Write one whole file."""
        with self.open_write(name) as file:
            file.write(data)

    def write_text(self, name: str, text: str) -> None:
        """Write one whole UTF-8 text file."""
        self.write_bytes(name, text.encode())

    def read_bytes(self, name: str) -> bytes:
        """Read one whole file."""
        with self.open_read(name) as file:
            return file.read()

    def read_lines(self, name: str) -> Iterator[bytes]:
        """Yield the lines of a file without holding it in memory."""
        with self.open_read(name) as file:
            yield from file

    @abstractmethod
    def open_write(self, name: str) -> Any:
        """Context manager: a binary file that replaces ``name`` when closed without an error."""

    @abstractmethod
    def open_read(self, name: str) -> Any:
        """Context manager: a binary file to read."""

    @abstractmethod
    def exists(self, name: str = "") -> bool:
        """Say whether a file or folder is there."""

    @abstractmethod
    def list(self, name: str = "") -> list[str]:
        """Return the sorted names directly inside a folder; empty when there is none."""

    @abstractmethod
    def remove_tree(self, name: str) -> None:
        """Remove a folder with everything in it, if it is there."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove one file, if it is there."""


class LocalFolder(OutputFolder):
    """A folder of this machine's file system."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser().absolute()
        self.url = str(self.path)
        self._made: set[Path] = set()

    @contextmanager
    def open_write(self, name: str) -> Iterator[IO[bytes]]:
        """Write to a temporary file in the work folder, then move it into place."""
        target = self.path / name
        temporary = self.path / WORK_FOLDER / "tmp" / f"{os.getpid()}-{uuid.uuid4().hex[:12]}"
        try:
            for folder in (target.parent, temporary.parent):
                if folder not in self._made:
                    folder.mkdir(parents=True, exist_ok=True)
                    self._made.add(folder)
            with open(temporary, "wb") as file:
                yield file
            os.replace(temporary, target)
        except OSError as error:
            _remove_quietly(temporary)
            raise WriteError.of(self.url, name, error) from error
        except BaseException:
            _remove_quietly(temporary)
            raise

    def open_read(self, name: str) -> IO[bytes]:
        """Open a file to read."""
        return open(self.path / name, "rb")

    def exists(self, name: str = "") -> bool:
        """Say whether a file or folder is there."""
        return (self.path / name).exists()

    def list(self, name: str = "") -> list[str]:
        """Return the sorted names directly inside a folder; empty when there is none."""
        folder = self.path / name
        return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []

    def remove_tree(self, name: str) -> None:
        """Remove a folder with everything in it, if it is there."""
        self._made.clear()
        shutil.rmtree(self.path / name, ignore_errors=True)

    def remove(self, name: str) -> None:
        """Remove one file, if it is there."""
        (self.path / name).unlink(missing_ok=True)

    def __reduce__(self) -> tuple[Any, ...]:
        return LocalFolder, (self.url,)


class RemoteFolder(OutputFolder):
    """A folder behind any fsspec URL (s3://, gs://, memory:// ...).

    Every file is written under a temporary name and moved into place.
    """

    def __init__(self, url: str) -> None:
        import fsspec

        self.url = url.rstrip("/")
        self.fs, self.root = fsspec.core.url_to_fs(self.url)

    def _path(self, name: str) -> str:
        return f"{self.root}/{name}" if name else self.root

    @contextmanager
    def open_write(self, name: str) -> Iterator[IO[bytes]]:
        """Upload to a temporary name, then move it into place."""
        temporary = self._path(f"{WORK_FOLDER}/tmp/{uuid.uuid4().hex}")
        try:
            self.fs.makedirs(temporary.rpartition("/")[0], exist_ok=True)
            self.fs.makedirs(self._path(name).rpartition("/")[0], exist_ok=True)
            with self.fs.open(temporary, "wb") as file:
                yield file
            self.fs.mv(temporary, self._path(name))
        except OSError as error:
            raise WriteError.of(self.url, name, error) from error
        except BaseException:
            if self.fs.exists(temporary):
                self.fs.rm(temporary)
            raise

    def open_read(self, name: str) -> Any:
        """Open a file to read."""
        return self.fs.open(self._path(name), "rb")

    def exists(self, name: str = "") -> bool:
        """Say whether a file or folder is there."""
        self.fs.invalidate_cache()
        return self.fs.exists(self._path(name))

    def list(self, name: str = "") -> list[str]:
        """Return the sorted names directly inside a folder; empty when there is none."""
        self.fs.invalidate_cache()
        if not self.fs.isdir(self._path(name)):
            return []
        return sorted(
            entry.rstrip("/").rpartition("/")[2] for entry in self.fs.ls(self._path(name), detail=False)
        )

    def remove_tree(self, name: str) -> None:
        """Remove a folder with everything in it, if it is there."""
        if self.exists(name):
            self.fs.rm(self._path(name), recursive=True)

    def remove(self, name: str) -> None:
        """Remove one file, if it is there."""
        if self.exists(name):
            self.fs.rm(self._path(name))

    def __reduce__(self) -> tuple[Any, ...]:
        return RemoteFolder, (self.url,)


def _remove_quietly(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)


def open_folder(url: str | Path) -> OutputFolder:
    """Return the folder at a path or an fsspec URL; nothing is created yet.

    Raises:
        ValueError: When a file is in the way, or fsspec knows no such kind of URL.
        ImportError: When the package for this kind of URL is not installed; says which.
    """
    text = str(url)
    if ("://" in text or "::" in text) and not text.startswith("file://"):
        try:
            return RemoteFolder(text)
        except ValueError as error:
            raise ValueError(f"{text}: not a folder or an fsspec URL ({error})") from error
    folder = LocalFolder(text.removeprefix("file://"))
    for path in (folder.path, *folder.path.parents):
        if path.exists():
            if not path.is_dir():
                raise ValueError(f"{folder.url}: {path} is a file; choose another folder with -o")
            break
    return folder
