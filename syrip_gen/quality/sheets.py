"""Contact sheets: many pictures in one clean grid."""

from collections.abc import Sequence

import numpy as np

__all__ = ["contact_sheet", "decode_picture", "encode_jpeg", "fit_into"]

BACKGROUND = (246, 246, 244)
MAX_PIXELS = 50_000_000
"""Larger pictures are refused: a small file can unpack into a lot of memory."""


def contact_sheet(
    pictures: Sequence[np.ndarray],
    *,
    columns: int = 8,
    cell_width: int = 320,
    aspect: float | None = None,
    gap: int = 8,
) -> np.ndarray:
    """Lay pictures out in rows.

    Args:
        pictures: (H, W, 3) uint8 RGB each, of any sizes.
        columns: Pictures in a row; fewer when there are fewer pictures.
        cell_width: Width of a cell, px.
        aspect: Height over width of a cell; None takes the pictures' median.
        gap: Space around cells, px.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ValueError: If there is no picture.
    """
    if not pictures:
        raise ValueError("expected at least one picture for a contact sheet")
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    ratio = aspect or float(np.median([p.shape[0] / p.shape[1] for p in pictures]))
    cell_height = max(1, round(cell_width * ratio))
    sheet = np.empty((rows * (cell_height + gap) + gap, columns * (cell_width + gap) + gap, 3), np.uint8)
    sheet[:] = BACKGROUND
    for n, picture in enumerate(pictures):
        top = gap + (n // columns) * (cell_height + gap)
        left = gap + (n % columns) * (cell_width + gap)
        sheet[top : top + cell_height, left : left + cell_width] = fit_into(picture, cell_width, cell_height)
    return sheet


def fit_into(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """Return a (height, width, 3) cell with the whole picture in its middle."""
    import cv2

    scale = min(width / picture.shape[1], height / picture.shape[0])
    new = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    small = cv2.resize(picture, new, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    cell = np.empty((height, width, 3), np.uint8)
    cell[:] = BACKGROUND
    top, left = (height - new[1]) // 2, (width - new[0]) // 2
    cell[top : top + new[1], left : left + new[0]] = small
    return cell


def encode_jpeg(picture: np.ndarray, quality: int = 88) -> bytes:
    """Return an RGB picture as JPEG."""
    import cv2

    is_good, data = cv2.imencode(
        ".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    if not is_good:
        raise ValueError(f"OpenCV could not encode a {picture.shape} picture as JPEG")
    return data.tobytes()


def decode_picture(data: bytes) -> np.ndarray:
    """Return the RGB pixels of an encoded picture.

    Raises:
        ValueError: If it is broken, no picture, or has more than :data:`MAX_PIXELS`.
    """
    import io

    import cv2
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as header:
            width, height = header.size
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"not a picture: {error}") from None
    if width * height > MAX_PIXELS:
        raise ValueError(f"{width}x{height} is more than {MAX_PIXELS // 10**6} million pixels")
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError("a broken picture")
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
