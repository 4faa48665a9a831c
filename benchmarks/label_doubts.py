"""What predicts a wrong point: the shipped network's score and flip test against annotated people.

Every image's largest annotated person is estimated in its annotated box; a point is wrong that lies farther
off than 0.1 of the box's longer side. The thresholds of ``fidip.labelling.doubts`` and ``fidip.labelling.ai``
come from these tables (docs/guides/label.md shows them). A person takes about a second on one core.

    python -m benchmarks.label_doubts --truth coco.json --images photos
"""

import argparse
import json
from itertools import pairwise
from pathlib import Path

import numpy as np

from fidip.data.images import read_image
from fidip.inference.estimator import PoseEstimator
from fidip.inference.predict import open_checkpoint
from fidip.labelling.ai import ABSENT_SCORE
from fidip.labelling.doubts import FLIP_SHARE, LOW_SCORE

WRONG = 0.1
LEAST_AREA_PX = 32**2
SCORE_EDGES = (0, 0.15, 0.3, 0.4, 0.5, 0.6, 0.7, 1.01)
GAP_EDGES = (0, 0.01, 0.02, 0.03, 0.05, 0.1, np.inf)


def measured(truth: Path, images: Path, most: int | None) -> np.ndarray:
    """Return (N, 17, 4): score, flip gap and error as shares of the box's longer side, and v of the truth."""
    data = json.loads(truth.read_text())
    files = {image["id"]: image for image in data["images"]}
    largest: dict[int, dict] = {}
    for a in data["annotations"]:
        is_usable = a.get("num_keypoints", 1) > 0 and not a.get("iscrowd") and a["area"] > LEAST_AREA_PX
        if is_usable and a["area"] > largest.get(a["image_id"], {"area": 0})["area"]:
            largest[a["image_id"]] = a
    estimator = PoseEstimator(open_checkpoint(None), compare_flips=True)
    rows = []
    for a in list(largest.values())[:most]:
        file = files[a["image_id"]]
        picture = read_image(images / file["file_name"], (file["width"], file["height"]))
        poses = estimator.predict(picture, [a["bbox"]])
        points = np.array(a["keypoints"], float).reshape(17, 3)
        side = max(a["bbox"][2:])
        error = np.linalg.norm(poses.keypoints[0, :, :2] - points[:, :2], axis=1) / side
        gaps = poses.flip_gaps_px[0] / side
        rows.append(np.stack([poses.keypoints[0, :, 2], gaps, error, points[:, 2]], axis=1))
    return np.stack(rows)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--truth", type=Path, required=True, help="COCO keypoint file")
    parser.add_argument("--images", type=Path, required=True, help="folder of its images")
    parser.add_argument("--most", type=int, help="stop after so many people")
    options = parser.parse_args()
    score, gap, error, v = np.moveaxis(measured(options.truth, options.images, options.most), 2, 0)
    labelled = v > 0
    wrong = labelled & (error > WRONG)
    print(f"{len(v)} people, {labelled.sum()} labelled points, {wrong.sum() / labelled.sum():.1%} wrong")
    print(f"{'score':12}{'points':>8}{'wrong':>8}{'occluded':>10}{'not labelled':>14}")
    for low, high in pairwise(SCORE_EDGES):
        here = (score >= low) & (score < high)
        count = max((here & labelled).sum(), 1)
        shares = (wrong & here).sum() / count, ((v == 1) & here).sum() / count
        unlabelled = (here & ~labelled).sum() / max(here.sum(), 1)
        print(f"{low:4.2f}..{high:4.2f}  {count:8}{shares[0]:8.0%}{shares[1]:10.0%}{unlabelled:14.0%}")
    print(f"{'flip gap':12}{'points':>8}{'wrong':>8}")
    for low, high in pairwise(GAP_EDGES):
        here = (gap >= low) & (gap < high) & labelled
        print(f"{low:4.2f}..{high:4.2f}  {here.sum():8}{(wrong & here).sum() / max(here.sum(), 1):8.0%}")
    absent = score < ABSENT_SCORE
    doubted = ((score < LOW_SCORE) | (gap > FLIP_SHARE)) & ~absent
    caught = ((doubted | absent) & wrong).sum() / max(wrong.sum(), 1)
    print(
        f"doubted {(doubted & labelled).sum() / len(v):.1f} points a person; {caught:.0%} of the wrong points"
    )


if __name__ == "__main__":
    main()
