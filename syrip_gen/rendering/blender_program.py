"""Finding Blender: an installed Blender, or a Python that has the wheel ``bpy``."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import syrip_gen

__all__ = ["MIN_BLENDER", "BlenderProgram", "find_blender"]

MIN_BLENDER = (4, 2)
"""Older ones lack nodes and settings that the scripts use."""
VARIABLE = "SYRIP_BLENDER"
PROBE_SECONDS, PROBE_BYTES = 60.0, 1 << 20
WHEEL_COMMANDS = (
    "python3.11 -m venv blender-env && blender-env/bin/pip install 'bpy==5.0.1' 'numpy<2' && "
    f"export {VARIABLE}=$PWD/blender-env/bin/python"
)
"""What somebody without the Makefile types."""
_IN_FOLDER = ("blender", "blender.exe", "bin/python", "Scripts/python.exe", "Contents/MacOS/Blender")
"""What a folder that was named in place of a program may hold: an unpacked Blender, or an environment."""
_BPY_VERSION = "import importlib.metadata as m, importlib.util as u; u.find_spec('bpy') or exit(3); " + (
    "print('bpy', m.version('bpy'))"
)


@dataclass(frozen=True, slots=True)
class BlenderProgram:
    """How Blender is started."""

    path: Path
    """The executable of Blender, or of a Python that has ``bpy``."""
    is_python: bool
    """Whether it is a Python."""
    version: tuple[int, ...]
    """Blender's version, such as (5, 0, 1)."""

    @property
    def version_text(self) -> str:
        """The version as Blender writes it."""
        return ".".join(map(str, self.version))

    def command(self, script: Path) -> list[str]:
        """Return the command line that runs a script inside Blender, without windows or user settings."""
        if self.is_python:
            return [str(self.path), "-E", "-u", str(script)]
        return [
            str(self.path),
            "--background",
            "--factory-startup",
            "--python-exit-code",
            "1",
            "--python",
            str(script),
        ]


def find_blender(path: str | None = None) -> BlenderProgram:
    """Find Blender: ``path``, ``$SYRIP_BLENDER``, the checkout's ``.venv-blender``, or ``blender`` on PATH.

    Blender itself is not started, which takes a second or more; only its version is asked for.

    Args:
        path: An executable of Blender, a Python that has ``bpy``, or a folder that holds one of them.

    Raises:
        FileNotFoundError: When there is none.
        ValueError: When what was named is no Blender, or too old.
    """
    for source, name in (("--blender", path), (VARIABLE, os.environ.get(VARIABLE))):
        if name:
            return _probe(_executable(name, source), source)
    ours = _checkout_python()
    if ours is not None:
        return _probe(ours, "make blender's")
    installed = shutil.which("blender")
    if installed:
        return _probe(Path(installed), "the PATH's")
    raise FileNotFoundError(
        "Blender was not found. Run 'make blender' in the checkout, or name an installed Blender (or a "
        f"Python with bpy) with --blender PATH or {VARIABLE}. Without make: {WHEEL_COMMANDS}"
    )


def _checkout_python() -> Path | None:
    """Return the Python of the environment that ``make blender`` makes beside the package, if it is there."""
    environment = Path(syrip_gen.__file__).resolve().parent.parent / ".venv-blender"
    if not any(environment.glob(".syrip-blender-*")):  # written last: before that it is half made
        return None
    return next((environment / name for name in _IN_FOLDER[2:4] if (environment / name).exists()), None)


def _executable(name: str, source: str) -> Path:
    """Return the program that the user named."""
    path = Path(name).expanduser()
    if path.is_dir():
        found = [path / entry for entry in _IN_FOLDER if (path / entry).is_file()]
        if not found:
            raise FileNotFoundError(
                f"{source} {name}: this folder holds neither blender nor bin/python. Name Blender's "
                "executable, or a Python that has bpy."
            )
        return found[0].absolute()
    if path.is_file():
        return path.absolute()  # not resolved: the python of an environment is a link to another one
    on_path = shutil.which(name) if path.name == name else None
    if on_path is None:
        raise FileNotFoundError(
            f"{source} {name}: no such file. Name Blender's executable or a Python that has bpy, or run "
            "'make blender' and leave it out."
        )
    return Path(on_path)


def _probe(path: Path, source: str) -> BlenderProgram:
    """Ask a program what it is."""
    said = _output([str(path), "--version"], source, path)
    is_python = said.startswith("Python ")
    if is_python:
        said = _output([str(path), "-E", "-c", _BPY_VERSION], source, path)
    match = re.search(r"^(?:Blender|bpy) (\d+(?:\.\d+)+)", said, re.MULTILINE)
    if match is None:
        what = "a Python without bpy" if is_python else "no Blender"
        raise ValueError(
            f"{source} {path} is {what}. Name Blender's executable or a Python that has bpy (made by 'make "
            "blender')."
        )
    version = tuple(map(int, match[1].split(".")))
    if version < MIN_BLENDER:
        oldest = ".".join(map(str, MIN_BLENDER))
        raise ValueError(
            f"{source} {path} is Blender {match[1]}, expected {oldest} or newer. 'make blender' installs one."
        )
    return BlenderProgram(path=path, is_python=is_python, version=version)


def _output(command: list[str], source: str, path: Path) -> str:
    """Return what a command prints."""
    reason = ""
    with tempfile.TemporaryFile() as said:
        try:
            with subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # what it starts ends with it
            ) as process:
                reason = _wait(process, said.fileno())
        except OSError as error:
            reason = str(error.strerror)
        if not reason:
            said.seek(0)
            return said.read().decode(errors="replace")
    raise ValueError(
        f"{source} {path} cannot be run as Blender ({reason}). Name Blender's executable or a Python "
        "that has bpy."
    )


def _wait(process: subprocess.Popen[bytes], output: int) -> str:
    """Wait for a program that says what it is; return why it was stopped, if it was."""
    reason, end = "", time.monotonic() + PROBE_SECONDS
    while process.poll() is None and not reason:
        if os.fstat(output).st_size > PROBE_BYTES:
            reason = "it prints without end"
        elif time.monotonic() > end:
            reason = f"no answer in {PROBE_SECONDS:.0f} s"
        else:
            time.sleep(0.02)
    if reason:
        if hasattr(os, "killpg"):  # not on Windows
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
    return reason
