"""Endless 2D views of 3D poses: turn the pose, put a random pinhole before it, project, spoil the keypoints.

All of it is done to the 3D pose, so that every 2D pose is the exact projection of its target until the last
step, which imitates what 2D networks do: every keypoint a little off, a few far off, sides mixed up, some
missing.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from fidip.lifting.config import ViewSettings
from fidip.lifting.geometry import (
    about_axis,
    pelvis_of,
    project_px,
    random_signs,
    random_tilts,
    uniform,
)
from fidip.lifting.views import Keypoints2D
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["PICTURE", "Layout", "Views", "layout_of", "make_views", "spoil"]

PICTURE = (640.0, 480.0)
"""Width and height of the pictures that the views are projected to, px."""
NEAREST_M = 0.12
"""No keypoint is closer to the camera than this."""
LEVEL_RANGE = (0.1, 1.0)
"""Noise of a view over the setting: some views are nearly clean."""
SWAP_PROBABILITY = 0.015
GAP_FRAMES = 3
"""Frames in a row in which nobody is found (an odd number)."""
STAY = 0.75
"""Correlation of the noise of one frame with the last one's at 30 frames/s."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What the augmentation needs to know of a schema."""

    flip_index: Tensor
    hips: tuple[int, ...]
    noise: Tensor
    """(K,) how uncertain each keypoint is, about 1."""
    face: tuple[int, ...]
    limbs: tuple[tuple[int, ...], ...]
    """Arms and legs below shoulder and hip, which vanish together."""
    pairs: tuple[tuple[int, int], ...]


def layout_of(schema: KeypointSchema) -> Layout:
    """Describe a schema."""
    names = schema.keypoints
    sigmas = torch.tensor(schema.oks_sigmas or [0.07] * len(schema))
    limbs = [
        tuple(names.index(f"{side}_{joint}") for joint in joints if f"{side}_{joint}" in names)
        for side in ("left", "right")
        for joints in (("elbow", "wrist"), ("knee", "ankle"))
    ]
    if "left_hip" not in names or "right_hip" not in names:
        raise ValueError(f"data.schema {schema.name} has no hips: a lifted pose is relative to their middle")
    return Layout(
        flip_index=torch.as_tensor(schema.flip_index),
        hips=(names.index("left_hip"), names.index("right_hip")),
        noise=0.4 + 0.6 * sigmas / sigmas.mean(),
        face=tuple(i for i, n in enumerate(names) if n.split("_")[-1] in ("nose", "eye", "ear")),
        limbs=tuple(limb for limb in limbs if limb),
        pairs=tuple((names.index(a), names.index(b)) for a, b in schema.flip_pairs),
    )


@dataclass(frozen=True, slots=True)
class Views:
    """B views."""

    keypoints: Keypoints2D
    target: Tensor
    """(B, T, K, 3) metres, relative to the pelvis, camera frame; NaN where missing."""
    clean_px: Tensor
    """(B, T, K, 2) before they were spoilt."""
    points: Tensor
    """(B, T, K, 3) where the poses stand before the camera."""
    camera: Tensor
    """(B, 4) that projects ``points`` to ``clean_px`` (``keypoints.camera`` is what the network may know)."""


def make_views(
    points: Tensor, gravity: Tensor, settings: ViewSettings, layout: Layout, generator: torch.Generator
) -> Views:
    """Draw one view of every window.

    Args:
        points: (B, T, K, 3) poses in any camera frame, metres, NaN where missing.
        gravity: (B, 3) unit vectors in that frame, NaN where unknown.
        settings: How to vary them.
        layout: Of the schema.
        generator: Random stream.
    """
    count, frames = points.shape[:2]
    points = points - pelvis_of(points[:, frames // 2], layout.hips)[:, None]
    points, gravity = _mirrored(points, gravity, settings, layout, generator)
    turn = _turns(gravity, settings, generator)
    size = uniform((count, 1, 1, 1), 1 - settings.body_scale, 1 + settings.body_scale, generator)
    points = size * (points @ turn.mT[:, None])
    points, camera = _placed(points, settings, generator)
    clean = project_px(points, camera)
    is_there = torch.isfinite(points).all(-1)
    clean = torch.where(is_there[..., None], clean, torch.zeros_like(clean))
    spoilt, mask = spoil(clean, is_there.to(points.dtype), settings, layout, generator)
    size_px = torch.tensor(PICTURE).expand(count, 2)
    known = random_signs((count,), settings.camera_known, generator)
    seen = torch.where(known[:, None], camera, torch.full_like(camera, math.nan))
    return Views(
        Keypoints2D(spoilt, mask, seen, size_px),
        points - pelvis_of(points, layout.hips),
        clean,
        points,
        camera,
    )


def _mirrored(
    points: Tensor, gravity: Tensor, settings: ViewSettings, layout: Layout, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    flip = random_signs((len(points),), settings.mirror, generator)
    sign = torch.tensor([-1.0, 1.0, 1.0])
    flipped = points[:, :, layout.flip_index] * sign
    points = torch.where(flip[:, None, None, None], flipped, points)
    return points, torch.where(flip[:, None], gravity * sign, gravity)


def _turns(gravity: Tensor, settings: ViewSettings, generator: torch.Generator) -> Tensor:
    """Return (B, 3, 3): around gravity, then tilted, then rolled; some any way at all."""
    count = len(gravity)
    around = uniform((count,), -math.pi, math.pi, generator)
    around = around * random_signs((count,), settings.azimuth, generator)
    axis = torch.nan_to_num(gravity)
    turn = random_tilts(count, settings.tilt_deg, generator) @ about_axis(axis, around)
    anywhere = random_tilts(count, 180.0, generator)
    is_any = random_signs((count,), settings.any_rotation, generator)
    turn = torch.where(is_any[:, None, None], anywhere @ turn, turn)
    largest = torch.where(random_signs((count,), settings.any_roll, generator), 180.0, settings.roll_deg)
    roll = uniform((count,), -1, 1, generator) * torch.deg2rad(largest)
    z_axis = torch.tensor([0.0, 0.0, 1.0]).expand(count, 3)
    return about_axis(z_axis, roll) @ turn


def _placed(points: Tensor, settings: ViewSettings, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Put the windows before cameras of random lens, distance and direction; return both."""
    count = len(points)
    low, high = settings.focal
    focal = torch.exp(uniform((count,), math.log(low), math.log(high), generator)) * max(PICTURE)
    fill = uniform((count,), *settings.fill, generator)
    flat = points.flatten(1, 2)
    lowest = torch.where(flat.isnan(), torch.full_like(flat, torch.inf), flat).amin(1)
    highest = torch.where(flat.isnan(), torch.full_like(flat, -torch.inf), flat).amax(1)
    extent = (highest - lowest)[:, :2].amax(-1).clamp(min=0.05)
    distance = focal * extent / (fill * min(PICTURE))
    distance = torch.maximum(distance, NEAREST_M - lowest[:, 2])
    room = 0.5 * torch.tensor(PICTURE) * (1 - 0.8 * fill)[:, None]
    offset = torch.randn((count, 2), generator=generator).clamp(-2.5, 2.5) / 2.5 * room * settings.off_centre
    middle = (lowest + highest)[:, :2] / 2
    place = torch.cat([offset / focal[:, None] * distance[:, None] - middle, distance[:, None]], -1)
    centre = (torch.tensor(PICTURE) / 2).expand(count, 2)
    camera = torch.cat([focal[:, None], focal[:, None], centre], -1)
    return points + place[:, None, None], camera


def spoil(
    points_px: Tensor, mask: Tensor, settings: ViewSettings, layout: Layout, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return keypoints as a 2D network might give them, and which are left.

    Args:
        points_px: (B, T, K, 2).
        mask: (B, T, K).
        settings: How strong.
        layout: Of the schema.
        generator: Random stream.
    """
    count, frames, num = mask.shape
    low = torch.where(mask[..., None] > 0, points_px, torch.full_like(points_px, torch.inf)).amin((1, 2))
    high = torch.where(mask[..., None] > 0, points_px, torch.full_like(points_px, -torch.inf)).amax((1, 2))
    side = (high - low).amax(-1).nan_to_num(0, 0, 0)[:, None, None, None]
    level = torch.exp(uniform((count, 1, 1, 1), *(math.log(v) for v in LEVEL_RANGE), generator))
    exact = points_px
    if settings.noise > 0:
        noise = _correlated(torch.randn((count, frames, num, 2), generator=generator))
        steady = torch.randn((count, 1, num, 2), generator=generator)
        points_px = points_px + side * settings.noise * level * layout.noise[:, None] * (
            0.8 * noise + 0.6 * steady
        )
        far = random_signs((count, frames, num, 1), settings.outliers, generator)
        jump = 0.15 * torch.randn((count, frames, num, 2), generator=generator)
        points_px = points_px + side * jump * far
        points_px = _swapped(points_px, layout, generator)
    if settings.clean > 0:
        is_clean = random_signs((count, 1, 1, 1), settings.clean, generator)
        points_px = torch.where(is_clean, exact, points_px)
    return points_px, mask * _kept(count, frames, num, settings, layout, generator)


def _correlated(noise: Tensor) -> Tensor:
    """Return noise of unit variance that wanders from frame to frame."""
    steps = [noise[:, 0]]
    for t in range(1, noise.shape[1]):
        steps.append(STAY * steps[-1] + math.sqrt(1 - STAY**2) * noise[:, t])
    return torch.stack(steps, 1)


def _swapped(points_px: Tensor, layout: Layout, generator: torch.Generator) -> Tensor:
    """Mix up left and right of single pairs."""
    for a, b in layout.pairs:
        swap = random_signs((*points_px.shape[:2], 1), SWAP_PROBABILITY, generator)
        left, right = points_px[:, :, a], points_px[:, :, b]
        both = torch.stack([torch.where(swap, right, left), torch.where(swap, left, right)], 2)
        points_px = points_px.index_copy(2, torch.tensor([a, b]), both)
    return points_px


def _kept(
    count: int, frames: int, num: int, settings: ViewSettings, layout: Layout, generator: torch.Generator
) -> Tensor:
    """Return (B, T, K) 0 where a keypoint is dropped: single ones, the whole face, a limb's end, for good.

    And all of them of a few frames.
    """
    kept = (~random_signs((count, frames, num), settings.missing / 2, generator)).float()
    kept *= ~random_signs((count, 1, num), settings.missing, generator)
    for points, probability in (
        (layout.face, settings.missing_face),
        *((limb, settings.missing / 2) for limb in layout.limbs),
    ):
        gone = random_signs((count, 1, 1), probability, generator)
        kept[:, :, list(points)] *= (~gone).float()
    enough = kept.sum(-1, keepdim=True) >= min(4, num)
    kept = torch.where(enough, kept, torch.ones_like(kept))
    if settings.missing_frames > 0 and frames > 1:
        gap = random_signs((count, frames, 1), settings.missing_frames / GAP_FRAMES, generator).float()
        gap = functional.max_pool1d(gap.mT, GAP_FRAMES, stride=1, padding=GAP_FRAMES // 2).mT
        kept = kept * (1 - gap)
    return kept
