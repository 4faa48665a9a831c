"""What a run says about itself: metrics.jsonl always, TensorBoard if it is installed."""

import contextlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fidip.checkpoint import write_atomically
from fidip.progress import Progress

__all__ = ["Metrics", "StoppableProgress"]


class StoppableProgress:
    """Passes everything on, and raises KeyboardInterrupt between two items once a stop is asked for.

    An interrupt that is raised wherever the signal comes can be swallowed: by ``__del__`` of a DataLoader's
    iterator, for one, after which the training would go on.
    """

    def __init__(self, progress: Progress, is_interrupted: Callable[[], bool]) -> None:
        self.progress, self.is_interrupted, self.note = progress, is_interrupted, progress.note

    def stage(self, name: str, total: int) -> None:
        """Begin a stage of ``total`` items."""
        self._stop_if_asked()
        self.progress.stage(name, total)

    def advance(self, count: int = 1) -> None:
        """Count finished items."""
        self.progress.advance(count)
        self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        if self.is_interrupted():
            raise KeyboardInterrupt


class Metrics:
    """Appends one JSON line an event to metrics.jsonl, and numbers to TensorBoard.

    Every line has ``event`` (step, pre_epoch, epoch), ``epoch`` and ``step``; the rest are numbers.
    """

    def __init__(self, run: Path, *, is_active: bool, resume_epoch: int | None = None) -> None:
        """Open the log; with ``resume_epoch``, lines of later epochs (of an interrupted one) are dropped."""
        self._file = None
        self._board: Any = None
        if not is_active:
            return
        path = run / "metrics.jsonl"
        kept = []
        if resume_epoch is not None and path.is_file():
            kept = [s for s in path.read_text().splitlines() if _is_complete(s, resume_epoch)]
        write_atomically(
            path, lambda temporary: temporary.write_text("".join(f"{s}\n" for s in kept)) and None
        )
        self._file = path.open("a", encoding="utf-8")
        with contextlib.suppress(ImportError):
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(run / "tb")

    def write(self, event: str, epoch: int, step: int, numbers: Mapping[str, float | None]) -> None:
        """Log numbers; those that are not finite become null."""
        if self._file is None:
            return
        clean = {k: v if v is not None and abs(v) < float("inf") else None for k, v in numbers.items()}
        rounded = {k: v if v is None else float(f"{v:.9g}") for k, v in clean.items()}
        self._file.write(json.dumps({"event": event, "epoch": epoch, "step": step, **rounded}) + "\n")
        self._file.flush()
        if self._board is not None:
            for name, value in clean.items():
                if value is not None:
                    self._board.add_scalar(f"{event}/{name}", value, step)

    def close(self) -> None:
        """Close the files."""
        if self._file is not None:
            self._file.close()
        if self._board is not None:
            self._board.close()


def _is_complete(line: str, epoch: int) -> bool:
    """Return whether a line belongs to a finished epoch; a line that a kill cut off does not."""
    try:
        return json.loads(line)["epoch"] <= epoch
    except (ValueError, KeyError):
        return False
