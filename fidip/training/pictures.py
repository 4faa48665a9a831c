"""Pictures of the first batches as the network gets them, with the targets drawn: look at them once."""

from pathlib import Path

import cv2
import numpy as np
from torch import Tensor

from fidip.data.dataset import CropBatch
from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["draw_batch"]

MAX_CROPS, COLUMNS = 16, 4
SIDE_COLORS = {"left": (0, 160, 255), "right": (255, 80, 0), "centre": (255, 255, 0)}
"""RGB by the person's own side."""
LINE_SHARE = 3 / 256
"""Width of drawn lines over the crop's width."""


def draw_batch(
    path: Path, batch: CropBatch, targets: Tensor, weights: Tensor, schema: KeypointSchema = COCO17
) -> None:
    """Write a sheet of crops: skeleton and points as labelled, targets as a red glow, domain in the corner.

    Args:
        path: JPEG file to write.
        batch: B crops, on the CPU.
        targets: (B, K, H, W) heatmaps that the network is to give, on the CPU.
        weights: (B, K); keypoints of weight 0 are not drawn.
        schema: Of the K keypoints.
    """
    tiles = [
        _draw_crop(
            batch.images[i].numpy().transpose(1, 2, 0),
            batch.points[i].numpy(),
            targets[i].amax(dim=0).numpy(),
            weights[i].numpy() > 0,
            "synthetic" if batch.is_synthetic[i] > 0.5 else "real",
            schema,
        )
        for i in range(min(MAX_CROPS, len(batch.images)))
    ]
    blank = np.zeros_like(tiles[0])
    tiles += [blank] * (-len(tiles) % COLUMNS)
    rows = [np.concatenate(tiles[i : i + COLUMNS], axis=1) for i in range(0, len(tiles), COLUMNS)]
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(np.concatenate(rows), cv2.COLOR_RGB2BGR))


def _draw_crop(
    crop: np.ndarray,
    points: np.ndarray,
    glow: np.ndarray,
    is_drawn: np.ndarray,
    domain: str,
    schema: KeypointSchema,
) -> np.ndarray:
    height, width = crop.shape[:2]
    heat = cv2.resize(glow, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
    image = np.ascontiguousarray(crop * (1 - 0.6 * heat) + np.array([255, 0, 0]) * 0.6 * heat, np.float32)
    image = image.astype(np.uint8)
    line = max(1, round(width * LINE_SHARE / 2))
    places = [tuple(int(v) for v in point) for point in points]  # pixel that holds the point
    for a, b in schema.skeleton:
        if is_drawn[a] and is_drawn[b]:
            cv2.line(image, places[a], places[b], (255, 255, 255), line, cv2.LINE_AA)
    for place, side, drawn in zip(places, schema.sides, is_drawn, strict=True):
        if drawn:
            cv2.circle(image, place, 2 * line, SIDE_COLORS[side], -1, cv2.LINE_AA)
    cv2.putText(image, domain, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 255), 1, cv2.LINE_AA)
    return image
