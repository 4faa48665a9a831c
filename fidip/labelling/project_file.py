"""The file of a labelling project: its settings, its lock, and how it is read and written."""

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Self

from fidip.labelling.database import create_database, open_database, read, readable_errors, transaction
from syrip_gen.keypoints.catalog import COCO17, get_schema
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["Kind", "ProjectFile", "project_path"]

Kind = Literal["label", "review"]
SUFFIX = ".project"


def project_path(output: str | Path) -> Path:
    """Return the project file that belongs to an output file: ``real.json.project`` beside ``real.json``."""
    output = Path(output)
    return output.with_name(f"{output.name}{SUFFIX}")


def _check_output(project: Path, output: Path) -> None:
    """Refuse a project, perhaps of somebody else's making, that would overwrite a file elsewhere."""
    if not Path(os.path.normpath(output)).is_relative_to(os.path.normpath(project.parent)):
        raise ValueError(f"{project}: its output {output} lies outside its folder; nothing was changed")


def _from_here(place: Path, project: Path) -> str:
    """Return a place relative to the folder of a project file, which may move together with it."""
    try:
        return Path(os.path.relpath(place, project.parent)).as_posix()
    except ValueError:  # on another drive of Windows
        return str(place)


class ProjectFile:
    """One project's SQLite file with its settings. Thread-safe; several processes may have it open."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._lock = threading.RLock()
        self._listeners: list[Callable[[], None]] = []
        settings = dict(self._read("SELECT name, value FROM settings"))
        self._settings: dict[str, Any] = {name: json.loads(value) for name, value in settings.items()}

    @classmethod
    def create(
        cls,
        path: str | Path,
        *,
        kind: Kind,
        schema: KeypointSchema = COCO17,
        root: str | Path,
        output: str | Path,
        settings: Mapping[str, Any] | None = None,
    ) -> Self:
        """Make a new project.

        Args:
            path: The project file; must not exist. For labels it is :func:`project_path` of ``output``.
            kind: ``label`` for photos, ``review`` for synthetic data.
            schema: Keypoints of every person; one of the catalog.
            root: Folder that image names are relative to.
            output: File that is exported to, in the project's folder or below.
            settings: Anything else that JSON holds, such as the model and its options.

        Raises:
            ValueError: If the file exists or cannot be made, or does not fit the output.
        """
        path = Path(path).absolute()
        if kind == "label" and path != project_path(output).absolute():
            raise ValueError(f"{path}: expected the name {project_path(output).name}, beside its output")
        _check_output(path, Path(output).absolute())
        values = {
            "kind": kind,
            "schema": get_schema(schema.name).name,
            "root": str(Path(root).absolute()),
            "root_from_here": _from_here(Path(root).absolute(), path),
            "output": str(Path(output).absolute()),
            "output_from_here": _from_here(Path(output).absolute(), path),
            "more": dict(settings or {}),
        }
        rows = [(name, json.dumps(value, allow_nan=False)) for name, value in values.items()]

        def fill(connection: sqlite3.Connection) -> None:
            connection.executemany("INSERT INTO settings (name, value) VALUES (?, ?)", rows)

        create_database(path, fill)
        return cls.open(path)

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open a project.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is no project, damaged, of a newer version, or read-only, or its output lies
                outside its folder.
            StoreError: If another program keeps it locked.
        """
        path = Path(path).absolute()
        connection = open_database(path)
        try:
            project = cls(path, connection)
            _check_output(path, project.output)
        except BaseException:
            connection.close()
            raise
        return project

    def close(self) -> None:
        """Close the file; everything was written before."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def kind(self) -> Kind:
        """``label`` or ``review``."""
        return self._settings["kind"]

    @property
    def schema(self) -> KeypointSchema:
        """Keypoints of every person."""
        return get_schema(self._settings["schema"])

    @property
    def root(self) -> Path:
        """Folder that image names are relative to; it may have moved along with the project file."""
        return self._place("root")

    @property
    def output(self) -> Path:
        """File that is exported to; that of a labelling project goes by the name of the project file."""
        if self.kind == "label":
            return Path(os.path.normpath(self.path)).with_name(self.path.name.removesuffix(SUFFIX))
        return self._place("output")

    @property
    def settings(self) -> dict[str, Any]:
        """What :meth:`create` was given, and :meth:`set_settings` added."""
        return dict(self._settings["more"])

    def set_settings(self, **values: Any) -> None:
        """Remember further settings; JSON values."""
        with self._writing():
            ((text,),) = self._read("SELECT value FROM settings WHERE name = 'more'")  # others set theirs
            more = {**json.loads(text), **values}
            self._connection.execute(
                "UPDATE settings SET value = ? WHERE name = 'more'", (json.dumps(more, allow_nan=False),)
            )
        self._settings["more"] = more

    def set_root(self, root: str | Path) -> None:
        """Say where the images are now, after the folder was moved."""
        with self._writing():
            values = self._write_root(Path(root).absolute())
        self._settings |= values

    def widen_root(self, root: str | Path) -> None:
        """Let the names of images begin at a folder above the present one, so that more can be added.

        Raises:
            ValueError: If the present folder does not lie below it.
        """
        root = Path(root).absolute()
        prefix = (self.root.relative_to(root).as_posix() + "/").encode("utf-8", "surrogatepass")
        with self._writing() as change:
            values = self._write_root(root)
            self._connection.execute("UPDATE images SET name = '/' || name")  # no other image is called so
            self._connection.execute(
                "UPDATE images SET name = CAST(? AS TEXT) || substr(name, 2), change = ?", (prefix, change)
            )
        self._settings |= values
        self._changed()

    def _write_root(self, root: Path) -> dict[str, Any]:
        values = {"root": str(root), "root_from_here": _from_here(root, self.path)}
        self._connection.executemany(
            "UPDATE settings SET value = ? WHERE name = ?",
            [(json.dumps(value), name) for name, value in values.items()],
        )
        return values

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call a function after every change made through this object (not those of other processes)."""
        self._listeners.append(listener)

    def last_change(self) -> int:
        """Return the number of the last change of an image; grows with each."""
        return self._read("SELECT COALESCE(MAX(change), 0) FROM images")[0][0]

    def _read(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock, readable_errors(self.path):
            return read(self._connection, query, values)

    @contextmanager
    def _writing(self) -> Iterator[int]:
        """Hold the lock of this process and that of the file; gives the number of the next change."""
        with self._lock, readable_errors(self.path), transaction(self._connection):
            yield self.last_change() + 1

    def _changed(self) -> None:
        for listener in self._listeners:
            listener()

    def _place(self, name: str) -> Path:
        near = Path(os.path.normpath(self.path.parent / self._settings[f"{name}_from_here"]))
        return near if near.exists() or name == "output" else Path(self._settings[name])
