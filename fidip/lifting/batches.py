"""Batches of a lifting run: random views of 3D poses, 2D predictions with their 3D, real 2D poses without."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from fidip.lifting.augmentation import Layout, layout_of, make_views, spoil
from fidip.lifting.config import LiftRecipe
from fidip.lifting.error_bank import ErrorBank
from fidip.lifting.geometry import about_axis, pelvis_of, random_signs, uniform
from fidip.lifting.poses_2d import Poses2D
from fidip.lifting.poses_3d import Poses3D
from fidip.lifting.proportions import with_lengths
from fidip.lifting.selfsup import TOGETHER
from fidip.lifting.sources import LiftData
from fidip.lifting.views import Keypoints2D, trunk_of
from fidip.lifting.windows import clip_bounds, frames_of, window_index

__all__ = ["Batches", "LiftBatch", "PoseTensors", "labelled_windows"]

SPEED = (0.6, 1.5)
"""Frames of a movement a frame of the window: videos have 20 to 50 frames/s."""


@dataclass(frozen=True, slots=True)
class LiftBatch:
    """What one step sees."""

    keypoints: Keypoints2D
    """B windows; with an ``index``, N single frames."""
    target: Tensor
    """(B, K, 3) metres, pelvis-relative, camera frame; NaN where unknown."""
    real: Keypoints2D | None
    """2D poses without 3D, for self-supervision."""
    index: Tensor | None = None
    """(B, T) the frames of every window."""

    def to(self, device: torch.device) -> "LiftBatch":
        """Return it on another device."""
        real = None if self.real is None else self.real.to(device)
        index = None if self.index is None else self.index.to(device)
        return LiftBatch(self.keypoints.to(device), self.target.to(device), real, index)


class PoseTensors:
    """The arrays of :class:`Poses3D` as tensors, with the bounds of their movements."""

    def __init__(self, poses: Poses3D) -> None:
        first, last = clip_bounds(poses.clip)
        self.points, self.gravity = torch.from_numpy(poses.points), torch.from_numpy(poses.gravity)
        self.labels = torch.from_numpy(poses.labels)
        self.camera, self.size = torch.from_numpy(poses.camera), torch.from_numpy(poses.image_size).float()
        self.first, self.last = torch.from_numpy(first), torch.from_numpy(last)
        self.weights = _weights(poses)

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Return (count,) random frames, evenly over the files' sources and lengths."""
        return torch.multinomial(self.weights, count, replacement=True, generator=generator)

    def window(self, centre: Tensor, frames: int, generator: torch.Generator | None = None) -> Tensor:
        """Return (B, T) indices around the frames; at random speeds with a generator."""
        speed = None
        if generator is not None and frames > 1:
            speed = torch.exp(uniform((len(centre),), *(math.log(v) for v in SPEED), generator))
        return window_index(centre, self.first[centre], self.last[centre], frames, speed)


def _weights(poses: Poses3D) -> Tensor:
    """Return (N,) weights that let a file of n poses be drawn as if it had its root's number.

    A small file of real poses is not drowned by a large one of made-up ones.
    """
    files = np.char.partition(poses.group.astype(str), ":")[:, 0]  # named by join_poses
    _, index, counts = np.unique(files, return_inverse=True, return_counts=True)
    return torch.from_numpy(1 / np.sqrt(counts[index])).float()


class Batches:
    """Makes the batches of an epoch; the same seed and epoch give the same ones."""

    def __init__(self, recipe: LiftRecipe, data: LiftData, frames: int, seed: int) -> None:
        self.recipe, self.frames, self.seed = recipe, frames, seed
        training = recipe.training
        self.length = frames + (training.windows - 1) * training.window_step
        """Frames that are drawn together."""
        self.layout = layout_of(data.schema)
        self.schema, self.proportions = data.schema, data.proportions
        self.train = PoseTensors(data.train)
        self.predicted = PoseTensors(data.predicted) if data.predicted is not None else None
        self.errors = None
        if recipe.views.predicted_errors > 0 and self.predicted is not None:
            known = self.predicted
            self.errors = ErrorBank(
                known.points, known.camera, known.labels, data.schema, trunk_of(data.schema), self.layout.hips
            )
        self.real = data.real_2d
        self._real_bounds = None if data.real_2d is None else clip_bounds(data.real_2d.clip)
        self._recordings = None
        if data.real_2d is not None and recipe.selfsup.weight_bones > 0:
            self._recordings = _recordings(data.real_2d)

    def epoch(self, number: int) -> Iterator[LiftBatch]:
        """Yield the batches of an epoch."""
        generator = torch.Generator().manual_seed(hash((self.seed, number, 17)) & (2**62 - 1))
        training = self.recipe.training
        num_real = round(self.recipe.selfsup.share * training.batch_size) if self.real is not None else 0
        rest = (training.batch_size - num_real) // training.windows
        num_predicted = round(training.predictions_share * rest) if self.predicted is not None else 0
        for _ in range(training.steps_per_epoch):
            parts = []
            if rest - num_predicted:
                parts.append(self._views(rest - num_predicted, generator))
            if num_predicted:
                parts.append(self._predictions(num_predicted, generator))
            keypoints, target = _joined(parts)
            real = self._real(max(2, num_real), generator) if num_real else None
            yield self._batch(keypoints, target, real)

    def _batch(self, keypoints: Keypoints2D, target: Tensor, real: Keypoints2D | None) -> LiftBatch:
        """Cut windows out of (B, L) frames with (B, L, K, 3) targets; gaps are nothing to learn."""
        count, length = keypoints.mask.shape[:2]
        target = torch.where((keypoints.mask > 0).any(-1)[..., None, None], target, torch.nan)
        if self.length == self.frames:
            return LiftBatch(keypoints, target[:, length // 2], real)
        begin = torch.arange(0, length - self.frames + 1, self.recipe.training.window_step)
        index = begin[:, None] + torch.arange(self.frames)
        index = (index + length * torch.arange(count)[:, None, None]).flatten(0, 1)
        return LiftBatch(frames_of(keypoints), target.flatten(0, 1)[index[:, self.frames // 2]], real, index)

    def _views(self, count: int, generator: torch.Generator) -> tuple[Keypoints2D, Tensor]:
        centre = self.train.draw(count, generator)
        points = self.train.points[self.train.window(centre, self.length, generator)]
        if self.proportions is not None:
            factors = self.proportions.draw(count, self.recipe.selfsup.proportions, generator)
            points = with_lengths(points, factors, self.schema)
        views = make_views(points, self.train.gravity[centre], self.recipe.views, self.layout, generator)
        if self.errors is None:
            return views.keypoints, views.target
        points, score = self.errors.spoil(views.clean_px, views.target, generator)
        is_spoilt = random_signs((count,), self.recipe.views.predicted_errors, generator)[:, None, None]
        keypoints = replace(
            views.keypoints,
            points_px=torch.where(is_spoilt[..., None], points, views.keypoints.points_px),
            mask=torch.where(is_spoilt, score, views.keypoints.mask),
        )
        return keypoints, views.target

    def _predictions(self, count: int, generator: torch.Generator) -> tuple[Keypoints2D, Tensor]:
        poses = self.predicted
        centre = poses.draw(count, generator)
        keypoints, target = labelled_windows(poses, centre, self.length, self.layout)
        return _varied(keypoints, target, self.recipe, self.layout, generator)

    def _real(self, count: int, generator: torch.Generator) -> Keypoints2D:
        poses: Poses2D = self.real
        first, last = (torch.from_numpy(bound) for bound in self._real_bounds)
        if self._recordings is None:
            centre = torch.randint(len(poses), (count,), generator=generator)
        else:
            groups = max(1, count // TOGETHER)
            begin, length = self._recordings[
                torch.randint(len(self._recordings), (groups,), generator=generator)
            ].T
            within = torch.rand((groups, TOGETHER), generator=generator) * length[:, None]
            centre = (begin[:, None] + within.long()).flatten()
        index = window_index(centre, first[centre], last[centre], self.frames).numpy()
        rows = centre.numpy()
        keypoints = Keypoints2D(
            torch.from_numpy(poses.points_px[index]),
            torch.from_numpy(poses.mask[index]),
            torch.from_numpy(poses.camera[rows]),
            torch.from_numpy(poses.image_size[rows]),
        )
        return _varied(keypoints, None, self.recipe, self.layout, generator)[0]


def _recordings(poses: Poses2D) -> Tensor:
    """Return (R, 2) first frame and length of the recordings that are long enough to compare bones in.

    Raises:
        ValueError: If there is none.
    """
    _, begin, length = np.unique(poses.clip, return_index=True, return_counts=True)
    found = torch.from_numpy(np.stack([begin, length], 1)[length >= TOGETHER])
    if not len(found):
        raise ValueError(
            f"{poses.source} has no recording of {TOGETHER} frames or more: set selfsup.weight_bones to 0"
        )
    return found


def labelled_windows(
    poses: PoseTensors, centre: Tensor, frames: int, layout: Layout
) -> tuple[Keypoints2D, Tensor]:
    """Return the labelled 2D keypoints around frames with their (B, T, K, 3) poses."""
    index = poses.window(centre, frames)
    labels = poses.labels[index]
    keypoints = Keypoints2D(
        labels[..., :2], labels[..., 2].clamp(0, 1), poses.camera[centre], poses.size[centre]
    )
    points = poses.points[index]
    return keypoints, points - pelvis_of(points, layout.hips)


def _varied(
    keypoints: Keypoints2D,
    target: Tensor | None,
    recipe: LiftRecipe,
    layout: Layout,
    generator: torch.Generator,
) -> tuple[Keypoints2D, Tensor | None]:
    """Mirror and roll pictures with their targets, drop keypoints, hide some cameras."""
    count, settings = len(keypoints.mask), recipe.views
    centre = keypoints.image_size / 2
    known = torch.isfinite(keypoints.camera).all(-1)
    centre = torch.where(known[:, None], keypoints.camera[:, 2:], centre)[:, None, None]
    flip = random_signs((count,), settings.mirror, generator)
    angle = uniform((count,), -1, 1, generator) * math.radians(settings.roll_deg)
    turn = about_axis(torch.tensor([0.0, 0.0, 1.0]).expand(count, 3), angle)
    points, mask = keypoints.points_px - centre, keypoints.mask
    sign = torch.tensor([-1.0, 1.0, 1.0])
    wide = flip[:, None, None]
    points = torch.where(wide[..., None], points[:, :, layout.flip_index] * sign[:2], points)
    mask = torch.where(wide, mask[:, :, layout.flip_index], mask)
    points = points @ turn[:, None, :2, :2].mT + centre
    if target is not None:
        flipped = target[:, :, layout.flip_index] * sign
        target = torch.where(wide[..., None], flipped, target) @ turn[:, None].mT
    kept = spoil(points, mask, settings.model_copy(update={"noise": 0.0}), layout, generator)[1]
    is_told = random_signs((count,), settings.camera_known, generator)
    camera = torch.where(is_told[:, None], keypoints.camera, torch.full_like(keypoints.camera, math.nan))
    return Keypoints2D(points, kept, camera, keypoints.image_size), target


def _joined(parts: list[tuple[Keypoints2D, Tensor]]) -> tuple[Keypoints2D, Tensor]:
    fields = [torch.cat(values) for values in zip(*(_fields(k) for k, _ in parts), strict=True)]
    return Keypoints2D(*fields), torch.cat([target for _, target in parts])


def _fields(keypoints: Keypoints2D) -> tuple[Tensor, ...]:
    return keypoints.points_px, keypoints.mask, keypoints.camera, keypoints.image_size
