"""One map over shards of items, in this process or in a supervised pool of processes.

A *job* is a picklable callable that opens a worker; the worker runs one shard at a time. Workers share
nothing, and what a shard produces must not depend on who runs it, so a shard may be run again after a crash.
The same map over a Ray cluster is in :mod:`syrip_gen.execution_ray`.
"""

import ctypes
import gc
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

__all__ = [
    "Executor",
    "InProcessExecutor",
    "PoolExecutor",
    "Shard",
    "WorkerStartError",
    "prepare_workers",
    "resolve_workers",
]

log = logging.getLogger(__name__)

Progress = Callable[[int], None]
"""Called with the index of an item: by workers when they begin it, by executors when it is done."""

START_METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
MAX_START_FAILURES = 3
STALL_SECONDS = 900.0
MALLOC_OPTIONS = {-1: 2**31 - 1, -2: 64 << 20, -4: 0}
"""glibc's mallopt: M_TRIM_THRESHOLD and M_TOP_PAD in bytes, M_MMAP_MAX in blocks."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A run of consecutive items [start, stop) that one worker makes and commits together."""

    shard_id: int
    start: int
    stop: int
    skip: tuple[int, ...] = ()
    """Items that killed their worker twice: recorded as failed instead of tried again."""

    def __len__(self) -> int:
        return self.stop - self.start


Worker = Callable[[Shard, Progress], Any]
Job = Callable[[], Worker]


class Executor(Protocol):
    """A way to run shards; results come in the order of completion."""

    def map(self, job: Job, shards: Sequence[Shard], progress: Progress) -> Iterator[Any]:
        """Run every shard once and yield what the worker returned for it."""
        ...


class WorkerStartError(RuntimeError):
    """Workers die before they can take any work."""


def resolve_workers(workers: int | str) -> int:
    """Return the number of worker processes; ``"auto"`` is one for each core that this process may use."""
    if workers == "auto":
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    return int(workers)


def limit_threads() -> Any:
    """Keep this process to one thread: workers share the cores, and sums must not depend on threads."""
    from threadpoolctl import threadpool_limits

    limits = threadpool_limits(1)
    if "cv2" in sys.modules:
        sys.modules["cv2"].setNumThreads(1)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    return limits


class InProcessExecutor:
    """Runs shards one after the other in this process."""

    def map(self, job: Job, shards: Sequence[Shard], progress: Progress) -> Iterator[Any]:
        """Run every shard once and yield what the worker returned for it."""
        worker = job()
        limits = limit_threads()
        try:
            for shard in shards:
                begun: list[int] = []
                result = worker(shard, lambda index, begun=begun: _next_item(begun, index, progress))
                if begun:
                    progress(begun[0])
                yield result
        finally:
            limits.restore_original_limits()


def _next_item(begun: list[int], index: int, progress: Progress) -> None:
    """Report the item before as done; ``begun`` holds the one that a worker is at."""
    if begun:
        progress(begun.pop())
    begun.append(index)


@dataclass(slots=True, eq=False)
class _Process:
    """One worker process and what it is doing."""

    process: Any
    connection: Connection
    shard: Shard | None = None
    item: int | None = None
    is_ready: bool = False
    heard_at: float = field(default_factory=time.monotonic)


class PoolExecutor:
    """Runs shards in worker processes that are watched one by one.

    A worker that dies (killed, segmentation fault, out of memory) or says nothing for ``stall_seconds`` is
    replaced and its shard runs again; an item that kills its worker twice is skipped and reported to the job.
    """

    def __init__(self, workers: int, *, stall_seconds: float = STALL_SECONDS) -> None:
        self.workers = workers
        self.stall_seconds = stall_seconds

    def map(self, job: Job, shards: Sequence[Shard], progress: Progress) -> Iterator[Any]:
        """Run every shard once and yield what the worker returned for it."""
        todo = deque(shards)
        remaining = len(todo)
        crashes: dict[int, int] = {}
        start_failures = 0
        pool: list[_Process] = []
        try:
            while remaining:
                while len(pool) < min(self.workers, remaining):
                    pool.append(_start_process(job))
                for worker in self._wait(pool):
                    result, alive = _receive(worker, progress)
                    if result is not None:
                        remaining -= 1
                        worker.shard = worker.item = None
                        yield result[0]
                    if not alive:
                        pool.remove(worker)
                        start_failures += worker.item is None and (
                            worker.shard is not None or not worker.is_ready
                        )
                        todo.extendleft(_after_crash(worker, crashes, start_failures))
                # Every idle worker is asked, not only those with news: one that found nothing to do earlier
                # must take the shard that another's death brought back.
                for worker in pool:
                    if worker.is_ready and worker.shard is None and todo:
                        worker.shard, worker.heard_at = todo.popleft(), time.monotonic()
                        with suppress(OSError):  # dead already: the next wait notices
                            worker.connection.send(worker.shard)
        finally:
            _stop(pool)

    def _wait(self, pool: list[_Process]) -> list[_Process]:
        """Wait for news; kill who is stalled, and return the workers that have something to say or died."""
        handles: dict[Any, _Process] = {}
        for worker in pool:
            handles[worker.connection] = handles[worker.process.sentinel] = worker
        ready = wait(list(handles), timeout=min(5.0, self.stall_seconds))
        now = time.monotonic()
        for worker in pool:
            if now - worker.heard_at > self.stall_seconds and (worker.shard or not worker.is_ready):
                log.warning(
                    "worker %s said nothing for %.0f s: killing it", worker.process.pid, now - worker.heard_at
                )
                worker.process.kill()
        return list(dict.fromkeys(handles[handle] for handle in ready))


def prepare_workers(module: str) -> None:
    """Begin to import, in the background, what workers share; they are then forked from that process.

    Threads and OpenGL contexts do not survive a fork: the module must start neither.
    """
    if START_METHOD == "forkserver":
        multiprocessing.set_forkserver_preload([module])
        from multiprocessing import forkserver

        forkserver.ensure_running()


def _start_process(job: Job) -> _Process:
    context = multiprocessing.get_context(START_METHOD)
    ours, theirs = context.Pipe()
    process = context.Process(target=_worker_main, args=(theirs, job), daemon=True)
    try:
        process.start()
    except EOFError as error:
        raise WorkerStartError("worker processes cannot be started; memory may be short") from error
    theirs.close()
    return _Process(process=process, connection=ours)


def _receive(worker: _Process, progress: Progress) -> tuple[tuple[Any] | None, bool]:
    """Read what a worker sent; return (result of its shard as a 1-tuple or None, whether it is alive)."""
    try:
        while worker.connection.poll():
            kind, value = worker.connection.recv()
            worker.heard_at = time.monotonic()
            if kind == "ready":
                worker.is_ready = True
            elif kind == "item":
                if worker.item is not None:
                    progress(worker.item)
                worker.item = value
            elif kind == "error":
                raise value
            else:
                if worker.item is not None:
                    progress(worker.item)
                return (value,), True
    except (EOFError, ConnectionError):
        worker.process.join(10.0)
        return None, False
    return None, worker.process.is_alive()


def _after_crash(worker: _Process, crashes: dict[int, int], start_failures: int) -> list[Shard]:
    """Return the shards to run again after a worker died."""
    code = worker.process.exitcode
    cause = signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
    worker.connection.close()
    if worker.shard is None or worker.item is None:
        if start_failures >= MAX_START_FAILURES:
            raise WorkerStartError(
                f"worker processes die while they start ({cause}). Try --workers 1 to see the error, or "
                "fewer workers if memory is short."
            )
        return [worker.shard] if worker.shard else []
    crashes[worker.item] = crashes.get(worker.item, 0) + 1
    log.warning(
        "worker %s died (%s) at item %d: its shard is run again", worker.process.pid, cause, worker.item
    )
    if crashes[worker.item] >= 2:
        return [replace(worker.shard, skip=(*worker.shard.skip, worker.item))]
    return [worker.shard]


def _stop(pool: list[_Process]) -> None:
    for worker in pool:
        if worker.shard is None:  # idle: let it end by itself
            with suppress(OSError):
                worker.connection.send(None)
        else:
            worker.process.terminate()
    for worker in pool:
        worker.process.join(5.0)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        worker.connection.close()


def _worker_main(connection: Connection, job: Job) -> None:
    """Run shards until told to stop. Ctrl-C is the parent's business, and no worker outlives its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.ERROR)  # what a user should know, the parent has said once
    _die_with_parent()
    _keep_memory()
    try:
        worker = job()
        limit_threads()
        gc.freeze()  # what is loaded stays: the collector need not walk over it again and again
        connection.send(("ready", None))
        while (shard := connection.recv()) is not None:
            result = worker(shard, lambda index: connection.send(("item", index)))
            connection.send(("done", result))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except Exception as error:  # crosses to the parent, which raises it
        connection.send(("error", _portable(error)))


def _keep_memory() -> None:
    """Tell glibc to reuse freed blocks instead of giving them back and asking again.

    Every item takes and frees the same large arrays; getting each from the system anew costs page faults, a
    fifth of the time of an image. Does nothing with another C library.
    """
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        for option, size in MALLOC_OPTIONS.items():
            mallopt(option, size)


def _die_with_parent() -> None:
    """End this process at once when the one that started it is gone, whatever it is doing."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _portable(error: Exception) -> Exception:
    """Return an exception that survives pickling."""
    import pickle

    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # any failure to pickle: send the text instead
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
