"""COCO keypoint files as the beginning of a labelling project; those of our own export come back whole."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fidip.labelling.coco_export import REJECTED, UNREADABLE
from fidip.labelling.coco_people import PeopleReader, finite
from fidip.labelling.documents import (
    MAX_NOTE_LENGTH,
    MAX_REASON_LENGTH,
    MAX_REASONS,
    STATUSES,
    ImageLabel,
    put_into_picture,
)
from fidip.labelling.records import MAX_IMAGE_ID, MAX_SIDE_PX, FileState, Frame, NewImage, check_image_name
from syrip_gen.keypoints.catalog import CATALOG, COCO17
from syrip_gen.keypoints.json_input import load_json, whole_number
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["CocoProject", "read_coco"]

Record = Mapping[str, Any]
MAX_WHO = 200


@dataclass(frozen=True, slots=True)
class CocoProject:
    """What a COCO file says, ready for :meth:`~fidip.labelling.store.LabelStore.add_images`."""

    schema: KeypointSchema
    images: tuple[NewImage, ...]
    """In the order of the file, rejected and unreadable ones last."""
    notes: tuple[str, ...]
    """What was mended or left out, with counts, a sentence each."""


def read_coco(path: str | Path) -> CocoProject:
    """Read a COCO keypoint file: any, SyRIP's as they are, or one that ``syrip label`` wrote.

    Deleted points (SyRIP's (-45, -45)), points with v = 0 and points that are no finite numbers become
    absent; labelled points outside their picture are moved to its border. Image ids are kept. Sizes
    are 0 where the file does not say them.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: One line: what of which record cannot be used.
    """
    path = Path(path)
    data = load_json(path)
    if not isinstance(data, dict) or not isinstance(data.get("images"), list):
        raise ValueError(f"{path}: not a COCO keypoint file: expected 'images' and 'annotations'")
    reader = _Reader(path, _schema(data.get("categories"), path))
    return CocoProject(reader.schema, tuple(reader.read(data)), reader.notes())


class _Reader:
    """One file while it is read; gathers what was mended."""

    def __init__(self, path: Path, schema: KeypointSchema) -> None:
        self.path = path
        self.schema = schema
        self.repairs: Counter[str] = Counter()
        self.people = PeopleReader(schema, self.repairs)

    def notes(self) -> tuple[str, ...]:
        """Return what was mended or left out, a sentence each."""
        mended = [f"{self.path.name}: {n} {what}" for what, n in self.repairs.items() if n]
        if left_out := sorted(self.people.left_out):
            mended.append(f"{self.path.name}: not kept of its annotations: {', '.join(left_out)}")
        return tuple(mended)

    def read(self, data: Record) -> Iterator[NewImage]:
        """Give every image with its people."""
        people: dict[int, list[Record]] = {}
        for i, annotation in enumerate(_records(data.get("annotations"), "annotations", self.path)):
            image_id = whole_number(annotation.get("image_id"), f"{self.path}: annotations[{i}], image_id")
            people.setdefault(image_id, []).append(annotation)
        seen: set[int] = set()
        for i, image in enumerate(_records(data["images"], "images", self.path)):
            image_id = self._new_id(image, f"images[{i}]", seen)
            yield self._image(image, image_id, people.pop(image_id, []))
        for i, entry in enumerate(_records(data.get(REJECTED, []), REJECTED, self.path)):
            image = _object(entry.get("image"), f"{self.path}: {REJECTED}[{i}], image")
            annotations = _records(entry.get("annotations"), f"{REJECTED}[{i}], annotations", self.path)
            image_id = self._new_id(image, f"{REJECTED}[{i}]", seen)
            yield self._image({**image, "status": "rejected"}, image_id, annotations)
        for i, entry in enumerate(_records(data.get(UNREADABLE, []), UNREADABLE, self.path)):
            image = _object(entry.get("image"), f"{self.path}: {UNREADABLE}[{i}], image")
            state = "missing" if entry.get("state") == "missing" else "unreadable"
            yield self._image(image, self._new_id(image, f"{UNREADABLE}[{i}]", seen), [], state)
        self.repairs["annotations of images that the file does not list left out"] = sum(
            map(len, people.values())
        )

    def _new_id(self, image: Record, place: str, seen: set[int]) -> int:
        image_id = whole_number(image.get("id"), f"{self.path}: {place}, id")
        if image_id in seen:
            raise ValueError(f"{self.path}: image id {image_id} occurs twice; ids must be unique")
        if not 0 <= image_id <= MAX_IMAGE_ID:
            raise ValueError(
                f"{self.path}: image id {image_id}: expected 0 to {MAX_IMAGE_ID}; number the images anew"
            )
        seen.add(image_id)
        return image_id

    def _image(
        self, image: Record, image_id: int, annotations: list[Record], state: FileState = "ok"
    ) -> NewImage:
        what = f"{self.path}: image {image_id}"
        name = image.get("file_name")
        if not isinstance(name, str):
            raise ValueError(f"{what}: expected a 'file_name'")
        try:
            check_image_name(name)
        except ValueError as error:
            raise ValueError(f"{what}: {error}") from None
        width, height = (_side(image.get(key), f"{what}, {key}", state) for key in ("width", "height"))
        people = self.people.people(annotations, image, what)
        status = _status(image, annotations)
        label = ImageLabel(
            people=people,
            status=status,
            reasons=self._reasons(image.get("reasons")),
            note=self._text(image.get("note"), MAX_NOTE_LENGTH),
        )
        if width and height:
            label, moved = put_into_picture(label, (width, height))
            self.repairs["keypoints outside their picture moved to its border"] += moved
        who, when = _author([image, *annotations])
        return NewImage(
            name=name,
            width=width,
            height=height,
            label=label,
            who=who or f"import:{self.path.name}"[:MAX_WHO],
            when=when,
            action=f"import {self.path.name}"[:60],
            state=state,
            frame=_frame(image),
            id=image_id,
        )

    def _reasons(self, values: Any) -> tuple[str, ...]:
        texts = [self._text(v, MAX_REASON_LENGTH) for v in values] if isinstance(values, list) else []
        return tuple(dict.fromkeys(t for t in texts if t))[:MAX_REASONS]

    def _text(self, value: Any, limit: int) -> str:
        """Return a text that a label can hold: valid Unicode, not too long."""
        if not isinstance(value, str):
            return ""
        text = value.encode("utf-8", "replace").decode()[:limit]
        self.repairs["texts with broken characters or too many of them mended"] += text != value
        return text


def _schema(categories: Any, path: Path) -> KeypointSchema:
    """Return the schema that a file's categories name; COCO-17 where they name none."""
    found: dict[str, KeypointSchema] = {}
    for category in categories if isinstance(categories, list) else []:
        names = category.get("keypoints") if isinstance(category, dict) else None
        if not isinstance(names, list) or not names:
            continue
        normal = tuple(str(n).strip().lower().replace(" ", "_").replace("-", "_") for n in names)
        schema = next((s for s in CATALOG.values() if s.keypoints == normal), None)
        if schema is None:
            raise ValueError(
                f"{path}: its {len(normal)} keypoints ({', '.join(normal[:3])} ...) are of no schema that "
                f"syrip knows: {', '.join(CATALOG)}"
            )
        found[schema.name] = schema
    if len(found) > 1:
        raise ValueError(f"{path}: categories of several keypoint schemas: {', '.join(found)}; expected one")
    return next(iter(found.values()), COCO17)


def _records(value: Any, what: str, path: Path) -> list[Record]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError(f"{path}: not a COCO keypoint file: expected '{what}' to be a list of objects")
    return value


def _object(value: Any, what: str) -> Record:
    if not isinstance(value, dict):
        raise ValueError(f"{what}: expected an object, got {type(value).__name__}")
    return value


def _side(value: Any, what: str, state: FileState) -> int:
    """Return a width or height in px; 0 where the file does not say it."""
    if value is None:
        return 0
    side = whole_number(value, what)
    if not (0 if state != "ok" else 1) <= side <= MAX_SIDE_PX:
        raise ValueError(f"{what}: expected 1 to {MAX_SIDE_PX} px, got {side}")
    return side


def _status(image: Record, annotations: list[Record]) -> Any:
    """Return the status that a file of ours gives; people of other files count as not reviewed."""
    status = image.get("status")
    if status in STATUSES:
        return status
    is_reviewed = annotations and all(a.get("reviewed") is True for a in annotations)
    return "reviewed" if is_reviewed else "unreviewed"


def _author(records: list[Record]) -> tuple[str, str | None]:
    """Return who labelled an image and when, where the file says it; "" and None elsewhere."""
    for record in records:
        who, when = record.get("labelled_by"), record.get("labelled_at")
        if isinstance(who, str) and 1 <= len(who) <= MAX_WHO:
            return who, _utc(when)
    return "", None


def _utc(value: Any) -> str | None:
    """Return a time in UTC as projects keep it; one without a zone counts as UTC. None if it is none."""
    try:
        when = datetime.fromisoformat(value if isinstance(value, str) and len(value) <= 40 else "")
        when = when.replace(tzinfo=when.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):  # year 1 or 9999 may leave the calendar
        return None
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _frame(image: Record) -> Frame | None:
    sequence, index, time_s = image.get("sequence"), image.get("frame"), image.get("time_s")
    if not isinstance(sequence, str) or not isinstance(index, int) or not 0 <= index < 2**53:
        return None
    return Frame(sequence, index, finite(time_s))
