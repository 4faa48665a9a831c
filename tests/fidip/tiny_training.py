"""A pose network of a few hundred parameters and datasets of a few small pictures, to train in a second."""

import json
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from fidip.models.interface import NetworkSpec, PoseNetwork, PoseOutput
from syrip_gen.annotation.coco import person_category

SIZE = 96


class TinyPose(PoseNetwork):
    """Two strided convolutions and a head; ``norm`` adds a batch norm."""

    freeze_groups = ("stem", "body", "head")

    def __init__(self, num_keypoints: int = 17, input_size=(32, 32), norm: bool = False) -> None:
        super().__init__()
        self.spec = NetworkSpec(
            name="tiny_norm" if norm else "tiny",
            input_size=input_size,
            stride=4,
            cell_center=0.5,
            mean=(0.5, 0.5, 0.5),
            std=(0.5, 0.5, 0.5),
            has_logits=not norm,
            feature_channels=8,
            feature_stride=4,
        )
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.body = nn.Sequential(
            nn.Conv2d(8, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8) if norm else nn.Identity(), nn.ReLU()
        )
        self.head = nn.Conv2d(8, num_keypoints, 1)

    def forward(self, images: torch.Tensor) -> PoseOutput:
        features = self.body(torch.relu(self.stem(images)))
        return PoseOutput(features, self.head(features))


def register(catalog) -> None:
    """Add the tiny networks to ``fidip.models.catalog`` (a module)."""
    entry = catalog.NetworkEntry("tests.fidip.tiny_training", "TinyPose", (32, 32))
    norm = catalog.NetworkEntry("tests.fidip.tiny_training", "TinyPose", (32, 32), options={"norm": True})
    catalog.CATALOG = {**catalog.CATALOG, "tiny": entry, "tiny_norm": norm}


def draw_dataset(folder: Path, count: int, *, seed: int, is_synthetic: bool) -> Path:
    """Write pictures with 17 dots and their COCO file, laid out as syrip generate does; return the file."""
    rng = np.random.default_rng(seed)
    images = folder / "images" / "train_infant"
    images.mkdir(parents=True)
    data = {"images": [], "annotations": [], "categories": [person_category()]}
    for i in range(1, count + 1):
        background = (90, 60, 60) if is_synthetic else (60, 60, 90)
        picture = np.full((SIZE, SIZE, 3), background, np.uint8)
        points = rng.uniform(12, SIZE - 12, (17, 2)).round(1)
        for k, (x, y) in enumerate(points):
            color = (15 * k, 255 - 15 * k, 128)
            cv2.circle(picture, (int(x), int(y)), 3, color, -1)
        cv2.imwrite(str(images / f"train{i:05d}.png"), picture)
        data["images"].append(
            {"id": i, "file_name": f"train{i:05d}.png", "width": SIZE, "height": SIZE}
            | ({"is_synthetic": True} if is_synthetic else {})
        )
        data["annotations"].append(
            {
                "id": i,
                "image_id": i,
                "category_id": 1,
                "bbox": [6, 6, SIZE - 12, SIZE - 12],
                "area": (SIZE - 12) ** 2,
                "keypoints": [v for x, y in points for v in (float(x), float(y), 2)],
            }
        )
    path = folder / "annotations" / "person_keypoints_train_infant.json"
    path.parent.mkdir()
    path.write_text(json.dumps(data))
    return path


RECIPE = """
description: a test
network: {name: tiny, weights: none}
augmentation: {color: 0.3, noise: 5, any_rotation_probability: 0.2, blur_probability: 0.2}
targets: {sigma: 1}
domain: {mechanism: reversal, lambda_domain: 0.01, rest_at_chance: true, pre_epochs: 1, pre_batch_size: 4}
optimizer: {learning_rate: 0.01, ema_decay: 0.9, milestones: [2], warmup_steps: 3}
training: {epochs: 4, batch_size: 4}
"""
