"""WHO child growth standards, 0-12 months, and the sizes that sampled infants are matched to.

Medians and 3rd/97th percentiles of length-, weight- and head-circumference-for-age: WHO Multicentre Growth
Reference Study Group, *WHO Child Growth Standards*, 2006 and 2007.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["WHO_RANGE", "GrowthTargets", "sample_targets"]

_AGE_MONTHS = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 9.0, 12.0, 15.0])
_LENGTH_M = np.array([0.495, 0.542, 0.578, 0.606, 0.630, 0.6665, 0.711, 0.7485, 0.783])
"""Mean of boys' and girls' medians."""
_WEIGHT_KG = np.array([3.25, 4.3, 5.35, 6.1, 6.7, 7.6, 8.55, 9.25, 9.95])
_HEAD_M = np.array([0.342, 0.369, 0.387, 0.400, 0.411, 0.4275, 0.444, 0.455, 0.463])

WHO_RANGE = {"length_m": (0.456, 0.802), "weight_kg": (2.4, 11.8), "head_m": (0.319, 0.486)}
"""3rd percentile of newborn girls to 97th percentile of boys of 12 months."""


@dataclass(frozen=True, slots=True, eq=False)
class GrowthTargets:
    """Sizes of N infants; arrays of shape (N,)."""

    size: np.ndarray
    """Standard score of size: 0 is six months old, -1.5 about two months, +1.7 twelve months."""
    length_m: np.ndarray
    weight_kg: np.ndarray
    head_m: np.ndarray


def sample_targets(rng: np.random.Generator, count: int) -> GrowthTargets:
    """Draw the sizes of ``count`` infants around a six-month-old.

    Length is the carrier; weight and head circumference follow the medians at the age that has this length,
    with their own spread. Scores are truncated so that a linear model of the samples stays inside
    :data:`WHO_RANGE`.
    """
    size, length_z, weight_z, head_z = (_truncated(rng, count) for _ in range(4))
    median = 0.666 + 0.045 * size
    length = median + 0.012 * length_z
    age = np.interp(median, _LENGTH_M, _AGE_MONTHS)
    weight = np.interp(age, _AGE_MONTHS, _WEIGHT_KG)
    # 1.015: the median of a log-normal spread lies below its mean, and the model's zero is the mean.
    weight = 1.015 * weight * np.exp(0.05 * weight_z + 1.0 * (length - median))
    head = np.interp(age, _AGE_MONTHS, _HEAD_M) + 0.001 + 0.0065 * head_z
    return GrowthTargets(
        size,
        np.clip(length, *WHO_RANGE["length_m"]),
        np.clip(weight, *WHO_RANGE["weight_kg"]),
        np.clip(head, *WHO_RANGE["head_m"]),
    )


def _truncated(rng: np.random.Generator, count: int, limit: float = 2.5) -> np.ndarray:
    """Draw standard normal numbers inside +-limit."""
    values = rng.normal(size=count)
    while (outside := np.abs(values) > limit).any():
        values[outside] = rng.normal(size=int(outside.sum()))
    return values - values.mean()
