"""Lifting over time on top of a lifter of single frames.

The single-frame lifter gives a pose for every frame of a window. Dilated convolutions see those poses beside
the 2D keypoints and say, joint by joint, which frames to trust (weights of a mean) and what to add. It begins
as a smoothed single-frame lifter and can only learn to be better than that; compare Zeng et al. 2022,
"SmoothNet", which refines coordinates without looking at the keypoints.

A mean over frames takes away noise, and the tips of quick movements. Which of them weighs more depends on how
much the keypoints shake: fourth differences over time, which noise has and smooth movements hardly have. With
``calm`` the middle frame weighs the more the less a keypoint shakes.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from fidip.lifting.temporal import TemporalLifter
from fidip.lifting.views import Keypoints2D, encode, features_per_frame
from fidip.lifting.windows import frames_of, windows_of

if TYPE_CHECKING:
    from fidip.lifting.network import LiftNetwork

__all__ = ["RefinedLifter"]

FADE_FRAMES = 1.5
"""Before training, weights of the mean fall to 1/e over so many frames."""
UNSEEN_WEIGHT = 0.2
"""And a joint that was not seen in a frame weighs so much."""
HIDDEN = -1e4
SHAKING = (-5.5, 4.0)
"""Before training, the middle frame weighs more where the log of a keypoint's shaking (box sides) is below
this; and by how much a unit."""
LEAST_SHAKING = 1e-5


class RefinedLifter(nn.Module):
    """Lifts windows of 2D keypoints; see :class:`fidip.lifting.network.LiftNetwork` for what both share.

    Args:
        base: Lifter of single frames with ``view`` inputs; it stays as it is while the rest learns.
        frames: Window, a power of 3 from 9 on.
        width: Channels of the convolutions.
        dropout: Theirs.
        calm: Whether keypoints that do not shake are averaged less.
    """

    def __init__(
        self, base: "LiftNetwork", *, frames: int, width: int, dropout: float, calm: bool = False
    ) -> None:
        super().__init__()
        self.base, self.frames = base.requires_grad_(False), frames
        self.inputs, self.output_m, self.trunk = base.inputs, base.output_m, base.trunk
        self.schema, self.output_schema = base.schema, base.output_schema
        self.confidence = base.confidence
        num = len(self.output_schema)
        features = features_per_frame(self.inputs, len(self.schema), confidence=self.confidence) + 3 * num
        self.unlearnt = base.unlearnt
        self.refiner = TemporalLifter(
            features, num * (frames + 3), frames=frames, width=width, dropout=dropout
        )
        nn.init.zeros_(self.refiner.shrink.weight)
        nn.init.zeros_(self.refiner.shrink.bias)
        self.calm = nn.Parameter(torch.tensor([SHAKING] * num)) if calm else None
        """(K, 2) where and how steeply the middle frame gains weight."""
        if self.confidence:
            own = features_per_frame(self.inputs, len(self.schema))
            nn.init.zeros_(self.refiner.expand_conv.weight[:, own : own + len(self.schema)])
        offsets = (torch.arange(frames) - frames // 2).abs()
        self.fade = nn.Parameter(-offsets[:, None] / FADE_FRAMES * torch.ones(num))
        self.seen_bonus = nn.Parameter(torch.full((num,), -torch.tensor(UNSEEN_WEIGHT).log().item()))

    def train(self, mode: bool = True) -> "RefinedLifter":
        """Set the mode of the convolutions; the base always computes as it was trained."""
        super().train(mode)
        self.base.eval()
        return self

    def forward(self, keypoints: Keypoints2D) -> Tensor:
        """Return (B, K, 3) poses of the windows' middle frames: metres, pelvis-relative, camera frame."""
        count, frames = keypoints.mask.shape[:2]
        index = torch.arange(count * frames, device=keypoints.mask.device).reshape(count, frames)
        return self.lift_windows(frames_of(keypoints), index)

    def lift_windows(self, frames: Keypoints2D, index: Tensor) -> Tensor:
        """Return (B, K, 3) poses of windows of (B, T) rows of N single frames, each lifted once."""
        with torch.no_grad():
            poses = self.base(frames)
        return self._refined(windows_of(frames, index), poses[index])

    def _refined(self, keypoints: Keypoints2D, poses: Tensor) -> Tensor:
        seen = encode(keypoints, self.inputs, self.trunk, confidence=self.confidence)
        poses = poses @ seen.rotation[:, None]  # from the camera's frame into the window's view
        there = (keypoints.mask > 0).any(-1, keepdim=True)
        features = torch.cat([seen.features, (poses / self.output_m).flatten(2) * there], -1)
        out = self.refiner(features)[:, 0]
        num = len(self.output_schema)
        logits, more = out.split([num * self.frames, 3 * num], -1)
        logits = logits.reshape(-1, self.frames, num) + self.fade + self.seen_bonus * (keypoints.mask > 0)
        if self.calm is not None:
            logits[:, self.frames // 2] += self._calmness(seen.points, keypoints.mask)
        weights = torch.where(there, logits, torch.full_like(logits, HIDDEN)).softmax(1)
        mean = (weights[..., None] * poses).sum(1)
        return (mean + self.output_m * more.reshape(-1, num, 3)) @ seen.rotation.mT

    def _calmness(self, points: Tensor, mask: Tensor) -> Tensor:
        """Return (B, K) what the middle frame's joints weigh more because their keypoints do not shake.

        Args:
            points: (B, T, K, 2) in box sides.
            mask: (B, T, K).
        """
        seen = (mask > 0).to(points.dtype)
        steps = points.diff(n=4, dim=1).norm(dim=-1)
        known = seen.unfold(1, 5, 1).amin(-1)
        shaking = (steps * known).sum(1) / known.sum(1).clamp(min=1)
        where, slope = self.calm.unbind(-1)
        calm = functional.softplus(slope * (where - torch.log(shaking + LEAST_SHAKING)))
        return calm * (known.sum(1) > 0) * seen[:, self.frames // 2]
