"""COCO's compressed run-length codes of masks, read with care: pycocotools trusts what they say."""

from collections.abc import Mapping
from typing import Any

__all__ = ["checked_code"]

MAX_PIXELS = 1 << 28
MAX_CHARACTERS = 7
"""Of one run: 5 bits each."""


def checked_code(segmentation: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """Return a code that pycocotools decodes safely, and the number of pixels of its mask.

    Args:
        segmentation: ``size`` (height, width) and ``counts`` (text) of an annotation.

    Raises:
        ValueError: If the size is none, or the runs do not fill it exactly.
    """
    size, counts = segmentation.get("size"), segmentation.get("counts")
    if not isinstance(size, list) or len(size) != 2 or not all(type(n) is int and n > 0 for n in size):
        raise ValueError(f"a mask of the size {str(size)[:60]}")
    if not isinstance(counts, str) or size[0] * size[1] > MAX_PIXELS:
        raise ValueError("a mask without a code, or larger than any picture")
    runs = _runs(counts)
    if min(runs, default=0) < 0 or sum(runs) != size[0] * size[1]:
        raise ValueError(f"a mask whose runs do not fill {size[1]}x{size[0]} pixels")
    return {"size": size, "counts": counts.encode("ascii")}, sum(runs[1::2])


def _runs(counts: str) -> list[int]:
    """Return the lengths of the runs, background first; told are differences to the last but one."""
    runs: list[int] = []
    value = place = 0
    for character in counts:
        bits = ord(character) - 48
        if not 0 <= bits < 64 or place == MAX_CHARACTERS:
            raise ValueError("a mask whose code is broken")
        value |= (bits & 31) << 5 * place
        place += 1
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << 5 * place
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = place = 0
    if place:
        raise ValueError("a mask whose code is cut off")
    return runs
