"""Simulate real infants whose limbs are not as long as those of the 3D poses, and measure lifters on them.

``python -m benchmarks.lifting_proportions RUN... --clips MOVEMENTS [-o recordings.npz]``. The movements of
supine infants get other limb lengths and become 2D recordings, seen from above: what ``--recipe
lifter-selfsup --real-2d`` learns from. All other movements, seen from anywhere with 1 % of noise, are for
measuring: with the lengths of the movements (part 0), of the recordings (part 1), and half-way. PA-MPJPE over
twelve limb joints, millimetres.
"""

import argparse
import math
from pathlib import Path

import numpy as np
import torch

from benchmarks.lifting import ajpe_mm, print_table
from fidip.evaluation.pose_metrics import procrustes
from fidip.lifting.augmentation import PICTURE, layout_of, make_views
from fidip.lifting.config import ViewSettings
from fidip.lifting.geometry import about_axis, pelvis_of, project_px, random_tilts
from fidip.lifting.lift import Lifter
from fidip.lifting.pose_files import read_poses_3d
from fidip.lifting.poses_3d import Poses3D
from fidip.lifting.proportions import SEGMENTS, with_lengths
from syrip_gen.keypoints.catalog import COCO17

CHANGES = {
    "short": (1.0, 0.5, 0.7, 1.1, 0.75, 0.87),
    "long": (0.9, 1.15, 1.2, 0.85, 1.2, 0.9),
}
"""Lengths of :data:`SEGMENTS` over those of the movements."""
RECORDINGS = 12
SUPINE = -0.88
"""Cosine between the trunk's front and gravity, at most."""
INDIVIDUAL = 0.03
"""Spread of the factors from infant to infant."""
STEP = 8
"""Every so many frames are measured."""
BODY = slice(5, 17)


def front(points: np.ndarray) -> np.ndarray:
    """Return (N, 3) unit vectors to the front of trunks."""
    left, right, hips = points[:, 5], points[:, 6], points[:, 11:13].mean(1)
    normal = np.cross(left - right, (left + right) / 2 - hips)
    return normal / np.linalg.norm(normal, axis=-1, keepdims=True)


def is_supine(poses: Poses3D, clip: int) -> bool:
    """Tell whether an infant lies on the back for the whole movement, about."""
    rows = poses.clip == clip
    return float((front(poses.points[rows]) * poses.gravity[rows]).sum(1).mean()) < SUPINE


def lengths_of(change: str, part: float, count: int, generator: torch.Generator) -> torch.Tensor:
    """Return (count, 6) factors of infants, each a little different."""
    factors = part * torch.tensor(CHANGES[change]).log()
    return torch.exp(factors + INDIVIDUAL * torch.randn((count, len(SEGMENTS)), generator=generator))


def recorded(points: torch.Tensor, gravity: torch.Tensor, generator: torch.Generator) -> np.ndarray:
    """Return (T, K, 3) what a camera above sees of a movement (T, K, 3): x, y px, v 0 for the face."""
    down = torch.tensor([0.0, 0.0, 1.0])
    axis = torch.linalg.cross(gravity, down)
    level = about_axis(torch.nn.functional.normalize(axis, dim=0)[None], torch.acos(gravity[2])[None])
    roll = about_axis(down[None], 2 * math.pi * torch.rand(1, generator=generator))
    turned = points @ (roll @ random_tilts(1, 15, generator) @ level)[0].mT
    turned = turned - pelvis_of(turned, (11, 12)).mean(0)
    focal, extent = 0.92 * max(PICTURE), (turned.amax((0, 1)) - turned.amin((0, 1)))[:2].max()
    fill = 0.5 + 0.3 * torch.rand((), generator=generator)
    turned = turned + down * focal * extent / (fill * min(PICTURE))
    camera = torch.tensor([[focal, focal, PICTURE[0] / 2, PICTURE[1] / 2]]).expand(len(turned), 4)
    seen = torch.cat([project_px(turned, camera), torch.ones_like(turned[..., :1])], -1).numpy()
    seen[:, : BODY.start] = 0
    return seen


def write_recordings(path: Path, poses: Poses3D, clips: list[int], change: str) -> None:
    """Write what ``--real-2d`` takes."""
    generator = torch.Generator().manual_seed(0)
    seen = []
    for clip in clips:
        rows = np.flatnonzero(poses.clip == clip)
        factors = lengths_of(change, 1, 1, generator).expand(len(rows), -1)
        points = with_lengths(torch.from_numpy(poses.points[rows])[:, None], factors, COCO17)[:, 0]
        seen.append(recorded(points, torch.from_numpy(poses.gravity[rows[0]]), generator))
    number = np.repeat(np.arange(len(seen)), [len(part) for part in seen])
    np.savez(path, keypoints_2d_px=np.concatenate(seen), image_size=np.array(PICTURE, int), clip=number)


def measured(lifter: Lifter, poses: Poses3D, change: str, part: float) -> float:
    """Return PA-MPJPE on random views of poses whose limbs are changed part of the way."""
    generator = torch.Generator().manual_seed(5)
    factors = lengths_of(change, part, len(poses), generator)
    points = with_lengths(torch.from_numpy(poses.points)[:, None], factors, COCO17)
    settings = ViewSettings(camera_known=0, noise=0.01, missing=0, missing_face=0, outliers=0)
    gravity = torch.from_numpy(poses.gravity)
    views = make_views(points, gravity, settings, layout_of(COCO17), generator)
    with torch.no_grad():
        lifted = lifter.network(views.keypoints).numpy()[:, BODY]
    truth = views.target[:, 0].numpy()[:, BODY]
    return ajpe_mm(procrustes(lifted, truth), truth)


def main() -> None:
    """Write recordings, or print one column a lifter."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", help="runs of lifters of single frames; infant = the shipped one")
    parser.add_argument("--clips", type=Path, required=True, help=".npz of movements not trained on")
    parser.add_argument("--change", choices=CHANGES, default="short", help="which limb lengths")
    parser.add_argument("-o", "--output", type=Path, help="write the 2D recordings here")
    args = parser.parse_args()
    torch.set_num_threads(1)
    poses = read_poses_3d(args.clips)
    clips = [clip for clip in np.unique(poses.clip) if is_supine(poses, clip)][:RECORDINGS]
    if args.output:
        write_recordings(args.output, poses, clips, args.change)
    others = poses.select(np.flatnonzero(~np.isin(poses.clip, clips))[::STEP])
    table = {}
    for run in args.runs:
        lifter = Lifter.open(None if run == "infant" else run)
        table[Path(run).name] = {
            f"part {part} PA": measured(lifter, others, args.change, part) for part in (0.0, 0.5, 1.0)
        }
    print_table(table)


if __name__ == "__main__":
    main()
