"""Names as people write them in other tools, and as texts show them."""

from collections.abc import Iterable

from syrip_gen.keypoints.catalog import COCO17

__all__ = ["keypoint_name", "some_names"]


def keypoint_name(text: str) -> str | None:
    """Return our name of a keypoint (``Left Wrist``, ``left-wrist`` are ``left_wrist``), None for others."""
    name = "_".join(text.strip().lower().replace("-", " ").replace("_", " ").split())
    return name if name in COCO17.keypoints else None


def some_names(names: Iterable[str], limit: int = 5) -> str:
    """Return the first few names for a text; what a terminal would not print is escaped."""
    every = list(names)
    shown = ", ".join(name if name.isprintable() else ascii(name) for name in every[:limit])
    return shown if len(every) <= limit else f"{shown} and {len(every) - limit} more"
