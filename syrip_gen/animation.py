"""animate(): read a clip → retarget → plan takes, render, label, check → write → merge."""

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from syrip_gen.body import load_body
from syrip_gen.body.assets import BodyAssets
from syrip_gen.config import AnimateConfig
from syrip_gen.dataset_files import WORK_FOLDER, OutputFolder, open_folder
from syrip_gen.execution import prepare_workers
from syrip_gen.fitting.priors import load_prior
from syrip_gen.pipeline import GenerateResult
from syrip_gen.rendering.catalog import CATALOG
from syrip_gen.sampling.clip_takes import ClipOptics
from syrip_gen.sampling.options import SamplingOptions
from syrip_gen.sampling.scene import SceneSpec
from syrip_gen.stages.blend_take import check_blend_file, save_take
from syrip_gen.stages.clip_motion import ClipMotion, motion_file, read_clip, save_takes
from syrip_gen.stages.clip_plan import ClipPlan, ClipPlanner, clip_context
from syrip_gen.stages.inputs import check_pictures, identity_of
from syrip_gen.stages.merge import Tally, merge, read_records, tally_records
from syrip_gen.stages.renderers import choose_renderer, num_workers, with_logs
from syrip_gen.stages.run_record import run_record
from syrip_gen.stages.run_shards import Progress, SilentProgress, plan_shards, run_shards
from syrip_gen.stages.run_state import FINISHED_FILE, claim_folder, lock_folder
from syrip_gen.stages.sample import load_resources
from syrip_gen.stages.saved_sequence import SavedSequence, load_sequence
from syrip_gen.stages.shard import ShardJob
from syrip_gen.stages.subjects import CharacterChoice, check_character
from syrip_gen.stages.take_films import check_films, write_films
from syrip_gen.stages.warm_up import compiling

if TYPE_CHECKING:
    from syrip_gen.rendering.blender_program import BlenderProgram
    from syrip_gen.rendering.catalog import RendererChoice

__all__ = ["animate", "dry_run"]

SHUTTER_SHARE = 0.5
"""Of the time between two frames that motion blur exposes for (a film camera's 180 degrees)."""


def animate(config: AnimateConfig, progress: Progress | None = None) -> GenerateResult:
    """Make a dataset of the frames of a clip, or go on with one.

    Every byte of the output folder is decided by the settings, the inputs and the installed versions; not by
    the number of workers, by interruptions, or by the clock. A frame that the checks reject is not drawn
    again, as all frames of a take share its camera: it is listed with the reason.

    Args:
        config: What to make and where.
        progress: Told about stages and items; None = silence.

    Raises:
        ValueError: When settings or inputs are wrong, before anything is written.
        OSError: When the output cannot be written; ``resume`` goes on from there.
        HopelessRunError: When every frame fails.
    """
    progress = progress or SilentProgress()
    renderer = choose_renderer(config)
    if config.executor == "local" and num_workers(config) > 1:
        prepare_workers("syrip_gen.stages.preload")
    if config.film:
        check_films()
    character = character_choice(config)
    program = check_blend_file(config.save_blend, config.blender) if config.save_blend else None
    body = load_body(config.body)
    source = read_clip(config, body, load_prior(config.pose_prior))
    notes = check_pictures(sampling_options(config), body)
    if character:
        check_character(character, renderer)
    files = {
        "motion": motion_file(config),
        "character": config.character,
        "bone_map": config.bone_map,
    }
    identity = identity_of(config, files, uses_prior=source.is_retargeted)
    identity["versions"] |= renderer.versions()
    folder = open_folder(config.output)
    with lock_folder(folder):
        if claim_folder(folder, identity, resume=config.resume):
            run = json.loads(folder.read_bytes(FINISHED_FILE))
            folder.remove_tree(WORK_FOLDER)
            result = GenerateResult(output=folder.url, run=run, num_failures=run["num_failures"])
        else:
            result = _photograph(config, source, renderer, folder, identity, notes, progress)
        _blend_stage(config, program, body, folder, progress)
    return result


def _photograph(
    config: AnimateConfig,
    source: ClipMotion,
    renderer: "RendererChoice",
    folder: OutputFolder,
    identity: dict[str, Any],
    notes: list[str],
    progress: Progress,
) -> GenerateResult:
    """Retarget, make the frames that are not there yet, merge."""
    for note in (*source.motion.notes, *notes):
        progress.note(note)
    workers = num_workers(config)
    began = time.monotonic()
    is_pool = config.executor == "local" and workers > 1
    with compiling(config.body, sampling_options(config), config.renderer, progress, is_needed=is_pool):
        saved = save_takes(source, config.takes, folder, progress)
        retarget_seconds = time.monotonic() - began
    compile_seconds = time.monotonic() - began - retarget_seconds
    for note in saved.sequence.notes[len(source.motion.notes) :]:
        progress.note(note)
    job = _shard_job(config, with_logs(renderer, folder), folder, saved)
    shards = plan_shards(config.takes * len(saved.frames), is_slow=CATALOG[renderer.name].is_slow)
    began = time.monotonic()
    results = run_shards(job, shards, progress, executor=config.executor, workers=workers)
    render_seconds = time.monotonic() - began
    run, tally = _merge_stage(config, folder, identity, notes, saved, len(shards), progress)
    return GenerateResult(
        output=folder.url,
        run=run,
        num_failures=tally.num_failures,
        num_crashes=tally.num_crashes,
        fit_seconds=retarget_seconds,
        compile_seconds=compile_seconds,
        render_seconds=render_seconds,
        num_rendered=results.num_made,
        stage_seconds=results.stage_seconds,
    )


def dry_run(config: AnimateConfig) -> Iterator[SceneSpec]:
    """Yield the scene of every item and write nothing."""
    character_choice(config)
    body = load_body(config.body)
    source = read_clip(config, body, load_prior(config.pose_prior))
    first = source.take(0)

    def saved(take: int) -> SavedSequence:
        return first if take == 0 else source.take(take, first.frames)

    context = clip_context(load_resources(body, sampling_options(config)))
    planner = ClipPlanner(context, saved, len(first.frames), config.seed, _optics(config, first))
    for index in range(config.takes * len(first.frames)):
        yield planner.scene(index, attempt=0)


def character_choice(config: AnimateConfig) -> CharacterChoice | None:
    """Return the scan that is shown in the body's place, if there is one.

    Raises:
        ValueError: When the settings do not go together.
    """
    if config.character is None:
        if config.bone_map:
            raise ValueError(f"--bone-map {config.bone_map}: it belongs to a --character, which is missing")
        return None
    if config.bone_map is None:
        raise ValueError(f"--character {config.character}: it needs --bone-map FILE, which names its bones")
    if config.renderer != "cycles":
        raise ValueError(f"--character needs --renderer cycles, got {config.renderer}")
    if config.motion_blur:
        raise ValueError("--motion-blur is not there for a --character; leave one of them out")
    return CharacterChoice(config.character, config.bone_map)


def sampling_options(config: AnimateConfig) -> SamplingOptions:
    """Return what the scenes depend on."""
    return SamplingOptions(
        width=config.width, height=config.height, backgrounds=config.backgrounds, textures=config.textures
    )


def _optics(config: AnimateConfig, saved: SavedSequence) -> ClipOptics:
    shutter_s = SHUTTER_SHARE / saved.sequence.fps if config.motion_blur else 0.0
    return ClipOptics(shutter_s, config.depth_of_field)


def _shard_job(
    config: AnimateConfig, renderer: "RendererChoice", folder: OutputFolder, saved: SavedSequence
) -> ShardJob:
    return ShardJob(
        folder=folder,
        body=config.body,
        options=sampling_options(config),
        renderer=renderer,
        plan=ClipPlan(config.seed, len(saved.frames), _optics(config, saved)),
        write_depth=config.depth,
        write_masks=config.masks,
        character=character_choice(config),
    )


def _blend_stage(
    config: AnimateConfig,
    program: "BlenderProgram | None",
    body: BodyAssets,
    folder: OutputFolder,
    progress: Progress,
) -> None:
    """Save the first take as a .blend, if that was asked for."""
    if program is None or config.save_blend is None:
        return
    progress.stage("save .blend", 1)
    saved = load_sequence(folder, 0)
    resources = load_resources(body, sampling_options(config))
    save_take(config.save_blend, saved.sequence, resources, config.seed, _optics(config, saved), program)
    progress.advance()


def _merge_stage(
    config: AnimateConfig,
    folder: OutputFolder,
    identity: dict[str, Any],
    input_notes: list[str],
    saved: SavedSequence,
    num_shards: int,
    progress: Progress,
) -> tuple[dict[str, Any], Tally]:
    """Write the dataset's files and forget what only an unfinished run needs."""
    records = read_records(folder, num_shards)
    tally = tally_records(records())
    progress.stage("report", 1)
    run = {
        **run_record("animate", config, identity, tally, input_notes),
        "motion": {
            "name": saved.sequence.name,
            "num_frames": len(saved.sequence),
            "fps": round(saved.sequence.fps, 6),
            "num_chosen": len(saved.frames),
            "num_takes": config.takes,
            "notes": list(saved.sequence.notes),
            **{f"retarget.{name}": value for name, value in saved.figures.items()},
        },
    }
    if config.film:
        write_films(folder, records)
    merge(folder, records, run, None)
    progress.advance()
    if tally.num_crashes == 0:
        folder.remove_tree(WORK_FOLDER)
    return run, tally
