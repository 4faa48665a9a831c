"""What the API says of projects and images, and what it takes for an edit."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fidip.labelling.documents import LABEL_REASONS, POSTURES, REVIEW_REASONS
from fidip.labelling.records import ImageRow, ImageState, Revision
from fidip.labelling.store import LabelStore
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["Edit", "history_message", "image_message", "person_name", "project_message", "row_message"]

MAX_WHO_LENGTH = 80
MAX_ACTION_LENGTH = 60
NOT_PEOPLE = ("ai:", "import:")
"""How the names of networks and imported files begin."""
HIDDEN_CATEGORIES = ("Cc", "Cs", "Co", "Cn", "Zl", "Zp")
REORDERING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
"""Marks that reorder or hide the text around them. The joiners that Persian and Indic names need are fine."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One save, as the page sends it."""

    base_revision: int
    document: Mapping[str, Any]
    action: str
    who: str

    @classmethod
    def parse(cls, body: Mapping[str, Any], default_who: str) -> "Edit":
        """Check the frame of an edit; the store checks the document.

        Args:
            body: The request's JSON.
            default_who: For edits that do not say whose they are.

        Raises:
            ValueError: One line.
        """
        unknown = set(body) - {"base_revision", "document", "action", "who"}
        if unknown:
            raise ValueError(f"unknown key {ascii(min(unknown))[:60]}")
        base, document = body.get("base_revision"), body.get("document")
        if type(base) is not int or not 0 <= base < 2**53:
            raise ValueError(f"base_revision: expected a whole number from 0, got {ascii(base)[:60]}")
        if not isinstance(document, dict):
            raise ValueError("document: expected a JSON object")
        action = _shown_text(body.get("action") or "edit", "action", MAX_ACTION_LENGTH)
        who = person_name(body.get("who") or default_who, "who")
        return cls(base, document, action, who)


def person_name(text: Any, what: str) -> str:
    """Return the name of somebody who edits.

    Raises:
        ValueError: If it is empty, too long, holds characters that do not show, or is a name as networks and
            imports have.
    """
    name = _shown_text(text, what, MAX_WHO_LENGTH)
    if name.startswith(NOT_PEOPLE):
        raise ValueError(f"{what}: names that begin with {' or '.join(NOT_PEOPLE)} are no person's")
    return name


def _shown_text(text: Any, what: str, limit: int) -> str:
    text = text.strip() if isinstance(text, str) else ""
    if not 1 <= len(text) <= limit or any(map(_is_hidden, text)):
        raise ValueError(f"{what}: expected 1 to {limit} characters that can be seen")
    return text


def project_message(store: LabelStore, who: str) -> dict[str, Any]:
    """Return what ``GET /api/project`` says."""
    change = store.last_change()  # read first: what changes meanwhile is reported twice, never missed
    rows = store.images(most_doubtful_first=store.settings.get("order") == "doubtful")
    return {
        "kind": store.kind,
        "title": store.output.name,
        "root": str(store.root),
        "output": str(store.output),
        "who": who,
        "schema": _schema_message(store.schema),
        "postures": list(POSTURES),
        "reasons": list(REVIEW_REASONS if store.kind == "review" else LABEL_REASONS),
        "counts": asdict(store.counts()),
        "change": change,
        "images": [row_message(row) for row in rows],
    }


def row_message(row: ImageRow) -> dict[str, Any]:
    """Return one entry of the list of images."""
    entry: dict[str, Any] = {
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "doubtful": row.doubtful,
        "state": row.state,
        "revision": row.revision,
    }
    if row.frame:
        entry |= {"video": row.frame.video, "frame": row.frame.index, "time_s": row.frame.time_s}
    return entry


def image_message(state: ImageState, overlays: Sequence[str]) -> dict[str, Any]:
    """Return what ``GET /api/images/{id}`` says."""
    row = state.row
    return {
        **row_message(row),
        "width": row.width,
        "height": row.height,
        "note": state.note,
        "document": state.label.model_dump(mode="json"),
        "first": {"document": state.first.model_dump(mode="json"), "who": state.first_who},
        "doubts": [doubt.model_dump(mode="json") for doubt in state.doubts],
        "who": state.who,
        "when": state.when,
        "action": state.action,
        "overlays": list(overlays),
    }


def history_message(revisions: Sequence[Revision]) -> list[dict[str, Any]]:
    """Return what ``GET /api/images/{id}/history`` says."""
    return [{"revision": r.revision, "action": r.action, "who": r.who, "when": r.when} for r in revisions]


def _is_hidden(letter: str) -> bool:
    return letter in REORDERING or unicodedata.category(letter) in HIDDEN_CATEGORIES


def _schema_message(schema: KeypointSchema) -> dict[str, Any]:
    return {
        "name": schema.name,
        "keypoints": list(schema.keypoints),
        "skeleton": [list(edge) for edge in schema.skeleton],
        "flip_pairs": [[schema.index(left), schema.index(right)] for left, right in schema.flip_pairs],
    }
