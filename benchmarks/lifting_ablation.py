"""The thesis's ablations, for the lifter: ``python -m benchmarks.lifting_ablation``.

Ellershaw's thesis pretrains on adults, maps their keypoints to the infants', crops to the infant, and trains
briefly on the few infants there are; it takes each of the three away in turn. The same here: a lifter learns
from adult poses (``lifter-adult``), then for a short while from a few infant poses (``lifter-infant``).

* ``full``: all of it.
* ``no adults``: begins from random weights.
* ``no mapping``: the adults' keypoints are taken in their own order (Human3.6M's 17 for COCO's 17).
* ``no crop``: raw pixels of the whole picture go in, at both stages. Test pictures are enlarged to the size
  of the training pictures, else such a lifter is worse still.

Every row is trained with several seeds, which choose the infant poses, too. Adult poses: motion capture as
an .npz (``--bandai FILE`` reads Bandai-Namco's), or ``python -m syrip_gen.fitting.build_adult_poses --schema
h36m17``.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.lifting import ScaledPixels, open_lifter, relative
from fidip.config import TrainOptions
from fidip.evaluation.pose_metrics import ajpe, joint_distances, procrustes
from fidip.lifting.lift import Lifter
from fidip.lifting.pose_files import read_poses_3d
from fidip.lifting.trainer import train_lifter
from syrip_gen.motion.joint_names import find_parts
from syrip_gen.motion.named_clips import part_points

HEAD_MM = 26.9
"""Mean of MINI-RGBD's twelve head lengths, the unit of the thesis's 3D PCKh."""
PIXELS = ("network.inputs=pixels", "network.output=joints")
Y_UP_TO_CAMERA = np.array([1.0, -1.0, -1.0])
Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Row:
    """One way to train."""

    name: str
    adult_recipe: str | None
    changes: tuple[str, ...] = ()


ROWS = (
    Row("full", "lifter-adult"),
    Row("no adults", None),
    Row("no mapping", "lifter-adult-unmapped"),
    Row("no crop", "lifter-adult", PIXELS),
)


def bandai_poses(path: Path, step: int = 4) -> dict[str, np.ndarray]:
    """Return Bandai-Namco's clips (cm, y up, 30 frames/s) as the arrays of a pose file in Human3.6M's order.

    The joints tell neither nose nor crown; those are the head joint and the point above it.
    """
    with np.load(path, allow_pickle=False) as data:
        arrays = {name: data[name] for name in data.files}
    names = [str(name) for name in arrays.pop("joint_names")]
    found = find_parts(names)[1]
    points, clips = [], []
    for number, clip in enumerate(arrays.values()):
        metres = clip[::step].astype(np.float64) / 100 * Y_UP_TO_CAMERA
        at = {part: metres[:, names.index(joint)] for part, joint in found.items()}
        points.append(part_points({"neck_nose": at["head"], **at}))
        clips.append(np.full(len(metres), number))
    joined = np.concatenate(points)
    return {
        "keypoints_3d_m": (joined - joined[:, :1] + [0, 0, 4.0]).astype(np.float32),
        "gravity": np.tile(np.array([0, 1, 0], np.float32), (len(joined), 1)),
        "clip": np.concatenate(clips),
        "schema": np.array("h36m17"),
    }


def few_poses(path: Path, count: int, seed: int, output: Path) -> Path:
    """Write a random choice of the single poses of an .npz; return the file."""
    with np.load(path, allow_pickle=False) as data:
        arrays = {name: data[name] for name in data.files}
    total = len(arrays["keypoints_3d_m"])
    rows = np.sort(np.random.default_rng(seed).choice(total, min(count, total), replace=False))
    chosen = {name: array[rows] if array.shape[:1] == (total,) else array for name, array in arrays.items()}
    np.savez(output, **chosen)
    return output


def measure(lifter: Lifter | ScaledPixels, test: Path) -> Figures:
    """Return errors on a dataset's pictures from their true 2D keypoints."""
    poses = read_poses_3d(test)
    lifted = lifter.lift(poses.labels, poses.image_size, poses.camera, clip=np.arange(len(poses)))
    truth = relative(poses.points)
    good = np.isfinite(lifted).all((1, 2))
    lifted, truth = lifted[good], truth[good]
    distance = 1000 * np.linalg.norm(lifted - truth, axis=-1)
    return {
        "AJPE": 1000 * ajpe(joint_distances(lifted, truth)),
        "PA-MPJPE": 1000 * ajpe(joint_distances(procrustes(lifted, truth), truth)),
        "PCKh1": 100 * float((distance <= HEAD_MM).mean()),
        "PCKh2": 100 * float((distance <= 2 * HEAD_MM).mean()),
    }


def train_rows(args: argparse.Namespace, work: Path) -> Iterator[tuple[str, int, Path]]:
    """Train every row with every seed; yield its name, the seed and the run."""
    common = ("training.keep=last", f"training.steps_per_epoch={args.steps}")
    few = [few_poses(args.infants, args.few, seed, work / f"few{seed}.npz") for seed in range(args.seeds)]
    for row in (row for row in ROWS if row.name in args.rows):
        begin = "none"
        if row.adult_recipe is not None:
            begin = str(work / f"adult {row.name}")
            train_lifter(
                TrainOptions(
                    recipe=row.adult_recipe,
                    poses_3d=(str(args.adults),),
                    output=begin,
                    epochs=args.adult_epochs,
                    set=(*common, *row.changes),
                    device="cpu",
                )
            )
        for seed, poses in enumerate(few):
            run = work / f"{row.name} {seed}"
            train_lifter(
                TrainOptions(
                    recipe="lifter-infant",
                    weights=begin,
                    poses_3d=(str(poses),),
                    output=str(run),
                    epochs=args.epochs,
                    seed=seed,
                    set=(*common, *row.changes),
                    device="cpu",
                )
            )
            yield row.name, seed, run


def print_rows(found: dict[str, list[Figures]]) -> None:
    """Print means and spreads over the seeds, and what each row loses."""
    full = next(iter(found.values()))
    names = list(full[0])
    print(f"{'':12}" + "".join(f"{name:>18}" for name in names) + f"{'lost PCKh1':>14}")
    for row, runs in found.items():
        cells = ""
        for name in names:
            values = [figures[name] for figures in runs]
            cells += f"{np.mean(values):11.1f} ± {np.std(values):4.1f}"
        lost = np.mean([f["PCKh1"] for f in full]) - np.mean([f["PCKh1"] for f in runs])
        print(f"{row:12}{cells}{lost:14.1f}")


def main() -> None:
    """Train and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    adults = parser.add_mutually_exclusive_group(required=True)
    adults.add_argument("--adults", type=Path, help=".npz of adult poses, 17 keypoints of Human3.6M")
    adults.add_argument("--bandai", type=Path, help="Bandai-Namco's clips as an .npz of named joints")
    parser.add_argument("--infants", type=Path, required=True, help=".npz of infant poses to choose from")
    parser.add_argument("--test", type=Path, required=True, help="dataset with pictures not trained on")
    parser.add_argument("--few", type=int, default=300, help="infant poses to train on")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--adult-epochs", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=2, help="on infants")
    parser.add_argument("--steps", type=int, default=100, help="an epoch")
    parser.add_argument("--rows", nargs="+", default=[row.name for row in ROWS], help="some of the rows")
    parser.add_argument("-o", "--output", type=Path, required=True, help="empty folder for the runs")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.output.mkdir(parents=True, exist_ok=True)
    if args.bandai:
        args.adults = args.output / "adults.npz"
        np.savez(args.adults, **bandai_poses(args.bandai))
    found: dict[str, list[Figures]] = {}
    for row, seed, run in train_rows(args, args.output):
        figures = measure(open_lifter(str(run), scale_pixels=True), args.test)
        found.setdefault(row, []).append(figures)
        print(f"{row} {seed}: " + ", ".join(f"{k} {v:.1f}" for k, v in figures.items()), flush=True)
    print_rows(found)
    (args.output / "table.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
