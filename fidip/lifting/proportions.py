"""Limb proportions of real infants, read from 2D recordings, for the 3D poses that a lifter learns from.

How long limbs are beside the trunk, and where annotators put hips and shoulders, a lifter takes from its 3D
poses; one picture does not tell. Recordings do, without any 3D: an infant who kicks and reaches for a while
holds every limb across the picture at some moment. So the longest 2D lengths of a recording are as the true
ones, but for perspective: arms and legs of a supine infant are nearer to the camera than the trunk. In
simulated recordings of 240 frames they were right within 2 % (shoulders, hips) to 10 % (thighs, lower legs).
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fidip.lifting.geometry import uniform
from fidip.lifting.poses_2d import Poses2D
from fidip.lifting.poses_3d import Poses3D
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["SEGMENTS", "Proportions", "measured_proportions", "with_lengths"]

SEGMENTS = ("shoulders", "hips", "upper arms", "forearms", "thighs", "lower legs")
"""Lengths that are compared with the trunk's, from the middle of the hips to the middle of the shoulders."""
CHAINS = {
    ("shoulder", "elbow", "wrist"): ("shoulders", "upper arms", "forearms"),
    ("hip", "knee", "ankle"): ("hips", "thighs", "lower legs"),
}
BEYOND = {"wrist": ("hand",), "ankle": ("foot", "toe", "heel")}
"""Words in the names of keypoints that move with a limb's end."""
LONGEST = 0.95
"""Quantile of the lengths in a recording that counts as its longest: the very longest may be an error."""
LEAST_FRAMES = 50
"""Recordings with fewer frames say nothing."""
LARGEST_FACTOR = 2.5


@dataclass(frozen=True, slots=True)
class Proportions:
    """How long the recorded segments are, over those of the 3D poses."""

    factors: Tensor
    """(6,) one of every :data:`SEGMENTS`; 1 where it is not known."""
    recordings: int
    """So many told."""

    def draw(self, count: int, most: float, generator: torch.Generator) -> Tensor:
        """Return (count, 6) factors, each anywhere from 1 to ``most`` times the way to the recorded one."""
        return self.factors.pow(uniform((count, len(SEGMENTS)), 0, most, generator))

    def described(self) -> str:
        """Return one line for the user."""
        told = ", ".join(f"{name} {v:.2f}" for name, v in zip(SEGMENTS, self.factors.tolist(), strict=True))
        return f"{self.recordings} recordings; length over that of the 3D poses, beside the trunk: {told}"


@dataclass(frozen=True, slots=True)
class _Bone:
    """A keypoint, the keypoints that it hangs on (their middle), and all that move with it."""

    segment: int
    child: int
    parents: tuple[int, ...]
    moved: tuple[int, ...]


def _bones(schema: KeypointSchema) -> list[_Bone]:
    names = schema.keypoints
    found = []
    for joints, segments in CHAINS.items():
        ends = [f"{side}_{joints[0]}" for side in ("left", "right")]
        if not all(end in names for end in ends):
            continue
        middle = tuple(map(names.index, ends))
        for side in ("left", "right"):
            chain = [names.index(n) for n in (f"{side}_{joint}" for joint in joints) if n in names]
            rest = tuple(
                i for i, n in enumerate(names) if side in n and any(w in n for w in BEYOND[joints[-1]])
            )
            for i, child in enumerate(chain):
                parents = middle if i == 0 else (chain[i - 1],)
                found.append(_Bone(SEGMENTS.index(segments[i]), child, parents, (*chain[i:], *rest)))
    return found


def with_lengths(points: Tensor, factors: Tensor, schema: KeypointSchema) -> Tensor:
    """Return poses whose segments have other lengths in the same directions; trunk and face stay.

    Args:
        points: (B, T, K, 3), NaN where missing.
        factors: (B, 6) new lengths over the old ones, see :data:`SEGMENTS`.
        schema: Of the poses.
    """
    out = points.clone()
    for bone in _bones(schema):
        vector = points[:, :, bone.child] - points[:, :, list(bone.parents)].mean(2)
        change = (factors[:, bone.segment, None, None] - 1) * torch.nan_to_num(vector)
        out[:, :, list(bone.moved)] += change[:, :, None]
    return out


def measured_proportions(recorded: Poses2D, poses: Poses3D, schema: KeypointSchema) -> Proportions | None:
    """Compare the limbs of 2D recordings with those of 3D poses; None if no recording is long enough."""
    ratios = []
    for clip in np.unique(recorded.clip):
        rows = recorded.clip == clip
        if rows.sum() >= LEAST_FRAMES:
            points = np.where(recorded.mask[rows][..., None] > 0, recorded.points_px[rows], np.nan)
            ratios.append(_longest(points, schema))
    if not ratios or not np.isfinite(ratios).any():
        return None
    own = _lengths(poses.points, schema)
    with np.errstate(invalid="ignore"):
        usual = np.array([_median(own[name] / own["trunk"]) for name in SEGMENTS])
    factors = np.array([_median(column) for column in np.array(ratios).T]) / usual
    factors = np.clip(np.nan_to_num(factors, nan=1.0), 1 / LARGEST_FACTOR, LARGEST_FACTOR)
    return Proportions(torch.from_numpy(factors).float(), len(ratios))


def _longest(points: np.ndarray, schema: KeypointSchema) -> list[float]:
    """Return the longest lengths of a recording (T, K, 2) over its longest trunk; NaN where never seen."""
    lengths = {
        name: np.quantile(known, LONGEST) if (known := values[np.isfinite(values)]).size else np.nan
        for name, values in _lengths(points, schema).items()
    }
    trunk = max(lengths["trunk"], 1e-6)
    return [float(lengths[name] / trunk) for name in SEGMENTS]


def _lengths(points: np.ndarray, schema: KeypointSchema) -> dict[str, np.ndarray]:
    """Return (2, N) lengths, left and right, of the segments and the trunk of (N, K, D) points."""
    names = schema.keypoints
    missing = np.full((len(points), points.shape[-1]), np.nan)

    def at(name: str) -> np.ndarray:
        return points[:, names.index(name)] if name in names else missing

    def middle(joint: str) -> np.ndarray:
        return (at(f"left_{joint}") + at(f"right_{joint}")) / 2

    trunk = np.linalg.norm(middle("shoulder") - middle("hip"), axis=-1)
    lengths = {"trunk": np.stack([trunk, trunk])}
    for joints, segments in CHAINS.items():
        width = np.linalg.norm(at(f"left_{joints[0]}") - at(f"right_{joints[0]}"), axis=-1)
        lengths[segments[0]] = np.stack([width, width])
        for a, b, name in zip(joints[:-1], joints[1:], segments[1:], strict=True):
            both = [at(f"{side}_{a}") - at(f"{side}_{b}") for side in ("left", "right")]
            lengths[name] = np.linalg.norm(np.stack(both), axis=-1)
    return lengths


def _median(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")
