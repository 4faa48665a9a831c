"""``syrip eval`` from settings to report: predictions of every run, figures, domain gap, files."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

from fidip.evaluation.areas import choose_areas
from fidip.evaluation.boxes import BoxSet, ground_truth_boxes, read_boxes
from fidip.evaluation.estimate import estimate_persons
from fidip.evaluation.figures import measure
from fidip.evaluation.gap import CropFeatures, GapFigures, crop_features, draw_tsne, measure_gap
from fidip.evaluation.ground_truth import GroundTruth, read_ground_truth
from fidip.evaluation.options import EvalConfig
from fidip.evaluation.pck import parse_metrics
from fidip.evaluation.pictures import find_pictures, picture_folder
from fidip.evaluation.predictions import Predictions, read_predictions, write_predictions
from fidip.evaluation.report import EvalReport, NetworkInfo, write_report
from fidip.evaluation.sources import Source, choose_device, list_sources, open_classifier, open_source
from fidip.inference.estimator import PoseEstimator
from syrip_gen.annotation.coco import ANNOTATION_FILE

__all__ = ["Progress", "SilentProgress", "evaluate_runs"]


class Progress(Protocol):
    """Who is told about long work."""

    def stage(self, name: str, total: int) -> None:
        """Begin a stage of ``total`` items."""

    def advance(self, count: int = 1) -> None:
        """Count finished items of the stage."""


class SilentProgress:
    """Tells nobody."""

    def stage(self, name: str, total: int) -> None:
        """Do nothing."""

    def advance(self, count: int = 1) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class _PictureSet:
    """Pictures with persons in them."""

    gt: GroundTruth
    boxes: BoxSet
    folder: Path
    name: str


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
        ValueError: If a setting or a file is wrong.
    """
    began = time.monotonic()
    progress = progress or SilentProgress()
    if config.gt is None:
        raise ValueError("--gt is missing: name the COCO keypoint file to compare with")
    sources = list_sources(runs, config.checkpoint, config.predictions)
    metrics = parse_metrics(config.metrics)
    gt = read_ground_truth(config.gt)
    networks = [source for source in sources if source.kind == "network"]
    pictures = second = None
    device = torch.device("cpu")
    if networks:
        device = choose_device(config.device)
        pictures = _first_set(config, gt)
    if config.gap is not None:
        if not networks:
            raise ValueError("--gap compares a network's features: name a run or weights beside predictions")
        second = _second_set(config)
    predictions = {s.name: read_predictions(s.path, gt) for s in sources if s.kind == "predictions"}
    infos: dict[str, NetworkInfo] = {}
    gaps: dict[str, GapFigures] = {}
    notes, failures = list(gt.notes), []
    for source in networks:
        estimator = _estimator(config, source, device)
        infos[source.name] = _info(estimator)
        predictions[source.name] = _run_network(config, source, estimator, pictures, progress)
        if second is not None:
            gap, lost = _gap(config, source, estimator, (pictures, second), progress)
            gaps[source.name] = gap
            failures += lost
    note = choose_areas(gt, config.area).note
    notes += [note] if note else []
    figures = []
    for source in sources:
        found = predictions[source.name]
        notes += found.notes
        failures += found.failures
        figures.append(measure(gt, source.name, found, config.area, metrics))
    report = EvalReport(
        gt=gt.name,
        runs=tuple(figures),
        networks=infos,
        gaps=gaps,
        notes=tuple(notes),
        failures=tuple(dict.fromkeys(failures)),
        seconds=time.monotonic() - began,
        output=config.output,
    )
    write_report(report, config.output)
    return report


def _first_set(config: EvalConfig, gt: GroundTruth) -> _PictureSet:
    boxes = ground_truth_boxes(gt) if config.boxes == "gt" else read_boxes(config.boxes, gt)
    folder = picture_folder(str(config.gt), config.images)
    find_pictures(gt, folder, boxes.by_image)
    return _PictureSet(gt, boxes, folder, gt.name)


def _second_set(config: EvalConfig) -> _PictureSet:
    path = Path(str(config.gap))
    file = path / ANNOTATION_FILE if path.is_dir() else path
    gt = read_ground_truth(file)
    boxes, folder = ground_truth_boxes(gt), picture_folder(file, config.gap_images)
    find_pictures(gt, folder, boxes.by_image)
    return _PictureSet(gt, boxes, folder, path.name if path.is_dir() else gt.name)


def _estimator(config: EvalConfig, source: Source, device: torch.device) -> PoseEstimator:
    return PoseEstimator(
        open_source(source),
        device=device,
        batch_size=config.batch_size,
        flip_test=not config.no_flip_test,
        rotation_pick=config.rotation_pick,
        decode=config.decode,
    )


def _info(estimator: PoseEstimator) -> NetworkInfo:
    width, height = estimator.spec.input_size
    count = sum(parameter.numel() for parameter in estimator.network.parameters())
    return NetworkInfo(estimator.spec.name, f"{width}x{height}", count)


def _run_network(
    config: EvalConfig, source: Source, estimator: PoseEstimator, pictures: _PictureSet, progress: Progress
) -> Predictions:
    """Predict every person, save the predictions, and check them as if they came from a file."""
    progress.stage(source.name, len(pictures.boxes.by_image))
    found = estimate_persons(
        estimator,
        pictures.gt,
        pictures.boxes,
        pictures.folder,
        name=source.name,
        nms_threshold=config.oks_nms if pictures.boxes.are_detected else None,
        advance=progress.advance,
    )
    if not found.results:
        raise ValueError(f"{source.name}: nothing could be predicted: {'; '.join(found.failures[:3])}")
    file_name = source.name.replace("/", "_").replace("\\", "_")
    write_predictions(Path(config.output) / f"predictions_{file_name}.json", found.results)
    return found


def _gap(
    config: EvalConfig,
    source: Source,
    estimator: PoseEstimator,
    sets: tuple[_PictureSet, _PictureSet],
    progress: Progress,
) -> tuple[GapFigures, list[str]]:
    """Compare the features of two sets and draw their map; return what could not be used, too."""
    classifier = open_classifier(source, estimator.spec)
    if classifier is not None:
        classifier = classifier.to(estimator.device).eval()
    rows: list[CropFeatures] = []
    for pictures in sets:
        progress.stage(f"{source.name}: features of {pictures.name}", len(pictures.boxes.by_image))
        rows.append(
            crop_features(
                estimator,
                pictures.gt,
                pictures.boxes,
                pictures.folder,
                name=pictures.name,
                classifier=classifier,
                advance=progress.advance,
            )
        )
    first, second = rows
    gap = measure_gap(first, second)
    file_name = source.name.replace("/", "_").replace("\\", "_")
    path = Path(config.output) / f"tsne_{file_name}.png"
    draw_tsne(first, second, path, f"{source.name}: t-SNE of the features")
    return gap, [*first.failures, *second.failures]
