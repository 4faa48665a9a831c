"""A lifter whole: encoding, network and decoding behind one call, for one schema."""

import torch
from torch import Tensor, nn

from fidip.lifting.config import LiftNetworkSettings
from fidip.lifting.martinez import ResidualLifter
from fidip.lifting.refined import RefinedLifter
from fidip.lifting.temporal import TemporalLifter
from fidip.lifting.views import Encoded, InputKind, Keypoints2D, encode, features_per_frame, trunk_of
from fidip.lifting.windows import windows_of
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["AnyLifter", "LiftNetwork", "build_lifter"]

REACH = 2
"""Frames before and after a window's middle one that its rays are averaged over."""
TRUSTED = 0.5
"""Joints are put where keypoints were seen whose confidence is at least this."""
TYPICAL_SIDE_M = 0.5
"""Side of an infant's keypoint box, metres."""


class LiftNetwork(nn.Module):
    """Lifts windows of 2D keypoints.

    Args:
        core: (B, F) or (B, T, F) features to 3 K numbers.
        inputs: How keypoints are described to it.
        frames: Window that it looks at; 1 = single frames.
        output_m: One unit of its output, metres.
        schema: Keypoints in.
        output_schema: Keypoints out; the same by default.
        on_rays: Whether the first number of the output is the log of the box's side, and the rest are
            corrections
            to points on the rays of the keypoints (``view`` inputs only).
        confidence: Whether it is told how sure the keypoints are, or only which are there.
    """

    def __init__(
        self,
        core: nn.Module,
        *,
        inputs: InputKind,
        frames: int,
        output_m: float,
        schema: KeypointSchema,
        output_schema: KeypointSchema | None = None,
        on_rays: bool = False,
        confidence: bool = False,
    ) -> None:
        super().__init__()
        self.unlearnt: frozenset[str] = frozenset()
        """Names of keypoints that no pose had which it learnt from: what it says of them means nothing."""
        self.on_rays, self.confidence = on_rays, confidence
        self.hips = (
            tuple(schema.keypoints.index(name) for name in ("left_hip", "right_hip")) if on_rays else ()
        )
        self.core, self.inputs, self.frames, self.output_m = core, inputs, frames, output_m
        self.schema, self.output_schema = schema, output_schema or schema
        self.trunk = trunk_of(schema)

    def forward(self, keypoints: Keypoints2D) -> Tensor:
        """Return (B, K, 3) poses of the windows' middle frames: metres, pelvis-relative, camera frame."""
        return self.lift(encode(keypoints, self.inputs, self.trunk, confidence=self.confidence))

    def lift_windows(self, frames: Keypoints2D, index: Tensor) -> Tensor:
        """Return (B, K, 3) poses of windows of (B, T) rows of N single frames."""
        return self(windows_of(frames, index))

    def lift(self, encoded: Encoded) -> Tensor:
        """Return (B, K, 3) of what is encoded already."""
        return self.lift_view(encoded) @ encoded.rotation.mT

    def lift_view(self, encoded: Encoded) -> Tensor:
        """Return (B, K, 3) in the virtual camera's frame."""
        x = encoded.features
        out = self.core(x[:, 0]) if self.frames == 1 else self.core(x)[:, 0]
        if not self.on_rays:
            return self.output_m * out.reshape(len(x), len(self.output_schema), 3)
        points = self.output_m * out[:, 1:].reshape(len(x), len(self.output_schema), 3)
        return self._on_rays(points, TYPICAL_SIDE_M * torch.exp(out[:, :1]), encoded)

    def _on_rays(self, points: Tensor, side_m: Tensor, encoded: Encoded) -> Tensor:
        """Move joints in the picture's plane to the rays that they were seen on.

        A box of ``side_m`` metres that looks ``side`` wide is side_m / side away, so a joint that is Z behind
        the pelvis and seen at u (box sides) is at u (side_m + side Z). The network adds what it knows better.
        """
        rays, there = _middle(encoded.points)
        if self.confidence:
            there = there * self._trusted(encoded.features)
        seen = rays * (side_m[..., None] + encoded.side[:, None, None] * points[..., 2:])
        hips = list(self.hips)
        both = there[:, hips].amin(1, keepdim=True)
        seen = (seen - seen[:, hips].mean(1, keepdim=True) * both) * there
        return torch.cat([points[..., :2] + seen, points[..., 2:]], -1)

    def _trusted(self, features: Tensor) -> Tensor:
        """Return (B, K, 1) how far joints are moved to their keypoints: less, the more these are in doubt."""
        doubts = features[:, features.shape[1] // 2, -len(self.schema) :]
        return ((1 - doubts) / TRUSTED).clamp(max=1)[..., None]


def _middle(points: Tensor) -> tuple[Tensor, Tensor]:
    """Return (B, K, 2) the points of a window's middle frame, and (B, K, 1) 1 where there is one.

    Of longer windows they are the mean of the frames around it, the nearer the heavier: steadier, and filled
    in where only a neighbour has them.
    """
    middle, reach = points.shape[1] // 2, min(REACH, points.shape[1] // 2)
    near = points[:, middle - reach : middle + reach + 1]
    weight = 1 + reach - (torch.arange(-reach, reach + 1, device=points.device)).abs().to(points.dtype)
    weight = weight[None, :, None, None] * (near != 0).any(-1, keepdim=True)
    total = weight.sum(1)
    return (near * weight).sum(1) / total.clamp(min=1), (total > 0).to(points.dtype)


AnyLifter = LiftNetwork | RefinedLifter


def build_lifter(settings: LiftNetworkSettings, schema: KeypointSchema) -> AnyLifter:
    """Build a network with random weights (from torch's global stream)."""
    if settings.kind == "refined":
        return RefinedLifter(
            build_lifter(settings.model_copy(update={"kind": "residual"}), schema),
            frames=settings.frames,
            width=settings.refiner_width,
            dropout=settings.dropout,
            calm=settings.calm,
        )
    size = features_per_frame(settings.inputs, len(schema), confidence=settings.confidence)
    on_rays = settings.output == "rays"
    out = 3 * len(schema) + on_rays
    if settings.kind == "residual":
        core: nn.Module = ResidualLifter(
            size, out, width=settings.width, blocks=settings.blocks, dropout=settings.dropout
        )
    else:
        core = TemporalLifter(
            size, out, frames=settings.frames, width=settings.width, dropout=settings.dropout
        )
    with torch.no_grad():  # begin with small poses rather than large random ones
        last = core.w2 if settings.kind == "residual" else core.shrink
        last.weight.mul_(0.1)
        last.bias.zero_()
        if settings.confidence:  # and without a wrong idea of doubts
            first = core.w1 if settings.kind == "residual" else core.expand_conv
            first.weight[:, size - len(schema) :] = 0
    frames = 1 if settings.kind == "residual" else settings.frames
    return LiftNetwork(
        core,
        inputs=settings.inputs,
        frames=frames,
        output_m=settings.output_m,
        schema=schema,
        on_rays=on_rays,
        confidence=settings.confidence,
    )
