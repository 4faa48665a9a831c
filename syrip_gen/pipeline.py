"""generate(): fit → plan, render, label, check → write → merge. The one module that knows all stages."""

import json
import logging
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from syrip_gen.body import load_body
from syrip_gen.config import GenerateConfig
from syrip_gen.dataset_files import WORK_FOLDER, OutputFolder, open_folder
from syrip_gen.execution import (
    Executor,
    InProcessExecutor,
    PoolExecutor,
    Shard,
    prepare_workers,
    resolve_workers,
)
from syrip_gen.fitting.bank import FitBank
from syrip_gen.fitting.priors import load_prior
from syrip_gen.rendering.catalog import check_renderer
from syrip_gen.sampling.appearance.sampler import IMAGES_PER_BLOCK
from syrip_gen.sampling.options import SamplingOptions
from syrip_gen.sampling.scene import SceneSpec
from syrip_gen.stages.inputs import PoseInputs, check_pictures, identity_of, make_bank, read_inputs
from syrip_gen.stages.merge import Tally, merge, read_records, tally_records
from syrip_gen.stages.provenance import command_line, licences
from syrip_gen.stages.run_state import (
    FINISHED_FILE,
    claim_folder,
    completed_shards,
    lock_folder,
    release_folder,
    shard_file,
)
from syrip_gen.stages.sample import load_resources, plan_attempt
from syrip_gen.stages.saved_fits import FITS_FILE, load_fits, save_fits
from syrip_gen.stages.shard import ShardJob
from syrip_gen.stages.warm_up import WarmUp, is_compiled

__all__ = ["GenerateResult", "HopelessRunError", "Progress", "dry_run", "generate"]

log = logging.getLogger(__name__)

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


@dataclass(frozen=True, slots=True)
class GenerateResult:
    """What a run made, for the summary."""

    output: str
    run: dict[str, Any]
    """The content of run.json: settings, versions, digests, counts, reasons."""
    num_failures: int
    num_crashes: int = 0
    fit_seconds: float = 0.0
    compile_seconds: float = 0.0
    """Waited for the compiler after the fits, on the first run on a machine."""
    render_seconds: float = 0.0
    num_rendered: int = 0
    """Images made by this call (a resumed run has some already)."""
    stage_seconds: dict[str, float] = field(default_factory=dict)
    """Worker seconds by stage, summed over workers."""


def generate(config: GenerateConfig, progress: Progress | None = None) -> GenerateResult:
    """Make a dataset, or go on with one.

    Every byte of the output folder is decided by the settings, the inputs and the installed versions; not by
    the number of workers, by interruptions, or by the clock.

    Args:
        config: What to make and where.
        progress: Told about stages and items; None = silence.

    Raises:
        ValueError: When settings or inputs are wrong, before anything is written.
        OSError: When the output cannot be written; ``resume`` goes on from there.
        HopelessRunError: When every item fails.
    """
    progress = progress or SilentProgress()
    check_renderer(config.renderer)
    if config.executor == "local" and resolve_workers(config.workers) > 1:
        prepare_workers("syrip_gen.stages.preload")
    inputs = read_inputs(config.poses)
    body = load_body(config.body)
    if inputs.bank is None:
        load_prior(config.pose_prior)
    notes = [*inputs.notes, *check_pictures(sampling_options(config), body)]
    if inputs.bank is not None and inputs.bank.body != body.identity:
        notes.append(f"the fits of {config.poses[0]} were made with another body than '{body.name}'")
    identity = identity_of(config, is_fitted=inputs.bank is not None)
    folder = open_folder(config.output)
    with lock_folder(folder):
        if claim_folder(folder, identity, resume=config.resume):
            run = json.loads(folder.read_bytes(FINISHED_FILE))
            folder.remove_tree(WORK_FOLDER)
            return GenerateResult(output=folder.url, run=run, num_failures=run["num_failures"])
        for note in notes:
            progress.note(note)
        began = time.monotonic()
        with _compiling(config, progress):
            bank = _fit_stage(config, inputs, folder, progress)
            fit_seconds = time.monotonic() - began
        compile_seconds = time.monotonic() - began - fit_seconds
        job, shards = _shard_job(config, folder), plan_shards(config.n)
        began = time.monotonic()
        results = _run_shards(config, job, shards, progress)
        render_seconds = time.monotonic() - began
        run, tally = _merge_stage(config, folder, identity, inputs, notes, bank, len(shards), progress)
    return GenerateResult(
        output=folder.url,
        run=run,
        num_failures=tally.num_failures,
        num_crashes=tally.num_crashes,
        fit_seconds=fit_seconds,
        compile_seconds=compile_seconds,
        render_seconds=render_seconds,
        num_rendered=results.num_made,
        stage_seconds=results.stage_seconds,
    )


def dry_run(config: GenerateConfig, progress: Progress | None = None) -> Iterator[SceneSpec]:
    """Yield the scene of every item (its first attempt) and write nothing."""
    progress = progress or SilentProgress()
    inputs = read_inputs(config.poses)
    body = load_body(config.body)
    bank = make_bank(inputs, body, config.pose_prior)
    context = load_resources(body, sampling_options(config)).plan_context(bank)
    for index in range(config.n):
        yield plan_attempt(context, config.seed, index, attempt=0)


def plan_shards(n: int) -> list[Shard]:
    """Cut n items into shards: small for even load and little lost work, large for few files.

    Larger shards are whole blocks of images that share skins and outfits: each is painted by one worker.
    """
    blocks = min(max(n // 1000, 1), 4) * min(max(n // 20_000, 1), 4)
    size = max(n // 32, 4) if n < 8 * IMAGES_PER_BLOCK else blocks * IMAGES_PER_BLOCK
    starts = enumerate(range(0, n, size))
    return [Shard(shard_id=number, start=start, stop=min(start + size, n)) for number, start in starts]


def sampling_options(config: GenerateConfig) -> SamplingOptions:
    """Return what the scenes depend on."""
    return SamplingOptions(
        width=config.width,
        height=config.height,
        rotations=config.rotations,
        backgrounds=config.backgrounds,
        textures=config.textures,
    )


@contextmanager
def _compiling(config: GenerateConfig, progress: Progress) -> Iterator[None]:
    """Compile for the workers meanwhile, on the first run."""
    if config.executor != "local" or resolve_workers(config.workers) < 2 or is_compiled():
        yield
        return
    progress.note("first run on this machine: compiling, about a minute")
    warm_up = WarmUp(config.body, sampling_options(config), config.renderer)
    try:
        yield
        warm_up.wait()
    finally:
        warm_up.stop()


def _fit_stage(
    config: GenerateConfig, inputs: PoseInputs, folder: OutputFolder, progress: Progress
) -> FitBank:
    """Fit the poses, or take the fits that an interrupted run has already saved."""
    if folder.exists(FITS_FILE):
        return load_fits(folder)
    if inputs.poses is not None:
        progress.stage("fit", len(inputs.poses))
    bank = make_bank(inputs, load_body(config.body), config.pose_prior, progress.advance)
    if not bank.accepted.any():
        release_folder(folder)
        reasons = ", ".join(f"{reason} ({count})" for reason, count in list(bank.reasons().items())[:3])
        raise ValueError(
            f"none of the {len(bank)} poses gave a plausible body: {reasons}. Check the keypoints."
        )
    save_fits(bank, folder)
    return bank


def _shard_job(config: GenerateConfig, folder: OutputFolder) -> ShardJob:
    return ShardJob(
        folder=folder,
        body=config.body,
        options=sampling_options(config),
        renderer=config.renderer,
        seed=config.seed,
        write_depth=config.depth,
        write_masks=config.masks,
    )


def _make_executor(config: GenerateConfig, num_shards: int) -> Executor:
    if config.executor == "ray":
        from syrip_gen.execution_ray import RayExecutor

        return RayExecutor()
    workers = min(resolve_workers(config.workers), num_shards)
    return InProcessExecutor() if workers <= 1 else PoolExecutor(workers)


@dataclass(slots=True)
class _Results:
    num_made: int = 0
    num_failed: int = 0
    stage_seconds: Counter[str] = field(default_factory=Counter)


def _run_shards(config: GenerateConfig, job: ShardJob, shards: list[Shard], progress: Progress) -> _Results:
    """Run the shards that are not committed yet."""
    done = completed_shards(job.folder)
    todo = [shard for shard in shards if shard.shard_id not in done]
    progress.stage("render", config.n)
    progress.advance(sum(len(shard) for shard in shards) - sum(len(shard) for shard in todo))
    totals = _Results()
    if not todo:
        return totals
    executor = _make_executor(config, len(todo))
    for result in executor.map(job, todo, lambda _index: progress.advance()):
        totals.num_made += result.num_made
        totals.num_failed += result.num_failed
        totals.stage_seconds.update(result.stage_seconds)
        if totals.num_made == 0 and totals.num_failed >= min(HOPELESS_AFTER, config.n):
            job.folder.remove(shard_file(result.shard_id))
            raise HopelessRunError(
                f"all of the first {totals.num_failed} images failed: {result.first_failure}"
            )
    return totals


def _merge_stage(
    config: GenerateConfig,
    folder: OutputFolder,
    identity: dict[str, Any],
    inputs: PoseInputs,
    input_notes: list[str],
    bank: FitBank,
    num_shards: int,
    progress: Progress,
) -> tuple[dict[str, Any], Tally]:
    """Write the dataset's files and forget what only an unfinished run needs."""
    records = read_records(folder, num_shards)
    tally = tally_records(records())
    progress.stage("report", 1)
    run = {
        **identity,
        "name": "syrip",
        "command": command_line("generate", config.identity(), GenerateConfig().identity()),
        "seed": config.seed,
        "licences": licences(config, load_body(config.body)),
        "num_images": tally.num_images,
        "num_failures": tally.num_failures,
        "failures": {str(index): reason for index, reason in tally.failures.items()},
        "rejections": tally.rejections,
        "input_notes": input_notes,
        "notes": tally.notes,
        "fits": {
            "num_poses": len(bank),
            "num_accepted": int(bank.accepted.sum()),
            "reasons": bank.reasons(),
        },
    }
    merge(folder, records, run, inputs.poses)
    progress.advance()
    if tally.num_crashes == 0:
        folder.remove_tree(WORK_FOLDER)
    return run, tally
