"""What the camera does to a picture: exposure, white balance, gamma, saturation, blur, noise, JPEG."""

import functools

import cv2
import numpy as np
from numba import njit

from syrip_gen.rendering.colors import LINEAR_OF_SRGB, linear_to_srgb
from syrip_gen.sampling.scene import EffectsSpec

__all__ = ["apply_effects", "encode_jpeg"]

_NOISE_POOL = 1 << 19
_NOISE_UNIT = 32
"""Pool steps per standard deviation."""
_SHOT_SHARE = 0.8
"""Share of the noise's variance at full brightness that grows with the signal; the rest is read noise."""
_AMPLITUDE = np.array([0.4573, 0.7350, -0.1982])
"""Factors of 1, v, v² that give the noise's standard deviation at the value v, sqrt(0.8 v + 0.2), to 0.01."""


def apply_effects(rgb: np.ndarray, spec: EffectsSpec) -> np.ndarray:
    """Return the picture as the camera of ``spec`` would have taken it; the same bytes for the same spec.

    Exposure and white balance act on linear light, gamma on its sRGB encoding, saturation about Rec. 601
    luma. Noise is Gaussian; its standard deviation is ``noise_sigma`` at white and falls with the square root
    of the signal towards the read noise.

    Args:
        rgb: (H, W, 3) uint8 sRGB.
        spec: The effects; ``jpeg_quality`` is :func:`encode_jpeg`'s business.
    """
    picture = np.empty(rgb.shape, dtype=np.uint8)  # every step but the first works in place
    _look_up(np.ascontiguousarray(rgb).reshape(-1), _tone_table(spec), picture.reshape(-1))
    if spec.saturation != 1.0:
        cv2.transform(picture, _saturation_matrix(spec.saturation), dst=picture)
    if spec.blur_sigma_px > 0.05:
        sigma = spec.blur_sigma_px
        side = 2 * max(round(2.2 * sigma), 1) + 1
        cv2.GaussianBlur(picture, (side, side), sigma, dst=picture, borderType=cv2.BORDER_REPLICATE)
    if spec.noise_sigma > 0.0:
        _add_noise(picture, spec.noise_sigma, spec.noise_seed)
    return picture


def encode_jpeg(rgb: np.ndarray, quality: int) -> bytes:
    """Encode (H, W, 3) uint8 RGB as JPEG of ``quality`` 1..100; the same bytes for the same picture."""
    if not 1 <= quality <= 100:
        raise ValueError(f"JPEG quality is {quality}, expected 1..100")
    done, data = cv2.imencode(
        ".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, int(quality)]
    )
    if not done:
        raise ValueError(f"OpenCV cannot encode a picture of shape {rgb.shape} as JPEG")
    return data.tobytes()


def _tone_table(spec: EffectsSpec) -> np.ndarray:
    """Return the (3, 256) uint8 table of exposure, white balance and gamma."""
    gains = 2.0**spec.exposure_ev * np.asarray(spec.white_balance, dtype=np.float64)
    linear = LINEAR_OF_SRGB * gains[:, None]
    encoded = linear_to_srgb(np.clip(linear, 0.0, 1.0)) ** spec.gamma
    return np.round(255.0 * encoded).astype(np.uint8)


@njit(nogil=True, cache=True, error_model="numpy")
def _look_up(picture, tables, out):
    """Replace the bytes of interleaved red, green and blue by what their tables say."""
    red, green, blue = tables[0], tables[1], tables[2]
    one, two = np.uint64(1), np.uint64(2)
    for k in range(0, picture.shape[0], 3):
        i = np.uint64(k)
        out[i] = red[np.uint64(picture[i])]
        out[i + one] = green[np.uint64(picture[i + one])]
        out[i + two] = blue[np.uint64(picture[i + two])]


def _saturation_matrix(saturation: float) -> np.ndarray:
    luma = np.array([0.299, 0.587, 0.114])
    return (saturation * np.eye(3) + (1.0 - saturation) * luma[None, :]).astype(np.float32)


def _add_noise(picture: np.ndarray, sigma: float, seed: int) -> None:
    """Add signal-dependent noise in place; each row reads the pool from a place of its own."""
    h, row = picture.shape[0], picture.shape[1] * 3
    pool = _noise_pool()
    if row > len(pool) // 2:
        pool = np.tile(pool, 1 + 2 * row // len(pool))
    scale = 255.0 * sigma / _NOISE_UNIT
    amplitude = np.round(_AMPLITUDE * scale * (1 << 16)).astype(np.int32)
    _noise_rows(picture.reshape(h, row), np.uint64(seed), pool, amplitude)


@functools.cache
def _noise_pool() -> np.ndarray:
    """Return (2^19,) int8 normal numbers in steps of 1/32 standard deviation, always the same."""
    values = np.random.Generator(np.random.SFC64(20200)).standard_normal(_NOISE_POOL, dtype=np.float32)
    return np.clip(np.round(values * _NOISE_UNIT), -127, 127).astype(np.int8)


@njit(nogil=True, cache=True, error_model="numpy")
def _place_in_pool(seed, row, count):
    """Return a number 0..``count`` - 1 that hangs on seed and row (SplitMix64, Steele et al. 2014)."""
    z = seed * np.uint64(0x2545F4914F6CDD1D) + np.uint64(row + 1) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (z ^ (z >> np.uint64(31))) % np.uint64(count)


@njit(nogil=True, cache=True, error_model="numpy")
def _noise_rows(picture, seed, pool, amplitude):
    """Add noise to each row, in whole numbers and free of look-ups: it compiles to vector instructions.

    Args:
        picture: (h, n) uint8, in place.
        seed: uint64.
        pool: (N,) int8 normal numbers.
        amplitude: (3,) int32 factors of 1, v, v² for a value v of 0..1, times 2^16.
    """
    zero, white, half = np.int32(0), np.int32(255), np.int32(1 << 15)
    base, slope, bend = amplitude[0], amplitude[1], amplitude[2]
    for j in range(picture.shape[0]):
        values = picture[j]  # a row of its own: the loop below then runs four times as fast
        place = np.int64(_place_in_pool(seed, j, pool.shape[0] - values.shape[0]))
        numbers = pool[place : place + values.shape[0]]
        for i in range(values.shape[0]):
            value = np.int32(values[i])
            curved = np.int32(slope + np.int32(np.int32(value * bend) >> 8))
            height = np.int32(base + np.int32(np.int32(value * curved) >> 8))
            noise = np.int32(np.int32(np.int32(height * np.int32(numbers[i])) + half) >> 16)
            values[i] = np.uint8(min(max(np.int32(value + noise), zero), white))
