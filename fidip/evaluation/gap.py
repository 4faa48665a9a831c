"""How far apart a network sees two sets of pictures: KID, linear probe, its domain classifier, t-SNE."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from fidip.evaluation.boxes import BoxSet
from fidip.evaluation.ground_truth import GroundTruth
from fidip.evaluation.pictures import find_pictures, read_ahead
from fidip.inference.estimator import Crop, PoseEstimator

__all__ = [
    "CropFeatures",
    "GapFigures",
    "crop_features",
    "crop_means",
    "draw_tsne",
    "kernel_distance",
    "measure_gap",
]

PROBE_FOLDS = 5
PLOT_SEED = 0
MIN_FOR_GAP = 10
"""Fewer persons of a set say nothing about it."""


@dataclass(frozen=True, slots=True)
class CropFeatures:
    """Features of N persons of one set of pictures."""

    name: str
    pooled: np.ndarray
    """(N, C) float64, the mean over space of the features that the domain classifier sees."""
    domain_logits: np.ndarray | None
    """(N,) of the run's own domain classifier (positive = synthetic), if it has one."""
    is_synthetic: np.ndarray
    """(N,) bool."""
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GapFigures:
    """Distance between two sets in the features of one network."""

    first: str
    second: str
    num_first: int
    num_second: int
    kid: float
    """Kernel distance of the pooled features after division by their root mean square (features that only
    shrink come no closer), see :func:`kernel_distance`; 0 = the same."""
    probe_accuracy: float
    """Balanced accuracy of a linear classifier that is trained to tell the sets apart, on persons that it did
    not see; 0.5 = cannot tell them apart."""
    classifier_accuracy: float
    """Balanced accuracy of the run's own domain classifier; NaN without one, or where both sets are of one
    domain."""
    kid_imagenet: float = float("nan")
    """Kernel distance of ImageNet features, where it was asked for; the same for every run."""

    def as_dict(self) -> dict[str, float | int | str]:
        """Return the figures by name."""
        return {name: getattr(self, name) for name in self.__slots__}


def crop_features(
    estimator: PoseEstimator,
    gt: GroundTruth,
    boxes: BoxSet,
    folder: Path,
    *,
    name: str,
    classifier: nn.Module | None = None,
    default_synthetic: bool = False,
    advance: Callable[[int], None] = lambda count: None,
) -> CropFeatures:
    """Run a network on the persons of a set and keep the means of its features.

    Args:
        estimator: The network; crops are cut as for its predictions, upright.
        gt: The set's annotations.
        boxes: Its persons.
        folder: Folder of its pictures.
        name: Of the set.
        classifier: The run's domain classifier.
        default_synthetic: Domain of pictures that do not say ``is_synthetic``.
        advance: Called with the number of pictures done.

    Raises:
        FileNotFoundError: If pictures are missing.
    """
    pictures = find_pictures(gt, folder, boxes.by_image)
    domain = {i["id"]: bool(i.get("is_synthetic", default_synthetic)) for i in gt.images}
    pooled, logits, synthetic, failures = [], [], [], []
    waiting: list[Crop] = []

    def run() -> None:
        if waiting:
            features = _features(estimator, np.stack([crop.pictures[0] for crop in waiting]))
            pooled.append(_pool(features))
            if classifier is not None:
                logits.append(_classify(classifier, features))
            waiting.clear()

    for image_id, picture in read_ahead(pictures.items(), {}):
        if isinstance(picture, str):
            failures.append(picture)
        else:
            crops = [estimator.cut(picture, box.box, (0,)) for box in boxes.by_image[image_id]]
            synthetic += [domain[image_id]] * len(crops)
            waiting += crops
        if len(waiting) >= estimator.batch_size:
            run()
        advance(1)
    run()
    rows = np.concatenate(pooled) if pooled else np.zeros((0, estimator.spec.feature_channels))
    own = np.concatenate(logits) if logits else None
    return CropFeatures(name, rows, own, np.array(synthetic, bool), tuple(failures))


def measure_gap(first: CropFeatures, second: CropFeatures) -> GapFigures:
    """Compare two sets.

    Raises:
        ValueError: If a set has too few persons.
    """
    for features in (first, second):
        if len(features.pooled) < MIN_FOR_GAP:
            what = f"{features.name} has {len(features.pooled)} usable persons"
            raise ValueError(f"the domain gap needs at least {MIN_FOR_GAP} persons of each set; {what}")
    scale = np.sqrt(np.mean(np.concatenate([first.pooled, second.pooled]) ** 2))
    return GapFigures(
        first=first.name,
        second=second.name,
        num_first=len(first.pooled),
        num_second=len(second.pooled),
        kid=kernel_distance(first.pooled / scale, second.pooled / scale),
        probe_accuracy=_probe_accuracy(first.pooled, second.pooled),
        classifier_accuracy=_classifier_accuracy(first, second),
    )


def kernel_distance(x: np.ndarray, y: np.ndarray) -> float:
    """Return KID (Binkowski et al. 2018): unbiased squared MMD of (N, D) and (M, D), kernel (x·y / D + 1)³.

    It depends on the features: figures of different networks do not compare.
    """
    depth = x.shape[1]
    within_x, within_y, across = ((a @ b.T / depth + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    mean_x, mean_y = ((k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (within_x, within_y))
    return float(mean_x + mean_y - 2 * across.mean())


def draw_tsne(first: CropFeatures, second: CropFeatures, path: str | Path, title: str) -> None:
    """Write a PNG with the t-SNE map of both sets' features, as the FiDIP paper's Fig. 5."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from sklearn.manifold import TSNE

    rows = _standardised(np.concatenate([first.pooled, second.pooled]))
    perplexity = min(30.0, (len(rows) - 1) / 3)
    places = TSNE(perplexity=perplexity, init="pca", random_state=PLOT_SEED).fit_transform(rows)
    figure = Figure(figsize=(6, 6), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for features, part, color in (
        (first, places[: len(first.pooled)], "#1f77b4"),
        (second, places[len(first.pooled) :], "#d95f02"),
    ):
        label = f"{features.name} ({len(features.pooled)})"
        axes.scatter(*part.T, s=12, alpha=0.7, linewidths=0, color=color, label=label)
    axes.set(title=title, xticks=[], yticks=[])
    axes.legend(loc="best", fontsize=8)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    figure.savefig(temporary, format="png")
    os.replace(temporary, path)


@torch.inference_mode()
def _features(estimator: PoseEstimator, pictures: np.ndarray) -> Tensor:
    """Return (B, C, h, w) features of (B, H, W, 3) uint8 crops."""
    spec = estimator.spec
    images = torch.from_numpy(pictures).to(estimator.device).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(v, device=estimator.device).view(1, 3, 1, 1) for v in (spec.mean, spec.std))
    return estimator.network((images - mean) / std).features.float()


def crop_means(estimator: PoseEstimator, pictures: np.ndarray) -> np.ndarray:
    """Return (B, C) float64 means over space of the features of (B, H, W, 3) uint8 crops."""
    return _pool(_features(estimator, pictures))


def _pool(features: Tensor) -> np.ndarray:
    return features.mean((2, 3)).double().cpu().numpy()


@torch.inference_mode()
def _classify(classifier: nn.Module, features: Tensor) -> np.ndarray:
    return classifier(features).flatten().double().cpu().numpy()


def _standardised(rows: np.ndarray) -> np.ndarray:
    return (rows - rows.mean(0)) / np.maximum(rows.std(0), 1e-9)


def _probe_accuracy(x: np.ndarray, y: np.ndarray) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows = np.concatenate([x, y])
    labels = np.repeat([0, 1], [len(x), len(y)])
    probe = make_pipeline(
        StandardScaler(), LogisticRegression(C=0.01, class_weight="balanced", max_iter=1000)
    )
    folds = StratifiedKFold(PROBE_FOLDS, shuffle=True, random_state=PLOT_SEED)
    return float(cross_val_score(probe, rows, labels, cv=folds, scoring="balanced_accuracy").mean())


def _classifier_accuracy(first: CropFeatures, second: CropFeatures) -> float:
    if first.domain_logits is None or second.domain_logits is None:
        return float("nan")
    said = np.concatenate([first.domain_logits, second.domain_logits]) > 0
    truth = np.concatenate([first.is_synthetic, second.is_synthetic])
    if truth.all() or not truth.any():
        return float("nan")
    return float((np.mean(said[truth]) + np.mean(~said[~truth])) / 2)
