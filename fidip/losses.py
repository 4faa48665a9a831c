"""Losses: keypoint heatmaps and domains. All are means over the samples of a batch."""

import torch.nn.functional as F
from torch import Tensor

__all__ = ["domain_loss", "heatmap_bce", "heatmap_mse", "visible_mse"]


def heatmap_mse(
    heatmaps: Tensor, targets: Tensor, weights: Tensor, sample_weights: Tensor | None = None
) -> Tensor:
    """Return half the mean squared error over batch, keypoints and cells, as HRNet and FiDIP take it.

    Args:
        heatmaps: (B, K, H, W) predictions.
        targets: (B, K, H, W).
        weights: (B, K) 0 where a keypoint does not count.
        sample_weights: (B,) the weight s(d) of each sample's domain (FiDIP, eq. 4), or None for 1.
    """
    errors = 0.5 * (heatmaps.float() - targets).square().mean(dim=(2, 3))
    return _weighted_mean((errors * weights.square()).mean(dim=1), sample_weights)


def heatmap_bce(
    logits: Tensor, targets: Tensor, weights: Tensor, sample_weights: Tensor | None = None
) -> Tensor:
    """Return the mean binary cross-entropy over batch, keypoints and cells, for networks with logits.

    Args:
        logits: (B, K, H, W) predictions before the sigmoid.
        targets: (B, K, H, W) in 0..1.
        weights: (B, K) 0 where a keypoint does not count.
        sample_weights: (B,) the weight s(d) of each sample's domain, or None for 1.
    """
    errors = F.binary_cross_entropy_with_logits(logits.float(), targets, reduction="none").mean(dim=(2, 3))
    return _weighted_mean((errors * weights).mean(dim=1), sample_weights)


def visible_mse(
    heatmaps: Tensor, targets: Tensor, weights: Tensor, sample_weights: Tensor | None = None
) -> Tensor:
    """Return the mean squared error over the cells of labelled keypoints alone, as the thesis has it.

    The sum over labelled keypoints and cells, divided by their number in the whole batch: unlike in
    :func:`heatmap_mse`, a person with few labelled keypoints counts less, each keypoint the same.

    Args:
        heatmaps: (B, K, H, W) predictions.
        targets: (B, K, H, W).
        weights: (B, K) 0 where a keypoint does not count.
        sample_weights: (B,) the weight of each sample's domain, or None for 1.
    """
    counts = (weights > 0).to(targets.dtype)
    errors = (heatmaps.float() - targets).square().mean(dim=(2, 3)) * counts
    if sample_weights is not None:
        errors = errors * sample_weights[:, None]
    return errors.sum() / counts.sum().clamp(min=1)


def domain_loss(logits: Tensor, is_synthetic: Tensor, sample_weights: Tensor | None = None) -> Tensor:
    """Return the mean binary cross-entropy of the domain classifier (FiDIP, L_D).

    Args:
        logits: (B,) positive = synthetic.
        is_synthetic: (B,) 1 synthetic, 0 real.
        sample_weights: (B,) the weight s(d) of each sample's domain, or None for 1.
    """
    errors = F.binary_cross_entropy_with_logits(logits.float(), is_synthetic, reduction="none")
    return _weighted_mean(errors, sample_weights)


def _weighted_mean(errors: Tensor, sample_weights: Tensor | None) -> Tensor:
    return (errors if sample_weights is None else errors * sample_weights).mean()
