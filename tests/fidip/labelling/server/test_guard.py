"""Who may speak to the server: tokens, hosts, other sites; what every answer says to browsers."""

import json

import pytest
from starlette.testclient import TestClient

from fidip.labelling.exporter import Exporter
from fidip.labelling.server import create_app
from fidip.labelling.server.guard import host_name
from tests.fidip.labelling.server.by_hand import get_raw, raw
from tests.fidip.labelling.server.projects import ORIGIN, TOKEN, edit, make_store, person

API = (
    ("GET", "/api/project"),
    ("GET", "/api/images/1"),
    ("PUT", "/api/images/1"),
    ("GET", "/api/images/1/file"),
    ("GET", "/api/images/1/history"),
    ("GET", "/api/images/1/revisions/0"),
    ("GET", "/api/changes"),
    ("POST", "/api/export"),
    ("GET", "/api"),
    ("GET", "/api/"),
    ("GET", "/api/nothing"),
)
KNOWN = {"X-Syrip-Token": TOKEN}


@pytest.mark.parametrize(
    "token",
    ["", "wrong", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), TOKEN + " " + TOKEN, "ä" * 20, "\x00"],
    ids=range(8),
)
def test_nothing_of_the_project_without_the_token(stranger, token):
    for method, path in API:
        for headers, query in (({"X-Syrip-Token": token.encode()}, {}), ({}, {"token": token})):
            answer = stranger.request(method, path, headers=headers, params=query, json=edit())
            assert answer.status_code == 403
            assert set(answer.json()) == {"detail"}
            assert TOKEN not in answer.text


@pytest.mark.parametrize("method, path", [call for call in API if not call[1].endswith("/file")])
def test_token_in_the_address_is_for_pictures_only(stranger, method, path):
    """Addresses end up in histories; <img> has no other way."""
    assert stranger.request(method, path, params={"token": TOKEN}).status_code == 403


def test_token_in_the_address_opens_pictures(stranger):
    assert stranger.get("/api/images/1/file", params={"token": TOKEN}).status_code == 200
    for query in (f"token={TOKEN}&token={TOKEN}", "token=", "token", f"TOKEN={TOKEN}"):
        assert stranger.get(f"/api/images/1/file?{query}").status_code == 403


def test_two_tokens_are_none(stranger):
    headers = [("X-Syrip-Token", TOKEN), ("X-Syrip-Token", "wrong")]
    assert stranger.get("/api/project", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8787",
        "127.0.0.1.evil.example",
        "127.0.0.1@evil.example",
        "localhost.evil.example:8787",
        "evil-localhost",
        "192.168.1.5:8787",
        "[::2]:8787",
        "0.0.0.0:8787",
        "127.0.0.1:99999",
        "127.0.0.1:x",
        "127.0.0.1:8787, evil.example",
        "127.0.0.1 ",
        "",
        " ",
        "1270.0.0.1",
    ],
)
def test_names_that_were_made_to_point_here_are_turned_away(fixed, host):
    for path in ("/", "/static/api.js", "/api/project", "/api/images/1/file"):
        assert fixed.get(path, headers={"Host": host}).status_code == 403


@pytest.mark.parametrize("host", ["127.0.0.1:8787", "localhost:8787", "LOCALHOST:9000", "127.0.0.1"])
def test_own_names_are_answered_on_any_forwarded_port(fixed, host):
    assert fixed.get("/api/project", headers={"Host": host, "Origin": f"http://{host}"}).status_code == 200


def test_request_without_a_host_is_turned_away(server):
    plain = b"GET /api/project HTTP/1.0\r\nX-Syrip-Token: " + TOKEN.encode() + b"\r\n\r\n"
    assert b" 403 " in raw(server, plain).split(b"\r\n")[0]


def test_loopback_server_does_not_answer_to_other_addresses_nor_name_its_program(server):
    for host, code in ((f"localhost:{server.port}", b"200"), ("10.1.2.3", b"403"), ("evil.example", b"403")):
        head = get_raw(server, b"/api/project", Host=host).partition(b"\r\n\r\n")[0]
        assert head.split(b" ")[1] == code
        assert b"\nserver:" not in head.lower()


@pytest.mark.parametrize("hosts", [("127.0.0.1", "evil.example"), ("evil.example", "127.0.0.1")])
def test_request_with_two_hosts_is_turned_away(fixed, hosts):
    headers = [("Host", host) for host in hosts]
    assert fixed.get("/api/project", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "https://127.0.0.1:8787",
        "http://127.0.0.1:8788",
        "http://127.0.0.1",
        "http://localhost:8787",
        "http://127.0.0.1:8787.evil.example",
        "http://127.0.0.1:8787/",
        "null",
        "",
        "file://",
        f"{ORIGIN} http://evil.example",
    ],
)
def test_requests_of_other_sites_are_turned_away_even_with_the_token(fixed, origin):
    for method, path in (("GET", "/"), *API):
        answer = fixed.request(method, path, headers={"Origin": origin}, json=edit())
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
@pytest.mark.parametrize("path", ["/static/api.js", "/api/project", "/api/images/1/file"])
def test_what_other_sites_embed_is_not_sent(fixed, site, path):
    """<script src> and <img src> of another site carry no Origin."""
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    assert fixed.get(path, headers=headers).status_code == 403


@pytest.mark.parametrize(
    "mode, dest, code",
    [("navigate", "document", 200), ("navigate", "iframe", 403), ("no-cors", "script", 403)],
)
def test_page_opens_by_a_link_but_not_in_a_frame(tmp_path, mode, dest, code):
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.html").write_text("<!doctype html>")
    with make_store(tmp_path) as store, Exporter(store) as exporter:
        app = create_app(
            store, token=TOKEN, allowed_hosts=["127.0.0.1"], exporter=exporter, page=tmp_path / "page"
        )
        headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
        assert TestClient(app, base_url=ORIGIN).get("/", headers=headers).status_code == code


def test_preflight_of_another_site_is_not_granted(fixed):
    asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-syrip-token"}
    for origin, code in (("http://evil.example", 403), (ORIGIN, 405)):
        answer = fixed.options("/api/images/1", headers={"Origin": origin, **asked})
        assert answer.status_code == code
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "text/json"],
)
def test_forms_cannot_save(fixed, kind):
    """These are the types that a form of another site can send without being asked first."""
    body = json.dumps(edit(0, person(33))).encode()
    answer = fixed.put("/api/images/1", content=body, headers={"Content-Type": kind})
    assert answer.status_code == 415
    assert fixed.post("/api/images/1", content=body, headers={"Content-Type": kind}).status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "/api/images/1?_method=PUT",
        "/api/export",
        "/api/images/1/save",
        "/api/images/1/delete",
        "/api/images/1?action=reject&who=x&base_revision=0",
    ],
)
def test_reading_changes_nothing(fixed, path):
    before = fixed.get("/api/changes").json()
    fixed.get(path, headers={"X-HTTP-Method-Override": "PUT"})
    fixed.head(path)
    assert fixed.get("/api/changes").json() == before


def test_documentation_routes_do_not_exist(fixed):
    for path in ("/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect", "/metrics"):
        assert fixed.get(path).status_code == 404


@pytest.mark.parametrize(
    "path", ["/", "/static/api.js", "/static/nothing", "/api/project", "/api/images/1/file"]
)
def test_every_answer_has_the_security_headers(fixed, path):
    for method, headers in (("GET", {}), ("GET", {"Host": "evil.example"}), ("DELETE", {})):
        sent = fixed.request(method, path, headers=headers).headers
        assert sent["x-content-type-options"] == "nosniff"
        assert sent["referrer-policy"] == "no-referrer"
        assert sent["x-frame-options"] == "DENY"
        assert sent["cross-origin-resource-policy"] == "same-origin"
        assert sent["cache-control"] in ("no-store", "no-cache", "private, no-cache")
        policy = sent["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "*" not in policy
        assert "server" not in sent


def test_answers_of_the_api_are_never_stored(fixed):
    for method, path in API:
        if not path.endswith("/file"):
            assert fixed.request(method, path).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("token", ["", "short"])
def test_short_tokens_are_refused_at_the_start(store, exporter, token):
    with pytest.raises(ValueError, match="16 characters"):
        create_app(store, token=token, allowed_hosts=["127.0.0.1"], exporter=exporter)


@pytest.mark.parametrize(
    "host, name",
    [
        ("127.0.0.1:8787", "127.0.0.1"),
        ("[::1]:8787", "::1"),
        ("LocalHost", "localhost"),
        ("a b", None),
        ("[::1", None),
        ("x:0", None),
        ("x:", None),
        ("x\n", None),
    ],
)
def test_host_name(host, name):
    assert host_name(host) == name
