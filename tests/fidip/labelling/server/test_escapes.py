"""What crafted paths, files and bodies may try; each must fail."""

import json
import os
import socket

import pytest

from fidip.labelling.records import NewImage
from fidip.labelling.server.replies import MAX_BODY_BYTES
from tests.fidip.labelling.server.by_hand import get_raw
from tests.fidip.labelling.server.projects import TOKEN, edit, person, write_picture


@pytest.mark.parametrize(
    "target",
    [
        b"/static/../server/app.py",
        b"/static/%2e%2e/server/app.py",
        b"/static/..%2fserver/app.py",
        b"/static/%2e%2e%2fserver%2fapp.py",
        b"/static/..%5cserver%5capp.py",
        b"/static/..\\server\\app.py",
        b"/static/....//server/app.py",
        b"/static//etc/passwd",
        b"/static/%2fetc/passwd",
        b"/static/%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        b"/static/%252e%252e/server/app.py",
        b"/static/%c0%ae%c0%ae/server/app.py",
        b"/static/api.js%00.html",
        b"/static/./api.js",
        b"/static/",
        b"/static",
        b"/static/file:///etc/passwd",
        b"/../etc/passwd",
        b"//etc/passwd",
        b"/api/images/../../etc/passwd",
        b"/api/images/..%2f..%2fetc%2fpasswd/file",
        b"/api/images/1/file/../../../../etc/passwd",
        b"/api/images/%2fetc%2fpasswd/file",
        b"/api/images/1%2f..%2f2/file",
        b"/api/images/1/file?overlay=../../../../etc/passwd",
        b"/api/images/1/file?overlay=%2fetc%2fpasswd",
        b"/api/images/1/file?overlay=..%5c..%5c",
        b"/api/images/1/file?overlay=%00",
    ],
)
def test_no_path_leads_out(server, target):
    answer = get_raw(server, target)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split(b" ")[1] in (b"400", b"404"), head
    assert b"root:" not in body
    assert b"import" not in body


@pytest.mark.parametrize(
    "target", [b"http://evil.example/api/project", b"*", b"evil", b"/api/project\x00", b"/api/pro\xffject"]
)
def test_odd_request_lines_reach_nothing(server, target):
    answer = get_raw(server, target)
    assert b'"images"' not in answer
    assert b'"images"' in get_raw(server, b"/api/project")  # it lives on


def test_absolute_request_targets_do_not_override_the_host(server):
    own = f"http://127.0.0.1:{server.port}/api/project".encode()
    assert b'"images"' not in get_raw(server, own, Host="evil.example")


def test_links_out_of_the_folder_are_not_followed(client, store, tmp_path):
    secret = write_picture(tmp_path / "secret.jpg", seed=5)
    (store.root / "a.jpg").unlink()
    (store.root / "a.jpg").symlink_to(secret)
    (tmp_path / "elsewhere").mkdir()
    write_picture(tmp_path / "elsewhere" / "b.jpg")
    (store.root / "b.jpg").unlink()
    (store.root / "b.jpg").symlink_to("../elsewhere/b.jpg")
    for number in (1, 2):
        answer = client.get(f"/api/images/{number}/file")
        assert answer.status_code == 404
        assert "out of the image folder" in answer.json()["detail"]
        assert client.get(f"/api/images/{number}").json()["state"] == "unreadable"


def test_names_in_the_project_file_cannot_lead_out(client, store, tmp_path):
    """A project may come from somebody else; its rows are no more to be trusted than a request."""
    write_picture(tmp_path / "secret.jpg", seed=5)
    for name in (
        "../secret.jpg",
        str(tmp_path / "secret.jpg"),
        "x/../../secret.jpg",
        "..",
        "a.jpg\0",
        "/dev/zero",
    ):
        store._connection.execute("UPDATE images SET name = ? WHERE id = 1", (name,))
        assert client.get("/api/images/1/file").status_code == 404


@pytest.mark.parametrize("kind", ["fifo", "folder", "circle"])
def test_things_that_are_no_files_are_not_opened(client, store, kind):
    path = store.root / "a.jpg"
    path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("a.jpg")
    assert client.get("/api/images/1/file").status_code == 404
    assert client.get("/api/images/2/file").status_code == 200


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!doctype html><script>alert(1)</script>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 48\n",
        b"GIF89a<script>alert(1)</script>",
        b"%PDF-1.4",
        b"\x00" * 100,
        b"",
    ],
    ids=["svg", "html", "eps", "gif", "pdf", "zeros", "empty"],
)
def test_files_that_only_claim_to_be_pictures_are_not_served(client, store, content):
    (store.root / "a.jpg").write_bytes(content)
    answer = client.get("/api/images/1/file")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json")
    assert client.get("/api/images/1").json()["state"] == "unreadable"


def test_type_of_a_picture_follows_from_its_content(client, store):
    """A JPEG that is named page.html, and has a script behind its last byte, stays a JPEG."""
    data = (store.root / "a.jpg").read_bytes() + b"<script>alert(1)</script>"
    (store.root / "page.html").write_bytes(data)
    number = store.add_images([NewImage("page.html", 64, 48)])[0]
    answer = client.get(f"/api/images/{number}/file")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.content == data


def test_bodies_over_the_limit_are_refused(fixed):
    note = "x" * MAX_BODY_BYTES
    answer = fixed.put("/api/images/1", json=edit(0, note=note))
    assert answer.status_code == 413


def test_endless_body_is_cut_off(server):
    """A body that comes in pieces and never ends, its length not announced."""
    head = (
        f"PUT /api/images/1 HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nX-Syrip-Token: {TOKEN}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"10000\r\n" + b"[" * 0x10000 + b"\r\n"
    sent = 0
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(head.encode())
        try:
            while sent < 50 * len(chunk):
                connection.sendall(chunk)
                sent += len(chunk)
        except OSError:
            pass
        try:
            answer = connection.recv(1000)
        except ConnectionResetError:
            answer = b""
    assert b" 413 " in answer.split(b"\r\n")[0] or sent < 40 * len(chunk)
    assert b'"images"' in get_raw(server, b"/api/project")


@pytest.mark.parametrize(
    "body, reason",
    [
        (b"[" * 100_000, "nested"),
        (b'{"a":' * 100_000, "nested"),
        (b'{"base_revision": NaN}', "NaN"),
        (b'{"base_revision": -Infinity}', "Infinity"),
        (b'{"base_revision": ' + b"9" * 5000 + b"}", "JSON"),
        (b"[]", "object"),
        (b'"text"', "object"),
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"\xff\xfe{}", "JSON"),
        (b"\x00", "JSON"),
    ],
    ids=range(11),
)
def test_broken_json_is_refused(fixed, body, reason):
    answer = fixed.put("/api/images/1", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert reason in answer.json()["detail"]
    assert len(answer.json()["detail"]) < 300


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e999", "1e308", '"12"', "null", "true", "[]"]
)
def test_numbers_that_are_none_are_refused(fixed, number):
    body = json.dumps(edit(0, person())).replace("10.0", number, 1).encode()
    assert number.encode() in body
    answer = fixed.put("/api/images/1", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
