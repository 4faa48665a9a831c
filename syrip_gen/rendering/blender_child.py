"""One running child process that answers JSON requests, with its log; knows nothing of what is asked."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from syrip_gen.rendering import child_launcher

__all__ = ["BlenderChild", "ChildDeathError"]

MARK = "@syrip "
"""Begins the lines that are answers; other lines are chatter."""
QUIT_SECONDS = 10.0
TAIL_LINES = 40
MAX_TAIL_TEXT = 400


class ChildDeathError(Exception):
    """The child died or hung; the message is the rest of a sentence that begins with it."""


class BlenderChild:
    """A process that is asked one thing at a time over its pipes.

    It gets a session of its own, so that Ctrl-C reaches only its parent, and dies with its parent.
    """

    def __init__(self, command: Sequence[str], log_file: Path) -> None:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        launcher = [sys.executable, "-I", "-S", child_launcher.__file__, str(os.getpid())]
        self.process = subprocess.Popen(
            [*launcher, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        self._answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._chatter: deque[str] = deque(maxlen=TAIL_LINES)
        self._reader = threading.Thread(
            target=_read, args=(self.process.stdout, log_file, self._answers, self._chatter), daemon=True
        )
        self._reader.start()
        self._end = weakref.finalize(self, _kill, self.process)  # also when the interpreter exits

    def ask(self, message: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Send a request and return the answer.

        Raises:
            ChildDeathError: When it dies, hangs, or answers nonsense; it is dead afterwards.
        """
        with suppress(OSError):  # dead: the queue says so, after its last words
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()
        try:
            line = self._answers.get(timeout=timeout_s)
        except queue.Empty:
            self.kill()
            raise ChildDeathError(f"gave no answer in {timeout_s:.0f} s and was stopped") from None
        if line is None:
            raise ChildDeathError(self._cause_of_death())
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            self.kill()
            raise ChildDeathError(f"answered with something else than a JSON object: {line[:200]!r}")
        return answer

    def tail(self) -> str:
        """Return the last thing that it printed, short enough for an error."""
        self._reader.join(1.0)
        lines = [line for line in self._chatter if line.strip()]
        wrong = [line for line in lines if "error" in line.lower() or "not found" in line.lower()]
        text = (wrong or lines or ["it printed nothing"])[-1].strip()
        return text if len(text) <= MAX_TAIL_TEXT else text[:MAX_TAIL_TEXT] + "…"

    def quit(self) -> None:
        """Ask it to end, and end it if it does not."""
        with suppress(OSError, ValueError):
            self.process.stdin.write('{"do": "quit"}\n')
            self.process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(QUIT_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End it at once."""
        self._end()
        self._reader.join(1.0)

    def _cause_of_death(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(QUIT_SECONDS)
        code = self.process.returncode
        self.kill()
        if code is None:
            return "closed its output and was stopped"
        return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"


def _read(
    stdout: IO[str], log_file: Path, answers: "queue.SimpleQueue[str | None]", chatter: deque[str]
) -> None:
    """Sort what the child prints into answers and chatter until it ends."""
    try:
        with stdout, open(log_file, "a", encoding="utf-8") as log:
            log.write(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')}\n")
            for line in stdout:
                if line.startswith(MARK):
                    answers.put(line[len(MARK) :])
                else:
                    chatter.append(line)
                    log.write(line)
                    log.flush()
    finally:
        answers.put(None)


def _kill(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait()
    with suppress(OSError):
        process.stdin.close()
