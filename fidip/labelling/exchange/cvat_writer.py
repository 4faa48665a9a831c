"""Write «CVAT for images 1.1» and the label definitions that belong to it."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from fidip.labelling.coco_export import write_atomically
from fidip.labelling.documents import ImageLabel, LabelledPerson
from fidip.labelling.exchange.cvat_labels import BOX, NO_POSTURE, NOTE, PERSON, REASONS, cvat_labels
from fidip.labelling.exchange.records import OutgoingImage
from syrip_gen.keypoints.catalog import COCO17

__all__ = ["labels_path", "write_cvat"]

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 has no place for."""


def labels_path(path: Path) -> Path:
    """Return the file for the label definitions that belongs to an XML file."""
    return path.with_name(f"{path.stem}.labels.json")


def write_cvat(images: Sequence[OutgoingImage], path: str | Path) -> tuple[list[Path], list[str]]:
    """Write the XML file, and beside it the labels to make a CVAT task with.

    Visibility is kept: v 2 is a plain point, v 1 an occluded one, v 0 one outside, put where the box's middle
    is. Pixels are rounded to 0.001.

    Args:
        images: COCO-17 labels.
        path: File to write, such as ``annotations.xml``.

    Returns:
        The files, and notes on what was left out.

    Raises:
        ValueError: If the name of an image holds characters that XML cannot.
        OSError: If a file cannot be written.
    """
    path = Path(path)
    for image in images:
        if NOT_XML.search(image.name):
            raise ValueError(
                f"image name {image.name[:80]!a} holds characters that XML cannot; rename the file"
            )
    write_atomically(path, "".join(_lines(images, path.stem)).encode("utf-8"))
    definitions = labels_path(path)
    write_atomically(definitions, (json.dumps(cvat_labels(), indent=1) + "\n").encode())
    notes = []
    if any(person.score is not None for image in images for person in image.label.people):
        notes.append("scores of the network are left out: CVAT has no place for them")
    return [path, definitions], notes


def _lines(images: Sequence[OutgoingImage], name: str) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n'
    yield "  <meta>\n    <task>\n"
    yield f"      <name>{escape(NOT_XML.sub('?', name))}</name>\n      <size>{len(images)}</size>\n"
    yield "      <mode>annotation</mode>\n      <labels>\n"
    for label in cvat_labels():
        yield _definition(label["name"], label["type"], label["attributes"], label.get("svg"))
        for point in label.get("sublabels", ()):
            yield _definition(point["name"], point["type"], (), None, parent=label["name"])
    yield "      </labels>\n    </task>\n  </meta>\n"
    group = 0
    for number, image in enumerate(images):
        sides = f'width="{image.width}" height="{image.height}"'
        yield f'  <image id="{number}" name={quoteattr(image.name)} {sides}>\n'
        for person in image.label.people:
            group += 1
            yield from _person(person, group, "auto" if image.label.status == "unreviewed" else "manual")
        yield from _tag(image.label)
        yield "  </image>\n"
    yield "</annotations>\n"


def _definition(
    name: str, kind: str, attributes: Sequence[dict[str, object]], svg: str | None, parent: str = ""
) -> str:
    """Return the meta block of one label as CVAT exports it."""
    parts = []
    for attribute in attributes:
        values = "\n".join(map(str, attribute["values"]))  # type: ignore[call-overload]
        parts.append(
            f"<attribute><name>{attribute['name']}</name><mutable>{attribute['mutable']}</mutable>"
            f"<input_type>{attribute['input_type']}</input_type>"
            f"<default_value>{attribute['default_value']}</default_value><values>{values}</values></attribute>"
        )
    more = f"<svg>{escape(svg)}</svg>" if svg else ""
    more += f"<parent>{parent}</parent>" if parent else ""
    return (
        f"        <label><name>{name}</name><type>{kind}</type>"
        f"<attributes>{''.join(parts)}</attributes>{more}</label>\n"
    )


def _person(person: LabelledPerson, group: int, source: str) -> Iterator[str]:
    yield f'    <skeleton label="{PERSON}" source="{source}" z_order="0" group_id="{group}">\n'
    middle = _middle(person)
    for name, (x, y, v) in zip(COCO17.keypoints, person.keypoints, strict=True):
        place = (x, y) if v else middle
        yield (
            f'      <points label="{name}" source="{source}" outside="{int(v == 0)}" '
            f'occluded="{int(v == 1)}" points="{place[0]:.3f},{place[1]:.3f}"></points>\n'
        )
    yield f'      <attribute name="posture">{person.posture or NO_POSTURE}</attribute>\n    </skeleton>\n'
    if person.bbox is not None:
        left, top, width, height = person.bbox
        yield (
            f'    <box label="{BOX}" source="{source}" occluded="0" xtl="{left:.3f}" ytl="{top:.3f}" '
            f'xbr="{left + width:.3f}" ybr="{top + height:.3f}" z_order="0" group_id="{group}"></box>\n'
        )


def _middle(person: LabelledPerson) -> tuple[float, float]:
    if person.bbox is not None:
        left, top, width, height = person.bbox
        return left + width / 2, top + height / 2
    points = [(x, y) for x, y, v in person.keypoints if v] or [(0.0, 0.0)]
    return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)


def _tag(label: ImageLabel) -> Iterator[str]:
    if label.status == "unreviewed" and not (label.reasons or label.note):
        return
    yield f'    <tag label="{label.status}" source="manual">\n'
    for name, text in ((REASONS, "\n".join(" ".join(r.split()) for r in label.reasons)), (NOTE, label.note)):
        if text:
            kept = escape(NOT_XML.sub("?", text), {"\r": "&#13;"})
            yield f'      <attribute name="{name}">{kept}</attribute>\n'
    yield "    </tag>\n"
