"""Paint what is behind the infant, seen by the scene's camera."""

from dataclasses import dataclass

import cv2
import numpy as np

from syrip_gen.sampling.photos import BrokenPhoto, PhotoSource
from syrip_gen.sampling.scene import SceneSpec

__all__ = ["Backdrop", "BackdropPainter"]

MAX_TRIES = 20
"""So many photos in a row may be broken before a scene gives up."""


@dataclass(frozen=True, slots=True, eq=False)
class Backdrop:
    """A painted background."""

    picture: np.ndarray
    """(H, W, 3) uint8 sRGB."""
    has_support: bool
    """Whether the plane z = 0 is shown, so that a shadow may fall on it."""
    source: str
    """Photo used, or empty."""
    notes: tuple[str, ...]


class BackdropPainter:
    """Paints backgrounds; holds the decoded materials of one process."""

    def __init__(self, photos: PhotoSource | None) -> None:
        self.photos = photos

    def paint(self, spec: SceneSpec) -> Backdrop:
        """Paint the background of one scene."""
        w, h = spec.camera.width, spec.camera.height
        if spec.background.kind == "photo":
            photo, name, notes = self._read_photo(int(spec.background.params["number"]), min(w, h))
            return Backdrop(crop_photo(photo, spec.background.params, w, h), False, name, notes)
        picture = np.empty((h, w, 3), np.uint8)
        picture[:] = np.array(spec.background.params["color"]) * 255
        return Backdrop(picture, True, "", ())

    def _read_photo(self, number: int, min_side: int) -> tuple[np.ndarray, str, tuple[str, ...]]:
        """Return the photo, or the next one in order that can be read."""
        notes: list[str] = []
        for step in range(min(MAX_TRIES, len(self.photos))):
            candidate = (number + step) % len(self.photos)
            try:
                return self.photos.read(candidate, min_side), self.photos.names[candidate], tuple(notes)
            except BrokenPhoto as error:
                notes.append(str(error))
        raise ValueError(f"{len(notes)} background photos in a row cannot be read; first: {notes[0]}")


def crop_photo(photo: np.ndarray, params: dict, width: int, height: int) -> np.ndarray:
    """Cut a window with the picture's aspect ratio out of a photo and scale it to (height, width)."""
    h, w = photo.shape[:2]
    scale = max(width / w, height / h) * float(params["zoom"])
    cw, ch = width / scale, height / scale
    x0, y0 = float(params["x"]) * (w - cw), float(params["y"]) * (h - ch)
    matrix = np.array([[scale, 0.0, -x0 * scale], [0.0, scale, -y0 * scale]])
    if params.get("flip"):
        matrix = np.array([[-scale, 0.0, width + x0 * scale], matrix[1]])
    if scale < 0.5:
        photo = cv2.resize(photo, None, fx=2 * scale, fy=2 * scale, interpolation=cv2.INTER_AREA)
        matrix[:, :2] /= 2 * scale
    return cv2.warpAffine(photo, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
