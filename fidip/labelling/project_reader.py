"""What a labelling project says of its images: lists, labels, histories, counts."""

import json
from collections.abc import Iterator
from typing import Any

from fidip.labelling.database import readable_errors
from fidip.labelling.documents import Doubt, ImageLabel, stored_label
from fidip.labelling.errors import UnknownImage
from fidip.labelling.project_file import ProjectFile
from fidip.labelling.records import Counts, Frame, ImageRow, ImageState, Revision

__all__ = ["ProjectReader"]

ROW_COLUMNS = ", ".join(
    f"images.{column}"
    for column in (
        "id", "name", "width", "height", "state", "status", "doubtful", "revision", "who", "video", "frame",
        "time_s",
    )
)  # fmt: skip


class ProjectReader(ProjectFile):
    """The questions that a labelling project answers; nothing here writes."""

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

    def _row(self, image_id: int) -> ImageRow:
        rows = self._read(f"SELECT {ROW_COLUMNS} FROM images WHERE id = ?", image_id)
        if not rows:
            raise UnknownImage(f"the project has no image {image_id}")
        return _image_row(rows[0])


def _image_row(row: tuple[Any, ...]) -> ImageRow:
    *values, is_doubtful, revision, who, video, index, time_s = row
    frame = None if video is None else Frame(video, index, time_s)
    return ImageRow(*values, bool(is_doubtful), revision, who, frame)
