"""Pictures on disk: decoding with checks, content hashes, and a cache that worker processes share."""

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from fidip.data.annotations import MAX_NAMED, PersonRecord

__all__ = ["ImageStore", "content_hashes", "read_image"]

MAX_PIXELS = 100_000_000
"""Larger pictures are refused."""
THREADS = 4
MIB = 2**20


def read_image(path: Path, expected_size: tuple[int, int] | None = None) -> np.ndarray:
    """Decode a picture.

    Args:
        path: File to read. Orientation flags are ignored, as COCO's labels do, unless only the turned picture
            has the expected size.
        expected_size: (width, height) in px that its labels were made for.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ValueError: If the file is no picture, is cut off, is too large, or has another size.
    """
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    image = _decode(path, flags)
    if expected_size and image.shape[1::-1] == expected_size[::-1] != expected_size:
        image = _decode(path, cv2.IMREAD_COLOR)
    if expected_size and image.shape[1::-1] != expected_size:
        width, height = image.shape[1::-1]
        raise ValueError(
            f"{path} is {width}x{height} px, but its labels were made for "
            f"{expected_size[0]}x{expected_size[1]} px"
        )
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image)


def _decode(path: Path, flags: int) -> np.ndarray:
    try:
        with Image.open(path) as header:  # reads the size only: a bomb must not be unpacked to be refused
            if header.width * header.height > MAX_PIXELS:
                raise ValueError(f"{path} has more than {MAX_PIXELS // 1_000_000} million pixels")
    except Image.DecompressionBombError:
        raise ValueError(f"{path} has more than {MAX_PIXELS // 1_000_000} million pixels") from None
    except UnidentifiedImageError:
        raise ValueError(f"{path} does not decode as a picture") from None
    try:
        image = cv2.imdecode(np.fromfile(path, np.uint8), flags)
    except cv2.error:
        image = None
    if image is None:
        raise ValueError(f"{path} does not decode as a picture")
    return image


def content_hashes(paths: Iterable[Path]) -> dict[str, Path]:
    """Return one path by the SHA-256 of its bytes, for every different picture."""
    paths = list(dict.fromkeys(paths))
    with ThreadPoolExecutor(THREADS) as pool:
        digests = pool.map(lambda path: hashlib.sha256(path.read_bytes()).hexdigest(), paths)
    return dict(zip(digests, paths, strict=True))


class ImageStore:
    """Decoded pictures, kept in memory up to a budget; the rest is decoded each time.

    Fill it before worker processes start: they then share its memory. The first pass decodes every picture,
    so that a broken one is found before the training and not in the middle of it.
    """

    def __init__(self, budget_mib: float = 1024) -> None:
        self.budget = budget_mib * MIB
        self._kept: dict[Path, np.ndarray] = {}

    def fill(self, records: Iterable[PersonRecord]) -> None:
        """Decode every picture once; keep what the budget holds.

        Raises:
            ValueError: If pictures do not decode; all are counted, ten are named.
        """
        sizes = {record.image_path: record.image_size for record in records}
        wanted = [path for path in sizes if path not in self._kept]
        problems = []
        with ThreadPoolExecutor(THREADS) as pool:
            for path, image in zip(wanted, pool.map(lambda p: _try_read(p, sizes[p]), wanted), strict=True):
                if isinstance(image, str):
                    problems.append(image)
                elif image.nbytes <= self.budget:
                    self.budget -= image.nbytes
                    self._kept[path] = image
        if problems:
            raise ValueError(
                f"{len(problems)} of {len(sizes)} pictures cannot be used: "
                f"{'; '.join(problems[:MAX_NAMED])}{' …' if len(problems) > MAX_NAMED else ''}"
            )

    def read(self, record: PersonRecord) -> np.ndarray:
        """Return the picture of a record, (H, W, 3) uint8 RGB. Do not write to it."""
        kept = self._kept.get(record.image_path)
        return read_image(record.image_path, record.image_size) if kept is None else kept


def _try_read(path: Path, size: tuple[int, int] | None) -> np.ndarray | str:
    try:
        return read_image(path, size)
    except (ValueError, OSError) as error:
        return str(error)
