"""The server as a process: its start, its end, and what a kill leaves."""

import contextlib
import json
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx2 as httpx
import pytest

from fidip.labelling.coco_export import Exported
from fidip.labelling.exporter import Exporter
from fidip.labelling.server import LabelServer
from fidip.labelling.server.run import account_name
from fidip.labelling.store import LabelStore
from tests.fidip.labelling.server.projects import TOKEN, document, edit, make_store, person

ROOT = Path(__file__).resolve().parents[4]
SERVE = """
import sys
from fidip.labelling.server import serve
from fidip.labelling.store import LabelStore
serve(LabelStore.open(sys.argv[1]), port=0, announce=lambda line: print(line, flush=True))
"""


class Served:
    """A server in a process of its own, and a client that knows its token."""

    def __init__(self, project):
        command = [sys.executable, "-c", SERVE, str(project)]
        self.errors = project.with_suffix(".errors")
        with self.errors.open("a") as errors:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        self.line = self.process.stdout.readline()
        assert self.line.startswith("Label at "), self.errors.read_text()
        address = httpx.URL(self.line.removeprefix("Label at ").strip())
        self.token = address.params["token"]
        self.origin = f"http://127.0.0.1:{address.port}"
        self.client = httpx.Client(
            base_url=self.origin, headers={"X-Syrip-Token": self.token}, timeout=30, trust_env=False
        )

    def end(self, number):
        self.process.send_signal(number)
        said = self.line + self.process.stdout.read()
        self.client.close()
        return self.process.wait(timeout=30), said, self.errors.read_text()


@pytest.fixture
def project(tmp_path):
    with make_store(tmp_path) as store:
        path = store.path
    running = []

    def start():
        running.append(Served(path))
        return running[-1]

    yield path, start
    for served in running:
        if served.process.poll() is None:
            served.process.kill()
            served.process.wait()
        served.process.stdout.close()


def test_kill_loses_no_edit_that_was_acknowledged(project):
    """SIGKILL while a page saves as fast as it can; what was answered with 200 is there after the restart."""
    path, start = project
    served = start()
    acknowledged = {1: [], 2: []}
    posture = ["supine", "prone", "sitting"]

    def label(image):
        with contextlib.suppress(httpx.HTTPError):
            for base in range(10_000):
                sent = edit(base, person(base % 40, posture=posture[base % 3]), action=f"drag {base}")
                answer = served.client.put(f"/api/images/{image}", json=sent)
                assert answer.status_code == 200, answer.text
                acknowledged[image].append(sent)

    pages = [threading.Thread(target=label, args=(image,)) for image in (1, 2)]
    for page in pages:
        page.start()
    deadline = time.monotonic() + 20
    while min(map(len, acknowledged.values())) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(random.random() * 0.1)
    code, _, _ = served.end(signal.SIGKILL)
    for page in pages:
        page.join()
    assert code == -signal.SIGKILL
    assert min(map(len, acknowledged.values())) >= 5

    again = start()
    for image, edits in acknowledged.items():
        history = again.client.get(f"/api/images/{image}/history").json()
        # One more may have been written whose answer did not arrive.
        assert len(edits) <= len(history) - 1 <= len(edits) + 1
        for number, sent in enumerate(edits, start=1):
            kept = again.client.get(f"/api/images/{image}/revisions/{number}").json()
            assert (kept, history[number]["action"]) == (sent["document"], sent["action"])
    assert again.client.post("/api/export").status_code == 200
    written = json.loads(path.with_name("real.json").read_text())
    newest = [again.client.get(f"/api/images/{image}").json()["document"] for image in (1, 2)]
    assert [a["posture"] for a in written["annotations"]] == [d["people"][0]["posture"] for d in newest]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_end_is_clean_while_a_page_is_open(project, number):
    """Exit code 0, output written, project closed; the token stands in one line and in no log."""
    path, start = project
    served = start()
    with httpx.stream("GET", served.origin, trust_env=False):
        for request in (
            "/api/images/99",
            "/api/images/1/file?token=wrong",
            f"/?token={served.token}",
            "/api/x",
        ):
            served.client.get(request)
        served.client.get("/api/images/1/file", params={"token": served.token})
        served.client.put("/api/images/1", json=edit(0, person(12), status="reviewed"))
        began = time.monotonic()
        code, said, errors = served.end(number)
    assert (code, errors) == (0, "")
    assert time.monotonic() - began < 15
    assert said.count(served.token) == 1
    assert "Ctrl-C" in said
    assert json.loads(path.with_name("real.json").read_text())["annotations"][0]["reviewed"] is True
    assert not path.with_name(path.name + "-wal").exists()


def test_failing_request_is_told_in_the_terminal_without_the_token(tmp_path, caplog):
    with (
        make_store(tmp_path) as store,
        Exporter(store, write_nothing) as exporter,
        LabelServer(store, exporter, port=0) as server,
        httpx.Client(base_url=server.origin, trust_env=False) as client,
    ):
        store._connection.execute("UPDATE revisions SET document = '{' WHERE image_id = 1")  # a bad disk
        caplog.clear()
        answer = client.get("/api/images/1/file", params={"token": server.token})
        assert (answer.status_code, answer.json()["detail"]) == (
            500,
            "the server failed; its terminal says why",
        )
        assert client.get("/api/images/2/file", params={"token": server.token}).status_code == 200
        logged = "".join(record.getMessage() for record in caplog.records if record.name != "httpx2")
        assert "GET '/api/images/1/file' failed" in logged
        assert server.token not in logged


def write_nothing(store):
    return Exported(store.output, 0, 0, store.last_change())


def test_port_in_use_is_one_line_that_names_the_option(tmp_path, server):
    with (
        make_store(tmp_path) as store,
        Exporter(store) as exporter,
        pytest.raises(ValueError, match=rf"^--port {server.port} is in use .* --port 0"),
    ):
        LabelServer(store, exporter, port=server.port)


def test_two_servers_of_one_project_see_each_other(tmp_path):
    """Two people on two ports: the second is told, not overwritten."""
    with contextlib.ExitStack() as stack:
        stores = [stack.enter_context(make_store(tmp_path))]
        stores.append(stack.enter_context(LabelStore.open(stores[0].path)))
        first, second = (_client(stack, store) for store in stores)
        base = second.get("/api/project").json()["change"]
        assert first.put("/api/images/1", json=edit(0, person(12), who="ann")).status_code == 200
        seen = second.get(f"/api/changes?since={base}").json()
        assert [(entry["id"], entry["who"]) for entry in seen["images"]] == [(1, "ann")]
        conflict = second.put("/api/images/1", json=edit(0, person(13), who="bob"))
        assert (conflict.status_code, conflict.json()["current"]["who"]) == (409, "ann")
        assert second.put("/api/images/1", json=edit(1, person(13), who="bob")).status_code == 200
        assert first.get("/api/images/1").json()["document"] == document(person(13))


def _client(stack, store):
    exporter = stack.enter_context(Exporter(store))
    server = stack.enter_context(LabelServer(store, exporter, port=0))
    known = {"X-Syrip-Token": server.token}
    return stack.enter_context(httpx.Client(base_url=server.origin, headers=known, trust_env=False))


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"port": -1}, "--port -1: expected 0"),
        ({"port": 65536}, "--port 65536"),
        ({"host": "no such host"}, "--host 'no such host'"),
        ({"host": "192.0.2.1", "port": 0}, "192.0.2.1 is no address of this machine"),
    ],
)
def test_addresses_that_cannot_be_are_named(tmp_path, settings, words):
    with (
        make_store(tmp_path) as store,
        Exporter(store) as exporter,
        pytest.raises(ValueError, match=words) as error,
    ):
        LabelServer(store, exporter, **settings)
    assert "\n" not in str(error.value)


def test_only_loopback_can_reach_it_unless_told_otherwise(server):
    assert server.is_loopback
    assert server.address == f"http://127.0.0.1:{server.port}/?token={TOKEN}"
    own = socket.gethostbyname(socket.gethostname())
    if own.startswith("127."):
        pytest.skip("this machine has no other address")
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((own, server.port), timeout=2)


def test_loopback_by_another_name(tmp_path):
    with make_store(tmp_path) as store, Exporter(store) as exporter:
        for host, shown in (("localhost", "http://localhost:"), ("::1", "http://[::1]:")):
            try:
                server = LabelServer(store, exporter, host=host, port=0)
            except ValueError:
                continue  # a machine without IPv6
            with server:
                assert server.address.startswith(shown)
                assert server.is_loopback
                known = {"X-Syrip-Token": server.token, "Origin": server.origin}
                answer = httpx.get(f"{server.origin}/api/project", headers=known, trust_env=False)
                assert answer.status_code == 200


def test_open_host_still_wants_the_token_and_an_address(tmp_path):
    with (
        make_store(tmp_path) as store,
        Exporter(store) as exporter,
        LabelServer(store, exporter, host="0.0.0.0", port=0) as server,
    ):
        assert not server.is_loopback
        assert len(server.token) >= 32
        with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as client:
            known = {"X-Syrip-Token": server.token}
            for host, code in ((None, 200), ("10.1.2.3:80", 200), ("evil.example", 403)):
                headers = known | ({"Host": host} if host else {})
                assert client.get("/api/project", headers=headers).status_code == code
            assert client.get("/api/project").status_code == 403


def test_each_start_has_a_token_of_its_own(tmp_path):
    with make_store(tmp_path) as store, Exporter(store) as exporter:
        tokens = set()
        for _ in range(3):
            with LabelServer(store, exporter, port=0) as server:
                tokens.add(server.token)
    assert len(tokens) == 3


def test_port_is_free_again_at_once(tmp_path):
    with make_store(tmp_path) as store, Exporter(store) as exporter:
        with LabelServer(store, exporter, port=0) as server:
            httpx.get(server.origin, trust_env=False)
            port = server.port
        with LabelServer(store, exporter, port=port) as server:
            assert server.port == port


def test_account_that_cannot_be_shown_is_somebody(monkeypatch):
    for name, wanted in (("ann", "ann"), ("a\nb", "somebody"), ("", None)):
        monkeypatch.setenv("LOGNAME", name)
        monkeypatch.setenv("USER", "")
        if wanted:
            assert account_name() == wanted
        else:
            assert account_name()
