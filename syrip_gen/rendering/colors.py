"""sRGB to linear light and back, through tables."""

import numpy as np
from numba import njit

__all__ = ["LINEAR_OF_SRGB", "SRGB_OF_LINEAR", "encode_linear", "linear_to_srgb", "srgb_to_linear"]

ENCODE_STEPS = 8191


def srgb_to_linear(value: np.ndarray) -> np.ndarray:
    """Decode sRGB 0..1 to linear light 0..1 (IEC 61966-2-1)."""
    value = np.asarray(value, dtype=np.float64)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(value: np.ndarray) -> np.ndarray:
    """Encode linear light 0..1 as sRGB 0..1 (IEC 61966-2-1)."""
    value = np.asarray(value, dtype=np.float64)
    return np.where(value <= 0.0031308, value * 12.92, 1.055 * np.maximum(value, 1e-9) ** (1 / 2.4) - 0.055)


LINEAR_OF_SRGB: np.ndarray = srgb_to_linear(np.arange(256) / 255.0).astype(np.float32)
"""(256,) float32 linear light of each sRGB byte."""
SRGB_OF_LINEAR: np.ndarray = np.round(
    255.0 * linear_to_srgb(np.arange(ENCODE_STEPS + 1) / ENCODE_STEPS)
).astype(np.uint8)
"""(8192,) uint8 sRGB byte of evenly spaced linear light 0..1."""


@njit(nogil=True, cache=True, error_model="numpy")
def encode_linear(value, table):
    """Return the sRGB byte of one linear value, clipped to 0..1; ``table`` is :data:`SRGB_OF_LINEAR`."""
    one, zero = np.float32(1.0), np.float32(0.0)
    value = np.float32(value) if value > zero else zero  # NaN, too
    return table[np.uint32(min(value, one) * np.float32(ENCODE_STEPS) + np.float32(0.5))]
