"""Read «CVAT for images 1.1»: skeletons of our keypoints, boxes, and tags that say what was reviewed."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from fidip.labelling.documents import MAX_REASONS, POSTURES, STATUSES
from fidip.labelling.exchange.cvat_labels import NO_POSTURE, NOTE, REASONS
from fidip.labelling.exchange.names import keypoint_name
from fidip.labelling.exchange.records import ImportedLabels, imported_image, label_of
from fidip.labelling.exchange.xml_input import root_children
from fidip.labelling.records import NewImage
from syrip_gen.keypoints.catalog import COCO17

__all__ = ["read_cvat"]

ABSENT, OCCLUDED, VISIBLE = 0, 1, 2
Box = tuple[float, float, float, float]


def read_cvat(path: str | Path) -> ImportedLabels:
    """Read ``annotations.xml`` of CVAT's format «CVAT for images 1.1».

    A point marked outside is absent (v 0), one marked occluded has v 1, any other v 2. Points that a skeleton
    lacks are absent. A rectangle is the box of the skeleton with its group id, or of the only skeleton of the
    image. Tags ``reviewed`` and ``rejected`` say the status; images without either are unreviewed. Shapes of
    other kinds are counted in the notes.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: One line: what of which image cannot be used.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected CVAT's annotations.xml")
    reader = _Reader(path)
    images = [reader.image(e) for e in root_children(path, "annotations") if reader.is_image(e)]
    reader.check(images)
    return ImportedLabels(
        "cvat", tuple(images), tuple(f"{path.name}: {n} {what}" for what, n in reader.repairs.items() if n)
    )


class _Reader:
    """One file while it is read; gathers what was left out."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.repairs: Counter[str] = Counter()
        self.shapes: Counter[str] = Counter()

    def is_image(self, element: Element) -> bool:
        """Return whether a child of the root is an image; refuse videos."""
        if element.tag == "track":
            raise ValueError(
                f"{self.path}: tracks, that is CVAT's format for videos; export as «CVAT for images 1.1»"
            )
        return element.tag == "image"

    def check(self, images: list[NewImage]) -> None:
        """Refuse files without skeletons that hold something else, and names that occur twice."""
        if self.shapes and not self.shapes["skeleton"]:
            found = ", ".join(f"{n} {kind}" for kind, n in self.shapes.most_common(4))
            raise ValueError(
                f"{self.path}: no skeleton; found {found}. Label with a skeleton of the {len(COCO17)} points "
                "of syrip export --cvat"
            )
        name, times = Counter(image.name for image in images).most_common(1)[0] if images else ("", 0)
        if times > 1:
            raise ValueError(f"{self.path}: image {name[:80]!a} occurs {times} times; names must be unique")

    def image(self, element: Element) -> NewImage:
        """Return one image with its label."""
        name = element.get("name", "")
        what = f"{self.path}: image {name[:80]!a}"
        people: list[dict[str, Any]] = []
        groups: list[int] = []
        boxes: list[tuple[int, Box]] = []
        fields: dict[str, Any] = {}
        for shape in element:
            if shape.tag == "tag":
                fields |= self._tag(shape)
                continue
            self.shapes[shape.tag] += 1
            group = self._whole(shape.get("group_id", "0"), f"{what}, {shape.tag}, group_id")
            if shape.tag == "skeleton":
                people.append(self._person(shape, len(people) + 1, what))
                groups.append(group)
            elif shape.tag == "box":
                boxes.append((group, self._box(shape, what)))
            else:
                self.repairs[f"{shape.tag[:20]} shapes left out"] += 1
        self._give_boxes(people, groups, boxes)
        sides = [self._whole(element.get(key, "0"), f"{what}, {key}") for key in ("width", "height")]
        return imported_image(
            name,
            (sides[0], sides[1]),
            label_of(what, people=people, **fields),
            what=what,
            source=self.path.name,
            repairs=self.repairs,
        )

    def _person(self, skeleton: Element, number: int, what: str) -> dict[str, Any]:
        points: dict[str, tuple[float, float, int]] = {}
        unknown = []
        for element in skeleton:
            if element.tag == "attribute":
                continue
            label = element.get("label", "")
            name = keypoint_name(label)
            if name is None:
                unknown.append(label)
            elif name in points:
                raise ValueError(f"{what}: skeleton {number} has the point {name} twice")
            else:
                points[name] = self._point(element, f"{what}: skeleton {number}, {name}")
        if unknown or not points:
            found = ", ".join(ascii(name[:40]) for name in unknown[:4]) or "no points"
            more = f" and {len(unknown) - 4} more" if len(unknown) > 4 else ""
            raise ValueError(
                f"{what}: another skeleton than ours: {skeleton.get('label', '')[:40]!a} with {found}{more}; "
                f"expected points named {', '.join(COCO17.keypoints[:3])} ... ({COCO17.name})"
            )
        posture = self._attributes(skeleton).get("posture", NO_POSTURE)
        return {
            "id": number,
            "keypoints": [points.get(name, (0.0, 0.0, ABSENT)) for name in COCO17.keypoints],
            "posture": self._posture(posture),
        }

    def _point(self, element: Element, what: str) -> tuple[float, float, int]:
        if element.get("outside") == "1":
            return 0.0, 0.0, ABSENT
        pairs = element.get("points", "").split(";")
        numbers = pairs[0].split(",")
        if element.tag != "points" or len(pairs) != 1 or len(numbers) != 2:
            raise ValueError(f"{what}: expected one point 'x,y', got {element.get('points', '')[:40]!a}")
        x, y = (self._number(text, what) for text in numbers)
        return x, y, OCCLUDED if element.get("occluded") == "1" else VISIBLE

    def _box(self, element: Element, what: str) -> Box:
        left, top, right, bottom = (
            self._number(element.get(key, ""), f"{what}, box, {key}") for key in ("xtl", "ytl", "xbr", "ybr")
        )
        if right <= left or bottom <= top:
            raise ValueError(f"{what}: a box without extent: {left:g}, {top:g} to {right:g}, {bottom:g}")
        if self._number(element.get("rotation", "0"), f"{what}, box, rotation"):
            self.repairs["rotated boxes read as if they were upright"] += 1
        return left, top, right - left, bottom - top

    def _give_boxes(
        self, people: list[dict[str, Any]], groups: list[int], boxes: list[tuple[int, Box]]
    ) -> None:
        for group, box in boxes:
            owners = [p for p, g in zip(people, groups, strict=True) if group and g == group]
            if not owners and len(people) == len(boxes) == 1:
                owners = people
            if len(owners) == 1 and "bbox" not in owners[0]:
                owners[0]["bbox"] = box
            else:
                self.repairs["boxes that belong to no skeleton left out"] += 1

    def _tag(self, tag: Element) -> dict[str, Any]:
        status = tag.get("label", "")
        if status not in STATUSES:
            self.repairs["tags other than reviewed and rejected left out"] += 1
            return {}
        texts = self._attributes(tag)
        reasons = list(dict.fromkeys(line for line in texts.get(REASONS, "").splitlines() if line.strip()))
        return {"status": status, "reasons": reasons[:MAX_REASONS], "note": texts.get(NOTE, "")}

    def _attributes(self, element: Element) -> Mapping[str, str]:
        return {e.get("name", ""): e.text or "" for e in element if e.tag == "attribute"}

    def _posture(self, text: str) -> str | None:
        if text in ("", NO_POSTURE):
            return None
        if text not in POSTURES:
            self.repairs[f"postures that are not {', '.join(POSTURES)} read as other"] += 1
            return "other"
        return text

    def _number(self, text: str, what: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not np.isfinite(number):
            raise ValueError(f"{what}: expected a number, got {text[:40]!a}")
        return number

    def _whole(self, text: str, what: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise ValueError(f"{what}: expected a whole number, got {text[:40]!a}")
        return int(text)
