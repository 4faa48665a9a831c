"""Boxes, areas and run-length codes of masks, as COCO defines them."""

from typing import Any

import cv2
import numpy as np
from numba import njit

__all__ = ["mask_area", "mask_box", "mask_rle"]


def mask_box(mask: np.ndarray) -> list[int]:
    """Return x, y, width, height of the (H, W) mask's pixels; four zeros when it is empty."""
    return list(cv2.boundingRect(np.ascontiguousarray(mask).view(np.uint8)))


def mask_area(mask: np.ndarray) -> int:
    """Return the number of pixels in the mask."""
    return int(np.count_nonzero(mask))


def mask_rle(mask: np.ndarray) -> dict[str, Any]:
    """Return COCO's compressed run-length code with ``counts`` as text, ready for JSON."""
    height, width = mask.shape
    x, y, w, h = mask_box(mask)
    runs = _runs(np.ascontiguousarray(mask[y : y + h, x : x + w].T), x * height + y, height, height * width)
    return {"size": [int(height), int(width)], "counts": _compress(runs).tobytes().decode("ascii")}


@njit(nogil=True, cache=True, error_model="numpy")
def _runs(columns, start, height, total):  # pragma: no cover - compiled
    """Return the lengths of alternating runs of 0 and 1, down one column after the other.

    Args:
        columns: (w, h) bool: the columns of the part that holds all ones.
        start: Pixels before its first one.
        height: Pixels from the start of one of its columns to the start of the next.
        total: Pixels of the whole mask.
    """
    runs = np.empty(columns.size + 2, dtype=np.int64)
    count, begun, value = 0, 0, False
    for i in range(columns.shape[0]):
        base = start + i * height
        for j in range(columns.shape[1]):
            if columns[i, j] != value:
                runs[count] = base + j - begun
                count, begun, value = count + 1, base + j, not value
        end = base + columns.shape[1]
        if value and end < total and (columns.shape[1] < height or i == columns.shape[0] - 1):
            runs[count] = end - begun
            count, begun, value = count + 1, end, False
    runs[count] = total - begun
    return runs[: count + 1]


@njit(nogil=True, cache=True, error_model="numpy")
def _compress(runs):  # pragma: no cover - compiled
    """Write runs as COCO's text does: from the fourth on as differences, in groups of five bits plus 48."""
    text = np.empty(8 * runs.shape[0] + 8, dtype=np.uint8)
    n = 0
    for i in range(runs.shape[0]):
        x = runs[i] - runs[i - 2] if i > 2 else runs[i]
        more = True
        while more:
            bits = x & 31
            x >>= 5
            more = x != -1 if bits & 16 else x != 0
            text[n] = bits + (32 if more else 0) + 48
            n += 1
    return text[:n]
