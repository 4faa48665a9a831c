"""Lifting over time on top of a lifter of single frames.

The single-frame lifter gives a pose for every frame of a window. Dilated convolutions see those poses beside
the 2D keypoints and say, joint by joint, which frames to trust (weights of a mean) and what to add. It begins
as a smoothed single-frame lifter and can only learn to be better than that; compare Zeng et al. 2022,
"SmoothNet", which refines coordinates without looking at the keypoints.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

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


class RefinedLifter(nn.Module):
    """Lifts windows of 2D keypoints; see :class:`fidip.lifting.network.LiftNetwork` for what both share.

    Args:
        base: Lifter of single frames with ``view`` inputs; it stays as it is while the rest learns.
        frames: Window, a power of 3 from 9 on.
        width: Channels of the convolutions.
        dropout: Theirs.
    """

    def __init__(self, base: "LiftNetwork", *, frames: int, width: int, dropout: float) -> None:
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
        weights = torch.where(there, logits, torch.full_like(logits, HIDDEN)).softmax(1)
        mean = (weights[..., None] * poses).sum(1)
        return (mean + self.output_m * more.reshape(-1, num, 3)) @ seen.rotation.mT
