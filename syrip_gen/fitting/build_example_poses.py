"""Make the bundled example poses: ``python -m syrip_gen.fitting.build_example_poses``.

No dataset of real infants' poses may ship, so these are drawn from the posture templates of the pose prior,
photographed by a virtual camera and annotated with a little noise, as COCO keypoint annotations.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from syrip_gen.asset_files import assets_dir
from syrip_gen.body import load_body
from syrip_gen.body.assets import BodyAssets
from syrip_gen.body.posing import PosedBody, pose_body
from syrip_gen.fitting.build_prior import sample_infant_poses
from syrip_gen.fitting.postures import POSTURES
from syrip_gen.fitting.proxies import Spheres, build_spheres, posed_centers
from syrip_gen.geometry.camera import project
from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.randomness import stream_rng

__all__ = ["main", "make_examples"]

NUM_POSES = 154
SEED = 7
WIDTH, HEIGHT = 1280, 960
NOISE = 0.006
"""Standard deviation of the annotators' hand, as a fraction of the keypoint box's diagonal."""
HIDDEN_NOISE = 2.0
"""How much worse annotators are where they do not see the keypoint."""
UNLABELLED = 0.15
"""Share of the hidden keypoints that they leave out."""
LOOK_DOWN_DEG = {
    "Supine": (35, 90),
    "Prone": (15, 80),
    "Side": (25, 85),
    "Sitting": (0, 40),
    "Crawling": (0, 50),
}
"""How far below the horizon the camera looks, by posture; the rest stand."""
STANDING_LOOK_DOWN_DEG = (-5, 25)


def make_examples(body: BodyAssets, count: int, seed: int) -> dict[str, Any]:
    """Return COCO annotations of ``count`` poses, spread over the templates."""
    samples = sample_infant_poses(body, 40 * len(POSTURES), seed)
    labels = [posture.label for posture in POSTURES.values()]
    order = _spread(samples.template, count, stream_rng(seed, 0, "example-choice"))
    images, annotations, spheres = [], [], build_spheres(body)
    for number, row in enumerate(order, start=1):
        posture = labels[samples.template[row]]
        rng = stream_rng(seed, number, "example-camera")
        keypoints, hidden = _photograph(
            body, spheres, samples.body_pose[row], samples.gravity[row], posture, rng
        )
        low, high = keypoints.min(0), keypoints.max(0)
        noise = NOISE * np.linalg.norm(high - low) * rng.standard_normal(keypoints.shape)
        points = np.round(keypoints + noise * np.where(hidden, HIDDEN_NOISE, 1.0)[:, None], 1)
        flags = np.where(hidden, np.where(rng.random(len(points)) < UNLABELLED, 0, 1), 2)
        box = [*points.min(0).tolist(), *np.round(np.ptp(points, axis=0), 1).tolist()]
        name = f"example_{number:03d}.jpg"
        images.append(
            {
                "id": number,
                "file_name": name,
                "width": WIDTH,
                "height": HEIGHT,
                "posture": posture,
                "is_synthetic": True,
            }
        )
        annotations.append(
            {
                "id": number,
                "image_id": number,
                "category_id": 1,
                "iscrowd": 0,
                "num_keypoints": int((flags > 0).sum()),
                "keypoints": [
                    value
                    for (x, y), v in zip(points.tolist(), flags.tolist(), strict=True)
                    for value in ((x, y, v) if v else (0, 0, 0))
                ],
                "bbox": box,
                "area": round(box[2] * box[3], 1),
            }
        )
    return {
        "info": {
            "description": "Synthetic example poses: posture templates of infants seen by virtual cameras, "
            "with noise as of an annotator. No photo and no real infant is behind them. CC0-1.0.",
            "is_synthetic": True,
        },
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person", "keypoints": list(COCO17.keypoints), "skeleton": []}],
    }


def _spread(template: np.ndarray, count: int, rng: np.random.Generator) -> list[int]:
    """Choose rows so that every template comes up about equally often."""
    kinds = np.unique(template)
    rows = [rng.permutation(np.flatnonzero(template == kind)) for kind in kinds]
    return [int(rows[i % len(kinds)][i // len(kinds)]) for i in range(count)]


def _photograph(
    body: BodyAssets,
    spheres: Spheres,
    body_pose: np.ndarray,
    gravity: np.ndarray,
    posture: str,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return (17, 2) pixels of one pose seen by a camera that suits its posture, and which are hidden."""
    down = np.radians(rng.uniform(*LOOK_DOWN_DEG.get(posture, STANDING_LOOK_DOWN_DEG)))
    gravity_cam = np.array([0.0, np.cos(down), np.sin(down)])  # y down, z forward
    R = _rotation_between(gravity, gravity_cam)
    for _ in range(20):  # an upright infant is photographed from the front or the side
        turn = Rotation.from_rotvec(gravity_cam * rng.uniform(-np.pi, np.pi))
        roll = Rotation.from_rotvec([0, 0, np.radians(rng.normal(0, 6))])
        orient = roll * turn * R
        if posture not in ("Sitting", "Standing") or orient.apply([0, 0, 1])[2] < 0.35:
            break
    betas = 0.6 * rng.standard_normal(body.num_betas)
    posed = pose_body(body, betas, orient.as_rotvec(), body_pose.ravel(), np.zeros(3))
    points = np.asarray(body.keypoint_regressor @ posed.vertices.astype(np.float64))
    shift = np.array([0.0, 0.0, rng.uniform(0.9, 1.6)]) - 0.5 * (points.min(0) + points.max(0))
    points += shift
    hidden = _hidden(spheres, posed, points, shift)
    focal = rng.uniform(0.9, 1.5) * WIDTH
    pixels = project(points, focal, focal, WIDTH / 2, HEIGHT / 2)
    middle = 0.5 * (pixels.min(0) + pixels.max(0))
    fill = max(np.ptp(pixels[:, 0]) / WIDTH, np.ptp(pixels[:, 1]) / HEIGHT)
    scale = min(1.0, 0.85 / fill)  # a longer lens never crops the infant
    return (pixels - middle) * scale + [WIDTH / 2, HEIGHT / 2], hidden


def _hidden(spheres: Spheres, posed: PosedBody, points: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Return (17,) whether one of the body's spheres is before a keypoint (17, 3), camera at 0."""
    frames = posed.joint_transforms
    centers = posed_centers(spheres, frames[:, :3, 3], frames[:, :3, :3]) + shift
    depth = np.linalg.norm(points, axis=1)
    rays = points / depth[:, None]
    along = rays @ centers.T
    across = (centers**2).sum(1) - along**2
    radius = 0.9 * spheres.radius
    entry = np.where(across < radius**2, along - np.sqrt(np.maximum(radius**2 - across, 0.0)), np.inf)
    # Keypoints lie inside the body: nearer than this is their own skin.
    skin = np.array([0.03] * 5 + [0.08] * 2 + [0.04] * 4 + [0.10] * 2 + [0.05] * 4)
    return entry.min(1) < depth - skin


def _rotation_between(start: np.ndarray, end: np.ndarray) -> Rotation:
    """Return the smallest rotation that takes one unit vector to another."""
    axis = np.cross(start, end)
    length = np.linalg.norm(axis)
    if length < 1e-9:
        axis = np.cross(start, [1.0, 0.0, 0.0] if abs(start[0]) < 0.9 else [0.0, 1.0, 0.0])
        length = np.linalg.norm(axis)
    return Rotation.from_rotvec(axis / length * np.arctan2(np.linalg.norm(np.cross(start, end)), start @ end))


def main() -> None:
    """Build ``assets/poses/example_poses.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "-o", "--output", type=Path, default=None, help="default: assets/poses/example_poses.json"
    )
    args = parser.parse_args()
    target = args.output or assets_dir() / "poses" / "example_poses.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    data = make_examples(load_body("infant"), NUM_POSES, SEED)
    target.write_text(json.dumps(data, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
