"""Labelling projects as a source of labels beside other tools' files."""

from pathlib import Path

from fidip.labelling.database import SQLITE_MAGIC
from fidip.labelling.store import LabelStore
from syrip_gen.keypoints.catalog import COCO17

__all__ = ["is_project", "open_project"]


def is_project(path: str | Path) -> bool:
    """Return whether there is a file that is a labelling project (or another SQLite file)."""
    if not Path(path).is_file():
        return False
    with open(path, "rb") as file:
        return file.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC


def open_project(path: str | Path) -> LabelStore:
    """Open a project of COCO-17 keypoints.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no project, or has other keypoints.
    """
    store = LabelStore.open(path)
    if store.schema.keypoints != COCO17.keypoints:
        name = store.schema.name
        store.close()
        raise ValueError(f"{path}: keypoints of the schema {name}; expected {COCO17.name}")
    return store
