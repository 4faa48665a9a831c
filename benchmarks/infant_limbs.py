"""How long infants' limbs are and look: where the figures of ``fidip.labelling.limb_lengths`` come from.

Reads the 3D and 2D keypoints of a dataset of ``syrip generate`` and prints the median length of each segment
over the trunk's, in space, and how often correct 2D labels would be doubted, by tolerance.

    syrip generate --n 2000 -o infants
    python -m benchmarks.infant_limbs infants
"""

import argparse
import json
from pathlib import Path

import numpy as np

from fidip.labelling.limb_lengths import ENDS, SEGMENTS, TOLERANCE, segment_excess
from syrip_gen.annotation.coco import ANNOTATION_FILE


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("dataset", type=Path, help="folder of syrip generate")
    annotations = json.loads((parser.parse_args().dataset / ANNOTATION_FILE).read_text())["annotations"]
    space = np.array([a["keypoints_3d_m"] for a in annotations], float).reshape(-1, 17, 3)
    seen = np.array([a["keypoints"] for a in annotations], float).reshape(-1, 17, 3)
    trunks = np.linalg.norm(space[:, 5:7].mean(1) - space[:, 11:13].mean(1), axis=1)
    ratios = np.linalg.norm(space[:, ENDS[:, 0]] - space[:, ENDS[:, 1]], axis=2) / trunks[:, None]
    print(f"{len(space)} infants: length over the trunk's, in space, and the figure that is used")
    print(f"{'':18}{'0.5 %':>8}{'median':>8}{'99.5 %':>8}{'used':>8}")
    for (name, *_, used), values in zip(SEGMENTS, ratios.T, strict=True):
        low, middle, high = np.percentile(values, [0.5, 50, 99.5])
        print(f"{name:18}{low:8.3f}{middle:8.3f}{high:8.3f}{used:8.3f}")
    excess = np.stack([segment_excess(points[:, :2], points[:, 2] > 0) for points in seen])
    known = excess[np.isfinite(excess)]
    print("share of correct labels that would be doubted, by tolerance")
    for tolerance in (1.0, 1.1, 1.2, TOLERANCE, 1.4, 1.5):
        people = np.nanmax(np.where(np.isfinite(excess), excess, 0), axis=1) > tolerance
        share = np.mean(known > tolerance)
        print(f"{tolerance:5.1f}: {share:7.2%} of segments, {people.mean():7.2%} of infants")


if __name__ == "__main__":
    main()
