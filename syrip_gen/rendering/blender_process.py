"""A Blender that answers one request after another, and is replaced when it dies (``blender_scripts/``)."""

import tempfile
from pathlib import Path
from typing import Any

import syrip_gen
from syrip_gen.rendering.blender_child import BlenderChild, ChildDeathError
from syrip_gen.rendering.blender_program import BlenderProgram, find_blender
from syrip_gen.rendering.types import RendererCrashError, RendererLostError

__all__ = [
    "BlenderCrashError",
    "BlenderProcess",
    "BlenderProgram",
    "BlenderRequestError",
    "find_blender",
    "script_path",
]

PROTOCOL = 1
START_SECONDS = 180.0
MAX_LOST_REQUESTS = 5
"""So many requests in a row that kill Blender twice each mean that it is broken, not they."""


class BlenderRequestError(RuntimeError):
    """Blender is well, but could not do what it was asked; the message is its own."""


class BlenderCrashError(RendererCrashError):
    """Blender died or hung at a request, twice."""


def script_path(name: str) -> Path:
    """Return a file of ``blender_scripts``, which lies beside the package in checkouts and wheels alike.

    Raises:
        FileNotFoundError: When it is missing, which means a broken installation.
    """
    path = Path(syrip_gen.__file__).resolve().parent.parent / "blender_scripts" / name
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing. Reinstall syrip, or restore blender_scripts/.")
    return path


class BlenderProcess:
    """A Blender that runs one of our scripts. Use one instance in one thread.

    It starts with the first request (or with :meth:`start`), and again after it died. It never outlives this
    process; on Linux it does not outlive the thread that starts it either.

    Attributes:
        hello: What the script said of itself: ``blender`` (version), ``engine``, ``devices``, ``protocol``.
    """

    def __init__(
        self,
        script_name: str | Path,
        program: BlenderProgram,
        *,
        log_file: str | Path | None = None,
        timeout_s: float = 600.0,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            script_name: File in ``blender_scripts``, or the absolute path of another script.
            program: Which Blender.
            log_file: What Blender prints is added to it; None = a temporary file that goes with this object.
            timeout_s: Longest wait for the answer to one request, seconds.
        """
        script = Path(script_name)
        self.script = script if script.is_absolute() else script_path(str(script))
        self.program = program
        self.timeout_s = timeout_s
        self.hello: dict[str, Any] = {}
        if log_file is None:
            self._folder = tempfile.TemporaryDirectory(prefix="syrip-blender-", ignore_cleanup_errors=True)
            log_file = Path(self._folder.name) / "blender.log"
        self.log_file = Path(log_file)
        self._child: BlenderChild | None = None
        self._lost = 0

    @property
    def pid(self) -> int | None:
        """Process id of the running Blender, None when none runs."""
        return self._child.process.pid if self._child else None

    def start(self) -> dict[str, Any]:
        """Start Blender now, unless it runs, and return what it says of itself.

        Raises:
            ValueError: When this Blender cannot be used.
            RendererLostError: When it does not start.
        """
        if self._child is None:
            child = BlenderChild(self.program.command(self.script), self.log_file)
            try:
                self.hello = child.ask({"do": "hello"}, START_SECONDS)
                self._check_hello()
            except ChildDeathError as error:
                raise RendererLostError(
                    f"Blender ({self.program.path}) {error} while it started {self.script.name}: "
                    f"{child.tail()}"
                ) from error
            except BaseException:
                child.kill()
                raise
            self._child = child
        return self.hello

    def request(self, message: dict[str, Any], timeout_s: float | None = None) -> dict[str, Any]:
        """Ask for something and return the answer; a Blender that dies of it is replaced and asked again.

        Args:
            message: JSON-able request.
            timeout_s: Longest wait, seconds; None = the one of this object.

        Raises:
            BlenderRequestError: When Blender answers that it could not do it.
            BlenderCrashError: When it died or hung twice at this request.
            RendererLostError: When Blender cannot be started any more, or every request kills it.
            ValueError: When this Blender cannot be used.
        """
        death = ""
        for _ in range(2):
            self.start()
            child = self._child
            try:
                answer = child.ask(message, timeout_s or self.timeout_s)
            except ChildDeathError as error:
                death, self._child = f"{error}: {child.tail()}", None
                continue
            except BaseException:  # Ctrl-C: this answer must not be taken for the one to the next request
                self._child = None
                child.kill()
                raise
            self._lost = 0
            if not answer.get("ok"):
                raise BlenderRequestError(str(answer.get("error") or "Blender gave no reason"))
            return answer
        self._lost += 1
        if self._lost >= MAX_LOST_REQUESTS:
            raise RendererLostError(
                f"Blender died at {self._lost} requests in a row; the last time it {death}"
            )
        raise BlenderCrashError(f"Blender died twice at this request; it {death}")

    def close(self) -> None:
        """End Blender; another request would start it again."""
        child, self._child = self._child, None
        if child is not None:
            child.quit()

    def __enter__(self) -> "BlenderProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_hello(self) -> None:
        """Refuse a Blender that cannot do what we need."""
        path, hello = self.program.path, self.hello
        if not hello.get("ok"):
            raise RendererLostError(f"Blender ({path}) cannot run {self.script.name}: {hello.get('error')}")
        if hello.get("protocol") != PROTOCOL:
            raise RendererLostError(
                f"{self.script} speaks protocol {hello.get('protocol')}, expected {PROTOCOL}: it belongs to "
                "another version of syrip. Reinstall syrip."
            )
        engines = hello.get("engine", ())
        if "CYCLES" not in engines:
            known = ", ".join(engines) or "no engine"
            raise ValueError(
                f"Blender ({path}) has no Cycles (it has {known}). Name another with --blender, or run 'make "
                "blender'."
            )
