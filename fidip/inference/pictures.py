"""Read one photo the way a viewer shows it: EXIF rotation applied, any depth or palette, damage noticed."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

__all__ = ["MAX_PIXELS", "is_picture", "read_photo", "shown_size", "write_photo"]

MAX_PIXELS = 150_000_000
"""Larger photos are refused before they are decoded (a decoded one takes three bytes a pixel)."""
ORIENTATION_TAG = 0x0112
ERRORS = (OSError, UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError, EOFError)


def read_photo(path: Path, expected_size: tuple[int, int] | None = None) -> np.ndarray:
    """Return a photo as (H, W, 3) uint8 RGB.

    Args:
        path: The file.
        expected_size: (width, height) px that boxes were drawn in. COCO's labels ignore EXIF rotation, so the
            photo is then left as it is stored unless only the turned photo has this size.

    Raises:
        ValueError: Not a picture, damaged or cut off, too large, or of another size than expected.
    """
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty (0 bytes)")
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path) as picture:  # of large pictures
            width, height = picture.size
            if width * height <= MAX_PIXELS:
                turns = _is_turned(picture, expected_size)
                picture.load()
                shown = ImageOps.exif_transpose(picture) if turns else picture
                pixels = _to_rgb(shown)
    except ERRORS as error:
        raise ValueError(f"{path} does not decode as a picture ({_reason(error)})") from None
    if width * height > MAX_PIXELS:
        limit = MAX_PIXELS // 1_000_000
        raise ValueError(f"{path} has {width}x{height} px; the limit is {limit} million px, scale it down")
    if expected_size and pixels.shape[1::-1] != expected_size:
        found = f"{pixels.shape[1]}x{pixels.shape[0]}"
        raise ValueError(
            f"{path} is {found} px, but its boxes were made for {expected_size[0]}x{expected_size[1]} px"
        )
    return pixels


def shown_size(path: Path, expected_size: tuple[int, int] | None = None) -> tuple[int, int]:
    """Return (width, height) px of what :func:`read_photo` returns; the pixels are not decoded.

    Raises:
        ValueError: Not a picture.
    """
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path) as picture:
            is_stored_so = picture.format == "TIFF"  # Pillow gives their size as turned already
            swaps = picture.getexif().get(ORIENTATION_TAG, 1) in (5, 6, 7, 8) and not is_stored_so
            turns = swaps and _is_turned(picture, expected_size)
            return picture.size[::-1] if turns else picture.size
    except ERRORS as error:
        raise ValueError(f"{path} does not decode as a picture ({_reason(error)})") from None


def is_picture(path: Path) -> bool:
    """Return whether a file starts like a picture that can be read."""
    try:
        with Image.open(path):
            return True
    except ERRORS:
        return False


def write_photo(path: Path, pixels: np.ndarray) -> None:
    """Write (H, W, 3) uint8 RGB as JPEG (quality 92) or PNG, by the file's suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, quality=92)


def _is_turned(picture: Image.Image, expected_size: tuple[int, int] | None) -> bool:
    """Return whether EXIF rotation is to be applied."""
    if expected_size is None:
        return True
    swaps = picture.getexif().get(ORIENTATION_TAG, 1) in (5, 6, 7, 8)
    return swaps and picture.size != expected_size and picture.size[::-1] == expected_size


def _to_rgb(picture: Image.Image) -> np.ndarray:
    """Convert any mode; 16-bit greys keep their range instead of being cut at 255."""
    if picture.mode.startswith("I;16"):
        grey = (np.asarray(picture).astype(np.uint32) >> 8).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if picture.mode in ("I", "F"):
        values = np.asarray(picture, np.float64)
        top = 255.0 if values.max(initial=0) <= 255 else 65535.0
        grey = np.clip(np.nan_to_num(values) * (255 / top), 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    return np.array(picture.convert("RGB"))


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "unknown or damaged format; expected JPEG, PNG, WebP, TIFF or BMP"
    return str(error).rstrip(".") or type(error).__name__
