"""PoseEstimator: boxes in pictures to keypoints, with flip test and rotation-pick, in batches."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from fidip.data.crops import BOX_PADDING, apply_matrix, crop_matrix, crop_region, invert_matrix, warp_crop
from fidip.decoding import DecodeMethod, decode_heatmaps, heatmap_values, unflip_heatmaps
from fidip.models.interface import PoseNetwork
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["Crop", "EstimatedPoses", "PoseEstimator", "person_scores"]

ROTATIONS_DEG = (0, 90, 180, 270)
UPRIGHT_BONUS = 0.03
"""Rotation-pick adds this to the confidence of the unturned crop (tried on real infants)."""
MIN_KEYPOINT_SCORE = 0.2
"""A person's score is the mean of its keypoints' scores above this one, as HRNet and FiDIP evaluate."""


@dataclass(frozen=True, slots=True)
class EstimatedPoses:
    """Keypoints of N persons."""

    keypoints: np.ndarray
    """(N, K, 3) float32: x and y in px of the picture (pixel-corner), score in 0..1."""
    scores: np.ndarray
    """(N,) float32 score of each person, see :func:`person_scores`."""
    rotations_deg: np.ndarray
    """(N,) int: by how much the crop was turned clockwise that the keypoints were read in; 0 without
    rotation-pick."""
    flip_gaps_px: np.ndarray | None = None
    """(N, K) float32 distance between what the crop and what the mirrored crop alone give, in px of the
    picture; None unless the estimator was made with ``compare_flips``."""

    def __len__(self) -> int:
        return len(self.keypoints)


@dataclass(frozen=True, slots=True)
class Crop:
    """One person cut out, once per rotation that is tried."""

    pictures: np.ndarray
    """(R, h, w, 3) uint8 RGB."""
    matrices: np.ndarray
    """(R, 2, 3) maps from px of the picture to px of the crop."""
    rotations_deg: tuple[int, ...]
    """(R,) by how much each is turned clockwise."""


class PoseEstimator:
    """Runs a pose network top-down: one crop a box.

    The network is put on ``device`` and into evaluation mode. Pictures are uint8 RGB; coordinates are
    pixel-corner px of the picture (docs/conventions.md).
    """

    def __init__(
        self,
        network: PoseNetwork,
        *,
        device: str | torch.device = "cpu",
        batch_size: int = 16,
        flip_test: bool = True,
        rotation_pick: bool = False,
        decode: DecodeMethod = "dark",
        padding: float = BOX_PADDING,
        schema: KeypointSchema | None = None,
        compare_flips: bool = False,
    ) -> None:
        """Prepare the network.

        Args:
            network: Any pose network of ``fidip.models``.
            device: Where it runs.
            batch_size: Crops in one pass, mirrored and turned ones not counted.
            flip_test: Average with the heatmaps of the mirrored crop.
            rotation_pick: Try the crop at 0, 90, 180 and 270 degrees and keep the most confident: infants
                lie every way (0.79 to 0.82 AP for the adult MoveNet, four times the work).
            decode: See :func:`fidip.decoding.decode_heatmaps`.
            padding: Sides of the crop over sides of the box.
            schema: Layout of the network's keypoints; None = as the network says.
            compare_flips: Also say how far the two halves of the flip test lie apart.
        """
        if compare_flips and not flip_test:
            raise ValueError("compare_flips needs flip_test")
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self.spec = network.spec
        self.device = torch.device(device)
        self.network = network.to(self.device, memory_format=torch.channels_last).eval()
        self.batch_size, self.flip_test, self.decode, self.padding = batch_size, flip_test, decode, padding
        self.schema, self.compare_flips = schema or network.schema, compare_flips
        self.rotations_deg = ROTATIONS_DEG if rotation_pick else (0,)
        self._mean = torch.tensor(self.spec.mean, device=self.device).view(1, 3, 1, 1) * 255
        self._std = torch.tensor(self.spec.std, device=self.device).view(1, 3, 1, 1) * 255

    def predict(self, image: np.ndarray, boxes_xywh: ArrayLike) -> EstimatedPoses:
        """Estimate the poses of the persons in one picture.

        Args:
            image: (H, W, 3) uint8 RGB.
            boxes_xywh: (N, 4) left, top, width, height of each person in px.

        Raises:
            ValueError: Picture or boxes of another shape, a box without area, a network that returns NaN.
        """
        boxes = np.asarray(boxes_xywh, np.float64).reshape(-1, 4)
        return self.predict_crops([self.cut(image, box) for box in boxes])

    def predict_stream(self, pictures: Iterable[tuple[np.ndarray, ArrayLike]]) -> Iterator[EstimatedPoses]:
        """Estimate the poses in many pictures with full batches; one result per (image, boxes), in order."""
        crops: list[Crop] = []
        counts: list[int] = []
        for image, boxes in pictures:
            cut = [self.cut(image, box) for box in np.asarray(boxes, np.float64).reshape(-1, 4)]
            crops += cut
            counts.append(len(cut))
            if len(crops) >= self.batch_size:
                yield from _split(self.predict_crops(crops), counts)
                crops, counts = [], []
        yield from _split(self.predict_crops(crops), counts)

    def cut(self, image: np.ndarray, box_xywh: ArrayLike, rotations_deg: Sequence[int] | None = None) -> Crop:
        """Cut one person out; may run in another process or thread.

        Args:
            image: (H, W, 3) uint8 RGB.
            box_xywh: (4,) px.
            rotations_deg: Multiples of 90 to try; None takes the estimator's own.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(f"expected a (H, W, 3) uint8 picture, got {image.shape} {image.dtype}")
        angles = self.rotations_deg if rotations_deg is None else tuple(rotations_deg)
        size = self.spec.input_size
        matrices = []
        for angle in angles:
            center, region = crop_region(_turned_box(box_xywh, angle), size[0] / size[1], self.padding)
            matrices.append(crop_matrix(center, region, angle, size))
        return Crop(np.stack([warp_crop(image, m, size) for m in matrices]), np.stack(matrices), angles)

    def predict_crops(self, crops: Sequence[Crop]) -> EstimatedPoses:
        """Estimate the poses in crops made by :meth:`cut`; N persons for N crops."""
        keypoints = np.zeros((len(crops), len(self.schema), 3), np.float32)
        rotations_deg = np.zeros(len(crops), int)
        gaps = np.zeros(keypoints.shape[:2], np.float32) if self.compare_flips else None
        for start in range(0, len(crops), self.batch_size):
            batch = crops[start : start + self.batch_size]
            points, confidence, apart = self._read_crops(batch)
            end = 0
            for n, crop in enumerate(batch, start):
                begin, end = end, end + len(crop.matrices)
                bonus = UPRIGHT_BONUS * (np.array(crop.rotations_deg) == 0)
                best = int((confidence[begin:end].mean(1) + bonus).argmax())
                keypoints[n, :, :2] = apply_matrix(invert_matrix(crop.matrices[best]), points[begin + best])
                keypoints[n, :, 2] = confidence[begin + best]
                rotations_deg[n] = crop.rotations_deg[best]
                if gaps is not None:
                    px_per_crop_px = abs(np.linalg.det(crop.matrices[best][:, :2])) ** -0.5
                    gaps[n] = apart[begin + best] * px_per_crop_px
        return EstimatedPoses(keypoints, person_scores(keypoints[..., 2]), rotations_deg, gaps)

    def _read_crops(self, crops: Sequence[Crop]) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Return points (sum of R, K, 2) in px of the crops, scores (sum of R, K), gaps of the flip test."""
        pictures = torch.from_numpy(np.concatenate([crop.pictures for crop in crops]))
        spec = replace(self.spec, has_logits=False)  # _heatmaps has turned logits into probabilities
        straight, mirrored = self._heatmaps(pictures)
        values = straight if mirrored is None else (straight + mirrored) / 2
        points, scores = decode_heatmaps(values, spec, self.decode)
        if points.shape[1] != len(self.schema):
            raise ValueError(
                f"network {self.spec.name} gives {points.shape[1]} keypoints; "
                f"{self.schema.name} has {len(self.schema)}"
            )
        apart = None
        if self.compare_flips:
            ends = [decode_heatmaps(half, spec, self.decode)[0] for half in (straight, mirrored)]
            apart = (ends[0] - ends[1]).norm(dim=2).cpu().numpy()
        return points.cpu().numpy(), scores.cpu().numpy(), apart

    @torch.inference_mode()
    def _heatmaps(self, pictures: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return (B, K, h, w) values of (B, h, w, 3) uint8 crops, and of the mirrored ones turned back.

        Values are probabilities where the network has logits. The second is None without the flip test.
        """
        images = pictures.to(self.device, non_blocking=True).permute(0, 3, 1, 2).float()
        images = ((images - self._mean) / self._std).contiguous(memory_format=torch.channels_last)
        if not self.flip_test:
            return heatmap_values(self.network(images).heatmaps, self.spec), None
        both = torch.cat([images, images.flip(3)])
        straight, mirrored = heatmap_values(self.network(both).heatmaps, self.spec).chunk(2)
        return straight, unflip_heatmaps(mirrored, self.schema.flip_index, self.spec.cell_center)


def person_scores(keypoint_scores: np.ndarray) -> np.ndarray:
    """Return (N,) the mean of each person's (N, K) keypoint scores above 0.2, 0 where there is none."""
    above = keypoint_scores > MIN_KEYPOINT_SCORE
    total = np.where(above, keypoint_scores, 0).sum(1)
    return (total / np.maximum(above.sum(1), 1)).astype(np.float32)


def _turned_box(box_xywh: ArrayLike, angle_deg: int) -> np.ndarray:
    """Return the box that a turn about its centre makes of a box (angle a multiple of 90 degrees)."""
    left, top, width, height = np.asarray(box_xywh, np.float64)
    if angle_deg % 180 == 0:
        return np.array([left, top, width, height])
    return np.array([left + (width - height) / 2, top + (height - width) / 2, height, width])


def _split(poses: EstimatedPoses, counts: list[int]) -> Iterator[EstimatedPoses]:
    end = 0
    for count in counts:
        start, end = end, end + count
        part = slice(start, end)
        gaps = None if poses.flip_gaps_px is None else poses.flip_gaps_px[part]
        yield EstimatedPoses(poses.keypoints[part], poses.scores[part], poses.rotations_deg[part], gaps)
