"""The SQLite file of a labelling project: its tables, versions, and how it is opened without harm."""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from fidip.labelling.errors import StoreError

__all__ = ["MIGRATIONS", "create_database", "open_database", "read", "readable_errors", "transaction"]

APPLICATION_ID = 0x53795250
"""«SyRP» in the file's header: tells our databases from others."""
BUSY_TIMEOUT_S = 10.0
SQLITE_MAGIC = b"SQLite format 3\0"

VERSION_1 = (
    """CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID""",
    """CREATE TABLE images (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        state TEXT NOT NULL,
        note TEXT NOT NULL,
        video TEXT,
        frame INTEGER,
        time_s REAL,
        doubts TEXT NOT NULL,
        doubtful INTEGER NOT NULL,
        status TEXT NOT NULL,
        revision INTEGER NOT NULL,
        who TEXT NOT NULL,
        change INTEGER NOT NULL
    ) STRICT""",
    "CREATE INDEX images_by_change ON images (change)",
    """CREATE TABLE revisions (
        image_id INTEGER NOT NULL REFERENCES images (id),
        revision INTEGER NOT NULL,
        document TEXT NOT NULL,
        action TEXT NOT NULL,
        who TEXT NOT NULL,
        when_utc TEXT NOT NULL,
        PRIMARY KEY (image_id, revision)
    ) STRICT, WITHOUT ROWID""",
)
"""``images`` repeats status, revision and who of the newest revision, so that the list needs no join."""

MIGRATIONS: tuple[Sequence[str], ...] = (VERSION_1,)
"""Entry n brings a file of version n to version n + 1. Never change an entry that was released."""


def create_database(path: Path, fill: Callable[[sqlite3.Connection], None]) -> None:
    """Make a new database file that appears whole or not at all.

    Args:
        path: Where; must not exist.
        fill: Writes the first rows, in the transaction that makes the tables.

    Raises:
        ValueError: If there is a file already, or none can be made.
        StoreError: If the disk is full.
    """
    if os.path.lexists(path):
        raise ValueError(f"{path} exists already; open it, or choose another output file")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        temporary.unlink(missing_ok=True)
        with readable_errors(path), connected(temporary, mode="rwc") as connection:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            with transaction(connection):
                _migrate(connection, 0, MIGRATIONS)
                fill(connection)
        _publish(temporary, path)
    except FileExistsError:
        raise ValueError(f"{path} exists already; open it, or choose another output file") from None
    except StoreError as error:
        if isinstance(error.__cause__, sqlite3.OperationalError) and "unable to open" in str(error.__cause__):
            raise ValueError(f"{path}: no file can be made in {path.parent}; choose another folder") from None
        raise
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _publish(temporary: Path, path: Path) -> None:
    """Give a file its name; never replaces what another process made meanwhile.

    Raises:
        FileExistsError: If there is a file of this name.
    """
    try:
        os.link(temporary, path)
        return
    except FileExistsError:
        raise
    except OSError:
        path.open("xb").close()  # a file system without links, such as exFAT: take the name, then the place
    try:
        os.replace(temporary, path)
    except BaseException:
        path.unlink()
        raise


def open_database(path: Path, migrations: tuple[Sequence[str], ...] = MIGRATIONS) -> sqlite3.Connection:
    """Open a project's database for reading and writing; an old one is brought up to date.

    Raises:
        FileNotFoundError: If there is no file.
        ValueError: If it is no project of ours, is damaged, is newer than this program, or is not writable.
        StoreError: If another program keeps it locked.
    """
    _check_is_project(path)
    connection = _connect(path, mode="rw")
    try:
        with readable_errors(path):
            _check_and_migrate(connection, path, migrations)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            with transaction(connection):
                pass  # taking the write lock once shows a read-only file or folder now, not at the first save
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Hold the write lock of a database; all is written at the end, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def read(connection: sqlite3.Connection, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Return all rows of a query; texts may hold lone surrogates, as names of files on Linux do."""
    try:
        return connection.execute(query, values).fetchall()
    except sqlite3.OperationalError as error:
        if "decode" not in str(error):
            raise
    connection.text_factory = partial(str, encoding="utf-8", errors="surrogatepass")  # several times slower
    return connection.execute(query, values).fetchall()


@contextmanager
def readable_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into one line that says which file, why, and what to do.

    Raises:
        StoreError: Busy, disk full, read-only, damaged.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path}: {_reason(error)}") from error


def _reason(error: sqlite3.DatabaseError) -> str:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return (
            f"another program has kept the project locked for {BUSY_TIMEOUT_S:g} s; nothing was changed. "
            "Close it and try again"
        )
    if name.startswith("SQLITE_FULL"):
        return "the disk is full; nothing was changed. Make room and try again"
    if name.startswith("SQLITE_READONLY"):
        return "the project cannot be written (read-only file, folder or disk); nothing was changed"
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return (
            f"the project is damaged ({error}); nothing was changed. Restore it from a backup; the COCO file "
            "beside it holds the labels of the last export"
        )
    return f"the project could not be read or written ({error}); nothing was changed"


def _check_is_project(path: Path) -> None:
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such project file")
    if not path.is_file():
        raise ValueError(f"{path} is no file; expected the project file of 'syrip label'")
    with open(path, "rb") as file:
        head = file.read(len(SQLITE_MAGIC))
    if head != SQLITE_MAGIC:
        raise ValueError(f"{path} is no project of 'syrip label' (not a database)")


def _check_and_migrate(
    connection: sqlite3.Connection, path: Path, migrations: tuple[Sequence[str], ...]
) -> None:
    try:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if application != APPLICATION_ID:
            raise ValueError(f"{path} is a database, but no project of 'syrip label'")
        if version > len(migrations):
            raise ValueError(
                f"{path} was made by a newer version of syrip (project version {version}, this one knows "
                f"{len(migrations)}); update syrip. Nothing was changed"
            )
        problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        if not getattr(error, "sqlite_errorname", "").startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            raise
        problem = str(error)
    if problem != "ok":
        raise ValueError(
            f"{path} is damaged ({problem.splitlines()[-1]}); nothing was changed. Restore it from a backup, "
            "or start a new project from the COCO file beside it"
        )
    if version < len(migrations):
        with transaction(connection):
            now = connection.execute("PRAGMA user_version").fetchone()[
                0
            ]  # another process may have been faster
            _migrate(connection, now, migrations)


def _migrate(connection: sqlite3.Connection, version: int, migrations: tuple[Sequence[str], ...]) -> None:
    for statements in migrations[version:]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(migrations)}")


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,  # transactions begin and end where this package says so
        check_same_thread=False,  # the store has one lock for all threads
    )


@contextmanager
def connected(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """Open a connection for the length of a block."""
    connection = _connect(path, mode)
    try:
        yield connection
    finally:
        connection.close()
