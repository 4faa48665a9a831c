"""A pose network without weights that finds coloured dots, and pictures of dots for it to find.

It reacts to mirrored and turned pictures as a trained network does: a left wrist in a mirrored picture is
taken for a right one, and confidence is lower when the person is not upright.
"""

import itertools

import cv2
import numpy as np
import torch

from fidip.models.interface import NetworkSpec, PoseNetwork, PoseOutput
from syrip_gen.keypoints.catalog import COCO17

_GRID = [np.array(c, np.float64) for c in itertools.product((0, 1, 2), repeat=3) if any(c)]
DIRECTIONS = np.unique(np.round([c / np.linalg.norm(c) for c in _GRID], 9), axis=0)
"""(19, 3) colours up to brightness, at least 15 degrees apart."""
MARKERS = {"up": 17, "down": 18}
SUPINE = np.array(
    [
        (50, 24), (57, 12), (43, 12), (68, 19), (32, 19), (66, 38), (34, 38), (80, 46), (20, 46), (88, 60),
        (12, 60), (60, 72), (40, 72), (66, 92), (34, 92), (64, 112), (36, 112),
    ],
    np.float64,
)  # fmt: skip
"""(17, 2) a pose in COCO order in a 100 x 130 px frame, the infant's left to the right."""


class DotNetwork(PoseNetwork):
    """Heatmaps are Gaussians (2 cells) around the centroids of 17 colours."""

    freeze_groups = ()

    def __init__(self, input_size=(192, 256), *, has_logits=False, cell_center=0.5):
        super().__init__()
        self.spec = NetworkSpec(
            "dots", input_size, 4, cell_center, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4), has_logits, 3, 4
        )
        self.register_buffer("directions", torch.tensor(DIRECTIONS, dtype=torch.float32))
        self.passes = []

    def forward(self, images):
        self.passes.append(len(images))
        rgb = images * torch.tensor(self.spec.std).view(1, 3, 1, 1)
        rgb = (rgb + torch.tensor(self.spec.mean).view(1, 3, 1, 1)).permute(0, 2, 3, 1)
        brightness = rgb.norm(dim=3)
        cosine = (rgb / brightness.clamp_min(1e-6)[..., None]) @ self.directions.T
        weight = (brightness * (brightness > 0.15))[..., None] * (cosine > 0.991)
        total = weight.sum((1, 2))
        y = torch.arange(images.shape[2]) + 0.5
        x = torch.arange(images.shape[3]) + 0.5
        centre = torch.stack(
            [torch.einsum("bhwc,w->bc", weight, x), torch.einsum("bhwc,h->bc", weight, y)], dim=2
        ) / total.clamp_min(1e-6).unsqueeze(2)
        up = centre[:, MARKERS["up"]] - centre[:, MARKERS["down"]]
        across = centre[:, 5] - centre[:, 6]
        mirrored = up[:, 1] * across[:, 0] - up[:, 0] * across[:, 1] > 0
        upright = 0.5 - 0.5 * up[:, 1] / up.norm(dim=1).clamp_min(1e-6)
        confidence = (0.3 + 0.6 * upright)[:, None] * (total[:, :17] > 2)
        order = torch.where(mirrored[:, None], torch.tensor(COCO17.flip_index), torch.arange(17))
        return PoseOutput(rgb.permute(0, 3, 1, 2), self._heatmaps(centre, confidence, order))

    def _heatmaps(self, centre, confidence, order):
        width, height = self.spec.heatmap_size
        cells = (
            centre.gather(1, order[..., None].expand(-1, -1, 2)) / self.spec.stride - self.spec.cell_center
        )
        confidence = confidence.gather(1, order)
        x = (torch.arange(width) - cells[..., :1]) ** 2
        y = (torch.arange(height) - cells[..., 1:]) ** 2
        maps = torch.exp(-(y[..., :, None] + x[..., None, :]) / 8) * confidence[..., None, None] + 0.01
        return torch.logit(maps, eps=1e-6) if self.spec.has_logits else maps


def dot_picture(keypoints, size, radius=2.5, background=0):
    """Return a (height, width, 3) uint8 picture of the dots; ``size`` is (width, height)."""
    points = np.asarray(keypoints, np.float64)
    neck = points[5:7].mean(0)
    down = points[11:13].mean(0)
    points = np.concatenate([points, [neck * 0.7 + down * 0.3, neck * 0.2 + down * 0.8]])
    picture = np.full((size[1], size[0], 3), background, np.uint8)
    for point, direction in zip(points, DIRECTIONS, strict=True):
        colour = tuple((direction / direction.max() * 255).tolist())
        fixed = tuple(np.round((point - 0.5) * 16).astype(int).tolist())
        cv2.circle(picture, fixed, round(radius * 16), colour, -1, cv2.LINE_AA, 4)
    return picture


def box_around(keypoints, margin=6.0):
    low, high = np.min(keypoints, axis=0) - margin, np.max(keypoints, axis=0) + margin
    return [*low, *(high - low)]
