"""The gradient reversal layer of Ganin and Lempitsky (2015)."""

from typing import Any

import torch
from torch import Tensor

__all__ = ["reverse_gradient"]


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, strength: Tensor | float) -> Tensor:
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradient, None


def reverse_gradient(x: Tensor, strength: Tensor | float) -> Tensor:
    """Return ``x`` unchanged; on the way back its gradient is multiplied by ``-strength``.

    A tensor as strength is read on the way back, so that it may be set after the loss is known.

    One backward pass of ``L_P + L_D(classifier(reverse_gradient(features, lambda)))`` teaches the classifier
    to tell the domains apart and the network to make that hard: the network descends L_P - lambda L_D.
    """
    return _Reversal.apply(x, strength)
