"""How long work shows on the console: a bar on a terminal, a line every 30 s elsewhere."""

import sys
import time
from types import TracebackType
from typing import Any

__all__ = ["ConsoleProgress", "format_duration", "format_rate"]

SECONDS_BETWEEN_LINES = 30.0
SPEED_WINDOW_S = 600.0
"""The bar's time left looks so far back: one picture may take a minute."""


def format_duration(seconds: float) -> str:
    """Return ``8 s``, ``2 min 05 s`` or ``3 h 12 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def format_rate(per_second: float) -> str:
    """Return ``83.1/s``, or ``12 s each`` for slow work; nothing when it is not known."""
    if per_second <= 0.0:
        return ""
    return f"{per_second:.1f}/s" if per_second >= 0.5 else f"{format_duration(1.0 / per_second)} each"


class ConsoleProgress:
    """Draws stages with count, rate and time left on stderr."""

    def __init__(self, stream: Any = None) -> None:
        self.stream = stream if stream is not None else sys.stderr
        self.is_terminal = self.stream.isatty()
        self._name, self._total, self._done, self._began, self._said = "", 0, 0, 0.0, 0.0
        self._first: tuple[float, int] | None = None
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> "ConsoleProgress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_stage(finished=error is None)

    def stage(self, name: str, total: int) -> None:
        """Begin a stage of ``total`` items."""
        self._end_stage(finished=True)
        self._name, self._total, self._done = name, total, 0
        self._began = self._said = time.monotonic()
        self._first = None
        if self.is_terminal and total > 0:
            self._bar = _bar(self.stream)
            self._bar.start()
            self._task = self._bar.add_task(name, total=total, rate="")

    def advance(self, count: int = 1) -> None:
        """Count finished items of the stage."""
        self._done = min(self._done + count, self._total)
        now = time.monotonic()
        if (
            self._first is None
        ):  # the first item waits for workers to start, a resumed run begins with many done
            self._first = now, self._done
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done, rate=format_rate(self._rate(now)))
        elif not self.is_terminal and now - self._said >= SECONDS_BETWEEN_LINES:
            self._said = now
            rate = self._rate(now)
            left = (
                f", {format_rate(rate)}, about {format_duration((self._total - self._done) / rate)} left"
                if rate
                else ""
            )
            self._line(f"{self._name}: {self._done}/{self._total}{left}")

    def note(self, text: str) -> None:
        """Say one line that the user should see."""
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False)
        else:
            self._line(text)

    def _rate(self, now: float) -> float:
        began, base = self._first or (now, self._done)
        return (self._done - base) / max(now - began, 1e-9)

    def _end_stage(self, *, finished: bool) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        elif finished and self._name and not self.is_terminal:
            now = time.monotonic()
            self._line(f"{self._name}: {self._done}/{self._total} in {format_duration(now - self._began)}")
        self._name = ""

    def _line(self, text: str) -> None:
        print(text, file=self.stream, flush=True)


def _bar(stream: Any) -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description:<10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=Console(file=stream),
        speed_estimate_period=SPEED_WINDOW_S,
    )
