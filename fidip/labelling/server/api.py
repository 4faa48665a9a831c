"""The routes below ``/api/``."""

import asyncio
import logging
import os
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response

from fidip.labelling.documents import parse_label
from fidip.labelling.errors import Conflict, StoreError, UnknownImage
from fidip.labelling.exporter import Exporter
from fidip.labelling.records import FileState, ImageState
from fidip.labelling.server.messages import (
    Edit,
    history_message,
    image_message,
    row_message,
)
from fidip.labelling.server.picture_service import NoPicture, PictureService
from fidip.labelling.server.project_answer import ProjectAnswer
from fidip.labelling.server.replies import JsonReply, read_json
from fidip.labelling.store import LabelStore

__all__ = ["Api"]

MAX_WIDTH_PX = 16_384
LIST_WIDTH_PX = 256
"""Pictures up to this width are for the list, which can wait."""
NUMBER = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)
LOG = logging.getLogger(__name__)
Result = TypeVar("Result")


class Api:
    """Answers the page's requests about one project.

    Args:
        store: The project.
        exporter: Writes its output.
        pictures: Its pictures.
        who: Author of edits that do not name theirs.
    """

    def __init__(self, store: LabelStore, exporter: Exporter, pictures: PictureService, who: str) -> None:
        self._store = store
        self._exporter = exporter
        self._pictures = pictures
        self._who = who
        self._project = ProjectAnswer(store, who)
        self._decoding = asyncio.Semaphore(max(2, min(4, os.cpu_count() or 2)))
        """Pictures take no more threads than that, so that saves never wait for them."""
        self._decoding_for_list = asyncio.Semaphore(1)
        """Nor does the open picture wait for the small ones of the list."""

    def make_ready(self) -> threading.Thread:
        """Prepare in the background what opens the page; join the thread before the store is closed."""
        return self._project.make_ready()

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter()
        image = "/images/{image_id}"
        for method, path, endpoint in (
            ("GET", "/project", self.project),
            ("GET", "/changes", self.changes),
            ("POST", "/export", self.export),
            ("GET", image, self.image),
            ("PUT", image, self.save),
            ("GET", f"{image}/file", self.picture),
            ("GET", f"{image}/history", self.history),
            ("GET", f"{image}/revisions/{{number}}", self.revision),
        ):
            router.add_api_route(path, endpoint, methods=[method], response_model=None)
        return router

    def project(self, request: Request) -> Response:
        """``GET /api/project``: everything but the labels."""
        return _reply(request, _answered(self._project.get))

    def changes(self, request: Request) -> Response:
        """``GET /api/changes?since=N``: what others, and this page, changed."""
        since = _number(request.query_params.get("since", "0"), "since")
        last, rows = _answered(self._store.changes, since)
        answer: dict[str, Any] = {"change": last, "images": [{**row_message(r), "who": r.who} for r in rows]}
        if rows:
            answer["counts"] = asdict(_answered(self._store.counts))
        return _reply(request, answer | {"export_error": self._exporter.last_error})

    def export(self, request: Request) -> Response:
        """``POST /api/export``: write the output now."""
        done = _answered(self._exporter.flush)
        answer = {"path": str(done.path), "images": done.images, "annotations": done.annotations}
        return _reply(request, answer)

    def image(self, request: Request, image_id: str) -> Response:
        """``GET /api/images/{id}``: one image with its label."""
        return _reply(request, self._message(self._state(image_id)))

    async def save(self, request: Request, image_id: str) -> Response:
        """``PUT /api/images/{id}``: append a revision; it is on the disk when this answers."""
        number = _image_number(image_id)
        body = await read_json(request)
        try:
            edit = Edit.parse(body, self._who)
        except ValueError as error:
            raise HTTPException(422, str(error)) from None
        return await run_in_threadpool(self._save, request, number, edit)

    def history(self, request: Request, image_id: str) -> Response:
        """``GET /api/images/{id}/history``: who did what and when."""
        return _reply(request, history_message(_answered(self._store.history, _image_number(image_id))))

    def revision(self, request: Request, image_id: str, number: str) -> Response:
        """``GET /api/images/{id}/revisions/{n}``: the label as it was."""
        image, which = _image_number(image_id), _image_number(number)
        label = _answered(self._store.revision, image, which).label
        return _reply(request, label.model_dump(mode="json"))

    async def picture(self, request: Request, image_id: str) -> Response:
        """``GET /api/images/{id}/file?width=W&overlay=NAME``: the picture."""
        text = request.query_params.get("width")
        width = None if text is None else _number(text, "width")
        if width is not None and not 1 <= width <= MAX_WIDTH_PX:
            raise HTTPException(422, f"width: expected 1 to {MAX_WIDTH_PX} px")
        async with self._decoding if width is None or width > LIST_WIDTH_PX else self._decoding_for_list:
            if await request.is_disconnected():  # the page went on before it was this picture's turn
                return Response(status_code=499)
            return await run_in_threadpool(self._picture, request, image_id, width)

    def _picture(self, request: Request, image_id: str, width: int | None) -> Response:
        state = self._state(image_id)
        overlay = request.query_params.get("overlay")
        if overlay is not None and overlay not in self._pictures.overlays(state.row):
            raise HTTPException(404, "the image has no such overlay")
        known = request.headers.get("if-none-match", "")
        try:
            sent = self._pictures.get(state.row, width=width, overlay=overlay, known=known)
        except NoPicture as problem:
            if overlay is None:
                self._note_file(state, problem.state, problem.reason)
            raise HTTPException(404, problem.reason) from None
        if overlay is None:
            self._note_file(state, "ok", "")
        headers = {"etag": sent.etag, "cache-control": "private, no-cache"}
        if sent.data is None:
            return Response(status_code=304, headers=headers)
        return Response(sent.data, media_type=sent.media_type, headers=headers)

    def _save(self, request: Request, number: int, edit: Edit) -> Response:
        self._check_acceptance(number, edit)
        try:
            state = _answered(
                self._store.save,
                number,
                edit.base_revision,
                edit.document,
                action=edit.action,
                who=edit.who,
            )
        except Conflict as conflict:
            if not self._is_repeated(edit, conflict.current):
                answer = {"detail": str(conflict), "current": self._message(conflict.current)}
                return _reply(request, answer, 409)
            state = conflict.current
        except ValueError as error:
            raise HTTPException(422, str(error)) from None
        return _reply(request, self._message(state))

    def _check_acceptance(self, number: int, edit: Edit) -> None:
        """Refuse to have a picture accepted that nobody can see; one that was accepted before stays so.

        Raises:
            HTTPException: 422 with what to do instead.
        """
        if edit.document.get("status") != "reviewed":
            return
        state = self._state(str(number))
        if state.row.state != "ok" and state.row.status != "reviewed":
            reason = state.note or f"{state.row.name!a} is {state.row.state}"
            raise HTTPException(
                422, f"a picture that cannot be shown can be rejected, not accepted: {reason}"
            )

    def _is_repeated(self, edit: Edit, current: ImageState) -> bool:
        """Whether a save is one that was carried out, sent again because its answer was lost on the way."""
        row = current.row
        if (row.revision, current.action, row.who) != (edit.base_revision + 1, edit.action, edit.who):
            return False
        size = (row.width, row.height) if row.width else None
        with suppress(ValueError):
            return parse_label(edit.document, self._store.schema, size) == current.label
        return False

    def _message(self, state: ImageState) -> dict[str, Any]:
        return image_message(state, self._pictures.overlays(state.row))

    def _state(self, image_id: str) -> ImageState:
        return _answered(self._store.image, _image_number(image_id))

    def _note_file(self, state: ImageState, now: FileState, note: str) -> None:
        """Keep what was found out about a file, if it is news."""
        if (state.row.state, state.note) == (now, note):
            return
        try:
            self._store.set_file_state(state.row.id, now, note)
        except (StoreError, UnknownImage) as error:
            LOG.warning("the state of image %d could not be kept: %s", state.row.id, error)


def _answered(call: Callable[..., Result], *values: Any, **named: Any) -> Result:
    """Call the store, or say over HTTP why it cannot answer; conflicts and wrong documents pass.

    Raises:
        HTTPException: 404 for what the project does not have, 503 where trying again may help.
    """
    try:
        return call(*values, **named)
    except UnknownImage as error:
        raise HTTPException(404, str(error)) from None
    except OSError as error:
        raise HTTPException(503, str(error)) from None


def _reply(request: Request, content: Any, status_code: int = 200) -> JsonReply:
    return JsonReply(content, status_code, accept_encoding=request.headers.get("accept-encoding", ""))


def _image_number(text: str) -> int:
    if not NUMBER.fullmatch(text):
        raise HTTPException(404, "the project has no such image")
    return int(text)


def _number(text: str, what: str) -> int:
    if not NUMBER.fullmatch(text):
        raise HTTPException(422, f"{what}: expected a whole number from 0")
    return int(text)
