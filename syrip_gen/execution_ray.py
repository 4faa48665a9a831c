"""The map over shards on a Ray cluster (extra ``ray``); what a dead node had is run again on another."""

import logging
import os
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from syrip_gen.execution import Job, Progress, Shard, Worker, limit_threads

__all__ = ["RayExecutor"]

log = logging.getLogger(__name__)

MAX_RETRIES = 5
TASKS_PER_CPU = 2

_workers: dict[str, Worker] = {}
"""Workers opened in this process, by the id of the map that they belong to."""


class RayExecutor:
    """Runs shards as Ray tasks. ``RAY_ADDRESS`` names the cluster; without it Ray starts one on this machine.

    The job's folder and input files must be readable under the same names on every node.
    """

    def __init__(self, max_retries: int = MAX_RETRIES) -> None:
        self.max_retries = max_retries

    def map(self, job: Job, shards: Sequence[Shard], progress: Progress) -> Iterator[Any]:
        """Run every shard once and yield what the worker returned for it."""
        ray = _import_ray()
        is_ours = not ray.is_initialized()
        if is_ours:
            address = os.environ.get("RAY_ADDRESS")
            ray.init(
                address=address, log_to_driver=False, **({} if address else {"include_dashboard": False})
            )
        try:
            yield from self._map(ray, job, shards, progress)
        finally:
            if is_ours:
                ray.shutdown()

    def _map(self, ray: Any, job: Job, shards: Sequence[Shard], progress: Progress) -> Iterator[Any]:
        task = ray.remote(max_retries=self.max_retries, num_cpus=1)(_run_shard)
        key, packed = uuid.uuid4().hex, ray.put(job)
        todo = deque(shards)
        running: dict[Any, Shard] = {}
        while todo or running:
            limit = TASKS_PER_CPU * max(1, int(ray.cluster_resources().get("CPU", 1)))
            while todo and len(running) < limit:
                shard = todo.popleft()
                running[task.remote(key, packed, shard)] = shard
            done, _ = ray.wait(list(running), timeout=5.0)
            for reference in done:
                shard = running.pop(reference)
                try:
                    result = ray.get(reference)
                except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
                    todo.append(_after_crash(shard, error))
                    continue
                for index in range(shard.start, shard.stop):
                    progress(index)
                yield result


def _after_crash(shard: Shard, error: Exception) -> Shard:
    """Return the shard with all its items given up, after Ray's own retries were used up."""
    if shard.skip:
        raise error
    log.warning("shard %d killed its worker again and again: its items are given up", shard.shard_id)
    return Shard(shard.shard_id, shard.start, shard.stop, skip=tuple(range(shard.start, shard.stop)))


def _run_shard(key: str, job: Job, shard: Shard) -> Any:
    """Run in a Ray worker: open the job once per process, then run the shard."""
    if key not in _workers:
        _workers[key] = job()
        limit_threads()
    return _workers[key](shard, lambda _index: None)


def _import_ray() -> Any:
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise ImportError(
            "--executor ray needs the package 'ray': pip install 'syrip[ray]', or use --executor local"
        ) from error
    return ray
