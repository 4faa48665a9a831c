"""What stands before every request: host, origin and token checks, security headers, errors as JSON."""

import hmac
import ipaddress
import logging
import re
from collections.abc import Collection
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fidip.labelling.server.replies import JsonReply

__all__ = ["PAGE_POLICY", "Guard", "host_name"]

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""No inline script or style, nothing from elsewhere, no frame around the page, no text that becomes HTML."""
DATA_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
"""For everything but the page: opened by itself it can do nothing."""
TOKEN_HEADER = "x-syrip-token"
PICTURE_PATH = re.compile(r"/api/images/[0-9]+/file")
HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?", re.IGNORECASE | re.ASCII)
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
LOG = logging.getLogger(__name__)


class Guard:
    """ASGI middleware that turns away what does not come from the page of this server.

    A page elsewhere on the web can make a browser send requests to loopback. It cannot know the token; where
    its own name was made to point at 127.0.0.1 ("DNS rebinding"), ``Host`` gives it away; and browsers say in
    ``Origin`` and ``Sec-Fetch-Site`` where a request comes from.

    Args:
        app: What comes next.
        token: Needed for everything below ``/api/``.
        allowed_hosts: Names and addresses, without port, that this server may be called by.
        allow_any_address: Accept any numeric address too; they cannot be rebound.
    """

    def __init__(
        self, app: ASGIApp, *, token: str, allowed_hosts: Collection[str], allow_any_address: bool = False
    ) -> None:
        if len(token) < 16:
            raise ValueError("token: expected at least 16 characters")
        self.app = app
        self._token = token.encode()
        self._allowed = {name.lower().strip("[]") for name in allowed_hosts}
        self._allow_any_address = allow_any_address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        started = False

        async def send_safely(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _add_headers(MutableHeaders(scope=message), scope["path"])
            await send(message)

        refusal = self._refusal(scope)
        if refusal:
            await JsonReply({"detail": refusal}, 403)(scope, receive, send_safely)
            return
        try:
            await self.app(scope, receive, send_safely)
        except Exception:  # the answer must be JSON with the headers above; the trace goes to the terminal
            LOG.exception("%s %s failed", scope["method"], ascii(scope["path"][:200]))
            if started:
                raise
            reply = JsonReply({"detail": "the server failed; its terminal says why"}, 500)
            await reply(scope, receive, send_safely)

    def _refusal(self, scope: Scope) -> str:
        """Return why a request is turned away, or ""."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        name = host_name(hosts[0]) if len(hosts) == 1 else None
        if name is None or not self._is_allowed(name):
            return "this address is not one that the server may be called by; open the one it printed"
        own = f"http://{hosts[0].lower()}"
        if any(origin.lower() != own for origin in headers.getlist("origin")):
            return "requests of other sites are not answered"
        path = scope["path"]
        site = headers.get("sec-fetch-site", "none")
        if site not in ("none", "same-origin") and not _is_visit(scope, headers):
            return "requests of other sites are not answered"
        if (path == "/api" or path.startswith("/api/")) and not self._has_token(scope, headers):
            return "the token is missing or of an earlier start of the server; open the address it printed"
        return ""

    def _is_allowed(self, name: str) -> bool:
        return name in self._allowed or (self._allow_any_address and _is_address(name))

    def _has_token(self, scope: Scope, headers: Headers) -> bool:
        given = headers.getlist(TOKEN_HEADER)
        if not given and scope["method"] == "GET" and PICTURE_PATH.fullmatch(scope["path"]):
            # <img> cannot send a header.
            given = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=20).get("token", [])
        return len(given) == 1 and hmac.compare_digest(given[0].encode("utf-8", "replace"), self._token)


def host_name(host: str) -> str | None:
    """Return the name in a ``Host`` header in lower case, without port and brackets; None if malformed."""
    match = HOST.fullmatch(host)
    if not match or (match[2] and not 0 < int(match[2]) < 65536):
        return None
    return match[1].lower().strip("[]")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_visit(scope: Scope, headers: Headers) -> bool:
    """Whether somebody follows a link to the page, which shows nothing without the token."""
    return (
        scope["method"] == "GET"
        and scope["path"] == "/"
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )


def _add_headers(headers: MutableHeaders, path: str) -> None:
    for name, value in HEADERS.items():
        headers[name] = value
    headers["content-security-policy"] = PAGE_POLICY if path == "/" else DATA_POLICY
    headers.setdefault("cache-control", "no-store")
