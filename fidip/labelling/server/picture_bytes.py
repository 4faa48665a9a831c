"""One picture file → bytes that a browser shows: upright, not too wide, of a type that was decoded."""

import io
import logging
import warnings
from dataclasses import dataclass
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image, ImageOps

from fidip.data.images import MAX_PIXELS

__all__ = ["MAX_FILE_BYTES", "BadPicture", "BrowserPicture", "browser_picture"]

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
"""Decoders that untrusted files are given to; none of them runs programs or draws vectors."""
BROWSER_TYPES = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
MAX_FILE_BYTES = 500_000_000
JPEG_QUALITY = 90
TURNED_SIDEWAYS = (5, 6, 7, 8)
ORIENTATION_TAG = 0x0112
LOG = logging.getLogger(__name__)


class BadPicture(ValueError):
    """The file holds no picture that can be shown; the text says why."""


@dataclass(frozen=True, slots=True)
class BrowserPicture:
    """What to send to the browser."""

    media_type: str
    """Follows from the decoded content, never from a name."""
    data: bytes | None
    """None if the file goes out as it is."""


def browser_picture(
    file: BinaryIO, *, size: tuple[int, int] | None = None, width: int | None = None
) -> BrowserPicture:
    """Decode a picture and make it ready to be shown.

    Args:
        file: The picture, at its beginning.
        size: (width, height) in px that its labels were made for; None where there are none. EXIF's
            quarter turns are applied, unless only the picture without them has this size. Half turns and
            mirrorings are not: no size tells whether labels were made before or after them, and COCO's are
            made before.
        width: Most px across; None for all.

    Raises:
        BadPicture: If it does not decode, is too large, or has another size.
    """
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise BadPicture(_too_large())
            return _prepare(image, size, width)
    except BadPicture:
        raise
    except Image.DecompressionBombError:
        raise BadPicture(_too_large()) from None
    except Exception as error:  # decoders of damaged files fail with errors of any kind
        LOG.debug("a picture did not decode", exc_info=True)
        reason = str(error) if isinstance(error, OSError) and "truncated" in str(error) else ""
        raise BadPicture("does not decode as a picture" + (f" ({reason})" if reason else "")) from None


def _prepare(image: Image.Image, size: tuple[int, int] | None, width: int | None) -> BrowserPicture:
    # As fidip.data.images reads it for training: turned only where the size then tells so.
    orientation = _orientation(image)
    turn = orientation in TURNED_SIDEWAYS and image.width != image.height
    upright = image.size[::-1] if turn else image.size
    if size is not None and upright != size:
        if image.size != size:
            raise BadPicture(
                f"is {upright[0]} x {upright[1]} px, but its label was made for {size[0]} x {size[1]} px "
                "(replaced by another picture?)"
            )
        upright, turn = image.size, False
    across = min(width or upright[0], upright[0])
    target = (across, max(1, round(upright[1] * across / upright[0])))
    stored_target = target[::-1] if turn else target
    as_it_is = (
        target == upright
        and image.format in BROWSER_TYPES
        and (orientation == 1 or (turn and image.format in ("JPEG", "MPO")))  # browsers turn JPEG files
        and (image.format == "MPO" or getattr(image, "n_frames", 1) == 1)
    )
    if as_it_is:
        image.draft(None, (max(1, image.width // 8), max(1, image.height // 8)))  # all is read, at least work
        image.load()
        return BrowserPicture(BROWSER_TYPES[str(image.format)], None)
    profile = image.info.get("icc_profile") if image.mode == "RGB" else None
    if stored_target != image.size:
        image.draft(None, stored_target)
    pixels = _shown(image)
    if pixels.size != stored_target:
        pixels = _scaled(pixels, stored_target)
    if turn:
        pixels.getexif()[ORIENTATION_TAG] = orientation
        pixels = ImageOps.exif_transpose(pixels)
    return _encoded(pixels, profile)


def _orientation(image: Image.Image) -> int:
    """Return EXIF's orientation, 1 to 8; 1 (upright) where there is none or it is damaged."""
    if image.format == "TIFF":  # Pillow turns these while it reads them
        return 1
    try:
        value = image.getexif().get(ORIENTATION_TAG, 1)
    except Exception:  # damaged EXIF does not make the picture unreadable
        return 1
    return value if value in range(1, 9) else 1


def _shown(image: Image.Image) -> Image.Image:
    """Return a picture with 8 bits a channel, RGB, or RGBA where it is transparent."""
    if image.mode.startswith("I"):  # 16 bits
        return Image.fromarray((np.asarray(image).clip(0, 65535) >> 8).astype(np.uint8)).convert("RGB")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _scaled(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return a picture in another size; where little is lost, by the way that is five times as fast."""
    is_near = image.width < 1.5 * size[0]
    how = cv2.INTER_LINEAR if is_near else cv2.INTER_AREA
    return Image.fromarray(cv2.resize(np.asarray(image), size, interpolation=how))


def _encoded(pixels: Image.Image, profile: bytes | None) -> BrowserPicture:
    out = io.BytesIO()
    if pixels.mode == "RGBA":
        pixels.save(out, "PNG", compress_level=1)
        return BrowserPicture("image/png", out.getvalue())
    pixels.save(out, "JPEG", quality=JPEG_QUALITY, icc_profile=profile)
    return BrowserPicture("image/jpeg", out.getvalue())


def _too_large() -> str:
    return f"has more than {MAX_PIXELS // 1_000_000} million pixels"
