"""How 2D keypoints go into a lifter: seen along the ray to the body, upright, in its own size.

A pinhole camera that turns about its centre sees the same rays. So every pose is looked at by a virtual
camera that faces the middle of its keypoints' box, is rolled until the trunk is upright, and is scaled to the
box; what a network learns there holds anywhere in the picture, for any lens and for infants that lie this way
or that. The lifted pose is turned back into the real camera's frame. The roll itself goes in as well: it says
which way is down in pictures from the side.
"""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from syrip_gen.keypoints.schema import KeypointSchema

__all__ = [
    "ASSUMED_FOCAL",
    "Encoded",
    "InputKind",
    "Keypoints2D",
    "Trunk",
    "encode",
    "features_per_frame",
    "trunk_of",
]

InputKind = Literal["view", "box", "screen", "pixels"]
"""``view``: a virtual camera as above (with the true lens if known). ``box``: image coordinates in the box.
``screen``: VideoPose3D's x / w * 2 - (1, h / w). ``pixels``: as they are (the thesis)."""

ASSUMED_FOCAL = 1.3
"""Focal length over the picture's longer side where the camera is unknown: the middle of what photos have."""
MEAN_LOG_SIZE = -0.9
"""Typical log of the box's side seen from one focal length away."""
SMALLEST_SIDE = 1e-4


@dataclass(frozen=True, slots=True)
class Keypoints2D:
    """B windows of T frames with K keypoints."""

    points_px: Tensor
    """(B, T, K, 2) px; anything where ``mask`` is 0."""
    mask: Tensor
    """(B, T, K) how sure it is to be right: 0 = missing, 1 = sure, as labels are."""
    camera: Tensor
    """(B, 4) fx, fy, cx, cy px; NaN where unknown."""
    image_size: Tensor
    """(B, 2) width and height px."""

    def to(self, device: torch.device) -> "Keypoints2D":
        """Return it on another device."""
        return Keypoints2D(*(getattr(self, name).to(device) for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Encoded:
    """What the network gets, and how to read its answer."""

    features: Tensor
    """(B, T, F)."""
    rotation: Tensor
    """(B, 3, 3): turns poses of the virtual camera's frame into the real camera's."""
    points: Tensor
    """(B, T, K, 2) the keypoints as the virtual camera sees them, in box sides from its middle; 0 = none."""
    side: Tensor
    """(B,) side of the box in the virtual camera's picture at focal length 1 (``view``), else in px."""


def features_per_frame(kind: InputKind, num_keypoints: int, *, confidence: bool = False) -> int:
    """Return F; with ``confidence`` the last K numbers are doubts."""
    own = {"view": 3 * num_keypoints + 4, "box": 3 * num_keypoints}.get(kind, 2 * num_keypoints)
    return own + confidence * num_keypoints


@dataclass(frozen=True, slots=True)
class Trunk:
    """Keypoints of a schema whose means are the trunk's ends: the first that are there count."""

    upper: tuple[tuple[int, ...], ...]
    lower: tuple[tuple[int, ...], ...]


def trunk_of(schema: KeypointSchema) -> Trunk:
    """Describe a schema; one without such keypoints has no trunk and is never rolled."""
    names = schema.keypoints

    def found(groups: tuple[str, ...]) -> tuple[tuple[int, ...], ...]:
        indices = (tuple(names.index(n) for n in group.split() if n in names) for group in groups)
        return tuple(index for index in indices if index)

    return Trunk(
        upper=found(("left_shoulder right_shoulder", "neck thorax upper_neck", "nose left_ear right_ear")),
        lower=found(("left_hip right_hip", "pelvis mid_hip", "left_knee right_knee")),
    )


def encode(keypoints: Keypoints2D, kind: InputKind, trunk: Trunk, *, confidence: bool = False) -> Encoded:
    """Describe 2D keypoints to a network of the given kind.

    Args:
        keypoints: B windows.
        kind: What the network takes.
        trunk: Of the schema.
        confidence: Whether it is told how sure they are, or only which are there. Doubts (1 - how sure, 0 of
            missing ones) come last: a lifter that knew none begins with weights of zero for them.
    """
    there = (keypoints.mask > 0).to(keypoints.points_px.dtype)
    encoded = _encode(replace(keypoints, mask=there), kind, trunk)
    if not confidence:
        return encoded
    doubts = there - keypoints.mask
    return replace(encoded, features=torch.cat([encoded.features, doubts], -1))


def _encode(keypoints: Keypoints2D, kind: InputKind, trunk: Trunk) -> Encoded:
    mask = keypoints.mask[..., None]
    count = len(mask)
    eye = torch.eye(3, dtype=keypoints.points_px.dtype, device=mask.device).expand(count, 3, 3)
    pixels = torch.where(mask > 0, keypoints.points_px, torch.zeros_like(keypoints.points_px))
    if kind == "pixels":
        one = torch.ones_like(keypoints.image_size[:, 0])
        return Encoded(pixels.flatten(2), eye, pixels, one)
    if kind == "screen":
        size = keypoints.image_size[:, None, None]
        width = size[..., :1]
        points = pixels / width * 2 - torch.cat([torch.ones_like(width), size[..., 1:] / width], -1)
        points = torch.where(mask > 0, points, torch.zeros_like(points))
        return Encoded(points.flatten(2), eye, points, keypoints.image_size[:, 0] / 2)
    if kind == "box":
        points, side = _boxed(pixels, keypoints.mask)
        return Encoded(torch.cat([points, mask], -1).flatten(2), eye, points, side)
    return _encode_view(pixels, keypoints, trunk, eye)


def _encode_view(pixels: Tensor, keypoints: Keypoints2D, trunk: Trunk, eye: Tensor) -> Encoded:
    is_known = torch.isfinite(keypoints.camera).all(-1)
    camera = torch.where(is_known[:, None], keypoints.camera, assumed_camera(keypoints.image_size))
    camera = camera[:, None, None]
    rays = (pixels - camera[..., 2:]) / camera[..., :2]
    middle, _ = _box(rays, keypoints.mask)
    to_view = _facing(torch.cat([middle, torch.ones_like(middle[:, :1])], -1), eye)
    turned = torch.cat([rays, torch.ones_like(rays[..., :1])], -1) @ to_view.mT[:, None]
    seen = turned[..., :2] / turned[..., 2:].clamp(min=0.05)
    up = up_direction(seen, keypoints.mask, trunk)
    upright = roll_to(up)
    to_view, seen = upright @ to_view, seen @ upright[:, None, :2, :2].mT
    points, side = _boxed(seen, keypoints.mask)
    known = is_known.to(points.dtype)
    extra = torch.stack([(torch.log(side) - MEAN_LOG_SIZE) * known, known, *up.unbind(-1)], -1)
    frames = points.shape[1]
    per_point = torch.cat([points, keypoints.mask[..., None]], -1).flatten(2)
    features = torch.cat([per_point, extra[:, None].expand(-1, frames, -1)], -1)
    return Encoded(features, to_view.mT, points, side)


def assumed_camera(image_size: Tensor) -> Tensor:
    """Return (B, 4) the camera that a picture of (B, 2) width and height most likely had."""
    focal = ASSUMED_FOCAL * image_size.amax(-1, keepdim=True)
    return torch.cat([focal, focal, image_size / 2], -1)


def _box(points: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return (B, 2) the middle and (B,) the longer side of the keypoints' box: medians over the frames.

    Frames without any keypoint do not count.
    """
    there = mask[..., None] > 0
    low = torch.where(there, points, torch.full_like(points, torch.inf)).amin(2)
    high = torch.where(there, points, torch.full_like(points, -torch.inf)).amax(2)
    is_empty = ~there.any(2)
    nan = torch.full_like(low, torch.nan)
    low, high = torch.where(is_empty, nan, low), torch.where(is_empty, nan, high)
    middle = torch.nan_to_num((low + high).nanmedian(1).values / 2)
    side = torch.nan_to_num((high - low).amax(-1).nanmedian(1).values, nan=1.0)
    return middle, side.clamp(min=SMALLEST_SIDE)


def up_direction(points: Tensor, mask: Tensor, trunk: Trunk) -> Tensor:
    """Return (B, 2) the trunk's unit direction towards the head, (0, -1) where it cannot be told."""
    ends = []
    for groups in (trunk.upper, trunk.lower):
        end = torch.full_like(points[:, :, 0], torch.nan)
        for group in reversed(groups):
            there = mask[:, :, list(group), None]
            count = there.sum(2)
            mean = (points[:, :, list(group)] * there).sum(2) / count.clamp(min=1)
            end = torch.where(count > 0, mean, end)
        ends.append(end)
    axis = torch.nan_to_num((ends[0] - ends[1]).nanmedian(1).values)
    length = axis.norm(dim=-1, keepdim=True)
    upright = torch.tensor([0.0, -1.0], dtype=points.dtype, device=points.device)
    return torch.where(length > SMALLEST_SIDE, axis / length.clamp(min=SMALLEST_SIDE), upright)


def roll_to(up: Tensor) -> Tensor:
    """Return (B, 3, 3) rotations about z that bring (B, 2) directions to (0, -1)."""
    x, y = up.unbind(-1)
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return torch.stack([-y, x, zero, -x, -y, zero, zero, zero, one], -1).reshape(-1, 3, 3)


def _boxed(points: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    middle, side = _box(points, mask)
    inside = (points - middle[:, None, None]) / side[:, None, None, None]
    return torch.where(mask[..., None] > 0, inside, torch.zeros_like(inside)), side


def _facing(direction: Tensor, eye: Tensor) -> Tensor:
    """Return (B, 3, 3) the smallest rotations that bring (B, 3) directions (z > 0) onto the z axis."""
    x, y, z = torch.nn.functional.normalize(direction, dim=-1).unbind(-1)
    zero = torch.zeros_like(x)
    # Rodrigues' formula about axis (y, -x, 0), whose length is the sine: R = I + [v]x + [v]x^2 / (1 + cos)
    cross = torch.stack([zero, zero, -x, zero, zero, -y, x, y, zero], -1).reshape(-1, 3, 3)
    return eye + cross + cross @ cross / (1 + z)[:, None, None]
