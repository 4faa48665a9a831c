"""The residual network of Martinez et al. 2017.

"A simple yet effective baseline for 3D human pose estimation":
One linear layer to ``width`` features, blocks of two linear layers around a shortcut, one linear layer out;
batch norm, ReLU and dropout after every layer but the last (their Fig. 1). The names of the tensors are those
of Ellershaw's thesis code, whose checkpoints load.
"""

import torch
from torch import Tensor, nn

__all__ = ["ResidualLifter", "limit_norms"]


class ResidualLifter(nn.Module):
    """(B, in_features) to (B, out_features).

    Args:
        in_features: Numbers that describe the 2D pose.
        out_features: 3 K.
        width: Features inside; the paper's 1024.
        blocks: Residual blocks; the paper's 2.
        dropout: The paper's 0.5.
    """

    def __init__(
        self, in_features: int, out_features: int, *, width: int = 1024, blocks: int = 2, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.w1 = nn.Linear(in_features, width)
        self.batch_norm1 = nn.BatchNorm1d(width)
        self.linear_stages = nn.ModuleList(_Block(width, dropout) for _ in range(blocks))
        self.w2 = nn.Linear(width, out_features)
        self.relu, self.dropout = nn.ReLU(inplace=True), nn.Dropout(dropout)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, features: Tensor) -> Tensor:
        """Return (B, out_features)."""
        x = self.dropout(self.relu(self.batch_norm1(self.w1(features))))
        for block in self.linear_stages:
            x = block(x)
        return self.w2(x)


class _Block(nn.Module):
    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.w1, self.batch_norm1 = nn.Linear(width, width), nn.BatchNorm1d(width)
        self.w2, self.batch_norm2 = nn.Linear(width, width), nn.BatchNorm1d(width)
        self.relu, self.dropout = nn.ReLU(inplace=True), nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        y = self.dropout(self.relu(self.batch_norm1(self.w1(x))))
        return x + self.dropout(self.relu(self.batch_norm2(self.w2(y))))


@torch.no_grad()
def limit_norms(network: nn.Module, max_norm: float) -> None:
    """Scale the weight matrix of every linear layer back to a Frobenius norm of ``max_norm`` at most.

    The constraint of Martinez et al., section 3.2; call it after every step.
    """
    for module in network.modules():
        if isinstance(module, nn.Linear):
            norm = module.weight.norm()
            module.weight.mul_(torch.clamp(max_norm / norm.clamp(min=1e-12), max=1.0))
