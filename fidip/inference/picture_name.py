"""Which picture a prediction belongs to."""

from dataclasses import dataclass

__all__ = ["PictureName"]


@dataclass(frozen=True, slots=True)
class PictureName:
    """Which picture a prediction belongs to."""

    image_id: int
    file_name: str
    size: tuple[int, int]
    """(width, height) px."""
    frame: int | None = None
    """Frame of a video, from 0."""
    time_s: float | None = None
