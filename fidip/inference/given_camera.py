"""The camera that the user names with ``--camera``: in pixels, so it belongs to one size of pictures."""

import math
from collections.abc import Sequence

from fidip.inference.box_file import BoxFile
from fidip.inference.pictures import shown_size
from fidip.inference.sources import Source
from fidip.inference.video_reader import open_video

__all__ = ["GivenCamera", "check_sizes", "read_camera"]

EXPECTED = "expected fx,fy,cx,cy or the focal length fx alone, in pixels of the full picture"
SHORTEST, LONGEST = 0.2, 50.0
"""Focal lengths beyond these, over the picture's longer side, are not in pixels."""

Size = tuple[int, int]
Intrinsics = tuple[float, float, float, float]


class GivenCamera:
    """One lens for all pictures.

    Focal lengths and principal points in pixels change with the size of the picture, so all pictures must be
    of one size. A focal length alone also goes with pictures that were taken upright: their sides are
    exchanged, the principal point is their middle.
    """

    def __init__(self, focal: tuple[float, float], centre: tuple[float, float] | None) -> None:
        """Remember the numbers.

        Args:
            focal: fx, fy px.
            centre: cx, cy px; None = the picture's middle.
        """
        self.focal, self.centre = focal, centre
        self._first: tuple[str, Size] | None = None

    def of(self, name: str, size: Size) -> Intrinsics:
        """Return fx, fy, cx, cy px of a picture.

        Args:
            name: Of the picture, for texts.
            size: Its width and height px.

        Raises:
            ValueError: If it is of another size than the first one asked for, or the numbers cannot be its
                camera.
        """
        if self._first is None:
            self._check(name, size)
            self._first = name, size
        first, known = self._first
        if size != known and (self.centre is not None or size != known[::-1]):
            raise ValueError(
                f"--camera is in pixels, but {first} has {known[0]}x{known[1]} of them and {name} "
                f"{size[0]}x{size[1]}: predict pictures of each size with a --camera of their own"
            )
        return (*self.focal, *(self.centre or (size[0] / 2, size[1] / 2)))

    def _check(self, name: str, size: Size) -> None:
        width, height = size
        for focal in self.focal:
            if not SHORTEST <= focal / max(size) <= LONGEST:
                degrees = math.degrees(2 * math.atan(max(size) / 2 / focal))
                raise ValueError(
                    f"--camera: a focal length of {focal:g} px would see {degrees:.1f} degrees in {name} "
                    f"({width}x{height} px). Pixels are expected: millimetres x picture width in px / sensor "
                    "width in mm"
                )
        if self.centre is not None and not (0 <= self.centre[0] <= width and 0 <= self.centre[1] <= height):
            raise ValueError(
                f"--camera: the principal point {self.centre[0]:g}, {self.centre[1]:g} lies outside {name} "
                f"({width}x{height} px); {EXPECTED}"
            )


def read_camera(text: str) -> GivenCamera:
    """Read ``fx,fy,cx,cy`` or ``fx``.

    Raises:
        ValueError: If it is neither, or a number is not finite, or a focal length not above 0.
    """
    try:
        numbers = [float(word) for word in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 4) or not all(map(math.isfinite, numbers)):
        raise ValueError(f"--camera {text!r}: {EXPECTED}")
    if min(numbers[:2]) <= 0:
        raise ValueError(f"--camera {text!r}: focal lengths must be above 0; {EXPECTED}")
    if len(numbers) == 1:
        return GivenCamera((numbers[0], numbers[0]), None)
    fx, fy, cx, cy = numbers
    return GivenCamera((fx, fy), (cx, cy))


def check_sizes(camera: GivenCamera, sources: Sequence[Source], boxes: BoxFile | None) -> None:
    """Look at the sizes of all photos and videos before any work; what cannot be read is told later.

    Raises:
        ValueError: If the camera cannot be that of all of them.
    """
    for source in sources:
        try:
            size = _size(source, boxes)
        except (OSError, ValueError):
            continue
        if size is not None:
            camera.of(source.name, size)


def _size(source: Source, boxes: BoxFile | None) -> Size | None:
    if source.kind == "camera":
        return None
    if source.kind == "photo":
        entry = None if boxes is None else boxes.find(source.name)
        return shown_size(source.path, entry.size if entry else None)
    reader = open_video(source.path)
    try:
        frame = next(iter(reader), None)
    finally:
        reader.close()
    return None if frame is None else frame.image.shape[1::-1]
