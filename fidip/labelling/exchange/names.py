"""Names of keypoints as people write them in other tools."""

from syrip_gen.keypoints.catalog import COCO17

__all__ = ["keypoint_name"]


def keypoint_name(text: str) -> str | None:
    """Return our name of a keypoint (``Left Wrist``, ``left-wrist`` are ``left_wrist``), None for others."""
    name = "_".join(text.strip().lower().replace("-", " ").replace("_", " ").split())
    return name if name in COCO17.keypoints else None
