"""The part of ``syrip eval`` that runs networks: predictions of a run, and its domain gap."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from fidip.evaluation.boxes import BoxSet, ground_truth_boxes, read_boxes
from fidip.evaluation.estimate import estimate_persons
from fidip.evaluation.gap import CropFeatures, GapFigures, crop_features, draw_tsne, measure_gap
from fidip.evaluation.ground_truth import GroundTruth, annotation_file, read_ground_truth
from fidip.evaluation.networks import choose_device, open_classifier, open_source
from fidip.evaluation.options import EvalConfig
from fidip.evaluation.pictures import find_pictures, picture_folder
from fidip.evaluation.predictions import Predictions, write_predictions
from fidip.evaluation.progress import Progress
from fidip.evaluation.report import NetworkInfo
from fidip.evaluation.sources import Source
from fidip.inference.estimator import PoseEstimator

__all__ = ["NetworkRuns"]


@dataclass(frozen=True, slots=True)
class PictureSet:
    """Pictures with persons in them."""

    gt: GroundTruth
    boxes: BoxSet
    folder: Path
    name: str


class NetworkRuns:
    """Runs networks one after the other on the same pictures."""

    def __init__(self, config: EvalConfig, gt: GroundTruth, progress: Progress) -> None:
        """Look at everything that can be wrong with the input before a network runs.

        Raises:
            FileNotFoundError: If a file, a folder or pictures are missing (pictures: with their names).
            ValueError: If a setting or a file is wrong.
        """
        self.config, self.progress = config, progress
        self.device = choose_device(config.device)
        self.pictures = first_set(config, gt)
        self.second = second_set(config) if config.gap is not None else None

    def measure(self, source: Source) -> tuple[Predictions, NetworkInfo, GapFigures | None]:
        """Return a network's predictions (saved in the output folder, too), its size and its domain gap."""
        estimator = make_estimator(self.config, source, self.device)
        found = run_network(self.config, source, estimator, self.pictures, self.progress)
        gap = None
        if self.second is not None:
            sets = self.pictures, self.second
            gap, failures = compare_sets(self.config, source, estimator, sets, self.progress)
            found = replace(found, failures=(*found.failures, *failures))
        return found, network_info(estimator), gap


def first_set(config: EvalConfig, gt: GroundTruth) -> PictureSet:
    """Return the persons of ``--gt`` (or ``--boxes``) and where their pictures are."""
    boxes = ground_truth_boxes(gt) if config.boxes == "gt" else read_boxes(config.boxes, gt)
    folder = picture_folder(annotation_file(config.gt), config.images)
    find_pictures(gt, folder, boxes.by_image)
    return PictureSet(gt, boxes, folder, set_name(config.gt))


def second_set(config: EvalConfig) -> PictureSet:
    """Return the persons of ``--gap`` and where their pictures are."""
    gt = read_ground_truth(config.gap)
    boxes, folder = ground_truth_boxes(gt), picture_folder(annotation_file(config.gap), config.gap_images)
    find_pictures(gt, folder, boxes.by_image)
    return PictureSet(gt, boxes, folder, set_name(config.gap))


def set_name(path: str) -> str:
    """Return a short name of a set: its dataset's folder, or its file."""
    file = annotation_file(path).absolute()
    return file.parent.parent.name if file.parent.name == "annotations" else file.stem


def make_estimator(config: EvalConfig, source: Source, device: torch.device) -> PoseEstimator:
    """Return a source's network, run as the settings say."""
    return PoseEstimator(
        open_source(source),
        device=device,
        batch_size=config.batch_size,
        flip_test=not config.no_flip_test,
        rotation_pick=config.rotation_pick,
        decode=config.decode,
    )


def network_info(estimator: PoseEstimator) -> NetworkInfo:
    """Return the columns that describe a network."""
    width, height = estimator.spec.input_size
    count = sum(parameter.numel() for parameter in estimator.network.parameters())
    return NetworkInfo(estimator.spec.name, f"{width}x{height}", count)


def run_network(
    config: EvalConfig, source: Source, estimator: PoseEstimator, pictures: PictureSet, progress: Progress
) -> Predictions:
    """Predict every person and save the predictions."""
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


def compare_sets(
    config: EvalConfig,
    source: Source,
    estimator: PoseEstimator,
    sets: tuple[PictureSet, PictureSet],
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
