"""Requests in, answers out: one JSON object a line on stdin, one line ``@syrip {json}`` on stdout.

Blender prints to file descriptor 1 whenever it likes, from C++ too. So the descriptor is moved away before
anything else happens: answers go to a private copy of it, all chatter to stderr.
"""

import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

__all__ = ["PREFIX", "BadRequestError", "Handler", "serve", "take_stdout"]

PREFIX = "@syrip "
MAX_ERROR = 600
Handler = Callable[[dict[str, Any]], dict[str, Any]]


class BadRequestError(ValueError):
    """What was asked for cannot be done; the message is one line for the user."""


def take_stdout() -> int:
    """Return a descriptor for answers; from now on whatever else is printed goes to stderr."""
    sys.stdout.flush()
    answers = os.dup(1)
    os.dup2(2, 1)
    return answers


def serve(handlers: dict[str, Handler], answers: int) -> None:
    """Answer requests until ``quit`` or the end of stdin; never raises for what a request holds.

    Args:
        handlers: What to do by the name in ``do``; returns what the answer holds besides ``ok``.
        answers: Descriptor that :func:`take_stdout` gave.
    """
    for line in sys.stdin:
        if not line.strip():
            continue
        answer, is_last = _answer(line, handlers)
        _write_line(answers, answer)
        if is_last:
            return


def _answer(line: str, handlers: dict[str, Handler]) -> tuple[dict[str, Any], bool]:
    """Return the answer to one line, and whether it asked to stop."""
    try:
        request = json.loads(line)
        if not isinstance(request, dict):
            raise BadRequestError(f"a request is a JSON object, got {line.strip()[:60]}")
        verb = request.get("do")
        if verb == "quit":
            return {"ok": True}, True
        if verb not in handlers:
            raise BadRequestError(f"do is {verb!r}, expected one of {', '.join([*handlers, 'quit'])}")
        return {"ok": True, **handlers[verb](request)}, False
    except (BadRequestError, json.JSONDecodeError, OSError) as error:
        return {"ok": False, "error": one_line(error)}, False
    except Exception as error:  # bpy raises what it likes; the next scene may be a good one
        traceback.print_exc()  # into the log; the process goes on
        return {"ok": False, "error": f"{type(error).__name__}: {one_line(error)}"}, False


def one_line(error: BaseException) -> str:
    """Return the message of an error without line breaks, shortened."""
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error}"
    return " ".join(str(error).split())[:MAX_ERROR] or type(error).__name__


def _write_line(answers: int, answer: dict[str, Any]) -> None:
    data = (PREFIX + json.dumps(answer) + "\n").encode()
    while data:
        data = data[os.write(answers, data) :]
