"""The part of ``syrip eval`` that runs networks: predictions of a run, and its domain gap."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from fidip.evaluation.boxes import BoxSet, ground_truth_boxes, read_boxes
from fidip.evaluation.estimate import estimate_persons, find_persons
from fidip.evaluation.gap import (
    CropFeatures,
    GapFigures,
    crop_features,
    draw_tsne,
    kernel_distance,
    measure_gap,
)
from fidip.evaluation.ground_truth import GroundTruth, annotation_file, read_ground_truth
from fidip.evaluation.imagenet_features import ImageNetFeatures
from fidip.evaluation.networks import choose_device, open_classifier, open_source
from fidip.evaluation.options import DETECTED, EvalConfig
from fidip.evaluation.pictures import find_pictures, picture_folder
from fidip.evaluation.predictions import Predictions, write_predictions
from fidip.evaluation.report import NetworkInfo
from fidip.evaluation.sources import Source, file_stem
from fidip.inference.estimator import PoseEstimator
from fidip.models.interface import PoseNetwork
from fidip.models.whole_image import WholeImageEstimator
from fidip.progress import Progress
from syrip_gen.keypoints.schema import KeypointSchema

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

    def __init__(
        self, config: EvalConfig, gt: GroundTruth, sources: Sequence[Source], progress: Progress
    ) -> None:
        """Look at everything that can be wrong with the input, and open all networks, before one runs.

        Raises:
            FileNotFoundError: If a file, a folder or pictures are missing (pictures: with their names).
            ValueError: If a setting, a file or a network's weights are wrong.
        """
        self.config, self.progress = config, progress
        self.device = choose_device(config.device)
        self.pictures = first_set(config, gt)
        self.second = second_set(config) if config.gap is not None else None
        self.networks = {source.name: open_source(source, self.device) for source in sources}
        finders = [s.name for s in sources if not isinstance(self.networks[s.name], PoseNetwork)]
        self.imagenet = None
        if config.kid_weights is not None:
            self.imagenet = ImageNetFeatures(
                config.kid_weights, device=self.device, batch_size=config.batch_size
            )
        self.kid_imagenet: float | None = None
        if finders:
            find_pictures(gt, self.pictures.folder, gt.image_ids)
            if self.second is not None:
                raise ValueError(f"--gap compares features of crops, which {finders[0]} does not make")

    def use_boxes(self, boxes: BoxSet) -> None:
        """Run the networks on other boxes of the same pictures.

        Raises:
            ValueError: If there is none.
        """
        if not boxes.by_image:
            raise ValueError("--boxes detected: the detector found nobody in any picture")
        self.pictures = replace(self.pictures, boxes=boxes)

    def measure(self, source: Source) -> tuple[Predictions, NetworkInfo, GapFigures | None]:
        """Return a network's predictions (saved in the output folder, too), its size and its domain gap."""
        network = self.networks[source.name]
        if not isinstance(network, PoseNetwork):
            return self._find(source, network), finder_info(network), None
        estimator = make_estimator(self.config, network, self.device)
        found = run_network(self.config, source, estimator, self.pictures, self.progress)
        gap = None
        if self.second is not None:
            sets = self.pictures, self.second
            gap, failures = compare_sets(self.config, source, estimator, sets, self.progress)
            found = replace(found, failures=(*found.failures, *failures))
            gap = replace(gap, kid_imagenet=self._imagenet_distance())
        return found, network_info(estimator), gap

    def _imagenet_distance(self) -> float:
        """Return KID of ImageNet features, computed once; NaN where it was not asked for."""
        if self.imagenet is None or self.second is None:
            return float("nan")
        if self.kid_imagenet is None:
            first, second = (
                set_features(self.imagenet, pictures, "ImageNet", None, self.progress)
                for pictures in (self.pictures, self.second)
            )
            self.kid_imagenet = kernel_distance(first.pooled, second.pooled)
        return self.kid_imagenet

    def _find(self, source: Source, finder: WholeImageEstimator) -> Predictions:
        pictures = self.pictures
        self.progress.stage(source.name, len(pictures.gt.images))
        advance = self.progress.advance
        found = find_persons(finder, pictures.gt, pictures.folder, name=source.name, advance=advance)
        return save_predictions(self.config, source, found)


def first_set(config: EvalConfig, gt: GroundTruth) -> PictureSet:
    """Return persons and picture folder of ``--gt`` or ``--boxes`` (detected boxes come later)."""
    is_file = config.boxes not in ("gt", DETECTED)
    boxes = read_boxes(config.boxes, gt) if is_file else ground_truth_boxes(gt)
    if gt.picture_root is not None and config.images is None:
        folder = gt.picture_root
    else:
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


def make_estimator(config: EvalConfig, network: PoseNetwork, device: torch.device) -> PoseEstimator:
    """Return a network, run as the settings say."""
    return PoseEstimator(
        network,
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


def finder_info(finder: WholeImageEstimator) -> NetworkInfo:
    """Return the columns that describe an estimator that takes whole pictures."""
    network = getattr(finder, "network", None)
    count = sum(p.numel() for p in network.parameters()) if isinstance(network, nn.Module) else 0
    return NetworkInfo(finder.name, "picture", count)


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
    return save_predictions(config, source, found)


def save_predictions(config: EvalConfig, source: Source, found: Predictions) -> Predictions:
    """Write the predictions of a network into the output folder and return them.

    Raises:
        ValueError: If there are none, because no picture could be used.
    """
    if not found.results and found.failures:
        raise ValueError(f"{source.name}: nothing could be predicted: {'; '.join(found.failures[:3])}")
    path = Path(config.output) / f"predictions_{file_stem(source.name)}.json"
    write_predictions(path, [_as_written(record, found.schema) for record in found.results])
    return found


def _as_written(record: dict[str, Any], schema: KeypointSchema) -> dict[str, Any]:
    """Return a result as a file holds it: with the network's own keypoints and their schema."""
    if "native" not in record:
        return record
    own = {name: value for name, value in record.items() if name != "native"}
    return {**own, "keypoints": record["native"].ravel().tolist(), "keypoint_schema": schema.name}


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
    first, second = (
        set_features(estimator, pictures, source.name, classifier, progress) for pictures in sets
    )
    gap = measure_gap(first, second)
    path = Path(config.output) / f"tsne_{file_stem(source.name)}.png"
    draw_tsne(first, second, path, f"{source.name}: t-SNE of the features")
    return gap, [*first.failures, *second.failures]


def set_features(
    estimator: PoseEstimator,
    pictures: PictureSet,
    name: str,
    classifier: nn.Module | None,
    progress: Progress,
) -> CropFeatures:
    """Return the features of one set's persons, with progress."""
    progress.stage(f"{name}: features of {pictures.name}", len(pictures.boxes.by_image))
    return crop_features(
        estimator,
        pictures.gt,
        pictures.boxes,
        pictures.folder,
        name=pictures.name,
        classifier=classifier,
        advance=progress.advance,
    )
