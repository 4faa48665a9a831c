"""ImageNet features of crops, by which sets of pictures are compared independently of any run."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import ArrayLike

from fidip.data.crops import crop_matrix, crop_region
from fidip.inference.estimator import Crop, PoseEstimator
from fidip.models.catalog import build_network
from fidip.models.weights import load_weights

__all__ = ["ImageNetFeatures"]


class ImageNetFeatures(PoseEstimator):
    """MobileNetV2 with ImageNet weights on square crops, 1.25 times the longer side of the box.

    Crops are 224 × 224 px, bilinear without averaging, black outside the picture: so were the reference
    features of real infants made, and KID on them is comparable (two halves of the real photos: -0.001;
    real training photos and others: 0.05; real infants and COCO's adults: 0.35).
    """

    def __init__(self, weights: str | Path, *, device: str | torch.device, batch_size: int) -> None:
        """Load the weights.

        Args:
            weights: File of torchvision's MobileNetV2 with ImageNet weights.
            device: Where to compute.
            batch_size: Crops in one pass.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is of another network.
        """
        network = build_network("pose_mobilenetv2")
        load_weights(network, weights, what="imagenet")
        super().__init__(network, device=device, batch_size=batch_size, flip_test=False)

    def cut(self, image: np.ndarray, box_xywh: ArrayLike, rotations_deg: Sequence[int] | None = None) -> Crop:
        """Cut one person out; it stays upright whatever is asked for."""
        size = self.spec.input_size
        matrix = crop_matrix(*crop_region(box_xywh, size[0] / size[1], self.padding), 0, size)
        to_centres = matrix.copy()  # OpenCV puts the centres of pixels on whole numbers
        to_centres[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
        picture = cv2.warpAffine(image, to_centres, size, flags=cv2.INTER_LINEAR)
        return Crop(picture[None], matrix[None], (0,))
