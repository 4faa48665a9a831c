"""A user's UV textures (SURREAL, MINI-RGBD), read safely; they replace skin and clothes."""

import logging
from collections import Counter
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

__all__ = ["TextureFolder"]

logger = logging.getLogger(__name__)

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
MAX_SIDE = 1024
"""Larger textures are reduced to this side: more would not show."""


class TextureFolder:
    """The usable textures of one folder (searched recursively), in the order of their names.

    Every file is decoded once when the folder is opened, so that a broken one is skipped, counted in
    ``skipped`` by
    reason, and never meets a running worker; ``names`` is the same in every process.
    """

    def __init__(self, root: str | Path, max_pixels: int = 50_000_000) -> None:
        """Open a folder.

        Args:
            root: Folder with UV textures in the layout of the body that they are meant for.
            max_pixels: Larger images are refused.

        Raises:
            FileNotFoundError: No such folder.
            ValueError: No usable texture in it.
        """
        self.root, self.max_pixels = Path(root), max_pixels
        if not self.root.is_dir():
            raise FileNotFoundError(f"textures {root}: no such folder")
        self.skipped: Counter[str] = Counter()
        names = sorted(p.relative_to(self.root).as_posix() for p in self.root.rglob("*") if p.is_file())
        self.names: tuple[str, ...] = tuple(name for name in names if self._usable(name))
        if not self.names:
            found = ", ".join(f"{n} {reason}" for reason, n in sorted(self.skipped.items())) or "it is empty"
            raise ValueError(
                f"textures {root}: no usable image ({found}); expected square UV textures as JPEG or PNG"
            )
        if self.skipped:
            logger.warning("textures %s: skipped %s", root, dict(self.skipped))
        self._read = lru_cache(maxsize=32)(self._decode)

    def read(self, name: str) -> np.ndarray:
        """Return a texture as (H, W, 3) uint8 sRGB, first row = v 1, read-only.

        Raises:
            ValueError: The name is not one of ``names``, or the file has changed since the folder was opened.
        """
        if name not in self.names:
            raise ValueError(
                f"texture {name!r} is not among the {len(self.names)} usable images of {self.root}"
            )
        return self._read(name)

    def _usable(self, name: str) -> bool:
        is_image = Path(name).suffix.lower() in SUFFIXES
        reason = self._fault(name) if is_image else "not an image"
        if reason:
            self.skipped[reason] += 1
        return not reason

    def _fault(self, name: str) -> str:
        try:
            with Image.open(self.root / name) as image:
                width, height = image.size
                if width * height > self.max_pixels:
                    return "too large"
                if min(width, height) < 64:
                    return "too small"
                image.draft("RGB", (64, 64))
                image.load()
        except Exception as error:  # Pillow's plug-ins raise almost anything on hostile bytes
            logger.debug("texture %s: %s", name, error)
            return "broken"
        return ""

    def _decode(self, name: str) -> np.ndarray:
        try:
            with Image.open(self.root / name) as image:
                if image.width * image.height > self.max_pixels:
                    raise ValueError("too many pixels")
                picture = image.convert("RGB")
        except (OSError, ValueError, SyntaxError) as error:
            raise ValueError(f"texture {name} of {self.root} cannot be read any more: {error}") from error
        picture.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
        texture = np.array(picture)
        texture.flags.writeable = False
        return texture
