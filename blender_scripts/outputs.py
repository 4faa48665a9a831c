"""From Blender's renders to arrays, and from arrays to the result file."""

import os
import tempfile
from pathlib import Path

import bpy
import numpy as np

__all__ = ["RenderedPictures", "memory_mb", "write_result"]


class RenderedPictures:
    """Renders the current scene and reads the picture back, by way of a file that goes with the process."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="syrip-render-", ignore_cleanup_errors=True)
        self._path = Path(self._folder.name) / "render.exr"

    def take(self, scene: bpy.types.Scene, size: tuple[int, int]) -> np.ndarray:
        """Render, and return (h, w, 4) float32 linear premultiplied colours, first row on top.

        Args:
            scene: The scene; its camera, region and quality are set.
            size: Width and height that the picture must have.

        Raises:
            RuntimeError: When the render fails or has another size.
        """
        settings = scene.render.image_settings
        settings.file_format, settings.color_mode = "OPEN_EXR", "RGBA"
        settings.color_depth, settings.exr_codec = "32", "NONE"
        scene.render.use_file_extension = False
        scene.render.filepath = str(self._path)
        self._path.unlink(missing_ok=True)
        bpy.ops.render.render(write_still=True, scene=scene.name)
        if not self._path.is_file():
            raise RuntimeError("Cycles rendered nothing; its log says why")
        image = bpy.data.images.load(str(self._path))
        try:
            image.colorspace_settings.name = "Non-Color"
            w, h = image.size
            if (w, h) != size:
                raise RuntimeError(f"Blender rendered {w}x{h} px, expected {size[0]}x{size[1]}")
            pixels = np.empty(4 * w * h, dtype=np.float32)
            image.pixels.foreach_get(pixels)
        finally:
            bpy.data.images.remove(image)
        return pixels.reshape(h, w, 4)[::-1].copy()


def write_result(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write an ``.npz`` file in one step: it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with partial.open("wb") as file:
            np.savez(file, **arrays)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def memory_mb() -> float:
    """Return how much memory the process has now, MiB; 0 where the system does not tell."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return round(int(line.split()[1]) / 1024, 1)
    except OSError:
        pass
    return 0.0
