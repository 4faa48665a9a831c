"""PersonCrops: one augmented crop a sample, a pure function of (seed, epoch, position), small to send."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from fidip.data.annotations import PersonRecord
from fidip.data.augmentation import Augmentation, change_colors, sample_view
from fidip.data.crops import apply_matrix, warp_crop
from fidip.data.images import ImageStore
from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["CropBatch", "PersonCrops", "SampleKey", "collate"]


class SampleKey(NamedTuple):
    """What a sampler asks for. The same key gives the same bytes in any process."""

    epoch: int
    position: int
    """Place in the epoch over all processes."""
    index: int
    """Which record."""


class CropBatch(NamedTuple):
    """B crops. Targets are drawn on the device, from the points."""

    images: Tensor
    """(B, 3, h, w) uint8 RGB."""
    points: Tensor
    """(B, K, 2) float32 px of the crop."""
    labelled: Tensor
    """(B, K) float32: 1 where the keypoint is labelled."""
    is_synthetic: Tensor
    """(B,) float32 domain: 1 synthetic, 0 real."""
    matrices: Tensor
    """(B, 2, 3) float64 maps from px of the picture to px of the crop."""
    indices: Tensor
    """(B,) int64 which records."""

    def to(self, device: torch.device) -> "CropBatch":
        """Return the batch on a device."""
        return CropBatch(*(part.to(device, non_blocking=True) for part in self))


class PersonCrops(Dataset):
    """Crops of persons, augmented or plain."""

    def __init__(
        self,
        records: Sequence[PersonRecord],
        store: ImageStore,
        *,
        input_size: tuple[int, int],
        padding: float,
        augmentation: Augmentation | None,
        seed: int,
        schema: KeypointSchema = COCO17,
    ) -> None:
        self.flip_index = schema.flip_index
        self.records = records
        self.store = store
        self.input_size = input_size
        self.padding = padding
        self.augmentation = augmentation
        self.seed = seed

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, key: SampleKey) -> tuple[np.ndarray, ...]:
        """Return the fields of one sample of a :class:`CropBatch`."""
        epoch, position, index = key
        record = self.records[index]
        rng = np.random.default_rng((self.seed, epoch, position))
        matrix, mirrored = sample_view(
            self.augmentation, record.box, record.keypoints, self.input_size, self.padding, rng
        )
        crop = warp_crop(self.store.read(record), matrix, self.input_size)
        if self.augmentation is not None:
            crop = change_colors(crop, self.augmentation, rng)
        keypoints = record.keypoints[self.flip_index] if mirrored else record.keypoints
        return (
            np.ascontiguousarray(crop.transpose(2, 0, 1)),
            apply_matrix(matrix, keypoints[:, :2]).astype(np.float32),
            (keypoints[:, 2] > 0).astype(np.float32),
            np.float32(record.is_synthetic),
            matrix,
            np.int64(index),
        )


def collate(samples: Sequence[tuple[np.ndarray, ...]]) -> CropBatch:
    """Stack samples."""
    return CropBatch(*(torch.from_numpy(np.stack(part)) for part in zip(*samples, strict=True)))
