"""Boxes, areas and run-length codes of masks, as COCO defines them."""

from typing import Any

import numpy as np

__all__ = ["mask_area", "mask_box", "mask_rle"]


def mask_box(mask: np.ndarray) -> list[int]:
    """Return x, y, width, height of the (H, W) mask's pixels; four zeros when it is empty."""
    columns = np.flatnonzero(mask.any(axis=0))
    if not len(columns):
        return [0, 0, 0, 0]
    rows = np.flatnonzero(mask.any(axis=1))
    x, y = int(columns[0]), int(rows[0])
    return [x, y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1]


def mask_area(mask: np.ndarray) -> int:
    """Return the number of pixels in the mask."""
    return int(np.count_nonzero(mask))


def mask_rle(mask: np.ndarray) -> dict[str, Any]:
    """Return COCO's compressed run-length code with ``counts`` as text, ready for JSON."""
    from pycocotools import mask as codec

    encoded = codec.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": [int(n) for n in encoded["size"]], "counts": encoded["counts"].decode("ascii")}
