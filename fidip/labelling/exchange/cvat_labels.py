"""Label definitions for CVAT: a skeleton with our keypoints, as its label constructor takes them."""

from typing import Any

from fidip.labelling.documents import POSTURES, STATUSES
from syrip_gen.keypoints.catalog import COCO17

__all__ = ["BOX", "NOTE", "NO_POSTURE", "PERSON", "REASONS", "cvat_labels", "skeleton_svg"]

PERSON = "person"
"""Name of the skeleton, COCO's."""
BOX = "person_box"
"""Name of the rectangle; one group id ties it to its skeleton."""
REASONS, NOTE = "reasons", "note"
"""Texts of the tags ``unreviewed``, ``reviewed`` and ``rejected``; reasons stand one a line."""
NO_POSTURE = "unknown"
_PLACES = {
    "nose": (50, 12), "left_eye": (54, 8), "right_eye": (46, 8), "left_ear": (60, 11), "right_ear": (40, 11),
    "left_shoulder": (64, 27), "right_shoulder": (36, 27), "left_elbow": (77, 40), "right_elbow": (23, 40),
    "left_wrist": (86, 27), "right_wrist": (14, 27), "left_hip": (58, 58), "right_hip": (42, 58),
    "left_knee": (70, 72), "right_knee": (30, 72), "left_ankle": (62, 92), "right_ankle": (38, 92),
}  # fmt: skip
"""Where CVAT shows the points of a new skeleton, percent of its box: an infant on its back."""
_COLORS = {"left": "#2a9d5c", "right": "#d95f02", "centre": "#1f77b4"}


def cvat_labels() -> list[dict[str, Any]]:
    """Return the labels for CVAT's «Raw» label editor, or for ``labels`` of its API."""
    points = [
        {"name": name, "type": "points", "color": _COLORS[side], "attributes": []}
        for name, side in zip(COCO17.keypoints, COCO17.sides, strict=True)
    ]
    posture = {
        "name": "posture",
        "mutable": False,
        "input_type": "select",
        "default_value": NO_POSTURE,
        "values": [NO_POSTURE, *POSTURES],
    }
    texts = [
        {"name": name, "mutable": False, "input_type": "text", "default_value": "", "values": [""]}
        for name in (REASONS, NOTE)
    ]
    return [
        {
            "name": PERSON,
            "type": "skeleton",
            "color": "#1f77b4",
            "attributes": [posture],
            "sublabels": points,
            "svg": skeleton_svg(),
        },
        {"name": BOX, "type": "rectangle", "color": "#7a4fa3", "attributes": []},
        *({"name": name, "type": "tag", "color": "#8a6d3b", "attributes": texts} for name in STATUSES),
    ]


def skeleton_svg() -> str:
    """Return the drawing that CVAT keeps of a skeleton: a line an edge, a circle a point."""
    lines = []
    for a, b in COCO17.skeleton:
        (x1, y1), (x2, y2) = _PLACES[COCO17.keypoints[a]], _PLACES[COCO17.keypoints[b]]
        lines.append(
            f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" data-type="edge" '
            f'data-node-from="{a + 1}" data-node-to="{b + 1}"></line>'
        )
    for number, name in enumerate(COCO17.keypoints, 1):
        x, y = _PLACES[name]
        lines.append(
            f'<circle r="0.75" cx="{x}" cy="{y}" data-type="element node" data-element-id="{number}" '
            f'data-node-id="{number}" data-label-name="{name}"></circle>'
        )
    return "\n".join(lines)
