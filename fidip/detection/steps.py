"""One step of a detection run, its validation, and pictures of its first batches."""

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.utils.data import DataLoader

from fidip.detection.boxes import FoundBoxes
from fidip.detection.dataset import PictureBatch
from fidip.detection.metrics import BoxFigures, measure_boxes
from fidip.detection.network import find_boxes
from fidip.detection.state import DetectState
from fidip.progress import Progress
from fidip.training.optimizers import learning_rate_factor, set_learning_rates

__all__ = ["detect_step", "draw_boxes", "validate_boxes"]

LOSSES = {
    "loss_classifier": "loss_class",
    "loss_box_reg": "loss_box",
    "loss_objectness": "loss_proposal",
    "loss_rpn_box_reg": "loss_proposal_box",
}
"""torchvision's names, and ours."""
MAX_TILES, COLUMNS, TILE_PX = 16, 4, 240
BOX_COLOR = (255, 160, 0)


def detect_step(state: DetectState, batch: PictureBatch, fabric: Fabric) -> Mapping[str, Tensor]:
    """Train the network on one batch; return its detached losses."""
    settings = state.recipe.optimizer
    factor = learning_rate_factor(
        state.epoch,
        state.step,
        milestones=settings.milestones,
        factor=settings.factor,
        warmup_steps=settings.warmup_steps,
    )
    set_learning_rates(state.optimizer, factor)
    images = [image.to(state.device).float() / 255 for image in batch.images]
    targets = [
        {
            "boxes": boxes.to(state.device),
            "labels": torch.ones(len(boxes), dtype=torch.int64, device=state.device),
        }
        for boxes in batch.boxes
    ]
    with fabric.autocast():
        losses = state.network(images, targets)
    weights = [settings.box_weight if "box_reg" in name else 1.0 for name in losses]
    loss = sum(weight * value.float() for weight, value in zip(weights, losses.values(), strict=True))
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    if settings.clip_norm is not None:
        torch.nn.utils.clip_grad_norm_(state.network.parameters(), settings.clip_norm)
    state.optimizer.step()
    if state.average is not None:
        state.average.update(state.network, state.step)
    state.step += 1
    named = {LOSSES.get(name, name): value.detach() for name, value in losses.items()}
    return {"loss": loss.detach(), **named}


@torch.no_grad()
def validate_boxes(state: DetectState, loader: DataLoader, progress: Progress) -> BoxFigures:
    """Find the boxes of the validation pictures and measure them, at the detector's size."""
    state.network.eval()
    truth: list[np.ndarray] = []
    found: list[FoundBoxes] = []
    progress.stage("validation", len(loader.dataset))
    for batch in loader:
        for image, corners in zip(batch.images, batch.boxes, strict=True):
            result = find_boxes(state.network, image.to(state.device).float() / 255)
            own = result["boxes"].float().cpu().numpy().astype(np.float64)
            own[:, 2:] -= own[:, :2]
            found.append(FoundBoxes(own, result["scores"].float().cpu().numpy().astype(np.float64)))
            boxes = corners.numpy().astype(np.float64)
            boxes[:, 2:] -= boxes[:, :2]
            truth.append(boxes)
        progress.advance(len(batch.images))
    return measure_boxes(truth, found, state.recipe.validation.min_score)


def draw_boxes(path: Path, batch: PictureBatch) -> None:
    """Write a sheet of pictures as the network gets them, with the boxes that it is to find."""
    tiles = []
    for image, boxes in list(zip(batch.images, batch.boxes, strict=True))[:MAX_TILES]:
        picture = np.ascontiguousarray(image.numpy().transpose(1, 2, 0))
        for left, top, right, bottom in boxes.numpy().round().astype(int).tolist():
            cv2.rectangle(picture, (left, top), (right - 1, bottom - 1), BOX_COLOR, 2)
        scale = TILE_PX / max(picture.shape[:2])
        size = [max(1, round(n * scale)) for n in picture.shape[1::-1]]
        tile = np.zeros((TILE_PX, TILE_PX, 3), np.uint8)
        tile[: size[1], : size[0]] = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        tiles.append(tile)
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % COLUMNS)
    rows = [np.concatenate(tiles[i : i + COLUMNS], axis=1) for i in range(0, len(tiles), COLUMNS)]
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(np.concatenate(rows), cv2.COLOR_RGB2BGR))
