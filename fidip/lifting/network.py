"""A lifter whole: encoding, network and decoding behind one call, for one schema."""

import torch
from torch import Tensor, nn

from fidip.lifting.config import LiftNetworkSettings
from fidip.lifting.martinez import ResidualLifter
from fidip.lifting.temporal import TemporalLifter
from fidip.lifting.views import Encoded, InputKind, Keypoints2D, encode, features_per_frame, trunk_of
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["LiftNetwork", "build_lifter"]


class LiftNetwork(nn.Module):
    """Lifts windows of 2D keypoints.

    Args:
        core: (B, F) or (B, T, F) features to 3 K numbers.
        inputs: How keypoints are described to it.
        frames: Window that it looks at; 1 = single frames.
        output_m: One unit of its output, metres.
        schema: Keypoints in.
        output_schema: Keypoints out; the same by default.
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
    ) -> None:
        super().__init__()
        self.core, self.inputs, self.frames, self.output_m = core, inputs, frames, output_m
        self.schema, self.output_schema = schema, output_schema or schema
        self.trunk = trunk_of(schema)

    def forward(self, keypoints: Keypoints2D) -> Tensor:
        """Return (B, K, 3) poses of the windows' middle frames: metres, pelvis-relative, camera frame."""
        return self.lift(encode(keypoints, self.inputs, self.trunk))

    def lift(self, encoded: Encoded) -> Tensor:
        """Return (B, K, 3) of what is encoded already."""
        return self.lift_view(encoded) @ encoded.rotation.mT

    def lift_view(self, encoded: Encoded) -> Tensor:
        """Return (B, K, 3) in the virtual camera's frame."""
        x = encoded.features
        out = self.core(x[:, 0]) if self.frames == 1 else self.core(x)[:, 0]
        points = self.output_m * out.reshape(len(x), len(self.output_schema), 3)
        return points


def build_lifter(settings: LiftNetworkSettings, schema: KeypointSchema) -> LiftNetwork:
    """Build a network with random weights (from torch's global stream)."""
    size = features_per_frame(settings.inputs, len(schema))
    out = 3 * len(schema)
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
    frames = 1 if settings.kind == "residual" else settings.frames
    return LiftNetwork(
        core, inputs=settings.inputs, frames=frames, output_m=settings.output_m, schema=schema
    )
