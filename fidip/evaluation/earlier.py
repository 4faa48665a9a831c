"""What an earlier evaluation left in the output folder: removed, so that no file is of another run."""

import json
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from fidip.evaluation.joint_bars import BARS_FILE
from fidip.evaluation.sources import file_stem

__all__ = ["remove_earlier"]

TABLES = ("table", "detectors", "postures", "keypoints", "poses", "sequences", "joints", "gap")


def remove_earlier(folder: str | Path, keep: Collection[Path]) -> list[Path]:
    """Remove the files that ``figures.json`` of an earlier evaluation says it wrote, and nothing else.

    Args:
        folder: Output folder.
        keep: Files that stay: those just written, and those that the user named as input.

    Returns:
        What was removed.
    """
    folder = Path(folder)
    try:
        figures = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    if not isinstance(figures, dict) or not {"gt", "num_runs"} <= set(figures):
        return []
    names = [BARS_FILE, *(f"{table}.csv" for table in TABLES)]
    for key, run in figures.items():
        is_name = (key == "run" or key.endswith(".run")) and isinstance(run, str)
        if is_name and f"{key.removesuffix('run')}network" in figures:
            names += [f"predictions_{file_stem(run)}.json", f"tsne_{file_stem(run)}.png"]
    kept = {path.resolve() for path in keep}
    removed = []
    for path in (folder / name for name in names):
        if path.resolve() not in kept and path.is_file():
            with suppress(OSError):
                path.unlink()
                removed.append(path)
    return removed
