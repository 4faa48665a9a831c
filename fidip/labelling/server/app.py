"""The application that ``syrip label`` serves: its routes around one project."""

from collections.abc import Collection
from pathlib import Path

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response

from fidip.labelling.exporter import Exporter
from fidip.labelling.pictures import FolderPictures, PictureSource
from fidip.labelling.server.api import Api
from fidip.labelling.server.guard import Guard
from fidip.labelling.server.messages import person_name
from fidip.labelling.server.page_files import PAGE_FOLDER, PageFile, PageFiles
from fidip.labelling.server.picture_service import PictureService
from fidip.labelling.server.replies import JsonReply
from fidip.labelling.store import LabelStore

__all__ = ["create_app"]

NO_TELEMETRY = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""FastAPI would otherwise tell a telemetry provider the addresses of requests, tokens included."""


def create_app(
    store: LabelStore,
    *,
    token: str,
    allowed_hosts: Collection[str],
    exporter: Exporter,
    pictures: PictureSource | None = None,
    who: str = "somebody",
    allow_any_address: bool = False,
    page: Path = PAGE_FOLDER,
) -> FastAPI:
    """Make the application of one project.

    Args:
        store: The project.
        token: Needed by every request below ``/api/``, at least 16 characters.
        allowed_hosts: Names and addresses, without port, that browsers may call this server by.
        exporter: Writes the project's output.
        pictures: Finds the pictures; None for files below the project's root.
        who: Author of edits that do not name theirs.
        allow_any_address: Let browsers call it by any numeric address too.
        page: Folder with the page's files.

    Raises:
        ValueError: If the token is too short or ``who`` has characters that do not show.
    """
    app = FastAPI(
        openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False, telemetry=NO_TELEMETRY
    )
    service = PictureService(pictures or FolderPictures(store.root))
    api = Api(store, exporter, service, person_name(who, "who"))
    app.include_router(api.router(), prefix="/api")
    app.state.make_ready = api.make_ready
    _add_page(app, PageFiles(page))
    app.add_exception_handler(HTTPException, _http_error)
    app.add_middleware(
        Guard, token=token, allowed_hosts=tuple(allowed_hosts), allow_any_address=allow_any_address
    )
    app.build_middleware_stack()  # a bad token is refused now, not with the first request
    return app


def _add_page(app: FastAPI, files: PageFiles) -> None:
    async def index(request: Request) -> Response:
        return _page_reply(request, await run_in_threadpool(files.index))

    async def static(request: Request) -> Response:
        return _page_reply(request, files.get(request.path_params["name"]))

    app.add_route("/", index)  # plain routes: a page opens with thirty of these requests
    app.add_route("/static/{name:path}", static)


def _page_reply(request: Request, file: PageFile | None) -> Response:
    if file is None:
        raise HTTPException(404, "there is no such file")
    keeping = "private, max-age=31536000, immutable" if file.is_lasting else "no-cache"
    headers = {"etag": file.etag, "cache-control": keeping}
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(file.data, media_type=file.media_type, headers=headers)


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    reply = JsonReply({"detail": error.detail}, error.status_code)
    reply.headers.update(error.headers or {})
    return reply
