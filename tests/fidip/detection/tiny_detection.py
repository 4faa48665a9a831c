"""A Faster R-CNN of a few thousand parameters and datasets of small pictures with bright ellipses."""

import json
from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as masks
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.ops import MultiScaleRoIAlign

from syrip_gen.annotation.coco import ANNOTATION_FILE, IMAGE_FOLDER, person_category

SIDE = 64


class TinyBackbone(nn.Module):
    """One map of stride 8."""

    out_channels = 16

    def __init__(self, norm) -> None:
        super().__init__()
        layers = []
        for inputs, outputs in ((3, 8), (8, 16), (16, 16)):
            layers += [nn.Conv2d(inputs, outputs, 3, 2, 1), norm(outputs), nn.ReLU()]
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        return OrderedDict([("0", self.body(x))])


def tiny(norm):
    """Return what ``fidip.detection.network.BACKBONES`` holds."""
    options = {
        "rpn_anchor_generator": AnchorGenerator(((16, 32, 48),), ((0.5, 1.0, 2.0),)),
        "box_roi_pool": MultiScaleRoIAlign(["0"], 3, 2),
        "box_head": TinyHead(),
        "box_predictor": TinyPredictor(),
        "num_classes": None,
        "rpn_pre_nms_top_n_train": 100,
        "rpn_post_nms_top_n_train": 40,
        "rpn_pre_nms_top_n_test": 50,
        "rpn_post_nms_top_n_test": 20,
    }
    return TinyBackbone(norm), options


class TinyHead(nn.Module):
    """Regions to 32 numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(16 * 9, 32)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x.flatten(1)).relu()


class TinyPredictor(nn.Module):
    """Two classes."""

    def __init__(self) -> None:
        super().__init__()
        self.cls_score, self.bbox_pred = nn.Linear(32, 2), nn.Linear(32, 8)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.cls_score(x), self.bbox_pred(x)


def write_dataset(folder: Path, count: int, *, seed: int = 0, with_masks: bool = True) -> Path:
    """Write a dataset as syrip generate lays it out: a long bright ellipse, turned, in each picture."""
    rng = np.random.default_rng(seed)
    (folder / IMAGE_FOLDER).mkdir(parents=True)
    (folder / ANNOTATION_FILE).parent.mkdir(parents=True)
    data = {"images": [], "annotations": [], "categories": [person_category()]}
    for i in range(1, count + 1):
        picture = rng.integers(0, 60, (SIDE, SIDE, 3), np.uint8)
        mask = np.zeros((SIDE, SIDE), np.uint8)
        center = rng.integers(22, SIDE - 22, 2).tolist()
        cv2.ellipse(mask, center, (20, 9), float(rng.uniform(0, 180)), 0, 360, 1, -1)
        picture[mask > 0] = (230, 180, 160)
        name = f"train{i:05d}.png"
        cv2.imwrite(str(folder / IMAGE_FOLDER / name), picture)
        code = masks.encode(np.asfortranarray(mask))
        box = [float(v) for v in cv2.boundingRect(mask)]
        center = [float(v) for v in center]
        data["images"].append({"id": i, "file_name": name, "width": SIDE, "height": SIDE})
        data["annotations"].append(
            {
                "id": i,
                "image_id": i,
                "category_id": 1,
                "iscrowd": 0,
                "bbox": box,
                "area": float(mask.sum()),
                "keypoints": [*center, 2] * 17,
                "num_keypoints": 17,
            }
            | (
                {"segmentation": {"size": [SIDE, SIDE], "counts": code["counts"].decode()}}
                if with_masks
                else {}
            )
        )
    (folder / ANNOTATION_FILE).write_text(json.dumps(data))
    return folder


RECIPE = """
task: detect
description: a test
network: {backbone: tiny, min_size: 64, max_size: 64}
augmentation: {scale: 0.2, rotation_deg: 30, any_rotation_probability: 0.3, color: 0.2}
optimizer: {learning_rate: 0.003, warmup_steps: 2}
training: {epochs: 2, batch_size: 4}
validation: {min_score: 0.3}
"""
