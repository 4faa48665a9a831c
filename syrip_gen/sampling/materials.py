"""The shipped room materials, decoded on first use and kept."""

import json
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from syrip_gen.asset_files import asset_path
from syrip_gen.sampling.plane_sampler import Pyramid, build_pyramid

__all__ = ["MaterialLibrary", "shipped_materials"]

GREY_KINDS = frozenset({"pattern", "relief", "weave"})


class MaterialLibrary:
    """Periodic tiles and panoramas of ``assets/backgrounds`` (made by ``build_materials``)."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or asset_path("backgrounds")
        self.index: dict[str, dict] = json.loads((self.folder / "index.json").read_text())
        self._pyramids: dict[str, Pyramid] = {}
        self._views: dict[str, np.ndarray] = {}

    def names(self, *kinds: str) -> tuple[str, ...]:
        """Return the sorted names of all materials of some kinds."""
        return tuple(sorted(name for name, entry in self.index.items() if entry["kind"] in kinds))

    def pyramid(self, name: str) -> Pyramid:
        """Return the pyramid of a tile; '' gives a flat grey one."""
        if name not in self._pyramids:
            if not name:
                picture, metres = np.full((8, 8), 128, np.uint8), 1.0
            else:
                metres = float(self.index[name]["metres"])
                picture = self._read(name, self.index[name]["kind"] in GREY_KINDS)
            self._pyramids[name] = build_pyramid(picture, metres)
        return self._pyramids[name]

    def view(self, name: str) -> np.ndarray:
        """Return a panorama (H, W, 3) uint8 RGB; first row straight up."""
        if name not in self._views:
            self._views[name] = self._read(name, False)
        return self._views[name]

    def load_all(self) -> None:
        """Decode everything at once (70 MB), to be shared by processes that are forked from this one."""
        for name, entry in self.index.items():
            if entry["kind"] == "view":
                self.view(name)
            else:
                self.pyramid(name)

    def _read(self, name: str, grey: bool) -> np.ndarray:
        path = self.folder / f"{name}.jpg"
        picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR)
        if picture is None:
            raise ValueError(f"shipped material {path} cannot be read; reinstall syrip")
        return picture if grey else cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


@lru_cache(maxsize=1)
def shipped_materials() -> MaterialLibrary:
    """Return the library that the whole process uses."""
    return MaterialLibrary()
