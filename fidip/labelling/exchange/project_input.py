"""Labelling projects as a source of labels beside other tools' files."""

from pathlib import Path

from fidip.labelling.database import SQLITE_MAGIC
from fidip.labelling.store import LabelStore, project_path
from syrip_gen.keypoints.catalog import COCO17

__all__ = ["check_no_labels_lost", "is_project", "open_project"]


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


def check_no_labels_lost(target: str | Path, option: str, *sources: str | Path) -> None:
    """Refuse to write over labels that are being read, over a project, or over a project's output.

    Args:
        target: File that is to be written.
        option: How the user named it, for the text.
        sources: Files that are read.

    Raises:
        ValueError: If it is one of them.
    """
    target = Path(target)
    is_source = any(target.exists() and Path(s).exists() and target.samefile(s) for s in sources)
    if is_source or is_project(target) or is_project(project_path(target)):
        raise ValueError(f"{option} {target}: would overwrite the labels; choose another file")
