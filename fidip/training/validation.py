"""Validation in training: plain crops of every person, keypoints, COCO's AP."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.utils.data import DataLoader

from fidip.data.annotations import PersonRecord
from fidip.data.crops import apply_matrix, invert_matrix
from fidip.data.dataset import CropBatch
from fidip.decoding import DecodeMethod, decode_heatmaps, heatmap_values, unflip_heatmaps
from fidip.evaluation.coco_ap import evaluate_keypoints
from fidip.evaluation.predictions import result_record
from fidip.models.interface import NetworkSpec, PoseNetwork
from fidip.progress import Progress
from fidip.training.processes import gather_lists
from syrip_gen.annotation.coco import person_category
from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.keypoints.mapping import map_keypoints
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["ValidationResult", "coco_ground_truth", "normalized", "validate"]

MIN_KEYPOINT_SCORE = 0.2


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """AP and AR on the validation persons (ground-truth boxes), and the predictions behind them."""

    ap: float
    ar: float
    results: tuple[dict[str, Any], ...]
    """COCO results."""
    loss: float | None = None
    """Mean training loss over the batches, where it was asked for."""


def normalized(images: Tensor, spec: NetworkSpec) -> Tensor:
    """Return float images (B, 3, h, w), channels last, as the network expects them, of uint8 ones."""
    mean = torch.tensor(spec.mean, device=images.device).view(1, 3, 1, 1)
    std = torch.tensor(spec.std, device=images.device).view(1, 3, 1, 1)
    scaled = images.to(memory_format=torch.channels_last).float()
    return scaled.mul_(1 / (255 * std)).sub_(mean / std)


def coco_ground_truth(records: Sequence[PersonRecord], schema: KeypointSchema = COCO17) -> dict[str, Any]:
    """Return the records as the content of a COCO file, their keypoints mapped to COCO-17."""
    records = [replace(r, keypoints=_in_coco(r.keypoints, schema)) for r in records]
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
    loss_of: Callable[[Tensor, CropBatch], Tensor] | None = None,
) -> ValidationResult:
    """Run the network over the validation persons, in 32 bits; every process takes its share.

    AP is that of COCO-17's keypoints; networks of other schemas are judged by those that they share.

    Raises:
        RuntimeError: If the network returns NaN.
    """
    network.eval()
    results, losses, schema = [], [], network.schema
    progress.stage("validation", len(loader))
    for batch in loader:
        batch = batch.to(fabric.device)
        raw, heatmaps = _heatmaps(network, normalized(batch.images, network.spec), flip_test)
        if loss_of is not None:
            losses.append(float(loss_of(raw, batch)))
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
            results.append(
                (index, result_record(records[index].image_id, 1, _in_coco(keypoints, schema), person))
            )
        progress.advance()
    gathered = [record for _, record in sorted(gather_lists(fabric, results), key=lambda item: item[0])]
    metrics = evaluate_keypoints(ground_truth, gathered)
    every_loss = gather_lists(fabric, losses)
    loss = float(np.mean(every_loss)) if every_loss else None
    return ValidationResult(metrics.ap, metrics.ar, tuple(gathered), loss)


def _in_coco(keypoints: np.ndarray, schema: KeypointSchema) -> np.ndarray:
    """Return (17, 3) keypoints."""
    return keypoints if schema.name == COCO17.name else map_keypoints(keypoints, schema, COCO17)


def _heatmaps(network: PoseNetwork, images: Tensor, flip_test: bool) -> tuple[Tensor, Tensor]:
    """Return (B, K, h, w) heatmaps as they come, and values (probabilities where the network has logits)."""
    spec = network.spec
    raw = network(images).heatmaps.float()
    values = heatmap_values(raw, spec)
    if flip_test:
        mirrored = heatmap_values(network(images.flip(3)).heatmaps.float(), spec)
        values = (values + unflip_heatmaps(mirrored, network.schema.flip_index, spec.cell_center)) / 2
    return raw, values
