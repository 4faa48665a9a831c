"""``syrip eval`` from settings to report: predictions of every run, figures, domain gap, files."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fidip.evaluation.areas import choose_areas
from fidip.evaluation.dataset_truth import read_truth
from fidip.evaluation.earlier import remove_earlier
from fidip.evaluation.figures import measure
from fidip.evaluation.ground_truth import GroundTruth
from fidip.evaluation.joint_bars import BARS_FILE, draw_joint_bars
from fidip.evaluation.labels_3d import with_labels_3d
from fidip.evaluation.lifted import label_predictions, lift_predictions
from fidip.evaluation.metric_words import MetricSet, read_metrics
from fidip.evaluation.options import DETECTED, EvalConfig
from fidip.evaluation.pck import pck_notes
from fidip.evaluation.predictions import Predictions, read_predictions
from fidip.evaluation.report import EvalReport, NetworkInfo, write_report
from fidip.evaluation.sources import Source, file_stem, list_sources
from fidip.output_check import check_output_folder
from fidip.progress import Progress, SilentProgress
from syrip_gen.keypoints.catalog import COCO17, get_schema
from syrip_gen.keypoints.schema import KeypointSchema

if TYPE_CHECKING:
    from fidip.detection.metrics import BoxFigures
    from fidip.evaluation.detectors import DetectorRuns
    from fidip.evaluation.gap import GapFigures
    from fidip.lifting.lift import Lifter

__all__ = ["evaluate_runs"]


def evaluate_runs(
    config: EvalConfig, runs: Sequence[str] = (), progress: Progress | None = None
) -> EvalReport:
    """Measure runs, weights files and predictions files on one ground truth and write the tables.

    Everything that can be wrong with the input is looked at before the first network runs.

    Args:
        config: Settings.
        runs: Run folders, weights files and predictions files, in the order of the table.
        progress: Is told how far the networks are.

    Raises:
        FileNotFoundError: If a file, a folder or pictures are missing (pictures: all of them are named).
        ValueError: If a setting or a file is wrong, or the output folder cannot be written.
    """
    began = time.monotonic()
    progress = progress or SilentProgress()
    if config.gt is None:
        raise ValueError("--gt is missing: name the COCO keypoint file to compare with")
    sources = _sources(config, runs)
    check_output_folder(config.output, "-o")
    metrics, schema = read_metrics(config.metrics), get_schema(config.keypoint_schema)
    has_networks = any(source.kind == "network" for source in sources)
    gt = read_truth(config.gt, split=config.split, with_images=has_networks or bool(config.detector))
    if config.gt_3d is not None:
        gt = with_labels_3d(gt, config.gt_3d)
    if metrics.needs_3d and not gt.has_3d:
        words = ", ".join(metrics.needs_3d)
        raise ValueError(f"--metrics {words}: {gt.name} has no 3D keypoints (keypoints_3d_m); see --gt-3d")
    if config.lift is None and any(source.kind == "labels" for source in sources):
        raise ValueError("labels have nothing to be compared with: name a lifter with --lift")
    lifter = None if config.lift is None else _open_lifter(config)
    if config.gap is not None and not has_networks:
        raise ValueError("--gap compares a network's features: name a run or weights beside predictions")
    label_schema = COCO17 if lifter is None else lifter.schema
    predictions, infos, gaps, boxes = _predict(config, gt, sources, progress, label_schema)
    notes, failures = list(gt.notes), list(gt.failures)
    note = choose_areas(gt, config.area).note
    notes += [note] if note else []
    notes += pck_notes(metrics.pck, gt)
    figures = []
    for source in sources:
        found = predictions[source.name]
        if lifter is not None:
            found = lift_predictions(found, gt, lifter, use_camera=not config.no_camera)
        notes += found.notes
        failures += found.failures
        run = measure(gt, source.name, found, config.area, metrics, schema=schema, thesis=config.thesis)
        notes += [*run.notes, *_without_3d(source.name, found, metrics)]
        figures.append(run)
    report = EvalReport(
        gt=gt.name,
        runs=tuple(figures),
        networks=infos,
        detectors=boxes,
        gaps=gaps,
        notes=tuple(notes),
        failures=tuple(dict.fromkeys(failures)),
        seconds=time.monotonic() - began,
        output=config.output,
    )
    remove_earlier(config.output, _kept(config, sources, gaps))
    write_report(report, config.output)
    if report.poses:
        draw_joint_bars(report.poses, Path(config.output) / BARS_FILE)
    return report


def _sources(config: EvalConfig, runs: Sequence[str]) -> tuple[Source, ...]:
    """Return what estimates poses: nothing where only detectors are named."""
    if config.boxes == DETECTED and not config.detector:
        raise ValueError("--boxes detected needs --detector RUN")
    if config.detector_score is not None and not config.detector:
        raise ValueError("--detector-score needs --detector RUN")
    if config.detector and config.boxes != DETECTED and not (runs or config.checkpoint or config.predictions):
        return ()
    return list_sources(runs, config.checkpoint, config.predictions)


def _open_lifter(config: EvalConfig) -> "Lifter":
    from fidip.evaluation.networks import choose_device
    from fidip.inference.predict import SHIPPED as SHIPPED_LIFTER
    from fidip.lifting.lift import Lifter

    run = None if config.lift == SHIPPED_LIFTER else config.lift
    return Lifter.open(run, choose_device(config.device), over_time=True)


def _without_3d(name: str, found: Predictions, metrics: MetricSet) -> list[str]:
    """Return what to tell about predictions that cannot be compared in space."""
    count = sum("points_3d_mm" not in result for result in found.results)
    if not metrics.needs_3d or not count:
        return []
    return [f"{name}: {count} of {len(found.results)} predictions have no keypoints_3d_mm."]


def _kept(config: EvalConfig, sources: Sequence[Source], gaps: Mapping[str, "GapFigures"]) -> list[Path]:
    """Return what stays of the output folder: files that networks just wrote, and the user's input."""
    folder = Path(config.output)
    inputs = [s.path for s in sources] + [p for p in (config.gt, config.gt_3d, config.boxes, config.gap) if p]
    predictions = [f"predictions_{file_stem(s.name)}.json" for s in sources if s.kind == "network"]
    maps = [f"tsne_{file_stem(name)}.png" for name in gaps]
    return [*map(Path, inputs), *(folder / name for name in [*predictions, *maps])]


def _predict(
    config: EvalConfig,
    gt: GroundTruth,
    sources: Sequence[Source],
    progress: Progress,
    label_schema: KeypointSchema,
) -> tuple[dict[str, Predictions], dict[str, NetworkInfo], dict[str, "GapFigures"], dict[str, "BoxFigures"]]:
    """Return predictions, network columns, domain gap and box figures by name; files are read first."""
    networks = [source for source in sources if source.kind == "network"]
    predictions = {s.name: read_predictions(s.path, gt) for s in sources if s.kind == "predictions"}
    for source in (source for source in sources if source.kind == "labels"):
        predictions[source.name] = label_predictions(gt, source.name, label_schema)
    infos: dict[str, NetworkInfo] = {}
    gaps: dict[str, GapFigures] = {}
    boxes: dict[str, BoxFigures] = {}
    detectors = _open_detectors(config, gt, progress) if config.detector else None
    if networks:
        from fidip.evaluation.network_runs import NetworkRuns  # torch is not needed for predictions files

        runner = NetworkRuns(config, gt, networks, progress)
    if detectors is not None:
        boxes, found = detectors.run()
        if networks and config.boxes == DETECTED:
            runner.use_boxes(found)
    if networks:
        for source in networks:
            predictions[source.name], infos[source.name], gap = runner.measure(source)
            if gap is not None:
                gaps[source.name] = gap
    return predictions, infos, gaps, boxes


def _open_detectors(config: EvalConfig, gt: GroundTruth, progress: Progress) -> "DetectorRuns":
    from fidip.evaluation.detectors import DetectorRuns

    return DetectorRuns(config, gt, progress)
