"""What is saved of one image: the people on it, their keypoints, and what a reviewer said."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from syrip_gen.keypoints.schema import KeypointSchema

__all__ = [
    "EMPTY_LABEL",
    "LABEL_REASONS",
    "POSTURES",
    "REVIEW_REASONS",
    "STATUSES",
    "Doubt",
    "ImageLabel",
    "LabelledPerson",
    "check_label",
    "parse_label",
    "put_into_picture",
    "stored_label",
]

Posture = Literal["supine", "prone", "sitting", "standing", "side", "crawling", "other"]
Status = Literal["unreviewed", "reviewed", "rejected"]

POSTURES: tuple[str, ...] = get_args(Posture)
STATUSES: tuple[str, ...] = get_args(Status)
LABEL_REASONS = ("blurred", "infant hidden", "not an infant", "several infants", "duplicate", "other")
"""Reasons for rejecting a photo that the page offers; others may be given."""
REVIEW_REASONS = (
    "self-penetration",
    "floating",
    "implausible pose",
    "wrong labels",
    "ugly",
    "infant hidden",
    "other",
)
"""Reasons for rejecting a generated image or a fit that the page offers; others may be given."""

MAX_COORDINATE_PX = 1e6
SMALLEST_PX = 0.001
"""Coordinates and sizes are kept in steps of this, as in our COCO files."""
MAX_PEOPLE = 100
MAX_PERSON_ID = 999
MAX_REASONS = 20
MAX_REASON_LENGTH = 200
MAX_NOTE_LENGTH = 4000


def _thousandths(value: float) -> float:
    return round(value, 3) + 0.0  # no negative zero


def _millionths(value: float) -> float:
    return round(value, 6) + 0.0


_Real = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Pixels = Annotated[_Real, AfterValidator(_thousandths), Field(ge=-MAX_COORDINATE_PX, le=MAX_COORDINATE_PX)]
Extent = Annotated[_Real, AfterValidator(_thousandths), Field(ge=SMALLEST_PX, le=MAX_COORDINATE_PX)]
Score = Annotated[_Real, AfterValidator(_millionths)]
Visibility = Annotated[int, Field(strict=True, ge=0, le=2)]
Reason = Annotated[str, Field(strict=True, min_length=1, max_length=MAX_REASON_LENGTH)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LabelledPerson(_Record):
    """One person on an image."""

    id: Annotated[int, Field(strict=True, ge=1, le=MAX_PERSON_ID)]
    """Unique on its image; stays when other people are removed."""
    keypoints: tuple[tuple[Pixels, Pixels, Visibility], ...]
    """x, y in px of the original image (pixel corners), v: 2 visible, 1 occluded, 0 absent (x = y = 0)."""
    bbox: tuple[Pixels, Pixels, Extent, Extent] | None = None
    """Left, top, width, height in px."""
    posture: Posture | None = None
    score: Score | None = None
    """How sure the network was; None where a person placed the points."""

    @model_validator(mode="after")
    def _absent_points_are_zero(self) -> Self:
        if any(v == 0 and (x or y) for x, y, v in self.keypoints):
            cleaned = tuple((x, y, v) if v else (0.0, 0.0, 0) for x, y, v in self.keypoints)
            object.__setattr__(self, "keypoints", cleaned)
        return self


class ImageLabel(_Record):
    """The label of one image, as it is saved and as the page sends it."""

    people: Annotated[tuple[LabelledPerson, ...], Field(max_length=MAX_PEOPLE)] = ()
    status: Status = "unreviewed"
    reasons: Annotated[tuple[Reason, ...], Field(max_length=MAX_REASONS)] = ()
    """Why it was rejected, or what is odd about it."""
    note: Annotated[str, Field(strict=True, max_length=MAX_NOTE_LENGTH)] = ""

    @model_validator(mode="after")
    def _unique(self) -> Self:
        for what, values in (("person id", [p.id for p in self.people]), ("reason", list(self.reasons))):
            twice = next((v for v in values if values.count(v) > 1), None)
            if twice is not None:
                raise ValueError(f"{what} {twice!r} occurs more than once")
        return self


EMPTY_LABEL = ImageLabel()
"""Nobody labelled yet."""


class Doubt(_Record):
    """Why the network's label deserves a look."""

    person: Annotated[int, Field(ge=1)]
    """Id of the person in the label."""
    keypoint: Annotated[int, Field(ge=0)] | None = None
    """Index in the schema; None where the whole person is meant."""
    kind: Annotated[str, Field(min_length=1, max_length=40)]
    """``low_score``, ``flip``, ``limb``, ``missing``."""
    text: Annotated[str, Field(max_length=MAX_NOTE_LENGTH)] = ""


def parse_label(
    document: Mapping[str, Any] | ImageLabel, schema: KeypointSchema, size: tuple[int, int] | None = None
) -> ImageLabel:
    """Check a document of unknown origin; boxes are cut off at the picture's border.

    Args:
        document: JSON object of an :class:`ImageLabel`.
        schema: Says how many keypoints a person has.
        size: (width, height) of the image in px; None where it is unknown.

    Raises:
        ValueError: One line: which value of the document is wrong and what was expected.
    """
    try:
        label = ImageLabel.model_validate(document)
    except ValidationError as error:
        raise ValueError(_first_line(error)) from None
    check_label(label, schema, size)
    if size is None:
        return label
    inside = _with_boxes_inside(label, size)
    for person, cut in zip(label.people, inside.people, strict=True):
        if person.bbox is not None and cut.bbox is None:
            place = f"person {person.id}: the box at ({person.bbox[0]:g}, {person.bbox[1]:g})"
            raise ValueError(f"{place} lies outside the picture of {size[0]} x {size[1]} px")
    return inside


def check_label(label: ImageLabel, schema: KeypointSchema, size: tuple[int, int] | None = None) -> None:
    """Check what a label alone cannot know: the number of keypoints and the size of the image.

    Raises:
        ValueError: One line.
    """
    for person in label.people:
        if len(person.keypoints) != len(schema):
            raise ValueError(
                f"person {person.id}: expected {len(schema)} keypoints ({schema.name}), "
                f"got {len(person.keypoints)}"
            )
        if size is None:
            continue
        for name, (x, y, v) in zip(schema.keypoints, person.keypoints, strict=True):
            if v and not (0 <= x <= size[0] and 0 <= y <= size[1]):
                raise ValueError(
                    f"person {person.id}: {name} at ({x:g}, {y:g}) lies outside the picture of "
                    f"{size[0]} x {size[1]} px; mark it absent (v = 0) or move it inside"
                )


def stored_label(text: str) -> ImageLabel:
    """Return a label from JSON that was checked when it was saved; ten times as fast as checking it again."""
    document = json.loads(text)
    document["people"] = tuple(map(_stored_person, document["people"]))
    document["reasons"] = tuple(document["reasons"])
    return ImageLabel.model_construct(**document)


def _stored_person(person: dict[str, Any]) -> LabelledPerson:
    person["keypoints"] = tuple(map(tuple, person["keypoints"]))
    person["bbox"] = None if person["bbox"] is None else tuple(person["bbox"])
    return LabelledPerson.model_construct(**person)


def put_into_picture(label: ImageLabel, size: tuple[int, int]) -> tuple[ImageLabel, int]:
    """Move labelled points that lie outside a picture to its border, and cut boxes off there.

    Args:
        label: Any label.
        size: (width, height) of the picture in px.

    Returns:
        The label and the number of points that were moved. A box that lies outside wholly is left out.
    """
    width, height = size
    label = _with_boxes_inside(label, size)
    moved = 0
    people = []
    for person in label.people:
        inside = tuple(
            (min(max(x, 0.0), float(width)), min(max(y, 0.0), float(height)), v) if v else (x, y, v)
            for x, y, v in person.keypoints
        )
        moved += sum(a != b for a, b in zip(inside, person.keypoints, strict=True))
        people.append(person.model_copy(update={"keypoints": inside}))
    return (label.model_copy(update={"people": tuple(people)}), moved) if moved else (label, 0)


def _with_boxes_inside(label: ImageLabel, size: tuple[int, int]) -> ImageLabel:
    """Return a label whose boxes end at the picture's border; one that lies outside wholly becomes None."""
    people = []
    for person in label.people:
        if person.bbox is not None:
            x, y, width, height = person.bbox
            left, top = max(x, 0.0), max(y, 0.0)
            extent = min(x + width, size[0]) - left, min(y + height, size[1]) - top
            box = (left, top, *map(_thousandths, extent)) if min(extent) >= SMALLEST_PX else None
            is_cut = box is None or left > x or top > y or x + width > size[0] or y + height > size[1]
            person = person.model_copy(update={"bbox": box}) if is_cut else person
        people.append(person)
    is_changed = any(a is not b for a, b in zip(people, label.people, strict=True))
    return label.model_copy(update={"people": tuple(people)}) if is_changed else label


def _first_line(error: ValidationError) -> str:
    """Return the first thing that is wrong, with its place, such as ``people[0].keypoints[3][2]: ...``."""
    problems = error.errors(include_url=False, include_context=False)
    first = problems[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    message = first["msg"].removeprefix("Value error, ")
    shown = ascii(first["input"])
    given = f", got {shown}" if first["type"] != "value_error" and len(shown) <= 60 else ""
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{place or 'document'}: {message}{given}{more}"
