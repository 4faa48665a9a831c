"""Background photos from a folder, a list file or an LSUN LMDB, decoded safely and lazily."""

import logging
from collections import Counter, OrderedDict
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

__all__ = ["BrokenPhoto", "PhotoSource", "open_photos"]

logger = logging.getLogger(__name__)

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
CACHE_BYTES = 48_000_000
"""Decoded photos that a process keeps."""
INDEX_CHECK = 2000
"""So many headers of a folder are read when it is opened; later files are checked when they are used."""


class BrokenPhoto(ValueError):
    """A photo that cannot be used; the message says which and why."""


class PhotoSource(Protocol):
    """A numbered collection of photos, the same in every process."""

    names: list[str]
    skipped: Counter[str]

    def __len__(self) -> int: ...

    def read(self, number: int, min_side: int) -> np.ndarray:
        """Return (H, W, 3) uint8 RGB; raises :class:`BrokenPhoto`."""
        ...


def open_photos(path: str | Path, max_pixels: int = 50_000_000) -> "FolderPhotos | LmdbPhotos":
    """Open a photo folder, a list file (one relative path a line, as SURREAL's) or an LSUN LMDB.

    Args:
        path: Folder with images (searched recursively), text file, or LMDB folder (holds ``data.mdb``).
        max_pixels: Larger photos are refused.

    Raises:
        FileNotFoundError: Nothing there.
        ValueError: No usable photo, or an image given where a list is expected.
    """
    root = Path(path)
    if not root.exists():
        raise FileNotFoundError(f"backgrounds {root}: no such file or folder")
    if root.is_dir():
        if (root / "data.mdb").exists():
            return LmdbPhotos(root, max_pixels)
        files = sorted(
            (p for p in root.rglob("*") if p.is_file()), key=lambda p: p.relative_to(root).as_posix()
        )
        return FolderPhotos(root, [p.relative_to(root).as_posix() for p in files], max_pixels)
    if root.suffix.lower() in SUFFIXES:
        raise ValueError(f"backgrounds {root} is one image; give its folder, a list file or an LSUN LMDB")
    try:
        lines = root.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"backgrounds {root} is neither a folder, an LMDB nor a text list") from error
    names = [line.strip() for line in lines if line.strip()]
    return FolderPhotos(root.parent, names, max_pixels, source=root)


class _Decoder:
    """Decodes photos at reduced size where their format allows, and keeps the latest."""

    def __init__(self, max_pixels: int) -> None:
        self.max_pixels = max_pixels
        self._kept: OrderedDict[tuple[int, int], np.ndarray] = OrderedDict()
        self._bytes = 0

    def read(self, number: int, name: str, min_side: int, load: Callable[[], bytes]) -> np.ndarray:
        """Return a photo whose shorter side is >= ``min_side`` px if the file's is; not to be changed."""
        key = number, min_side
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        photo = decode_photo(load(), name, min_side, self.max_pixels)
        photo.flags.writeable = False
        self._kept[key] = photo
        self._bytes += photo.nbytes
        while self._bytes > CACHE_BYTES:
            self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return photo


class FolderPhotos:
    """Photos named by paths relative to one folder."""

    def __init__(self, root: Path, names: list[str], max_pixels: int, source: Path | None = None) -> None:
        """Index the photos; ``source`` is what the user gave, for messages, where it is not the folder."""
        source = source or root
        self.root, self.max_pixels = root, max_pixels
        self._decoder = _Decoder(max_pixels)
        self.skipped: Counter[str] = Counter()
        self.names = []
        for name in names:
            reason = self._reason_to_skip(name, check_header=len(self.names) < INDEX_CHECK)
            if reason:
                self.skipped[reason] += 1
            else:
                self.names.append(name)
        if not self.names:
            found = ", ".join(f"{n} {reason}" for reason, n in sorted(self.skipped.items())) or "it is empty"
            kinds = ", ".join(sorted(SUFFIXES))
            raise ValueError(f"backgrounds {source}: no usable photo ({found}); expected {kinds} files")
        if self.skipped:
            logger.warning("backgrounds %s: skipped %s", source, dict(self.skipped))

    def _reason_to_skip(self, name: str, check_header: bool) -> str | None:
        path = self.root / name
        if Path(name).is_absolute() or ".." in Path(name).parts:
            return "outside the folder"
        if path.suffix.lower() not in SUFFIXES:
            return "unsupported"
        if not path.is_file():
            return "missing"
        if not check_header:
            return None
        try:
            with Image.open(path) as image:
                width, height = image.size
        except (OSError, UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError):
            return "broken"
        return "too large" if width * height > self.max_pixels else None

    def __len__(self) -> int:
        return len(self.names)

    def read(self, number: int, min_side: int) -> np.ndarray:
        """Return photo ``number`` as (H, W, 3) uint8 RGB, read-only; see :func:`decode_photo`."""
        name = self.names[number]
        return self._decoder.read(number, name, min_side, lambda: self._load(name))

    def _load(self, name: str) -> bytes:
        try:
            return (self.root / name).read_bytes()
        except OSError as error:
            raise BrokenPhoto(f"background photo {name}: {error.strerror or error}") from error


class LmdbPhotos:
    """LSUN's format: an LMDB whose values are whole JPEG or WebP files, in key order.

    The database is opened read-only and without locks, again in every process, so that it may lie on a
    read-only disk and be shared by any number of workers.
    """

    def __init__(self, root: Path, max_pixels: int) -> None:
        try:
            import lmdb
        except ImportError as error:
            raise ImportError(
                "reading an LSUN LMDB needs the extra 'lsun': pip install 'syrip[lsun]'"
            ) from error
        self._decoder = _Decoder(max_pixels)
        self.skipped: Counter[str] = Counter()
        try:
            self._env = lmdb.open(str(root), readonly=True, lock=False, readahead=False, max_readers=1)
            with self._env.begin() as transaction:
                self._keys = [bytes(key) for key in transaction.cursor().iternext(values=False)]
        except lmdb.Error as error:
            raise ValueError(f"backgrounds {root} is not a readable LMDB: {error}") from error
        if not self._keys:
            raise ValueError(f"backgrounds {root}: the LMDB holds no photo")
        self.names = [key.decode("ascii", "replace") for key in self._keys]

    def __len__(self) -> int:
        return len(self._keys)

    def read(self, number: int, min_side: int) -> np.ndarray:
        """Return photo ``number`` as (H, W, 3) uint8 RGB, read-only; see :func:`decode_photo`."""
        return self._decoder.read(number, self.names[number], min_side, lambda: self._load(number))

    def _load(self, number: int) -> bytes:
        with self._env.begin(buffers=False) as transaction:
            return transaction.get(self._keys[number]) or b""


def decode_photo(data: bytes, name: str, min_side: int, max_pixels: int) -> np.ndarray:
    """Decode one photo to (H, W, 3) uint8 RGB, at reduced size where its format allows.

    The header is read first, so that a decompression bomb is refused before anything is unpacked. Large JPEGs
    are decoded at 1/2, 1/4 or 1/8 as long as the shorter side stays >= ``min_side`` px.

    Raises:
        BrokenPhoto: Not an image, damaged, or more than ``max_pixels`` px.
    """
    try:
        with Image.open(BytesIO(data)) as header:
            width, height = header.size
            is_jpeg = header.format == "JPEG"
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
        raise BrokenPhoto(f"background photo {name} is not a readable image") from error
    if width * height > max_pixels:
        raise BrokenPhoto(f"background photo {name} has {width}x{height} px; the limit is {max_pixels} px")
    flag = cv2.IMREAD_COLOR
    if is_jpeg:
        for divisor, reduced in ((8, cv2.IMREAD_REDUCED_COLOR_8), (4, cv2.IMREAD_REDUCED_COLOR_4),
                                 (2, cv2.IMREAD_REDUCED_COLOR_2)):  # fmt: skip
            if min(width, height) >= divisor * min_side:
                flag = reduced
                break
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error:
        picture = None
    if picture is None or min(picture.shape[:2]) < 8:
        raise BrokenPhoto(f"background photo {name} is damaged")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
