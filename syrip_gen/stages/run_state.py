"""Who owns an output folder, and how far its run has come."""

import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from syrip_gen.dataset_files import WORK_FOLDER, LocalFolder, OutputFolder, WriteError

__all__ = [
    "FINISHED_FILE",
    "OutputInUseError",
    "claim_folder",
    "completed_shards",
    "lock_folder",
    "release_folder",
    "shard_file",
]

log = logging.getLogger(__name__)

FINISHED_FILE = "run.json"
IDENTITY_KEYS = ("settings", "inputs", "versions")
STARTED_FILE = f"{WORK_FOLDER}/run.json"


class OutputInUseError(ValueError):
    """The output folder holds something that this run must not touch."""


def shard_file(shard_id: int) -> str:
    """Return the name of the file that commits one shard."""
    return f"{WORK_FOLDER}/shards/{shard_id:06d}.jsonl"


def claim_folder(folder: OutputFolder, identity: dict[str, Any], *, resume: bool) -> bool:
    """Make the folder this run's own, or refuse with the reason.

    Args:
        folder: The output folder.
        identity: Settings and input digests that decide the dataset's bytes.
        resume: Whether to go on with a run that is already there.

    Returns:
        Whether the run in the folder is already complete.

    Raises:
        OutputInUseError: When the folder holds another run, other files, or the same run without ``resume``.
    """
    names = [name for name in folder.list() if name != WORK_FOLDER]
    started = _read_identity(folder, STARTED_FILE)
    finished = _read_identity(folder, FINISHED_FILE)
    known = started or finished
    if known is None:
        if names:
            raise OutputInUseError(
                f"{folder.url} is not empty and holds no syrip run (it has {names[0]}). Choose another "
                "folder with -o."
            )
        folder.write_text(STARTED_FILE, json.dumps(identity, indent=1, sort_keys=True))
        return False
    if known != identity:
        raise OutputInUseError(
            f"{folder.url} holds another run ({_difference(known, identity)}). Choose another folder with "
            "-o, or repeat the settings of that run."
        )
    if not resume:
        state = "a finished" if finished and not started else "an unfinished"
        raise OutputInUseError(
            f"{folder.url} holds {state} run with these settings. Add --resume to go on with it, or choose "
            "another folder with -o."
        )
    return finished is not None and started is None


def release_folder(folder: OutputFolder) -> None:
    """Give up a folder that nothing of a run is in yet, so that other settings may have it."""
    folder.remove(STARTED_FILE)


def completed_shards(folder: OutputFolder) -> set[int]:
    """Return the ids of the shards that are committed and need not run again.

    A shard in which a worker was killed at an item is run again: the cause (memory, say) may be gone.
    """
    done = set()
    for name in folder.list(f"{WORK_FOLDER}/shards"):
        shard_id = int(name.removesuffix(".jsonl"))
        if not any(b'"kind":"crash"' in line for line in folder.read_lines(shard_file(shard_id))):
            done.add(shard_id)
    return done


@contextmanager
def lock_folder(folder: OutputFolder) -> Iterator[None]:
    """Keep a second process of this machine out of a local folder; the lock dies with the process."""
    if not isinstance(folder, LocalFolder):
        yield
        return
    import fcntl

    work = folder.path / WORK_FOLDER
    try:
        work.mkdir(parents=True, exist_ok=True)
        lock = open(work / "lock", "a")  # noqa: SIM115 - closed below, by the with statement
    except OSError as error:
        raise WriteError.of(folder.url, "lock", error) from error
    with lock as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputInUseError(
                f"another syrip process is writing to {folder.url}. Wait for it, or choose another folder "
                "with -o."
            ) from error
        except OSError:
            log.debug("%s is on a file system without locks", work, exc_info=True)
        try:
            yield
        finally:
            _drop_empty(work)


def _drop_empty(work: Path) -> None:
    """Leave no work folder behind when there is nothing in it to go on with."""
    with suppress(OSError):
        if set(os.listdir(work)) <= {"lock", "tmp"}:
            shutil.rmtree(work)
            work.parent.rmdir()  # only when it is empty: then this run made it


def _read_identity(folder: OutputFolder, name: str) -> dict[str, Any] | None:
    if not folder.exists(name):
        return None
    try:
        data = json.loads(folder.read_bytes(name))
        return {key: data[key] for key in IDENTITY_KEYS}
    except (ValueError, KeyError, TypeError) as error:
        raise OutputInUseError(
            f"{name} in {folder.url} was not written by syrip generate. Choose another folder with -o."
        ) from error


def _difference(old: dict[str, Any], new: dict[str, Any]) -> str:
    """Name the first settings that differ, for the message."""
    parts = []
    for group in IDENTITY_KEYS:
        before, after = old.get(group, {}), new.get(group, {})
        for key in sorted({*before, *after}):
            if before.get(key) != after.get(key):
                was, now = before.get(key), after.get(key)
                parts.append(
                    f"other files for --{key}" if group == "inputs" else f"{key} was {was!r}, now {now!r}"
                )
    return "; ".join(parts[:3]) or "different settings"
