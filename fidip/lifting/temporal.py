"""Lifting over time: dilated convolutions (Pavllo et al. 2019, "3D human pose estimation in video").

Kernels of three frames whose gaps grow by threes see 3^n frames with n layers. The names of the tensors are
those of the authors' VideoPose3D, so that its published weights load.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["KERNEL", "TemporalLifter"]

KERNEL = 3


class TemporalLifter(nn.Module):
    """(B, T, in_features) to (B, T - frames + 1, out_features): a pose for every frame with a whole window.

    Args:
        in_features: Numbers that describe one frame's 2D pose.
        out_features: 3 K.
        frames: Receptive field, a power of 3 from 9 on.
        width: Channels; the paper's 1024.
        dropout: The paper's 0.25.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        frames: int = 27,
        width: int = 1024,
        dropout: float = 0.25,
    ) -> None:
        super().__init__()
        depth = round(torch.log(torch.tensor(float(frames))).item() / torch.log(torch.tensor(3.0)).item())
        if depth < 2 or KERNEL**depth != frames:
            raise ValueError(f"network.frames must be 9, 27, 81 or 243, got {frames}")
        self.frames = frames
        self.dilations = [KERNEL**i for i in range(1, depth)]
        self.expand_conv = nn.Conv1d(in_features, width, KERNEL, bias=False)
        self.expand_bn = nn.BatchNorm1d(width)
        self.layers_conv = nn.ModuleList()
        self.layers_bn = nn.ModuleList()
        for dilation in self.dilations:
            self.layers_conv.append(nn.Conv1d(width, width, KERNEL, dilation=dilation, bias=False))
            self.layers_conv.append(nn.Conv1d(width, width, 1, bias=False))
            self.layers_bn.extend([nn.BatchNorm1d(width), nn.BatchNorm1d(width)])
        self.shrink = nn.Conv1d(width, out_features, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Tensor) -> Tensor:
        """Return the poses of all frames that have a whole window.

        A single window goes through strided instead of dilated convolutions, which leaves out the features
        that nothing reads: the same numbers with a third of the work.
        """
        is_one = features.shape[1] == self.frames
        x = functional.conv1d(
            features.transpose(1, 2), self.expand_conv.weight, stride=KERNEL if is_one else 1
        )
        x = self._activated(self.expand_bn, x)
        for i, dilation in enumerate(self.dilations):
            weight = self.layers_conv[2 * i].weight
            if is_one:
                shortcut = x[:, :, KERNEL // 2 :: KERNEL]
                x = functional.conv1d(x, weight, stride=KERNEL)
            else:
                shortcut = x[:, :, dilation:-dilation]
                x = functional.conv1d(x, weight, dilation=dilation)
            x = self._activated(self.layers_bn[2 * i], x)
            x = shortcut + self._activated(self.layers_bn[2 * i + 1], self.layers_conv[2 * i + 1](x))
        return self.shrink(x).transpose(1, 2)

    def _activated(self, norm: nn.Module, x: Tensor) -> Tensor:
        return self.dropout(functional.relu(norm(x)))
