"""A real server in a process of its own and a real browser, for tests of the labelling page."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.browser.drawn_project import make_project
from tests.browser.labelling_page import WAIT_S, LabellingPage

REPOSITORY = Path(__file__).resolve().parents[2]
CHROMIUM = Path(os.environ.get("SYRIP_CHROMIUM", "/usr/bin/chromium"))


class Servers:
    """One process that serves any number of projects."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("serving.py"))],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def serve(self, project: Path, *, port: int = 0, token: str = "") -> str:
        """Serve a project and return its address."""
        assert self.process.stdin
        assert self.process.stdout
        wish = {"project": str(project), "port": port, "token": token or secrets.token_urlsafe(18)}
        self.process.stdin.write(json.dumps(wish) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())["address"]

    def kill(self) -> None:
        """End it as the power would."""
        self.process.kill()
        self.process.wait(20)


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Yield a process that serves the projects of many tests."""
    pytest.importorskip("fastapi", reason="the labelling server needs the extra 'label'")
    servers = Servers()
    yield servers
    servers.kill()


@pytest.fixture
def own_server() -> Iterator[Callable[[], Servers]]:
    """Yield a function that starts a server process for one test, which may kill it."""
    pytest.importorskip("fastapi", reason="the labelling server needs the extra 'label'")
    started: list[Servers] = []

    def start() -> Servers:
        started.append(Servers())
        return started[-1]

    yield start
    for one in started:
        one.kill()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Yield a headless Chromium."""
    api = pytest.importorskip("playwright.sync_api", reason="tests of the page need playwright (extra 'dev')")
    if not CHROMIUM.exists():
        pytest.skip(f"no Chromium at {CHROMIUM}; set SYRIP_CHROMIUM to one")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a new project of six drawn images."""
    return make_project(tmp_path)


@pytest.fixture
def address(servers: Servers, project: Path) -> str:
    """Return where that project is served."""
    return servers.serve(project)


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., LabellingPage]]:
    """Yield a function that opens the page; errors in it and requests elsewhere fail the test.

    Keyword arguments go to the browser's context (``viewport``, ``has_touch``, ``color_scheme`` ...), but for
    ``expected``: parts of console errors that the test brings about, and ``beside``: a page in whose window
    it opens as another tab.
    """
    contexts: list[Any] = []
    troubles: list[str] = []

    def opened(
        address: str, *, expected: tuple[str, ...] = (), beside: LabellingPage | None = None, **options: Any
    ) -> LabellingPage:
        if beside:
            context = beside.page.context
        else:
            context = browser.new_context(**{"viewport": {"width": 1366, "height": 768}, **options})
            context.set_default_timeout(1000 * WAIT_S)
            contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(f"error in the page: {error}"))
        page.on("console", lambda message: _note(message, expected, troubles))
        page.on("request", lambda request: _check_host(request.url, address, troubles))
        page.on("dialog", lambda dialog: _check_dialog(dialog, troubles))
        return LabellingPage.open(page, address)

    yield opened
    for context in contexts:
        context.close()
    assert not troubles


def _note(message: Any, expected: tuple[str, ...], troubles: list[str]) -> None:
    text = f"{message.text} {message.location.get('url', '')}"
    if message.type in ("error", "warning") and not any(part in text for part in expected):
        troubles.append(f"console: {text}")


def _check_host(url: str, address: str, troubles: list[str]) -> None:
    parts = urlsplit(url)
    if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != urlsplit(address).netloc:
        troubles.append(f"request to {url}")


def _check_dialog(dialog: Any, troubles: list[str]) -> None:
    if dialog.type != "beforeunload":
        troubles.append(f"a dialog opened: {dialog.message}")
    dialog.accept()
