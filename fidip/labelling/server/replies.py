"""JSON in and out: answers that any file name survives, and bodies that are checked first."""

import gzip
import json
from functools import cached_property
from typing import Any, NoReturn

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

__all__ = ["MAX_BODY_BYTES", "EncodedJson", "JsonReply", "read_json"]

MAX_BODY_BYTES = 1_000_000
"""Larger request bodies are refused; a label of 100 people takes 60 kB."""
LEAST_TO_COMPRESS = 4096


class EncodedJson:
    """JSON in plain ASCII, so that names which are no valid UTF-8 on disk pass; compressed where it pays."""

    def __init__(self, content: Any) -> None:
        self.plain = json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")

    @cached_property
    def compressed(self) -> bytes:
        """The same with gzip."""
        return gzip.compress(self.plain, compresslevel=3, mtime=0)


class JsonReply(Response):
    """An answer in JSON.

    Args:
        content: Anything that JSON holds, or what was encoded before.
        status_code: Of HTTP.
        accept_encoding: What the request says; long answers are compressed for who takes gzip.
    """

    media_type = "application/json"

    def __init__(self, content: Any, status_code: int = 200, *, accept_encoding: str = "") -> None:
        encoded = content if isinstance(content, EncodedJson) else EncodedJson(content)
        headers = {"vary": "accept-encoding"}
        is_compressed = len(encoded.plain) >= LEAST_TO_COMPRESS and "gzip" in accept_encoding
        if is_compressed:
            headers["content-encoding"] = "gzip"
        super().__init__(encoded.compressed if is_compressed else encoded.plain, status_code, headers)


async def read_json(request: Request) -> dict[str, Any]:
    """Return the JSON object in a request's body.

    Raises:
        HTTPException: 415 if it is not sent as JSON (forms of other sites cannot), 413 if it is too large,
            422 if it is no JSON object or holds NaN, Infinity, or deeper nesting than Python reads.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "expected a body of type application/json")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise HTTPException(413, f"the body is larger than {MAX_BODY_BYTES:,} bytes")
    try:
        content = json.loads(bytes(body), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]
        raise HTTPException(422, f"the body is no JSON: {reason}") from None
    if not isinstance(content, dict):
        raise HTTPException(422, "expected a JSON object")
    return content


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
