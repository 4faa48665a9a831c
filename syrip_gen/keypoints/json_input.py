"""Read JSON files of unknown origin: bounded, with errors that say what is wrong."""

import json
from pathlib import Path
from typing import Any

__all__ = ["MAX_JSON_BYTES", "load_json", "number_list", "whole_number"]

MAX_JSON_BYTES = 1 << 30
"""Larger files are refused; COCO's largest keypoint file has 240 MB."""


def load_json(path: Path) -> Any:
    """Return the content of a JSON file (UTF-8, byte order mark allowed).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is empty, too large, or not JSON.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected a JSON file with keypoints")
    size = path.stat().st_size
    if size > MAX_JSON_BYTES:
        raise ValueError(
            f"{path}: {size / 2**30:.1f} GiB is more than the {MAX_JSON_BYTES / 2**30:.0f} GiB limit"
        )
    data = path.read_bytes()
    if not data.strip():
        raise ValueError(f"{path}: the file is empty; expected JSON with keypoints")
    try:
        return json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        place = f"{error.reason} at byte {error.start}"
        raise ValueError(f"{path}: not UTF-8 text ({place}); expected JSON") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise ValueError(f"{path}: not JSON: {error.msg} at {place}") from None
    except RecursionError:
        raise ValueError(f"{path}: not usable JSON: nested too deeply") from None
    except ValueError as error:  # integers of thousands of digits
        raise ValueError(f"{path}: not usable JSON: {error}") from None


def number_list(value: Any, what: str) -> list[float]:
    """Return a JSON list as floats; null becomes NaN.

    Args:
        value: What stands in the file.
        what: File and place, for the error text.

    Raises:
        ValueError: If it is not a flat list of numbers.
    """
    if not isinstance(value, list):
        raise ValueError(f"{what}: expected a list of numbers, got {_describe(value)}")
    result = []
    for i, item in enumerate(value):
        if item is None:
            result.append(float("nan"))
        elif isinstance(item, bool) or not isinstance(item, int | float):
            raise ValueError(f"{what}: entry {i} must be a number, got {_describe(item)}")
        else:
            try:
                result.append(float(item))
            except OverflowError:
                result.append(float("inf"))
    return result


def whole_number(value: Any, what: str) -> int:
    """Return an id or size that must be a whole number of at most 63 bits; 7.0 passes as 7.

    Raises:
        ValueError: If it is anything else.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
        raise ValueError(f"{what}: expected a whole number, got {_describe(value)}")
    return value


def _describe(value: Any) -> str:
    is_scalar = value is None or isinstance(value, str | int | float)
    text = repr(value) if is_scalar else type(value).__name__
    return text if len(text) <= 60 else text[:57] + "..."
