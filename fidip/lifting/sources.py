"""The data of a lifting run: read, checked, split by source so that no pose is on both sides."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fidip.config import TrainOptions
from fidip.lifting.config import LiftRecipe
from fidip.lifting.pose_files import read_poses_3d
from fidip.lifting.poses_2d import MIN_SCORE, Poses2D, read_poses_2d, read_predictions
from fidip.lifting.poses_3d import Poses3D, join_poses
from fidip.lifting.proportions import LEAST_FRAMES, Proportions, measured_proportions
from syrip_gen.annotation.coco import ANNOTATION_FILE
from syrip_gen.keypoints.catalog import get_schema
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["LiftData", "lift_file_digests", "load_lift_data"]

MAX_VALIDATION = 3000
"""At most so many poses are validated on, evenly picked."""
MIN_KEYPOINTS = 4
"""Poses with fewer predicted keypoints cannot be lifted."""


@dataclass(frozen=True, slots=True)
class LiftData:
    """What a run learns from and is compared on."""

    schema: KeypointSchema
    train: Poses3D
    val: Poses3D
    predicted: Poses3D | None
    """Poses of pictures with 2D predictions, to train on; their ``labels`` are the predictions."""
    val_predicted: Poses3D | None
    """The same of the validation sources."""
    real_2d: Poses2D | None
    proportions: Proportions | None
    """Of the infants of ``real_2d``, if the recipe asks for them."""
    unseen: frozenset[str]
    """Names of keypoints that no pose to train on has."""
    notes: tuple[str, ...]
    failures: tuple[str, ...]
    """What is missing or could not be read and was left out, one line each."""


def lift_file_digests(options: TrainOptions) -> dict[str, str]:
    """Return the SHA-256 of every file of a run by option name and number."""
    named = {
        "synthetic": options.synthetic,
        "val": options.val,
        "predictions": options.predictions,
        "real-2d": options.real_2d,
        **{f"poses-3d {number}": path for number, path in enumerate(options.poses_3d)},
    }
    digests = {}
    for name, path in named.items():
        if path is None:
            continue
        file = Path(path)
        if (file / ANNOTATION_FILE).is_file():
            file = file / ANNOTATION_FILE
        if file.is_file():
            digests[name] = hashlib.sha256(file.read_bytes()).hexdigest()
        elif not file.exists():
            raise FileNotFoundError(f"{file} of --{name.split()[0]} not found")
    return digests


def load_lift_data(options: TrainOptions, recipe: LiftRecipe) -> LiftData:
    """Read and split everything.

    Raises:
        FileNotFoundError: If files are missing.
        ValueError: If one is not what it should be, or a recipe's data are missing.
    """
    schema = get_schema(recipe.data.schema_name)
    by_order = recipe.data.mapping == "order"
    paths = [*([options.synthetic] if options.synthetic else []), *options.poses_3d]
    if options.val is not None and Path(options.val).resolve() in {Path(path).resolve() for path in paths}:
        raise ValueError(f"--val {options.val} is also learnt from: give poses of other sources")
    parts = [read_poses_3d(path, schema, by_order=by_order) for path in paths]
    notes = [f"{part.source}: {len(part)} poses, {len(np.unique(part.group))} sources" for part in parts]
    notes += [note for part in parts for note in part.notes]
    both = join_poses(parts)
    if options.val is not None:
        train, val = both, read_poses_3d(options.val, schema, by_order=by_order)
        parts.append(val)
        notes.append(f"validation: {len(val)} poses of {val.source}")
    else:
        is_val = _held_out(both.group, recipe.data.held_out, options.seed)
        train, val = both.select(~is_val), both.select(is_val)
        notes.append(f"no --val given: {len(val)} poses of other sources are held out to compare the epochs")
    unseen = _unseen(train)
    if unseen:
        names = ", ".join(name for name in schema.keypoints if name in unseen)
        notes.append(f"WARNING: no pose has {names}: the lifter learns nothing of them here")
    predicted, val_predicted = _predicted(options, parts, frozenset(val.group.tolist()))
    real_2d, proportions, told = _real(options, recipe, train)
    notes += told
    failures = [f"{p.source}: {text}" for p in (*parts, real_2d) if p is not None for text in p.failures]
    return LiftData(
        schema,
        train,
        _thinned(val),
        predicted,
        val_predicted,
        real_2d,
        proportions,
        unseen,
        notes=tuple(notes),
        failures=tuple(failures),
    )


def _real(
    options: TrainOptions, recipe: LiftRecipe, train: Poses3D
) -> tuple[Poses2D | None, Proportions | None, list[str]]:
    """Read real 2D poses; return them, what they say of proportions, and notes."""
    settings = recipe.selfsup
    is_wanted = settings.share > 0 or settings.proportions > 0
    if options.real_2d is None:
        if is_wanted:
            raise ValueError("this recipe learns from real 2D poses too: give --real-2d FILE")
        return None, None, []
    real = read_poses_2d(options.real_2d, train.schema)
    if not is_wanted:
        raise ValueError("--real-2d needs a recipe that learns from it, such as lifter-selfsup")
    notes = [f"{real.source}: {len(real)} 2D poses without 3D"]
    if settings.proportions == 0:
        return real, None, notes
    proportions = measured_proportions(real, train, train.schema)
    if proportions is None:
        notes.append(
            f"WARNING: {real.source} has no recording of {LEAST_FRAMES} frames: the limbs of the 3D poses "
            "keep their lengths"
        )
    else:
        notes.append(f"{real.source}: {proportions.described()}")
    return real, proportions, notes


def _unseen(poses: Poses3D) -> frozenset[str]:
    seen = np.isfinite(poses.points).all(-1).any(0)
    return frozenset(name for name, known in zip(poses.schema.keypoints, seen, strict=True) if not known)


def _held_out(group: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Return (N,) whether a pose is kept for validation: whole sources."""
    names = np.unique(group)
    if len(names) < 2:
        raise ValueError("all 3D poses come from one source: give --val, or poses of more sources")
    count = min(max(1, round(share * len(names))), len(names) - 1)
    chosen = np.random.default_rng((seed, 11)).choice(names, count, replace=False)
    return np.isin(group, chosen)


def _thinned(poses: Poses3D) -> Poses3D:
    """Return at most :data:`MAX_VALIDATION` poses; movements are kept whole."""
    if len(poses) <= MAX_VALIDATION:
        return poses
    clips = np.unique(poses.clip)
    kept = clips[:: -(-len(poses) // MAX_VALIDATION)]
    return poses.select(np.isin(poses.clip, kept))


def _predicted(
    options: TrainOptions, parts: list[Poses3D], val_groups: frozenset[str]
) -> tuple[Poses3D | None, Poses3D | None]:
    """Return the poses of pictures with predictions to train on, and those of held-out sources."""
    if options.predictions is None:
        return None, None
    if options.synthetic is None:
        raise ValueError("--predictions are of the pictures of a dataset: give it by --synthetic")
    first = join_poses(parts[:1])
    poses = _with_labels(first, read_predictions(options.predictions, first))
    if options.val is not None:
        return poses, None
    is_val = np.array([group in val_groups for group in poses.group])
    return poses.select(~is_val), poses.select(is_val) if is_val.any() else None


def _with_labels(poses: Poses3D, labels: np.ndarray) -> Poses3D:
    labels = labels * (labels[..., 2:] >= MIN_SCORE)
    keep = (labels[..., 2] > 0).sum(1) >= MIN_KEYPOINTS
    keep &= np.isfinite(poses.camera).all(1)
    if not keep.any():
        raise ValueError("no picture has a prediction with enough keypoints and a known camera")
    return replace(poses, labels=labels.astype(np.float32)).select(keep)
