"""A labelling project: every save is one durable transaction, nothing is deleted, nobody is overwritten."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from fidip.labelling.database import readable_errors
from fidip.labelling.documents import Doubt, ImageLabel, check_label, parse_label, stored_label
from fidip.labelling.errors import Conflict, UnknownImage
from fidip.labelling.project_file import ProjectFile, project_path
from fidip.labelling.records import (
    FILE_STATES,
    MAX_IMAGE_ID,
    MAX_SIDE_PX,
    Counts,
    FileState,
    Frame,
    ImageRow,
    ImageState,
    NewImage,
    Revision,
    check_image_name,
)

__all__ = ["LabelStore", "project_path"]

MAX_WHO_LENGTH = 200
MAX_ACTION_LENGTH = 60
ROW_COLUMNS = ", ".join(
    f"images.{column}"
    for column in (
        "id", "name", "width", "height", "state", "status", "doubtful", "revision", "who", "video", "frame",
        "time_s",
    )
)  # fmt: skip


class LabelStore(ProjectFile):
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

    def images(self, *, most_doubtful_first: bool = False) -> list[ImageRow]:
        """Return all images in the order of their ids, or those that deserve a look most first.

        Those are images in which it is doubtful that somebody is there at all, then those with most doubts.
        """
        order = 'doubts LIKE \'%"kind": "missing"%\' DESC, json_array_length(doubts) DESC, id'
        query = f"SELECT {ROW_COLUMNS} FROM images ORDER BY {order if most_doubtful_first else 'id'}"
        return [_image_row(row) for row in self._read(query)]

    def changes(self, since: int) -> tuple[int, list[ImageRow]]:
        """Return the number of the last change and the images that changed after change ``since``."""
        with self._lock, readable_errors(self.path):
            last = (
                self.last_change()
            )  # read first: what another process saves meanwhile is told twice, not never
            rows = self._read(f"SELECT {ROW_COLUMNS}, change FROM images WHERE change > ? ORDER BY id", since)
            return max([last, *(row[-1] for row in rows)]), [_image_row(row[:-1]) for row in rows]

    def image(self, image_id: int) -> ImageState:
        """Return all that is known of one image.

        Raises:
            UnknownImage: If there is no such image.
        """
        found = self._read(
            f"""SELECT {ROW_COLUMNS}, images.note, images.doubts,
                newest.document, newest.when_utc, newest.action, first.document, first.who
            FROM images
            JOIN revisions AS newest ON newest.image_id = images.id AND newest.revision = images.revision
            JOIN revisions AS first ON first.image_id = images.id AND first.revision = 0
            WHERE images.id = ?""",
            image_id,
        )
        if not found:
            raise UnknownImage(f"the project has no image {image_id}")
        *row, note, doubts, newest, when, action, first, first_who = found[0]
        return ImageState(
            row=_image_row(tuple(row)),
            label=stored_label(newest),
            when=when,
            action=action,
            first=stored_label(first),
            first_who=first_who,
            doubts=tuple(Doubt.model_validate(d) for d in json.loads(doubts)),
            note=note,
        )

    def labels(self) -> Iterator[tuple[ImageRow, Revision]]:
        """Return every image with its newest revision, from one moment, in the order of ids."""
        rows = self._read(
            f"""SELECT {ROW_COLUMNS}, newest.action, newest.when_utc, newest.document
            FROM images
            JOIN revisions AS newest ON newest.image_id = images.id AND newest.revision = images.revision
            ORDER BY images.id"""
        )
        for *columns, action, when, document in rows:
            row = _image_row(tuple(columns))
            label = stored_label(document)
            yield row, Revision(row.id, row.revision, action, row.who, when, label)

    def edits(self) -> Iterator[tuple[Revision, ImageLabel]]:
        """Return newest revision and first label of every image that was saved since it was added, by id."""
        rows = self._read(
            """SELECT images.id, images.revision, newest.action, images.who, newest.when_utc,
                newest.document, first.document
            FROM images
            JOIN revisions AS newest ON newest.image_id = images.id AND newest.revision = images.revision
            JOIN revisions AS first ON first.image_id = images.id AND first.revision = 0
            WHERE images.revision > 0 ORDER BY images.id"""
        )
        for *entry, document, first in rows:
            label = stored_label(document)
            yield Revision(*entry, label), stored_label(first)

    def history(self, image_id: int) -> list[Revision]:
        """Return who did what and when, oldest first, without the labels.

        Raises:
            UnknownImage: If there is no such image.
        """
        rows = self._read(
            "SELECT image_id, revision, action, who, when_utc FROM revisions WHERE image_id = ? "
            "ORDER BY revision",
            image_id,
        )
        if not rows:
            raise UnknownImage(f"the project has no image {image_id}")
        return [Revision(*row) for row in rows]

    def revision(self, image_id: int, number: int) -> Revision:
        """Return one revision with its label.

        Raises:
            UnknownImage: If there is no such image or revision.
        """
        rows = self._read(
            "SELECT image_id, revision, action, who, when_utc, document FROM revisions "
            "WHERE image_id = ? AND revision = ?",
            image_id,
            number,
        )
        if not rows:
            raise UnknownImage(f"the project has no revision {number} of image {image_id}")
        *entry, document = rows[0]
        return Revision(*entry, stored_label(document))

    def counts(self) -> Counts:
        """Count the images by progress."""
        rows = self._read(
            """SELECT COUNT(*), TOTAL(status = 'reviewed'), TOTAL(status = 'unreviewed'),
                TOTAL(status = 'rejected'), TOTAL(doubtful), TOTAL(doubtful AND status = 'unreviewed'),
                TOTAL(state <> 'ok') FROM images"""
        )
        return Counts(*map(int, rows[0]))

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

    def _row(self, image_id: int) -> ImageRow:
        rows = self._read(f"SELECT {ROW_COLUMNS} FROM images WHERE id = ?", image_id)
        if not rows:
            raise UnknownImage(f"the project has no image {image_id}")
        return _image_row(rows[0])


def _image_row(row: tuple[Any, ...]) -> ImageRow:
    *values, is_doubtful, revision, who, video, index, time_s = row
    frame = None if video is None else Frame(video, index, time_s)
    return ImageRow(*values, bool(is_doubtful), revision, who, frame)


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
