"""The people of one Label Studio annotation: whose box, whose points, which of them are hidden."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from fidip.labelling.documents import POSTURES
from fidip.labelling.exchange.label_studio_config import POSTURE, VISIBILITY
from fidip.labelling.exchange.names import keypoint_name
from syrip_gen.keypoints.catalog import COCO17

__all__ = ["people_of"]

SLACK_PERCENT = 0.01
"""How far rounding may lead outside the picture."""
HOW_TO_GROUP = "put each person's points into the region of its box"
Record = Mapping[str, Any]
Box = tuple[float, float, float, float]
Point = tuple[str, float, float, int]


def people_of(
    results: Sequence[Record], size: tuple[int, int], what: str, repairs: Counter[str]
) -> list[dict[str, Any]]:
    """Return the people of one annotation, as fields of ``LabelledPerson``.

    Args:
        results: Its results.
        size: (width, height) of the picture, px.
        what: File and task, for errors.
        repairs: Counts of what was left out, added to in place.

    Raises:
        ValueError: One line: which value of which result is wrong.
    """
    choices = _choices(results)
    boxes: dict[str, Box] = {}
    made_up: set[str] = set()
    points: list[tuple[str, str | None, Point]] = []
    for number, result in enumerate(results):
        region, value = str(result.get("id", number)), result.get("value", {})
        place = f"{what}, result {region[:40]!a}"
        if "rectanglelabels" in value or result.get("type") == "rectangle":
            boxes[region] = _box(value, size, place)
            meta = result.get("meta")
            if isinstance(meta, Mapping) and meta.get("bbox_from_keypoints") is True:
                made_up.add(region)
        elif "keypointlabels" in value:
            v = 1 if "occluded" in choices.get((VISIBILITY, region), ()) else 2
            points.append((place, _text(result.get("parentID")), _point(value, size, v, place)))
        elif "choices" not in value and "text" not in value:
            repairs[f"{str(result.get('type', 'unknown'))[:20]} results left out"] += 1
    people = {region: dict[str, Point]() for region in boxes} or ({"": {}} if points else {})
    for place, parent, point in points:
        owner = _owner(parent, point, boxes, people, place)
        if point[0] in people[owner]:
            raise ValueError(f"{place}: a second {point[0]} of one person; {HOW_TO_GROUP}")
        people[owner][point[0]] = point
    return [
        {
            "id": number,
            "keypoints": [own[name][1:] if name in own else (0.0, 0.0, 0) for name in COCO17.keypoints],
            "bbox": None if region in made_up else boxes.get(region),
            "posture": _posture(choices.get((POSTURE, region), ()), repairs),
        }
        for number, (region, own) in enumerate(people.items(), 1)
    ]


def _choices(results: Sequence[Record]) -> dict[tuple[str, str], list[str]]:
    """Return what was chosen, by control and region."""
    found: dict[tuple[str, str], list[str]] = {}
    for result in results:
        chosen = result.get("value", {}).get("choices")
        if isinstance(chosen, list):
            found[str(result.get("from_name")), str(result.get("id"))] = [str(c).lower() for c in chosen]
    return found


def _owner(
    parent: str | None, point: Point, boxes: Mapping[str, Box], people: Mapping[str, Any], place: str
) -> str:
    """Return the region of the box that a point belongs to."""
    if parent in people and parent is not None:
        return parent
    if len(people) == 1:
        return next(iter(people))
    _, x, y, _ = point
    around = [
        region
        for region, (left, top, width, height) in boxes.items()
        if left <= x <= left + width and top <= y <= top + height
    ]
    if len(around) != 1:
        raise ValueError(f"{place}: {point[0]} lies in {len(around)} boxes; {HOW_TO_GROUP}")
    return around[0]


def _point(value: Record, size: tuple[int, int], v: int, what: str) -> Point:
    labels = value["keypointlabels"]
    name = keypoint_name(str(labels[0])) if isinstance(labels, list) and len(labels) == 1 else None
    if name is None:
        raise ValueError(
            f"{what}: another keypoint than ours: {ascii(labels)[:60]}; expected one of "
            f"{', '.join(COCO17.keypoints[:3])} ... ({COCO17.name})"
        )
    x, y = (_percent(value.get(key), f"{what}, {name}, {key}") for key in ("x", "y"))
    return name, x / 100 * _known(size, what)[0], y / 100 * size[1], v


def _percent(value: Any, what: str) -> float:
    number = _number(value, what)
    if not -SLACK_PERCENT <= number <= 100 + SLACK_PERCENT:
        raise ValueError(f"{what}: expected 0 to 100 percent of the picture, got {number:g}")
    return number


def _number(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e6:
        raise ValueError(f"{what}: expected a number, got {ascii(value)[:40]}")
    return float(value)


def _known(size: tuple[int, int], what: str) -> tuple[int, int]:
    if size == (0, 0):
        raise ValueError(f"{what}: expected original_width and original_height, in px")
    return size


def _box(value: Record, size: tuple[int, int], what: str) -> Box:
    """Return left, top, width, height in px; of a turned box, the upright one around it."""
    x, y, width, height = (_number(value.get(key), f"{what}, {key}") for key in ("x", "y", "width", "height"))
    if not (width > 0 and height > 0):
        raise ValueError(f"{what}: expected a box with an extent, got {width:g} x {height:g} percent")
    across, down = (side / 100 for side in _known(size, what))
    left, top, width, height = x * across, y * down, width * across, height * down
    angle = math.radians(_number(value.get("rotation", 0), f"{what}, rotation"))
    if not angle:
        return left, top, width, height
    # Label Studio turns about the top left corner.
    cos, sin = math.cos(angle), math.sin(angle)
    xs = [left + i * width * cos - j * height * sin for i in (0, 1) for j in (0, 1)]
    ys = [top + i * width * sin + j * height * cos for i in (0, 1) for j in (0, 1)]
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


def _posture(chosen: Sequence[str], repairs: Counter[str]) -> str | None:
    if not chosen:
        return None
    if chosen[0] not in POSTURES:
        repairs[f"postures that are not {', '.join(POSTURES)} read as other"] += 1
        return "other"
    return chosen[0]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
