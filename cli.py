"""The ``syrip`` command: parse, call one function, report. Heavy imports stay inside the commands."""

import json
import logging
import sys
from pathlib import Path
from typing import Any

import click

from syrip_gen.config_options import ConfigCommand

OK, FAILED, USAGE, SOME_FAILED, INTERRUPTED = 0, 1, 2, 3, 130


def _check_json_file(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Refuse a file that could not be written, before any work is done."""
    if value and (Path(value).is_dir() or not Path(value).absolute().parent.is_dir()):
        raise click.BadParameter(f"{value!r}: expected a file in a folder that exists.")
    return value


JSON_OPTION = click.option(
    "--json",
    "json_file",
    metavar="FILE",
    callback=_check_json_file,
    help="Also write the printed figures as flat JSON.  [default: none]",
)


def _print_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from syrip_gen.stages.provenance import package_version

        click.echo(f"syrip {package_version()}")
        ctx.exit()


class _Group(click.Group):
    """Turns errors into one or two lines and an exit code."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command; never return without one of the documented exit codes."""
        debug = "--debug" in (
            kwargs.get("args") or (args[0] if args and args[0] is not None else sys.argv[1:])
        )
        standalone = kwargs.pop("standalone_mode", True)
        try:
            code = super().main(*args, standalone_mode=False, **kwargs)
        except click.exceptions.Abort:
            code = _interrupted()
        except KeyboardInterrupt:
            code = _interrupted()
        except click.ClickException as error:
            error.show()
            code = USAGE if isinstance(error, click.UsageError) else FAILED
        except (ValueError, FileNotFoundError) as error:
            code = _fail(error, USAGE, debug)
        except Exception as error:  # the last line of defence: shown, exit code 1, traceback with --debug
            code = _fail(error, FAILED, debug)
        code = code if isinstance(code, int) else OK
        if standalone:
            sys.exit(code)
        return code


def _interrupted() -> int:
    click.echo("Interrupted. Nothing is lost: run the same command with --resume to go on.", err=True)
    return INTERRUPTED


def _fail(error: Exception, code: int, debug: bool) -> int:
    if debug:
        import traceback

        traceback.print_exception(error)
    text = str(error) or type(error).__name__
    if code == FAILED and not isinstance(error, OSError | RuntimeError | ImportError):
        text = f"{type(error).__name__}: {text} (a fault in syrip; run with --debug for the details)"
    click.echo(f"Error: {text}", err=True)
    return code


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version.",
)
@click.option("--debug", is_flag=True, help="Show tracebacks and detailed logs.  [default: off]")
def main(debug: bool) -> None:
    """Make labelled synthetic infant images from 2D infant poses.

    Exit codes: 0 done, 1 failed, 2 wrong usage or input, 3 finished but some items failed, 130 interrupted.
    """
    level = logging.DEBUG if debug else logging.WARNING
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s" if debug else "%(message)s")
    for name in ("numba", "matplotlib", "PIL", "fsspec"):
        logging.getLogger(name).setLevel(logging.WARNING)
    if not debug:  # skipped files are told by the pipeline's own notes
        logging.getLogger("syrip_gen.sampling").setLevel(logging.ERROR)


@main.command(cls=ConfigCommand.of("syrip_gen.config:GenerateConfig"))
@click.option(
    "--dry-run", is_flag=True, help="Print the scenes as JSON lines and write nothing.  [default: off]"
)
@JSON_OPTION
def generate(config: Any, dry_run: bool, json_file: str | None) -> int:
    """Turn 2D poses into a labelled dataset of synthetic images."""
    from syrip_gen import pipeline
    from syrip_gen.progress import ConsoleProgress
    from syrip_gen.summaries import generate_figures, generate_summary

    if dry_run:
        for spec in pipeline.dry_run(config):
            click.echo(json.dumps(spec.to_json(), separators=(",", ":")))
        return OK
    with ConsoleProgress() as progress:
        result = pipeline.generate(config, progress)
    click.echo(generate_summary(result))
    _write_json(json_file, generate_figures(result))
    return SOME_FAILED if result.num_failures else OK


@main.command(cls=ConfigCommand.of("syrip_gen.config:FitConfig"))
@JSON_OPTION
def fit(config: Any, json_file: str | None) -> int:
    """Fit the infant body to 2D poses and save the fit bank."""
    from syrip_gen.progress import ConsoleProgress
    from syrip_gen.stages.fit import fit_files
    from syrip_gen.summaries import bank_figures, fit_summary

    with ConsoleProgress() as progress:
        bank, seconds = fit_files(config, progress)
    click.echo(fit_summary(bank, config.output, seconds))
    _write_json(json_file, bank_figures(bank, seconds))
    return OK if bank.accepted.any() else SOME_FAILED


@main.command(cls=ConfigCommand.of("syrip_gen.config:AnimateConfig"))
@click.option(
    "--dry-run", is_flag=True, help="Print the scenes as JSON lines and write nothing.  [default: off]"
)
@JSON_OPTION
def animate(config: Any, dry_run: bool, json_file: str | None) -> int:
    """Turn a clip of motion into labelled images of an infant."""
    from syrip_gen import animation
    from syrip_gen.progress import ConsoleProgress
    from syrip_gen.summaries import animate_figures, animate_summary

    if dry_run:
        for spec in animation.dry_run(config):
            click.echo(json.dumps(spec.to_json(), separators=(",", ":")))
        return OK
    with ConsoleProgress() as progress:
        result = animation.animate(config, progress)
    click.echo(animate_summary(result, config.save_blend))
    _write_json(json_file, animate_figures(result))
    return SOME_FAILED if result.num_failures else OK


@main.command(cls=ConfigCommand.of("fidip.config:TrainOptions"))
@click.option("--list-recipes", is_flag=True, help="Print the shipped recipes and stop.  [default: off]")
@JSON_OPTION
def train(config: Any, list_recipes: bool, json_file: str | None) -> int:
    """Adapt a pose network to infants with synthetic and real pictures (FiDIP), or train a 3D lifter."""
    if list_recipes:
        from fidip.recipes import load_any_recipe, recipe_names

        for name in recipe_names():
            click.echo(f"{name:24}{load_any_recipe(name)[1].description}")
        return OK
    from fidip.training.tasks import run_training
    from syrip_gen.progress import ConsoleProgress

    with ConsoleProgress() as progress:
        finished = run_training(config, progress)
    click.echo(finished.summary)
    _write_json(json_file, finished.figures)
    return SOME_FAILED if finished.failures else OK


@main.command(name="eval", cls=ConfigCommand.of("fidip.evaluation.options:EvalConfig"))
@click.argument("runs", metavar="[RUN]...", nargs=-1)
@JSON_OPTION
def evaluate(config: Any, runs: tuple[str, ...], json_file: str | None) -> int:
    """Measure keypoint AP, AR and PCK of runs, weights and predictions side by side.

    RUN is a run folder of syrip train, a weights file, a predictions file (.json), or movenet_thunder, the
    shipped network, which is measured when nothing is named.
    """
    from fidip.evaluation.evaluate import evaluate_runs
    from fidip.evaluation.report import eval_figures, eval_summary
    from syrip_gen.progress import ConsoleProgress

    with ConsoleProgress() as progress:
        result = evaluate_runs(config, runs, progress)
    click.echo(eval_summary(result))
    _write_json(json_file, eval_figures(result))
    return SOME_FAILED if result.failures else OK


@main.command(cls=ConfigCommand.of("fidip.inference.options:PredictConfig"))
@click.argument("inputs", metavar="PHOTO|FOLDER|VIDEO|CAMERA...", nargs=-1, required=True)
@JSON_OPTION
def predict(config: Any, inputs: tuple[str, ...], json_file: str | None) -> int:
    """Estimate poses in photos, folders, videos and cameras (a number, such as 0)."""
    from fidip.inference.predict import predict as predict_all
    from fidip.interruption import interruption_flag
    from syrip_gen.progress import ConsoleProgress

    with ConsoleProgress() as progress, interruption_flag() as is_interrupted:
        result = predict_all(config, inputs, progress, should_stop=is_interrupted)
    click.echo(result.summary())
    _write_json(json_file, result.figures())
    if result.was_interrupted:
        return INTERRUPTED
    return SOME_FAILED if result.failures else OK


@main.command(cls=ConfigCommand.of("fidip.labelling.options:LabelOptions"))
@click.argument("inputs", metavar="[FOLDER|VIDEO|PHOTO]...", nargs=-1)
@JSON_OPTION
def label(config: Any, inputs: tuple[str, ...], json_file: str | None) -> int:
    """Label photos and videos: first by a network, then by people in the browser.

    The labels are a COCO file at once and after every edit. The same command goes on where it stopped and
    adds new pictures. With --review the page shows generated images or fits instead.
    """
    from fidip.labelling.session import check_server, label_pictures, review_dataset, serve_project
    from syrip_gen.progress import ConsoleProgress

    check_server(config)
    if config.review is not None:
        store, result = review_dataset(config, inputs)
    else:
        with ConsoleProgress() as progress:
            store, result = label_pictures(config, inputs, progress)
    click.echo(result.summary())
    _write_json(json_file, result.figures())
    if result.was_interrupted:
        store.close()
        return INTERRUPTED
    serve_project(store, config, click.echo)
    return SOME_FAILED if result.failures else OK


@main.command(cls=ConfigCommand.of("fidip.export_options:ExportOptions"))
@click.argument("source", metavar="[RUN|DATASET|LABELS]", required=False)
@JSON_OPTION
def export(config: Any, source: str | None, json_file: str | None) -> int:
    """Write a network as ONNX, or datasets and labels for other tools.

    For --onnx name a RUN folder or weights file (none = the shipped network): what is written is checked.
    For --mini-rgbd, --yolo and --webdataset name a DATASET folder of syrip generate or animate; the latter
    two take any COCO keypoint file, too. For --cvat, --label-studio and --ah-colt name LABELS: a COCO file, a
    project of syrip label (NAME.json.project), or another tool's file.
    """
    from fidip.output_check import check_output_file, check_output_folder

    target = config.target()
    if target != "onnx" and source is None:
        is_dataset = target in ("mini_rgbd", "yolo", "webdataset")
        what = "a DATASET folder of syrip generate" if is_dataset else "a file of LABELS"
        raise click.UsageError(f"--{target.replace('_', '-')} needs {what}")
    if target == "mini_rgbd":
        from syrip_gen.annotation.mini_rgbd_export import export_mini_rgbd

        check_output_folder(config.mini_rgbd, "--mini-rgbd")
        result = export_mini_rgbd(source, config.mini_rgbd, body=config.body, camera=config.camera)
    elif target == "onnx":
        from fidip.export import export_onnx
        from fidip.inference.predict import open_checkpoint

        check_output_file(config.onnx, "--onnx")
        result = export_onnx(open_checkpoint(source), config.onnx)
    elif target in ("yolo", "webdataset"):
        from fidip.exporting.command import export_dataset

        result = export_dataset(source, config)
    else:
        from fidip.labelling.exchange.export import export_labels

        result = export_labels(source, target, getattr(config, target), image_url=config.image_url)
    click.echo(result.summary())
    _write_json(json_file, result.figures())
    return SOME_FAILED if getattr(result, "failures", ()) else OK


@main.command()
@click.argument("source", metavar="DATASET|LABELS", type=click.Path(exists=True))
@click.option("--against", metavar="FILE", help="Compare LABELS with those of another file.  [default: none]")
@click.option(
    "--between",
    nargs=2,
    metavar="NAME NAME",
    help="Compare two labellers of one project, LABELS (NAME.json.project).  [default: none]",
)
@click.option(
    "--same-pictures",
    is_flag=True,
    help="With --against: the pictures are the same although their files or folders differ.  [default: off]",
)
@click.option("-o", "--output", metavar="FILE", help="With labels: page to write, HTML.  [default: none]")
@JSON_OPTION
def report(
    source: str,
    against: str | None,
    between: tuple[str, str] | None,
    same_pictures: bool,
    output: str | None,
    json_file: str | None,
) -> int:
    """Print the figures of a dataset, or the agreement of two labellers.

    Of a DATASET folder: counts, postures, visibility by keypoint, and what the checks threw away; report.html
    and contact_sheet.jpg are written anew. Of two labellers: OKS, PCK and distances by keypoint, kappa of
    visibility, and the images that only one of them has. LABELS are a COCO file, a project of syrip label, or
    a file of CVAT, Label Studio or AH-CoLT.
    """
    if against is not None or between is not None:
        from fidip.labelling.agreement_report import report_agreement

        if against is not None and between is not None:
            raise click.UsageError("name either --against FILE or --between NAME NAME")
        compared = report_agreement(
            source, against, between=between, output=output, same_pictures=same_pictures
        )
        click.echo(compared.summary())
        _write_json(json_file, compared.figures())
        return OK
    if output is not None or Path(source).is_file():
        raise click.UsageError("name a DATASET folder, or compare LABELS with --against FILE or --between")
    from syrip_gen.quality.report import write_report
    from syrip_gen.summaries import report_figures, report_summary

    written = write_report(source)
    click.echo(report_summary(written))
    _write_json(json_file, report_figures(written))
    return OK


@main.command()
@JSON_OPTION
def doctor(json_file: str | None) -> int:
    """Check this machine: Python, compilers, OpenGL, disk, shipped assets, extras."""
    from syrip_gen.doctor import checks

    results = checks()
    for check in results:
        click.echo(
            f"{'ok  ' if check.ok else 'WARN' if check.optional else 'FAIL'}  {check.name}: {check.text}"
        )
    _write_json(json_file, {check.name: check.ok for check in results})
    return OK if all(check.ok or check.optional for check in results) else FAILED


def _write_json(path: str | None, figures: dict[str, Any]) -> None:
    if path:
        Path(path).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
