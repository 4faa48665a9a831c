"""Writes a project's output in the background, a moment after the last save."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Self

from fidip.labelling.coco_export import Exported, write_coco
from fidip.labelling.store import LabelStore

__all__ = ["Exporter"]

log = logging.getLogger(__name__)

QUIET_S = 1.5
"""Time without a save after which the output is written."""
LONGEST_WAIT_S = 10.0
"""The output is never older than this while saves keep coming."""
RETRY_S = 5.0
TRIES = 3


class Exporter:
    """A background thread that keeps the output of a project up to date.

    It writes once at the start (the last run may have been killed before it could), after saves, and when it
    is closed. Saves are safe in the project whether or not an export succeeds.
    """

    def __init__(
        self,
        store: LabelStore,
        write: Callable[[LabelStore], Exported] = write_coco,
        *,
        quiet_s: float = QUIET_S,
    ) -> None:
        self._store = store
        self._write = write
        self._quiet_s = quiet_s
        self._condition = threading.Condition()
        self._writing = threading.Lock()
        self._pending_since: float | None = time.monotonic()
        self._last_save = self._pending_since
        self._closed = False
        self.last_error: str | None = None
        """Why the newest export failed; None if it did not."""
        self.last: Exported | None = None
        """What the newest export wrote."""
        store.on_change(self._note_change)
        self._thread = threading.Thread(target=self._run, name="label-export", daemon=True)
        self._thread.start()

    def flush(self) -> Exported:
        """Write now.

        Raises:
            OSError: If it cannot be written; the next save, or a few seconds, bring the next try.
        """
        with self._writing:
            with self._condition:
                self._pending_since = None
            try:
                for _ in range(TRIES):
                    done = self._write(self._store)
                    if self._store.last_change() == done.change:
                        break  # else another process may have written an older state over a newer one
            except Exception as error:  # whatever it is, the page must say so, and it is tried again
                self.last_error = str(error)
                self._note_change()
                raise
            self.last, self.last_error = done, None
            return done

    def close(self) -> None:
        """Write what is not written yet and stop.

        Raises:
            OSError: If it cannot be written.
        """
        with self._condition:
            self._closed = True
            self._condition.notify_all()
        self._thread.join()
        if self._pending_since is not None:
            self.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _note_change(self) -> None:
        with self._condition:
            self._last_save = time.monotonic()
            if self._pending_since is None:
                self._pending_since = self._last_save
            self._condition.notify_all()

    def _run(self) -> None:
        while self._wait_until_due():
            try:
                self.flush()
            except (OSError, RuntimeError) as error:
                log.warning("export: %s; the labels are safe in %s, trying again", error, self._store.path)
                self._pause(RETRY_S)
            except Exception:  # a fault of ours must not end the thread: the labels would go stale
                log.exception("export of %s failed; the labels are safe there", self._store.path)
                self._pause(RETRY_S)

    def _wait_until_due(self) -> bool:
        """Wait until an export is due; False when the exporter is closed."""
        with self._condition:
            while not self._closed:
                if self._pending_since is None:
                    self._condition.wait()
                    continue
                due = min(self._last_save + self._quiet_s, self._pending_since + LONGEST_WAIT_S)
                left = due - time.monotonic()
                if left <= 0:
                    return True
                self._condition.wait(left)
            return False

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        with self._condition:
            while not self._closed and (left := end - time.monotonic()) > 0:
                self._condition.wait(left)
