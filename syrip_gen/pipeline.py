"""generate(): fit → plan, render, label, check → write → merge. The one module that knows all stages."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from syrip_gen.asset_files import asset_path
from syrip_gen.body import load_body
from syrip_gen.config import GenerateConfig
from syrip_gen.dataset_files import WORK_FOLDER, OutputFolder, open_folder
from syrip_gen.execution import prepare_workers
from syrip_gen.fitting.bank import FitBank
from syrip_gen.fitting.priors import load_prior
from syrip_gen.rendering.catalog import CATALOG, RendererChoice
from syrip_gen.sampling.options import SamplingOptions
from syrip_gen.sampling.scene import SceneSpec
from syrip_gen.stages.inputs import (
    BUNDLED_POSES,
    PoseInputs,
    check_pictures,
    identity_of,
    make_bank,
    read_inputs,
)
from syrip_gen.stages.merge import Tally, merge, read_records, tally_records
from syrip_gen.stages.planners import FitPlan, FitPlanner
from syrip_gen.stages.renderers import choose_renderer, num_workers, with_logs
from syrip_gen.stages.run_record import run_record
from syrip_gen.stages.run_shards import HopelessRunError, Progress, SilentProgress, plan_shards, run_shards
from syrip_gen.stages.run_state import FINISHED_FILE, claim_folder, lock_folder, release_folder
from syrip_gen.stages.sample import load_resources
from syrip_gen.stages.saved_fits import FITS_FILE, load_fits, save_fits
from syrip_gen.stages.shard import ShardJob
from syrip_gen.stages.warm_up import compiling

__all__ = ["GenerateResult", "HopelessRunError", "Progress", "dry_run", "generate"]


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
    renderer, workers = choose_renderer(config), num_workers(config)
    if config.executor == "local" and workers > 1:
        prepare_workers("syrip_gen.stages.preload")
    inputs = read_inputs(config.poses)
    body = load_body(config.body)
    if inputs.bank is None:
        load_prior(config.pose_prior)
    notes = [*inputs.notes, *check_pictures(sampling_options(config), body)]
    if inputs.bank is not None and inputs.bank.body != body.identity:
        notes.append(f"the fits of {config.poses[0]} were made with another body than '{body.name}'")
    sources = {"poses": list(config.poses) or str(asset_path(BUNDLED_POSES))}
    identity = identity_of(config, sources, uses_prior=inputs.bank is None)
    identity["versions"] |= renderer.versions()
    folder = open_folder(config.output)
    with lock_folder(folder):
        if claim_folder(folder, identity, resume=config.resume):
            run = json.loads(folder.read_bytes(FINISHED_FILE))
            folder.remove_tree(WORK_FOLDER)
            return GenerateResult(output=folder.url, run=run, num_failures=run["num_failures"])
        for note in notes:
            progress.note(note)
        began = time.monotonic()
        with compiling(
            config.body,
            sampling_options(config),
            config.renderer,
            progress,
            is_needed=config.executor == "local" and workers > 1,
        ):
            bank = _fit_stage(config, inputs, folder, progress)
            fit_seconds = time.monotonic() - began
        compile_seconds = time.monotonic() - began - fit_seconds
        job = _shard_job(config, with_logs(renderer, folder), folder)
        shards = plan_shards(config.n, is_slow=CATALOG[renderer.name].is_slow)
        began = time.monotonic()
        results = run_shards(job, shards, progress, executor=config.executor, workers=workers)
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
    planner = FitPlanner(context, config.seed)
    for index in range(config.n):
        yield planner.scene(index, attempt=0)


def sampling_options(config: GenerateConfig) -> SamplingOptions:
    """Return what the scenes depend on."""
    return SamplingOptions(
        width=config.width,
        height=config.height,
        rotations=config.rotations,
        backgrounds=config.backgrounds,
        textures=config.textures,
    )


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


def _shard_job(config: GenerateConfig, renderer: RendererChoice, folder: OutputFolder) -> ShardJob:
    return ShardJob(
        folder=folder,
        body=config.body,
        options=sampling_options(config),
        renderer=renderer,
        plan=FitPlan(config.seed),
        write_depth=config.depth,
        write_masks=config.masks,
    )


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
        **run_record("generate", config, identity, tally, input_notes),
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
