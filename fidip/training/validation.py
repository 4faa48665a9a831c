"""Validation in training: plain crops of every person, keypoints, COCO's AP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.utils.data import DataLoader

from fidip.data.annotations import PersonRecord
from fidip.data.crops import apply_matrix, invert_matrix
from fidip.decoding import DecodeMethod, decode_heatmaps, heatmap_values, unflip_heatmaps
from fidip.evaluation.coco_ap import evaluate_keypoints
from fidip.evaluation.predictions import result_record
from fidip.models.interface import NetworkSpec, PoseNetwork
from fidip.progress import Progress
from fidip.training.processes import gather_lists
from syrip_gen.annotation.coco import person_category
from syrip_gen.keypoints.catalog import COCO17

__all__ = ["ValidationResult", "coco_ground_truth", "normalized", "validate"]

MIN_KEYPOINT_SCORE = 0.2


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """AP and AR on the validation persons (ground-truth boxes), and the predictions behind them."""

    ap: float
    ar: float
    results: tuple[dict[str, Any], ...]
    """COCO results."""


def normalized(images: Tensor, spec: NetworkSpec) -> Tensor:
    """Return float images (B, 3, h, w), channels last, as the network expects them, of uint8 ones."""
    mean = torch.tensor(spec.mean, device=images.device).view(1, 3, 1, 1)
    std = torch.tensor(spec.std, device=images.device).view(1, 3, 1, 1)
    scaled = images.to(memory_format=torch.channels_last).float()
    return scaled.mul_(1 / (255 * std)).sub_(mean / std)


def coco_ground_truth(records: Sequence[PersonRecord]) -> dict[str, Any]:
    """Return the records as the content of a COCO file."""
    return {
        "images": [{"id": i} for i in sorted({record.image_id for record in records})],
        "annotations": [
            {
                "id": number,
                "image_id": r.image_id,
                "category_id": 1,
                "keypoints": r.keypoints.ravel().tolist(),
                "num_keypoints": int((r.keypoints[:, 2] > 0).sum()),
                "bbox": list(r.box),
                "area": r.area,
                "iscrowd": 0,
            }
            for number, r in enumerate(records, start=1)
        ],
        "categories": [person_category()],
    }


@torch.no_grad()
def validate(
    fabric: Fabric,
    network: PoseNetwork,
    loader: DataLoader,
    records: Sequence[PersonRecord],
    ground_truth: Mapping[str, Any],
    *,
    decode: DecodeMethod,
    flip_test: bool,
    progress: Progress,
) -> ValidationResult:
    """Run the network over the validation persons, in 32 bits; every process takes its share.

    Raises:
        RuntimeError: If the network returns NaN.
    """
    network.eval()
    results = []
    progress.stage("validation", len(loader))
    for batch in loader:
        batch = batch.to(fabric.device)
        heatmaps = _heatmaps(network, normalized(batch.images, network.spec), flip_test)
        if not torch.isfinite(heatmaps).all():
            raise RuntimeError("the network returns NaN in the validation")
        points, scores = decode_heatmaps(heatmaps, replace(network.spec, has_logits=False), decode)
        for index, matrix, point, score in zip(
            batch.indices.tolist(),
            batch.matrices.cpu().numpy(),
            points.cpu().numpy(),
            scores.cpu().numpy(),
            strict=True,
        ):
            keypoints = np.column_stack([apply_matrix(invert_matrix(matrix), point), score])
            sure = score[score > MIN_KEYPOINT_SCORE]
            person = float(sure.mean()) if len(sure) else 0.0
            results.append((index, result_record(records[index].image_id, 1, keypoints, person)))
        progress.advance()
    gathered = [record for _, record in sorted(gather_lists(fabric, results), key=lambda item: item[0])]
    metrics = evaluate_keypoints(ground_truth, gathered)
    return ValidationResult(metrics.ap, metrics.ar, tuple(gathered))


def _heatmaps(network: PoseNetwork, images: Tensor, flip_test: bool) -> Tensor:
    """Return (B, K, h, w) heatmap values (probabilities where the network has logits)."""
    spec = network.spec
    values = heatmap_values(network(images).heatmaps.float(), spec)
    if flip_test:
        mirrored = heatmap_values(network(images.flip(3)).heatmaps.float(), spec)
        values = (values + unflip_heatmaps(mirrored, COCO17.flip_index, spec.cell_center)) / 2
    return values
