"""Runs the labelling server: one socket, one thread, a clean end at Ctrl-C."""

import errno
import getpass
import ipaddress
import logging
import secrets
import signal
import socket
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Self

import uvicorn

from fidip.interruption import interruption_flag
from fidip.labelling.exporter import Exporter
from fidip.labelling.pictures import PictureSource
from fidip.labelling.server.app import create_app
from fidip.labelling.server.messages import person_name
from fidip.labelling.store import LabelStore

__all__ = ["DEFAULT_PORT", "LabelServer", "check_address", "serve"]

DEFAULT_PORT = 8787
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
START_TIMEOUT_S = 30.0
KEEP_ALIVE_S = 90
"""Longer than the pause between two looks of a tab in the background, a minute in today's browsers."""
STOP_TIMEOUT_S = 5
"""Requests that run longer than this are cut off at the end; saves take milliseconds."""


class LabelServer:
    """A labelling server in a thread; use it in a ``with`` block. It closes neither store nor exporter.

    Args:
        store: The project.
        exporter: Writes its output.
        host: Address or name to listen on; only loopback cannot be reached from other machines.
        port: TCP port; 0 for any free one.
        who: Author of edits that do not name theirs.
        pictures: Finds the pictures; None for files below the project's root.
        token: For tests; None draws one.

    Raises:
        ValueError: If the port is in use or not allowed, or the host is none of this machine.
    """

    def __init__(
        self,
        store: LabelStore,
        exporter: Exporter,
        *,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        who: str = "somebody",
        pictures: PictureSource | None = None,
        token: str | None = None,
    ) -> None:
        self.token = token or secrets.token_urlsafe(24)
        self._socket = _bound_socket(host, port)
        bound = self._socket.getsockname()
        self.port: int = bound[1]
        self.is_loopback = ipaddress.ip_address(bound[0].partition("%")[0]).is_loopback
        names = {*LOOPBACK_NAMES, host}
        if not self.is_loopback:
            names |= {socket.gethostname(), socket.getfqdn()}
        self._app = create_app(
            store,
            token=self.token,
            allowed_hosts=names,
            exporter=exporter,
            pictures=pictures,
            who=who,
            allow_any_address=not self.is_loopback,
        )
        self._host = host
        config = uvicorn.Config(
            self._app,
            log_config=None,
            log_level=logging.WARNING,
            access_log=False,  # addresses hold the token
            lifespan="off",
            ws="none",
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=STOP_TIMEOUT_S,
        )
        self._server = uvicorn.Server(config)
        self._preparing: threading.Thread | None = None
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="label-server", daemon=True
        )

    @property
    def address(self) -> str:
        """What to open in the browser, token included."""
        return f"{self.origin}/?token={self.token}"

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        host = self._host
        if host in ("", "0.0.0.0", "::"):
            host = socket.gethostname()
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def is_running(self) -> bool:
        """Whether it still serves."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Serve; returns when requests are answered.

        Raises:
            RuntimeError: If it does not start.
        """
        self._thread.start()
        pause = threading.Event()
        for _ in range(int(START_TIMEOUT_S / 0.01)):
            if self._server.started:
                self._preparing = self._app.state.make_ready()
                return
            if not self._thread.is_alive():
                break
            pause.wait(0.01)
        raise RuntimeError("the labelling server did not start")

    def wait(self, seconds: float) -> None:
        """Wait until it ends, at most so long."""
        self._thread.join(seconds)

    def stop(self) -> None:
        """Finish the requests that are being answered, then end."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(STOP_TIMEOUT_S + 5)
        if self._preparing:
            self._preparing.join()  # it reads the project, which may be closed next
        self._socket.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def serve(
    store: LabelStore,
    *,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    open_browser: bool = False,
    who: str | None = None,
    exporter: Exporter | None = None,
    pictures: PictureSource | None = None,
    announce: Callable[[str], None] = print,
) -> None:
    """Serve a project until Ctrl-C, SIGTERM, or the end of its terminal; then write its output and close it.

    Args:
        store: The project; closed at the end.
        host: Address or name to listen on.
        port: TCP port; 0 for any free one.
        open_browser: Open the page in the default browser. Other users of this machine may see the address,
            token included, in the list of processes while the browser starts.
        who: Author of edits whose page does not name one; None for the name of the account.
        exporter: Writes the output; None for the project's COCO file. Closed at the end.
        pictures: Finds the pictures; None for files below the project's root.
        announce: Called with each line for the user.

    Raises:
        ValueError: If the port is in use, the host is none of this machine, or ``who`` cannot be shown.
        OSError: If the output cannot be written at the end; the labels are in the project.
        RuntimeError: If the server does not start, or ends by itself.
    """
    with store, exporter or Exporter(store) as exporter:
        name = account_name() if who is None else person_name(who, "--who")
        with LabelServer(store, exporter, host=host, port=port, who=name, pictures=pictures) as server:
            announce(f"Label at {server.address}")
            if not server.is_loopback:
                announce(
                    f"Warning: with --host {host} other machines can reach this server. Give the address "
                    "only to people who may see the pictures; the connection is not encrypted."
                )
            announce("Every edit is saved at once. Stop with Ctrl-C.")
            if open_browser:
                webbrowser.open(server.address)
            with interruption_flag() as is_interrupted, _hangup_as_termination():
                while server.is_running and not is_interrupted():
                    server.wait(0.2)
                if not is_interrupted():
                    raise RuntimeError("the labelling server ended by itself; every edit is in the project")


def check_address(host: str, port: int) -> None:
    """Refuse an address that could not be listened on, before hours of other work.

    Raises:
        ValueError: One line that names the option to change.
    """
    _bound_socket(host, port).close()


def account_name() -> str:
    """Return the name of the account that runs this, or "somebody" where it has none that can be shown."""
    with suppress(OSError, KeyError, ImportError, ValueError):
        return person_name(getpass.getuser(), "who")
    return "somebody"


@contextmanager
def _hangup_as_termination() -> Iterator[None]:
    """Let the end of the terminal end the server cleanly, unless it was started to outlive it (``nohup``)."""
    number = getattr(signal, "SIGHUP", None)
    if number is None or signal.getsignal(number) is not signal.SIG_DFL or not _is_main_thread():
        yield
        return
    signal.signal(number, lambda *_: signal.raise_signal(signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(number, signal.SIG_DFL)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _bound_socket(host: str, port: int) -> socket.socket:
    """Return a listening address that is ours.

    Raises:
        ValueError: One line that names the option to change.
    """
    if not 0 <= port <= 65535:
        raise ValueError(f"--port {port}: expected 0 (any free port) to 65535")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError):
        raise ValueError(f"--host {host!a}: expected an address or name of this machine") from None
    bound = socket.socket(family, kind, protocol)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows would let two programs share a port
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise ValueError(_binding_problem(error, host, port)) from None
    return bound


def _binding_problem(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"--port {port} is in use (another syrip label?); choose another, or --port 0 for any free one"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"--port {port} needs rights that this account does not have; choose one from 1024"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"--host {host} is no address of this machine; use 127.0.0.1"
    return f"cannot listen on {host} port {port}: {error.strerror or error}"
