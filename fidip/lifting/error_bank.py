"""The mistakes of a 2D network, for views that it never saw.

Predictions of a few thousand pictures are soon learnt by heart. What is in them to learn for all poses is
how a 2D network errs: by how much and together with what, how sure it is then, which limbs it takes for
others. So the errors of every picture are kept relative to its body, and a random view gets those of a
picture in which a body lies much alike. Random noise has none of this; compare Chang et al. 2019,
"PoseLifter".
"""

import torch
from torch import Tensor

from fidip.lifting.geometry import pelvis_of, project_px
from fidip.lifting.views import Trunk, roll_to, up_direction
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["ErrorBank"]

CANDIDATES = 24
"""A view gets the errors of the most alike of so many random pictures."""
TAKEN_FOR_ANOTHER = (0.25, 0.4)
"""A keypoint farther off than this (in spreads of the body) lies on another joint if its distance from there
is less than this part of the distance."""
BATCH = 256


class ErrorBank:
    """Errors of a 2D network's predictions with their scores.

    Args:
        points: (N, K, 3) poses in camera frames, metres.
        camera: (N, 4) fx, fy, cx, cy px.
        predicted: (N, K, 3) x, y px and score; score 0 = missing.
        schema: Of both.
        trunk: Of the schema.
        hips: Its hips.

    Raises:
        ValueError: If no pose is whole.
    """

    def __init__(
        self,
        points: Tensor,
        camera: Tensor,
        predicted: Tensor,
        schema: KeypointSchema,
        trunk: Trunk,
        hips: tuple[int, ...],
    ) -> None:
        self.trunk, self.hips = trunk, hips
        whole = torch.isfinite(points).all(-1).all(-1)
        if not whole.any():
            raise ValueError("views.predicted_errors needs pictures whose 3D poses have all keypoints")
        points, camera, predicted = points[whole], camera[whole], predicted[whole]
        true, (middle, spread, turn) = self._normal(project_px(points, camera))
        found = (predicted[..., :2] - middle) / spread @ turn.mT
        depth = self._depths(points)
        flip, sign = torch.as_tensor(schema.flip_index), torch.tensor([-1.0, 1.0])
        true = torch.cat([true, true[:, flip] * sign])
        found = torch.cat([found, found[:, flip] * sign])
        self.score = torch.cat([predicted[..., 2], predicted[:, flip, 2]])
        self.described = torch.cat([true, torch.cat([depth, depth[:, flip]])[..., None]], -1).flatten(1)
        distance = torch.cdist(found, true)
        own, (least, nearest) = distance.diagonal(dim1=1, dim2=2), distance.min(-1)
        far, close = TAKEN_FOR_ANOTHER
        is_other = (own > far) & (least < close * own)
        self.joint = torch.where(is_other, nearest, torch.arange(own.shape[1]))
        """(2 N, K) the joint near which each keypoint was found."""
        self.error = found - _gathered(true, self.joint)
        """(2 N, K, 2) from there, in spreads of the upright body."""

    def __len__(self) -> int:
        return len(self.joint)

    def spoil(self, points_px: Tensor, target: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return keypoints as the 2D network would have found them, and (B, T, K) its scores.

        All frames of a window draw from the same pictures: an error stays while the body lies as it lies.

        Args:
            points_px: (B, T, K, 2) exact keypoints.
            target: (B, T, K, 3) their poses, pelvis-relative, camera frame; NaN where missing.
            generator: Random stream.
        """
        chosen = torch.randint(len(self), (len(points_px), CANDIDATES), generator=generator)
        is_there = torch.isfinite(target).all(-1)
        parts = [
            self._spoilt(*part)
            for part in zip(
                points_px.split(BATCH),
                torch.nan_to_num(target).split(BATCH),
                is_there.split(BATCH),
                chosen.split(BATCH),
                strict=True,
            )
        ]
        found, score = (torch.cat(values) for values in zip(*parts, strict=True))
        return found, score * is_there

    def _spoilt(
        self, points_px: Tensor, target: Tensor, is_there: Tensor, chosen: Tensor
    ) -> tuple[Tensor, Tensor]:
        count, frames = is_there.shape[:2]
        true, (middle, spread, turn) = self._normal(points_px.flatten(0, 1), is_there.flatten(0, 1))
        depth = self._depths(target.flatten(0, 1))
        seen = torch.cat([true, depth[..., None]], -1) * is_there.flatten(0, 1)[..., None]
        distance = torch.cdist(seen.flatten(1).unflatten(0, (count, frames)), self.described[chosen])
        picture = torch.gather(chosen, 1, distance.argmin(-1)).flatten()
        found = _gathered(true, self.joint[picture]) + self.error[picture]
        found = found @ turn * spread + middle
        return found.unflatten(0, (count, frames)), self.score[picture].unflatten(0, (count, frames))

    def _normal(
        self, points_px: Tensor, is_there: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
        """Return (B, K, 2) upright bodies about their middle, of unit spread; middle, spread and rotation."""
        there = torch.ones_like(points_px[..., 0]) if is_there is None else is_there.to(points_px.dtype)
        number = there.sum(-1).clamp(min=1)[:, None, None]
        middle = (points_px * there[..., None]).sum(1, keepdim=True) / number
        gap = (points_px - middle) * there[..., None]
        spread = (gap.square().sum((1, 2), keepdim=True) / number).sqrt().clamp(min=1e-3)
        turn = roll_to(up_direction(points_px[:, None], there[:, None], self.trunk))[:, :2, :2]
        return gap / spread @ turn.mT, (middle, spread, turn)

    def _depths(self, points: Tensor) -> Tensor:
        """Return (B, K) depths of poses from the pelvis, over their size."""
        points = points - pelvis_of(points, self.hips)
        return points[..., 2] / points.norm(dim=-1).mean(-1, keepdim=True).clamp(min=1e-6)


def _gathered(points: Tensor, joint: Tensor) -> Tensor:
    """Return (B, K, 2) the points at (B, K) joints."""
    return torch.gather(points, 1, joint[..., None].expand(-1, -1, 2))
