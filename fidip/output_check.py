"""Whether a folder or file can be written, asked before any work is done."""

import os
import tempfile
from pathlib import Path

__all__ = ["check_output_file", "check_output_folder"]


def check_output_folder(folder: str | Path, option: str) -> None:
    """Refuse a folder that files cannot be written into; nothing is made.

    Args:
        folder: The folder, which need not exist.
        option: How the user gave it, for the text.

    Raises:
        ValueError: With the reason.
    """
    try:
        reason = "it is a file" if Path(folder).exists() and not Path(folder).is_dir() else _reason(folder)
    except (OSError, ValueError) as error:
        reason = _text(error)
    if reason:
        raise ValueError(f"{option} {folder}: cannot be written ({reason}); choose another folder")


def check_output_file(file: str | Path, option: str) -> None:
    """Refuse a file that cannot be written; nothing is made.

    Raises:
        ValueError: With the reason.
    """
    try:
        reason = "it is a folder" if Path(file).is_dir() else _reason(Path(file).absolute().parent)
    except (OSError, ValueError) as error:
        reason = _text(error)
    if reason:
        raise ValueError(f"{option} {file}: cannot be written ({reason}); choose another file")


def _reason(folder: str | Path) -> str:
    """Return why no file can be made in a folder or its deepest parent that exists; "" if one can."""
    place = Path(folder).absolute()
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    if not place.is_dir():
        return f"{place} is not a folder"
    try:
        with tempfile.TemporaryFile(dir=place):
            return ""
    except OSError as error:
        return f"no file can be made in {place}: {_text(error)}"


def _text(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
