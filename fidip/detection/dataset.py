"""DetectionPictures: one augmented picture a sample, a pure function of (seed, epoch, position)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from fidip.config import AugmentationSettings
from fidip.data.augmentation import Augmentation, change_colors
from fidip.data.crops import warp_crop
from fidip.data.dataset import SampleKey
from fidip.data.images import ImageStore
from fidip.detection.config import DetectNetworkSettings
from fidip.detection.records import PictureRecord
from fidip.detection.views import MIN_SEEN, TRIES, canvas_size, sample_matrix, seen_boxes

__all__ = ["DetectionPictures", "PictureBatch", "collate_pictures"]


class PictureBatch(NamedTuple):
    """B pictures, which may differ in size."""

    images: list[Tensor]
    """B times (3, h, w) uint8 RGB."""
    boxes: list[Tensor]
    """B times (N, 4) float32 left, top, right, bottom px of the picture; N may be 0."""
    indices: list[int]
    """Which records."""


class DetectionPictures(Dataset):
    """Whole pictures at the detector's size, varied or plain."""

    def __init__(
        self,
        records: Sequence[PictureRecord],
        store: ImageStore,
        settings: DetectNetworkSettings,
        augmentation: AugmentationSettings | None,
        seed: int,
    ) -> None:
        self.records, self.store, self.settings, self.seed = records, store, settings, seed
        self.augmentation = augmentation
        self.colors = None if augmentation is None else Augmentation(**augmentation.model_dump())

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, key: SampleKey) -> tuple[np.ndarray, np.ndarray, int]:
        """Return (3, h, w) uint8, (N, 4) float32 corners, and the record's number."""
        record = self.records[key.index]
        rng = np.random.default_rng((self.seed, key.epoch, key.position))
        image = self.store.read(record)
        size = image.shape[1::-1]
        canvas = canvas_size(size, self.settings.min_size, self.settings.max_size)
        masks = [instance.mask() for instance in record.instances] if self.augmentation else []
        masks = masks or [None] * len(record.instances)
        for attempt in range(TRIES + 1):
            settings = self.augmentation if attempt < TRIES else None
            matrix = sample_matrix(
                settings, size, canvas, rng, any_angle=all(mask is not None for mask in masks)
            )
            boxes, share = seen_boxes(record.instances, masks, matrix, canvas)
            if share >= MIN_SEEN:
                break
        picture = warp_crop(image, matrix, canvas)
        if self.colors is not None:
            picture = change_colors(picture, self.colors, rng)
        return np.ascontiguousarray(picture.transpose(2, 0, 1)), boxes, key.index


def collate_pictures(samples: Sequence[tuple[np.ndarray, np.ndarray, int]]) -> PictureBatch:
    """Put samples side by side."""
    images, boxes, indices = zip(*samples, strict=True)
    return PictureBatch(
        [torch.from_numpy(i) for i in images], [torch.from_numpy(b) for b in boxes], list(indices)
    )
