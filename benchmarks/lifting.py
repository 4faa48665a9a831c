"""Measure lifters side by side: ``python -m benchmarks.lifting RUN... --test DATASET [--clips FILE] ...``.

Unseen synthetic pictures (AJPE from true 2D and from a 2D network's predictions; several sets, each with its
name: ``--test fitted=DIR --predictions fitted=FILE --test t=DIR``; of ``syrip animate --frames all`` as
movements, with their jitter; sets of one name are averaged), unseen movements (AJPE and jitter, from exact
and from noisy 2D), and real infants against weak 3D labels (PA-MPJPE over twelve limb joints).

Lifters on raw pixels know only pictures of the size that they were trained on. ``--scale-pixels`` gives them
every picture in that size, which is what their user would have to do.
"""

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from fidip.evaluation.pose_metrics import acceleration, ajpe, joint_distances, procrustes
from fidip.lifting.augmentation import PICTURE, layout_of, spoil
from fidip.lifting.config import ViewSettings
from fidip.lifting.lift import Lifter
from fidip.lifting.pose_files import read_poses_3d
from fidip.lifting.poses_2d import read_poses_2d, read_predictions
from syrip_gen.keypoints.catalog import COCO17, SPIN14

HIPS = [COCO17.index("left_hip"), COCO17.index("right_hip")]
LIMBS_WEAK = slice(0, 12)
LIMBS = [COCO17.index(name) for name in SPIN14.keypoints[LIMBS_WEAK]]
NOISE = 0.01
"""Error of the noisy keypoints of movements, as a fraction of the box's side."""
Figures = dict[str, float]


def relative(points: np.ndarray) -> np.ndarray:
    """Return (N, 17, 3) poses relative to the middle of the hips."""
    return points - points[:, HIPS].mean(1, keepdims=True)


def ajpe_mm(points: np.ndarray, truth: np.ndarray) -> float:
    """Return the AJPE of (N, K, 3) poses in metres, mm."""
    return 1000 * ajpe(joint_distances(points, truth))


def jitter_mm(points: np.ndarray, clip: np.ndarray | None = None) -> float:
    """Return the mean acceleration of movements (T, K, 3) in metres, mm a frame squared.

    Args:
        points: Frames of one movement, or of several side by side.
        clip: (T,) numbers of their movements; NaN is returned if none has three frames.
    """
    triples = np.arange(len(points) - 2)[:, None] + np.arange(3)
    if clip is not None:
        triples = triples[clip[:-2] == clip[2:]]
    return 1000 * acceleration(points, triples) if len(triples) else float("nan")


def pictures(lifter: Lifter, test: Path, predictions: Path | None, prefix: str = "") -> Figures:
    """Return errors on a dataset's pictures; the rows begin with ``prefix``.

    Frames of one clip are lifted as a movement; then there is jitter too.
    """
    poses = read_poses_3d(test)
    truth, figures = relative(poses.points), {}
    steadiness = jitter_mm(truth, poses.clip)
    if np.isfinite(steadiness):
        figures[f"{prefix}jitter of truth"] = steadiness
    sources = {"true 2D": poses.labels}
    if predictions is not None:
        sources["predicted"] = read_predictions(predictions, poses)
    for name, labels in sources.items():
        lifted = lifter.lift(labels, poses.image_size, poses.camera, clip=poses.clip)
        good = np.isfinite(lifted).all((1, 2))
        figures[f"{prefix}{name} AJPE"] = ajpe_mm(lifted[good], truth[good])
        figures[f"{prefix}{name} PA"] = ajpe_mm(procrustes(lifted[good], truth[good]), truth[good])
        if np.isfinite(steadiness):
            figures[f"{prefix}{name} jitter"] = jitter_mm(lifted, poses.clip)
        if not good.all():
            figures[f"{prefix}{name} gaps"] = float((~good).sum())
    return figures


class ScaledPixels:
    """A lifter on raw pixels, given every picture in the size of its training pictures."""

    def __init__(self, lifter: Lifter) -> None:
        self.lifter, self.schema = lifter, lifter.schema

    def lift(
        self, keypoints: np.ndarray, image_size: ArrayLike, camera: ArrayLike | None = None, **words: Any
    ) -> np.ndarray:
        """Return what the lifter says of enlarged pictures, each centred in a training picture.

        Such lifters have no use for a camera.
        """
        size = np.broadcast_to(np.asarray(image_size, np.float64), (len(keypoints), 2))[:, None]
        scale = (np.array(PICTURE) / size).min(-1, keepdims=True)
        larger = np.array(keypoints, np.float64)
        moved = scale * (larger[..., :2] - size / 2) + np.array(PICTURE) / 2
        larger[..., :2] = np.where(larger[..., 2:] > 0, moved, larger[..., :2])
        return self.lifter.lift(larger, PICTURE, **words)


def movements(lifter: Lifter, clips: Path) -> Figures:
    """Return errors and jitter on movements, from exact and noisy keypoints, the camera known."""
    poses = read_poses_3d(clips)
    layout = layout_of(COCO17)
    settings = ViewSettings(noise=NOISE, outliers=0.005, missing=0.0, missing_face=0.0)
    focal = 1.2 * max(PICTURE)
    camera = (focal, focal, PICTURE[0] / 2, PICTURE[1] / 2)
    numbers: dict[str, list[float]] = {}
    for clip in np.unique(poses.clip):
        points = poses.points[poses.clip == clip].astype(np.float64)
        extent = np.ptp(points[:, :, :2], axis=(0, 1)).max()
        points = points - points[:, HIPS].mean((0, 1)) + [0, 0, focal * extent / (0.7 * min(PICTURE))]
        exact = points[..., :2] / points[..., 2:] * focal + [camera[2:]]
        generator = torch.Generator().manual_seed(int(clip))
        window = torch.from_numpy(exact).float()[None]
        noisy, _ = spoil(window, torch.ones(window.shape[:3]), settings, layout, generator)
        truth = relative(points)
        numbers.setdefault("jitter of truth", []).append(jitter_mm(truth))
        for name, seen in (("exact", exact), ("noisy", noisy[0].numpy())):
            keypoints = np.concatenate([seen, np.ones((*seen.shape[:2], 1))], -1)
            lifted = lifter.lift(keypoints, (int(PICTURE[0]), int(PICTURE[1])), camera)
            numbers.setdefault(f"clips {name} AJPE", []).append(ajpe_mm(lifted, truth))
            numbers.setdefault(f"clips {name} jitter", []).append(jitter_mm(lifted))
    return {name: float(np.mean(values)) for name, values in numbers.items()}


def real_infants(lifter: Lifter, poses_2d: Path, weak: Path) -> Figures:
    """Return PA-MPJPE on real infants, the camera unknown."""
    data = np.load(weak, allow_pickle=False)
    row = {str(name): i for i, name in enumerate(data["file_name"])}
    coco = json.loads(poses_2d.read_bytes())
    images = {image["id"]: image for image in coco["images"]}
    lifted, truth = [], []
    for person in coco["annotations"]:
        image = images[person["image_id"]]
        keypoints = np.array(person["keypoints"], float).reshape(1, -1, 3)
        pose = lifter.lift(keypoints, (image["width"], image["height"]))[0]
        if np.isfinite(pose).all():
            lifted.append(pose[LIMBS])
            truth.append(data["joints3d_m"][row[image["file_name"]], LIMBS_WEAK])
    points = np.array(truth)
    errors = 1000 * joint_distances(procrustes(np.array(lifted), points), points).mean(1)
    return {"real PA": float(np.mean(errors)), "real median": float(np.median(errors))}


def consistency(lifter: Lifter, poses_2d: Path) -> Figures:
    """Return how alike a person's bones are over 2D-only recordings: the spread of their lengths, percent."""
    poses = read_poses_2d(poses_2d, lifter.schema)
    bones = np.array([b for b in COCO17.skeleton if min(b) >= 5])
    spreads = []
    for clip in np.unique(poses.clip):
        rows = poses.clip == clip
        keypoints = np.concatenate([poses.points_px[rows], poses.mask[rows][..., None]], -1)
        size = tuple(int(v) for v in poses.image_size[rows][0])
        lifted = lifter.lift(keypoints, size)
        lengths = np.linalg.norm(lifted[:, bones[:, 0]] - lifted[:, bones[:, 1]], axis=-1)
        spreads.append(np.nanmean(np.nanstd(lengths, 0) / np.nanmean(lengths, 0)))
    return {"bone spread %": 100 * float(np.mean(spreads))}


def named(word: str) -> tuple[str, str]:
    """Return name and path of ``NAME=PATH``; a bare path has no name."""
    name, _, path = word.rpartition("=")
    return name, path


def named_sets(tests: list[str], predictions: list[str]) -> dict[str, list[tuple[Path, Path | None]]]:
    """Return datasets with their predictions by name.

    Raises:
        ValueError: If predictions are of no dataset, or some sets of a name have none.
    """
    found: dict[str, dict[str, list[Path]]] = {}
    for kind, words in (("test", tests), ("predictions", predictions)):
        for name, path in map(named, words):
            found.setdefault(name, {"test": [], "predictions": []})[kind].append(Path(path))
    sets = {}
    for name, paths in found.items():
        files: list[Path | None] = [*paths["predictions"]] or [None] * len(paths["test"])
        if len(files) != len(paths["test"]):
            raise ValueError(f"'{name}' has {len(paths['test'])} --test and {len(files)} --predictions")
        sets[name] = list(zip(paths["test"], files, strict=True))
    return sets


def mean_of_sets(lifter: Lifter, sets: list[tuple[Path, Path | None]], prefix: str) -> Figures:
    """Return the means of what :func:`pictures` says of several datasets."""
    each = [pictures(lifter, test, predictions, prefix) for test, predictions in sets]
    rows = dict.fromkeys(row for figures in each for row in figures)
    return {row: float(np.mean([figures[row] for figures in each if row in figures])) for row in rows}


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "runs", nargs="+", help="NAME=RUN or RUN; infant = the shipped lifter, infant-video = over time"
    )
    parser.add_argument(
        "--test", action="append", default=[], help="[NAME=]dataset folder with pictures not trained on"
    )
    parser.add_argument(
        "--predictions", action="append", default=[], help="[NAME=]a 2D network's predictions of them"
    )
    parser.add_argument("--clips", type=Path, help=".npz of movements not trained on")
    parser.add_argument("--real", type=Path, help="COCO file of real infants")
    parser.add_argument("--weak", type=Path, help=".npz of their weak 3D joints")
    parser.add_argument("--real-clips", type=Path, help="2D-only recordings of real infants")
    parser.add_argument("--scale-pixels", action="store_true", help="enlarge pictures for lifters on pixels")
    parser.add_argument("--json", type=Path, help="write the figures here")
    args = parser.parse_args()
    try:
        args.sets = named_sets(args.test, args.predictions)
    except ValueError as error:
        parser.error(str(error))
    return args


def open_lifter(run: str, *, scale_pixels: bool) -> Lifter | ScaledPixels:
    """Open a lifter as it is to be measured."""
    is_shipped = run in ("infant", "infant-video")
    lifter = Lifter.open(None if is_shipped else run, over_time=run == "infant-video")
    return ScaledPixels(lifter) if scale_pixels and lifter.network.inputs == "pixels" else lifter


def main() -> None:
    """Print one column a lifter."""
    args = parse_arguments()
    torch.set_num_threads(1)
    parts: list[Callable[[Lifter], Figures]] = []
    for name, sets in args.sets.items():
        parts.append(partial(mean_of_sets, sets=sets, prefix=f"{name} " if name else ""))
    if args.clips:
        parts.append(lambda lifter: movements(lifter, args.clips))
    if args.real and args.weak:
        parts.append(lambda lifter: real_infants(lifter, args.real, args.weak))
    if args.real_clips:
        parts.append(lambda lifter: consistency(lifter, args.real_clips))
    table: dict[str, Figures] = {}
    for word in args.runs:
        name, run = named(word)
        lifter = open_lifter(run, scale_pixels=args.scale_pixels)
        table[name or Path(run).name] = {k: v for part in parts for k, v in part(lifter).items()}
    print_table(table)
    if args.json:
        args.json.write_text(json.dumps(table, indent=1) + "\n")


def print_table(table: dict[str, Figures]) -> None:
    """Print columns of figures."""
    rows = list(dict.fromkeys(row for figures in table.values() for row in figures))
    width = max(map(len, rows), default=0) + 2
    print(" " * width + "".join(f"{name:>18}" for name in table))
    for row in rows:
        cells = "".join(f"{figures.get(row, float('nan')):18.2f}" for figures in table.values())
        print(f"{row:{width}}{cells}")


if __name__ == "__main__":
    main()
