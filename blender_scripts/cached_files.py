"""Blender images by content: a picture is loaded once, and a changed file is never taken for the old one.

Cycles keeps images between renders by their path. So every content gets a path of its own in a folder that
goes with the process.
"""

import hashlib
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
from server import BadRequestError

__all__ = ["ImageCache"]


class ImageCache:
    """The last few images of each kind; older ones are removed from Blender and from the disk."""

    def __init__(self, capacity: int = 6) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="syrip-images-", ignore_cleanup_errors=True)
        self._images: OrderedDict[str, bpy.types.Image] = OrderedDict()
        self._capacity = capacity

    def picture(self, path: Path, color_space: str) -> bpy.types.Image:
        """Return the image of an 8-bit picture file; ``color_space`` is sRGB or Non-Color."""
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:24]

        def store(target: Path) -> None:
            shutil.copyfile(path, target)

        return self._load(f"{digest}-{color_space}", path.suffix, color_space, store, str(path))

    def radiance(self, values: np.ndarray) -> bpy.types.Image:
        """Return a float image of linear values (h, w, 3), last row on top."""
        pixels = np.ones((*values.shape[:2], 4), dtype=np.float32)
        pixels[..., :3] = values
        digest = hashlib.sha256(pixels.tobytes()).hexdigest()[:24]

        def store(target: Path) -> None:
            image = bpy.data.images.new("radiance", pixels.shape[1], pixels.shape[0], float_buffer=True)
            image.colorspace_settings.name = "Non-Color"  # or they would be stored sRGB-encoded
            image.pixels.foreach_set(pixels.ravel())
            image.filepath_raw, image.file_format = str(target), "OPEN_EXR"
            image.save()
            bpy.data.images.remove(image)

        return self._load(f"{digest}-radiance", ".exr", "Linear Rec.709", store, "radiance map")

    def _load(
        self, key: str, suffix: str, color_space: str, store: Callable[[Path], None], name: str
    ) -> bpy.types.Image:
        if key in self._images:
            self._images.move_to_end(key)
            return self._images[key]
        target = Path(self._folder.name) / f"{key}{suffix}"
        store(target)
        try:
            image = bpy.data.images.load(str(target))
        except RuntimeError as error:
            raise BadRequestError(f"{name} cannot be read as a picture") from error
        image.name, image.alpha_mode = key[:50], "NONE"
        image.colorspace_settings.name = color_space
        if min(image.size) == 0:
            bpy.data.images.remove(image)
            raise BadRequestError(f"{name} cannot be read as a picture")
        self._images[key] = image
        while len(self._images) > self._capacity:
            _, old = self._images.popitem(last=False)
            Path(old.filepath).unlink(missing_ok=True)
            bpy.data.images.remove(old)
        return image
