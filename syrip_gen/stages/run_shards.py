"""Run the shards of a dataset that are not committed yet, in this process, in a pool or on a cluster."""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from syrip_gen.execution import (
    STALL_SECONDS,
    Executor,
    InProcessExecutor,
    PoolExecutor,
    Shard,
    resolve_workers,
)
from syrip_gen.rendering.catalog import CATALOG
from syrip_gen.sampling.appearance.sampler import IMAGES_PER_BLOCK
from syrip_gen.stages.run_state import completed_shards, shard_file
from syrip_gen.stages.shard import ShardJob

__all__ = ["HopelessRunError", "Progress", "ShardTotals", "SilentProgress", "plan_shards", "run_shards"]

HOPELESS_AFTER = 50
"""Give up when this many items failed and none was made: the cause is not the items."""


class HopelessRunError(RuntimeError):
    """Every item fails, for a reason that more items would not mend."""


class Progress(Protocol):
    """Where a long run reports to; the command line draws it."""

    def stage(self, name: str, total: int) -> None:
        """Begin a stage of ``total`` items."""
        ...

    def advance(self, count: int = 1) -> None:
        """Count finished items of the stage."""
        ...

    def note(self, text: str) -> None:
        """Say one line that the user should see."""
        ...


class SilentProgress:
    """Reports nothing."""

    def stage(self, name: str, total: int) -> None:
        """Begin a stage."""

    def advance(self, count: int = 1) -> None:
        """Count items."""

    def note(self, text: str) -> None:
        """Say a line."""


@dataclass(slots=True)
class ShardTotals:
    """What the shards of one call made."""

    num_made: int = 0
    num_failed: int = 0
    stage_seconds: Counter[str] = field(default_factory=Counter)


def plan_shards(n: int, *, is_slow: bool = False) -> list[Shard]:
    """Cut n items into shards: small for even load and little lost work, large for few files.

    Larger shards are whole blocks of images that share skins and outfits: each is painted by one worker.
    Items of a slow renderer are too dear to be made twice: each is a shard.
    """
    if is_slow:
        return cut_shards(n, 1)
    blocks = min(max(n // 1000, 1), 4) * min(max(n // 20_000, 1), 4)
    size = max(n // 32, 4) if n < 8 * IMAGES_PER_BLOCK else blocks * IMAGES_PER_BLOCK
    return cut_shards(n, size)


def cut_shards(n: int, size: int) -> list[Shard]:
    """Cut n items into shards of one size; the last may be smaller."""
    starts = enumerate(range(0, n, size))
    return [Shard(shard_id=number, start=start, stop=min(start + size, n)) for number, start in starts]


def run_shards(
    job: ShardJob, shards: list[Shard], progress: Progress, *, executor: str, workers: int | str
) -> ShardTotals:
    """Run the shards that are not committed yet.

    Args:
        job: What a worker needs.
        shards: All shards of the dataset.
        progress: Told about every item.
        executor: ``local`` or ``ray``.
        workers: Worker processes of the local one, or ``auto``.

    Raises:
        HopelessRunError: When every item fails.
    """
    done = completed_shards(job.folder)
    todo = [shard for shard in shards if shard.shard_id not in done]
    num_items = sum(len(shard) for shard in shards)
    progress.stage("render", num_items)
    progress.advance(num_items - sum(len(shard) for shard in todo))
    totals = ShardTotals()
    if not todo:
        return totals
    runner = _make_executor(executor, workers, len(todo), CATALOG[job.renderer.name].is_slow)
    for result in runner.map(job, todo, lambda _index: progress.advance()):
        totals.num_made += result.num_made
        totals.num_failed += result.num_failed
        totals.stage_seconds.update(result.stage_seconds)
        if totals.num_made == 0 and totals.num_failed >= min(HOPELESS_AFTER, num_items):
            job.folder.remove(shard_file(result.shard_id))
            raise HopelessRunError(
                f"all of the first {totals.num_failed} images failed: {result.first_failure}"
            )
    return totals


def _make_executor(executor: str, workers: int | str, num_shards: int, is_slow: bool) -> Executor:
    if executor == "ray":
        from syrip_gen.execution_ray import RayExecutor

        return RayExecutor()
    count = min(resolve_workers(workers), num_shards)
    if count <= 1:
        return InProcessExecutor()
    return PoolExecutor(count, stall_seconds=math.inf if is_slow else STALL_SECONDS)
