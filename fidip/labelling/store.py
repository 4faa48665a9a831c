"""A labelling project: every save is one durable transaction, nothing is deleted, nobody is overwritten."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from fidip.labelling.documents import Doubt, ImageLabel, check_label, parse_label
from fidip.labelling.errors import Conflict
from fidip.labelling.project_file import project_path
from fidip.labelling.project_reader import ProjectReader
from fidip.labelling.records import (
    FILE_STATES,
    MAX_IMAGE_ID,
    MAX_SIDE_PX,
    FileState,
    ImageState,
    NewImage,
    check_image_name,
)

__all__ = ["LabelStore", "project_path"]

MAX_WHO_LENGTH = 200
MAX_ACTION_LENGTH = 60


class LabelStore(ProjectReader):
    """One labelling project in an SQLite file. Thread-safe; several processes may have it open.

    Saves are durable when they return (write-ahead log, ``synchronous=FULL``). Revision 0 of an image is what
    the network or an import said; each save appends one. A save names the revision that it is based on and
    is refused with :class:`~fidip.labelling.errors.Conflict` when that is not the newest.
    """

    def add_images(self, images: Iterable[NewImage]) -> list[int]:
        """Add images with what the network or an import says of them, all or none.

        Returns:
            Their ids, in order.

        Raises:
            ValueError: If a name is not usable or is in the project already, or a label is wrong.
        """
        now = _now()
        with self._writing() as change:
            ids = [self._add(image, change, now) for image in images]
        self._changed()
        return ids

    def save(
        self,
        image_id: int,
        base_revision: int,
        document: Mapping[str, Any] | ImageLabel,
        *,
        action: str,
        who: str,
        doubts: Iterable[Doubt] | None = None,
    ) -> ImageState:
        """Append a revision; durable when this returns.

        Args:
            image_id: The image.
            base_revision: Revision that the edit began with.
            document: The whole new label.
            action: What was done, a word or two (``move``, ``review``, ``undo`` ...).
            who: Who did it.
            doubts: Replace the network's doubts, where the network speaks again.

        Raises:
            Conflict: If the newest revision is another; nothing is written.
            ValueError: If the document is wrong; nothing is written.
            UnknownImage: If there is no such image.
            StoreError: If it could not be written (busy, disk full); nothing is.
        """
        _check_text(action, "action", MAX_ACTION_LENGTH)
        _check_text(who, "who", MAX_WHO_LENGTH)
        with self._writing() as change:
            row = self._row(image_id)
            if row.revision != base_revision:
                raise Conflict(self.image(image_id))
            label = parse_label(document, self.schema, _known_size(row.width, row.height))
            self._append(image_id, row.revision + 1, label, action, who, _now())
            self._connection.execute(
                "UPDATE images SET status = ?, revision = ?, who = CAST(? AS TEXT), change = ? WHERE id = ?",
                (label.status, row.revision + 1, _encode(who), change, image_id),
            )
            if doubts is not None:
                self._set_doubts(image_id, tuple(doubts))
        self._changed()
        return self.image(image_id)

    def set_file_state(
        self, image_id: int, state: FileState, note: str = "", *, size: tuple[int, int] | None = None
    ) -> None:
        """Say that the file of an image can be read, cannot be read, or is gone; its labels are kept.

        Args:
            image_id: The image.
            state: What holds now.
            note: Why it cannot be used.
            size: (width, height) px of an image whose size was not known; known sizes stay.

        Raises:
            UnknownImage: If there is no such image.
        """
        _check_state(state)
        with self._writing() as change:
            self._row(image_id)
            if size is not None:
                self._connection.execute(
                    "UPDATE images SET width = ?, height = ? WHERE id = ? AND width = 0", (*size, image_id)
                )
            self._connection.execute(
                "UPDATE images SET state = ?, note = CAST(? AS TEXT), change = ? WHERE id = ?",
                (state, _encode(note), change, image_id),
            )
        self._changed()

    def _add(self, image: NewImage, change: int, now: str) -> int:
        name = check_image_name(image.name)
        what = f"image {name[:80]!a}"
        _check_state(image.state)
        _check_text(image.who, "who", MAX_WHO_LENGTH)
        _check_text(image.action, "action", MAX_ACTION_LENGTH)
        if image.id is not None and not 0 <= image.id <= MAX_IMAGE_ID:
            raise ValueError(f"{what}: expected an id of 0 to {MAX_IMAGE_ID}, got {image.id}")
        least = 1 if image.state == "ok" else 0
        if not (least <= image.width <= MAX_SIDE_PX and least <= image.height <= MAX_SIDE_PX):
            raise ValueError(
                f"{what}: expected a size of {least} to {MAX_SIDE_PX} px, got {image.width} x {image.height}"
            )
        try:
            check_label(image.label, self.schema, _known_size(image.width, image.height))
        except ValueError as error:
            raise ValueError(f"{what}, {error}") from None
        frame = image.frame
        if self._connection.execute(
            "SELECT 1 FROM images WHERE name = CAST(? AS TEXT) OR id = ?", (_encode(name), image.id)
        ).fetchone():
            raise ValueError(f"{what} (id {image.id or 'new'}) is in the project already")
        cursor = self._connection.execute(
            """INSERT INTO images (id, name, width, height, state, note, video, frame, time_s, doubts,
                doubtful, status, revision, who, change)
            VALUES (?, CAST(? AS TEXT), ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT), ?, ?, '[]', 0, ?, 0,
                CAST(? AS TEXT), ?)""",
            (
                image.id, _encode(name), image.width, image.height, image.state, _encode(image.note),
                frame and _encode(frame.video), frame and frame.index, frame and frame.time_s,
                image.label.status, _encode(image.who), change,
            ),
        )  # fmt: skip
        image_id = int(cursor.lastrowid or 0)
        self._set_doubts(image_id, image.doubts)
        self._append(image_id, 0, image.label, image.action, image.who, image.when or now)
        return image_id

    def _append(
        self, image_id: int, revision: int, label: ImageLabel, action: str, who: str, now: str
    ) -> None:
        self._connection.execute(
            "INSERT INTO revisions (image_id, revision, document, action, who, when_utc) "
            "VALUES (?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT), ?)",
            (image_id, revision, label.model_dump_json(), _encode(action), _encode(who), now),
        )

    def _set_doubts(self, image_id: int, doubts: tuple[Doubt, ...]) -> None:
        text = json.dumps([doubt.model_dump() for doubt in doubts])
        self._connection.execute(
            "UPDATE images SET doubts = ?, doubtful = ? WHERE id = ?", (text, int(bool(doubts)), image_id)
        )


def _known_size(width: int, height: int) -> tuple[int, int] | None:
    return (width, height) if width and height else None


def _check_state(state: str) -> None:
    if state not in FILE_STATES:
        raise ValueError(f"file state {state!a}: expected one of {', '.join(FILE_STATES)}")


def _check_text(text: Any, what: str, limit: int) -> None:
    if not isinstance(text, str) or not 1 <= len(text) <= limit:
        raise ValueError(f"{what}: expected a text of 1 to {limit} characters, got {ascii(text)[:60]}")


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
