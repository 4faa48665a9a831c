"""A project, and ways to ask its server."""

from contextlib import ExitStack

import pytest

pytest.importorskip("fastapi")

from starlette.testclient import TestClient

from fidip.labelling.exporter import Exporter
from fidip.labelling.server import LabelServer, create_app
from tests.fidip.labelling.server.projects import ORIGIN, TOKEN, make_store

KNOWN = {"X-Syrip-Token": TOKEN}


@pytest.fixture
def store(tmp_path):
    with make_store(tmp_path) as store:
        yield store


@pytest.fixture
def exporter(store):
    with Exporter(store) as exporter:
        yield exporter


@pytest.fixture
def client(store, exporter):
    """The page's place: it knows the token."""
    with _client(store, exporter, KNOWN) as client:
        yield client


@pytest.fixture(scope="module")
def fixed(tmp_path_factory):
    """A client of a project that all tests of a module share: for requests that change nothing."""
    yield from _shared_client(tmp_path_factory, KNOWN)


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """The same without the token."""
    yield from _shared_client(tmp_path_factory, {})


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A real server on a free port, shared like ``fixed``."""
    with (
        make_store(tmp_path_factory.mktemp("served")) as store,
        Exporter(store) as exporter,
        LabelServer(store, exporter, port=0, who="account", token=TOKEN) as server,
    ):
        yield server


def _client(store, exporter, headers):
    app = create_app(
        store, token=TOKEN, allowed_hosts=("127.0.0.1", "localhost"), exporter=exporter, who="account"
    )
    return TestClient(app, base_url=ORIGIN, headers=headers, raise_server_exceptions=False)


def _shared_client(factory, headers):
    with ExitStack() as stack:
        store = stack.enter_context(make_store(factory.mktemp("project")))
        exporter = stack.enter_context(Exporter(store))
        client = stack.enter_context(_client(store, exporter, headers))
        before = store.last_change()
        yield client
        assert store.last_change() == before
