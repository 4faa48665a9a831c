"""Random poses of a stick infant, and files with them."""

import json
from pathlib import Path

import numpy as np

from syrip_gen.annotation.coco import ANNOTATION_FILE, person_category
from syrip_gen.keypoints.catalog import COCO17

REST = np.array(
    [
        (0, -30, -8), (2, -32, -7), (-2, -32, -7), (5, -31, -2), (-5, -31, -2), (9, -22, 0), (-9, -22, 0),
        (14, -14, 0), (-14, -14, 0), (16, -4, -3), (-16, -4, -3), (5, 0, 0), (-5, 0, 0), (8, 13, -5),
        (-8, 13, -5), (9, 25, 0), (-9, 25, 0),
    ],
    np.float64,
) / 100  # fmt: skip
"""(17, 3) metres, hips in the middle, upright before a camera."""


def random_poses(count: int, seed: int = 0, spread: float = 0.04) -> np.ndarray:
    """Return (N, 17, 3) float32 poses about a metre before a camera."""
    rng = np.random.default_rng(seed)
    poses = REST + spread * rng.standard_normal((count, *REST.shape))
    poses -= poses[:, [11, 12]].mean(1, keepdims=True)
    return (poses + np.array([0.05, -0.03, 1.2])).astype(np.float32)


def write_npz(path: Path, count: int = 16, *, clips: int | None = None, **arrays) -> Path:
    """Write a pose file; with ``clips``, so many movements."""
    clip = np.arange(count) if clips is None else np.arange(count) * clips // count
    gravity = np.tile(np.array([0, 1, 0], np.float32), (count, 1))
    values = {"keypoints_3d_m": random_poses(count), "clip": clip, "gravity": gravity, **arrays}
    np.savez(path, **{name: value for name, value in values.items() if value is not None})
    return path


def write_dataset(folder: Path, count: int = 6, seed: int = 3) -> Path:
    """Write the annotation file of a dataset as ``syrip generate`` does, without pictures."""
    camera = {"fx": 300.0, "fy": 300.0, "cx": 160.0, "cy": 120.0, "T_cam_world": np.eye(4).tolist()}
    data = {"images": [], "annotations": [], "categories": [person_category()]}
    for i, pose in enumerate(random_poses(count, seed), start=1):
        pixels = pose[:, :2] / pose[:, 2:] * 300 + [160, 120]
        name = f"train{10000 + i}.jpg"
        data["images"].append({"id": i, "file_name": name, "width": 320, "height": 240})
        data["annotations"].append(
            {
                "id": i,
                "image_id": i,
                "bbox": [0, 0, 320, 240],
                "keypoints": [float(v) for x, y in pixels for v in (x, y, 2)],
                "keypoints_3d_m": pose.tolist(),
                "camera": camera,
                "source": {"pose_id": f"pose{i // 2}"},
            }
        )
    path = folder / ANNOTATION_FILE
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(data))
    return folder


def project(poses: np.ndarray, focal: float = 300.0, size=(320, 240)) -> np.ndarray:
    """Return (N, 17, 3) x, y px and score 1."""
    pixels = poses[..., :2] / poses[..., 2:] * focal + np.array(size) / 2
    return np.concatenate([pixels, np.ones((*pixels.shape[:-1], 1))], -1)


RECIPE = """
task: lift
description: a test
network: {width: 32, blocks: 1, dropout: 0.1, output: rays}
optimizer: {learning_rate: 0.003, warmup_steps: 5, ema_decay: 0.9}
training: {epochs: 3, steps_per_epoch: 6, batch_size: 16}
"""
NUM_KEYPOINTS = len(COCO17)
