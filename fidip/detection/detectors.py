"""The detectors that can be used: those trained by syrip, and MoveNet MultiPose."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torchvision.models.detection import FasterRCNN

from fidip.detection.boxes import FoundBoxes, PersonDetector
from fidip.detection.network import find_boxes
from fidip.detection.weights import open_detector_weights
from fidip.models.movenet_multipose import MoveNetMultiPose, decode_multipose
from fidip.models.weight_files import read_weight_file

__all__ = ["MULTIPOSE", "FasterRCNNDetector", "MultiPoseDetector", "open_detector"]

MULTIPOSE = "movenet_multipose"
"""Word for the detector that ships, trained on adults."""
STRIDE = 32


class FasterRCNNDetector:
    """A Faster R-CNN in use."""

    min_score = 0.5

    def __init__(self, network: FasterRCNN, name: str, device: torch.device | str = "cpu") -> None:
        self.device, self.name = torch.device(device), name
        self.network = network.to(self.device).eval()

    @torch.inference_mode()
    def detect(self, images: Sequence[np.ndarray]) -> list[FoundBoxes]:
        """Return the boxes in each (H, W, 3) uint8 RGB picture."""
        pictures = [_tensor(image).to(self.device).float() / 255 for image in images]
        found = [find_boxes(self.network, picture) for picture in pictures]
        return [_found(item["boxes"], item["scores"]) for item in found]


class MultiPoseDetector:
    """MoveNet MultiPose's boxes; the picture's longer side is scaled to 256 px, as it was published for."""

    name = MULTIPOSE
    min_score = 0.1

    def __init__(
        self, network: MoveNetMultiPose, device: torch.device | str = "cpu", side: int = 256
    ) -> None:
        self.device, self.side = torch.device(device), side
        self.network = network.to(self.device).eval()

    @torch.inference_mode()
    def detect(self, images: Sequence[np.ndarray]) -> list[FoundBoxes]:
        """Return at most six boxes in each (H, W, 3) uint8 RGB picture."""
        results = []
        for image in images:
            picture, scale = _fitted(image, self.side)
            people = decode_multipose(self.network(_tensor(picture)[None].to(self.device).float()))
            size = people.boxes.new_tensor([*image.shape[1::-1]] * 2)
            boxes = torch.minimum(people.boxes[0] / scale, size)
            found = _found(boxes, people.scores[0])
            has_area = (found.boxes[:, 2:] > 0).all(axis=1)
            results.append(FoundBoxes(found.boxes[has_area], found.scores[has_area]))
        return results


def open_detector(name: str, device: torch.device | str = "cpu") -> PersonDetector:
    """Open ``movenet_multipose``, a run folder of ``syrip train --recipe detector``, or a detector's file.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is no detector.
    """
    if name != MULTIPOSE or Path(name).exists():
        return FasterRCNNDetector(open_detector_weights(name), name, device)
    network = MoveNetMultiPose()
    tensors = read_weight_file(_shipped()).tensors
    network.load_state_dict({key: tensor.float() for key, tensor in tensors.items()})
    return MultiPoseDetector(network, device)


def _shipped() -> Path:
    package = Path(__file__).resolve().parents[2]
    file = f"weights/{MULTIPOSE}.safetensors"
    for path in (package / "assets" / file, package / "syrip_gen" / "assets" / file):
        if path.is_file():
            return path
    raise FileNotFoundError(f"syrip's own assets/{file} is missing; reinstall syrip, or restore assets/")


def _tensor(image: np.ndarray) -> torch.Tensor:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(f"expected a (H, W, 3) uint8 picture, got {image.shape} {image.dtype}")
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)


def _fitted(image: np.ndarray, side: int) -> tuple[np.ndarray, float]:
    """Return the picture with a longer side of ``side``, padded to multiples of 32, and its scale."""
    scale = side / max(image.shape[:2])
    height, width = (max(1, round(n * scale)) for n in image.shape[:2])
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(image, (width, height), interpolation=kind)
    padded = np.zeros((-(-height // STRIDE) * STRIDE, -(-width // STRIDE) * STRIDE, 3), np.uint8)
    padded[:height, :width] = small
    return padded, scale


def _found(corners: torch.Tensor, scores: torch.Tensor) -> FoundBoxes:
    """Return (N, 4) left, top, right, bottom and (N,) scores as FoundBoxes, surest first."""
    order = scores.argsort(descending=True, stable=True)
    corners = corners[order].double().cpu().numpy()
    boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
    return FoundBoxes(boxes.reshape(-1, 4), scores[order].double().cpu().numpy())
