"""What a worker does: make the items of one shard, write their files, and commit the shard."""

import json
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from syrip_gen.dataset_files import OutputFolder
from syrip_gen.execution import Progress, Shard
from syrip_gen.rendering.catalog import RendererChoice
from syrip_gen.rendering.types import RendererCrashError, RendererLostError
from syrip_gen.sampling.options import SamplingOptions
from syrip_gen.stages.planners import Plan
from syrip_gen.stages.run_state import shard_file
from syrip_gen.stages.sample import SampleMaker
from syrip_gen.stages.subjects import CharacterChoice

__all__ = ["ShardJob", "ShardResult"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ShardResult:
    """What the parent process needs to know about a finished shard."""

    shard_id: int
    num_made: int
    num_failed: int
    first_failure: str
    stage_seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ShardJob:
    """Everything that a worker needs, small enough to send to it."""

    folder: OutputFolder
    body: str
    options: SamplingOptions
    renderer: RendererChoice
    plan: Plan
    write_depth: bool
    write_masks: bool
    character: CharacterChoice | None = None

    def __call__(self) -> "ShardWorker":
        """Load what all shards share."""
        return ShardWorker(self)


class ShardWorker:
    """Runs shards one at a time; holds the body, the planner and the renderer."""

    def __init__(self, job: ShardJob) -> None:
        self.job = job
        self.maker = SampleMaker.load(
            body=job.body,
            options=job.options,
            renderer=job.renderer,
            open_planner=lambda resources: job.plan.open(job.folder, resources),
            character=job.character,
            write_depth=job.write_depth,
            write_masks=job.write_masks,
        )

    def __call__(self, shard: Shard, progress: Progress) -> ShardResult:
        """Make every item of a shard and commit it; an item that fails is recorded and the rest goes on."""
        records = list(self._records(shard, progress))
        lines = "".join(
            json.dumps(record, separators=(",", ":"), allow_nan=False) + "\n" for record in records
        )
        self.job.folder.write_bytes(shard_file(shard.shard_id), lines.encode())
        failures = [record["reason"] for record in records if "reason" in record]
        return ShardResult(
            shard_id=shard.shard_id,
            num_made=len(records) - len(failures),
            num_failed=len(failures),
            first_failure=failures[0] if failures else "",
            stage_seconds=self.maker.take_timings(),
        )

    def _records(self, shard: Shard, progress: Progress) -> Iterator[dict[str, Any]]:
        for index in range(shard.start, shard.stop):
            if index in shard.skip:
                yield {
                    "index": index,
                    "kind": "crash",
                    "reason": "the worker process died twice at this item",
                }
                continue
            progress(index)
            try:
                sample = self.maker.make(index)
            except RendererLostError:
                raise
            except Exception as error:  # one bad item never stops a run: recorded, listed, exit code 3
                log.debug("item %d failed", index, exc_info=True)
                kind = "crash" if isinstance(error, RendererCrashError) else "error"
                yield {"index": index, "kind": kind, "reason": f"{type(error).__name__}: {error}"}
                continue
            if isinstance(sample, Counter):
                is_redrawn = self.maker.planner.max_attempts > 1
                yield {
                    "index": index,
                    "kind": "rejected",
                    "rejected": dict(sample) if is_redrawn else {},
                    "reason": self.maker.planner.explain(index, sample),
                }
                continue
            with self.maker.timed("write"):
                for name, data in sample.files.items():
                    self.job.folder.write_bytes(name, data)
            yield sample.record
