"""Self-supervision by geometry for 2D poses without 3D.

After Chen et al. 2019, "Unsupervised 3D pose estimation with geometric self-supervision". A 2D pose is
lifted, the lifted pose is turned and projected, the projection is lifted again, turned back and projected: it
should be the first 2D pose again, and the second lifted pose the turned first one. A discriminator that knows
only 2D poses tells the projections from real 2D poses, so that lifted poses look right from anywhere.

Beyond that paper: in a recording a person's bones keep their lengths, whatever the pose.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from fidip.lifting.geometry import random_tilts
from fidip.lifting.network import LiftNetwork
from fidip.lifting.views import ASSUMED_FOCAL, Encoded, Keypoints2D, assumed_camera, encode
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = [
    "TOGETHER",
    "Cycle",
    "PoseDiscriminator",
    "bone_change",
    "bones_of",
    "discriminator_loss",
    "keep_statistics",
    "lift_cycle",
    "place_before_camera",
]

TOGETHER = 8
"""So many frames of one recording lie side by side in a batch where bone lengths are compared."""

NEAREST = 0.3
"""Depth of the nearest joint over the body's extent, at least."""
FAR_CAMERA = 1e-3


class PoseDiscriminator(nn.Module):
    """Judges 2D poses: (B, K, 2) in box sides and (B, K) which are there, to (B,) logits (real > 0)."""

    def __init__(self, num_keypoints: int, width: int = 256) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(3 * num_keypoints, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, 1),
        )

    def forward(self, points: Tensor, mask: Tensor) -> Tensor:
        """Return (B,)."""
        return self.layers(torch.cat([points * mask[..., None], mask[..., None]], -1).flatten(1))[:, 0]


@dataclass(frozen=True, slots=True)
class Cycle:
    """What :func:`lift_cycle` found."""

    loss_2d: Tensor
    """Mean distance of the 2D poses, in box sides."""
    loss_3d: Tensor
    """Mean distance of the 3D poses over the body's extent."""
    real: Encoded
    """The 2D poses as encoded."""
    turned: Encoded
    """Their turned projections as encoded."""
    mask: Tensor
    """(B, K)."""
    points: Tensor
    """(B, K, 3) the lifted poses, metres, in their virtual cameras' frames."""


def place_before_camera(points: Tensor, seen: Tensor, mask: Tensor) -> Tensor:
    """Return (B, 3) where poses must stand for their projections to fit 2D poses best.

    Linear least squares of (X + tx) - u (Z + tz) = 0 and (Y + ty) - v (Z + tz) = 0 over the joints that are
    there.

    Args:
        points: (B, K, 3) poses.
        seen: (B, K, 2) rays x/z, y/z.
        mask: (B, K).
    """
    zero, one = torch.zeros_like(mask), torch.ones_like(mask)
    u, v = seen.unbind(-1)
    rows = torch.cat([torch.stack([one, zero, -u], -1), torch.stack([zero, one, -v], -1)], 1)
    right = torch.cat([u * points[..., 2] - points[..., 0], v * points[..., 2] - points[..., 1]], 1)
    weight = torch.cat([mask, mask], 1)[..., None]
    a = (rows * weight).mT @ rows + 1e-6 * torch.eye(3, dtype=points.dtype, device=points.device)
    b = (rows * weight).mT @ right[..., None]
    place = torch.linalg.solve(a, b)[..., 0]
    extent = (points.amax(1) - points.amin(1)).amax(-1)
    nearest = NEAREST * extent - points[..., 2].amin(1)
    depth = torch.maximum(place[:, 2], nearest)
    return torch.cat([place[:, :2], depth[:, None]], -1)


def lift_cycle(
    network: LiftNetwork, keypoints: Keypoints2D, turn_deg: float, generator: torch.Generator
) -> Cycle:
    """Lift, turn, project, lift, turn back, project (single frames; of windows the middle one).

    Args:
        network: Lifter with ``view`` inputs.
        keypoints: (B, T, K) real 2D poses.
        turn_deg: Largest turn.
        generator: Random stream (CPU).
    """
    middle = keypoints.mask.shape[1] // 2
    mask = (keypoints.mask[:, middle] > 0).to(keypoints.mask.dtype)
    first = encode(keypoints, "view", network.trunk, confidence=network.confidence)
    points = network.lift_view(first)
    rays = first.points[:, middle] * first.side[:, None, None]
    extent = _extent(points)
    place = place_before_camera(points, rays, mask)
    turn = random_tilts(len(mask), turn_deg, generator).to(points.device)
    turned = points @ turn.mT
    placed = turned + place[:, None]
    seen = _projected(placed)
    second = encode(_as_keypoints(seen, mask, keypoints), "view", network.trunk)
    again = network.lift_view(second) @ second.rotation.mT
    loss_3d = _masked_mean((again - turned).norm(dim=-1) / extent[:, None], mask)
    back = _projected((again @ turn) + place[:, None])
    loss_2d = _masked_mean((back - rays).norm(dim=-1) / first.side[:, None], mask)
    own = _projected(points + place[:, None])
    loss_2d = loss_2d + _masked_mean((own - rays).norm(dim=-1) / first.side[:, None], mask)
    return Cycle(loss_2d, loss_3d, first, second, mask, points)


def keep_statistics(network: nn.Module) -> None:
    """Let batch norms compute with the statistics that a trained lifter has, until the next ``train()``.

    Poses with 3D, real ones and turned ones go through the network in batches of their own. Normalised each
    by its own statistics, while their mixture is learnt for later, 150 steps ruined a lifter: 17 to 99 mm.
    """
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.eval()


def bones_of(schema: KeypointSchema) -> Tensor:
    """Return (2, E) both ends of the bones whose lengths do not depend on the pose: none of the face."""
    names = schema.keypoints
    limbs = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    bones = [(a, b) for a, b in schema.skeleton if all(names[i].split("_")[-1] in limbs for i in (a, b))]
    return torch.tensor(bones).T


def bone_change(points: Tensor, mask: Tensor, bones: Tensor) -> Tensor:
    """Return how much bone lengths change within groups of :data:`TOGETHER` poses, relative to their means.

    Args:
        points: (B, K, 3) lifted poses, those of a recording side by side.
        mask: (B, K).
        bones: (2, E) ends.
    """
    a, b = bones.to(points.device)
    lengths = (points[:, a] - points[:, b]).norm(dim=-1).unflatten(0, (-1, TOGETHER))
    there = (mask[:, a] * mask[:, b]).unflatten(0, (-1, TOGETHER))
    mean = (lengths * there).sum(1, keepdim=True) / there.sum(1, keepdim=True).clamp(min=1)
    return _masked_mean((lengths - mean).abs() / mean.detach().clamp(min=FAR_CAMERA), there)


def discriminator_loss(discriminator: PoseDiscriminator, cycle: Cycle, *, for_network: bool) -> Tensor:
    """Return the loss of the lifter (fool it) or of the discriminator (tell them apart)."""
    middle = cycle.real.points.shape[1] // 2
    fake = cycle.turned.points[:, 0]
    if for_network:
        return functional.softplus(-discriminator(fake, cycle.mask)).mean()
    real = cycle.real.points[:, middle].detach()
    told = functional.softplus(-discriminator(real, cycle.mask)).mean()
    return 0.5 * (told + functional.softplus(discriminator(fake.detach(), cycle.mask)).mean())


def _extent(points: Tensor) -> Tensor:
    return (points.amax(1) - points.amin(1)).amax(-1).detach().clamp(min=FAR_CAMERA)


def _projected(points: Tensor) -> Tensor:
    return points[..., :2] / points[..., 2:].clamp(min=FAR_CAMERA)


def _as_keypoints(seen: Tensor, mask: Tensor, like: Keypoints2D) -> Keypoints2D:
    """Return rays as keypoints of a camera of focal length 1 that is known where that of ``like`` is."""
    size = torch.full_like(like.image_size, 1 / ASSUMED_FOCAL)
    camera = assumed_camera(size)
    known = torch.isfinite(like.camera).all(-1, keepdim=True)
    told = torch.where(known, camera, torch.full_like(camera, torch.nan))
    return Keypoints2D((seen + camera[:, None, 2:])[:, None], mask[:, None], told, size)


def _masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    return (values * mask).sum() / mask.sum().clamp(min=1)
