"""Deterministic gradient noise in 3D, evaluated at given points.

Skin mottling, hairlines, wrinkles and prints all read noise at a point's rest position, not at its texture
coordinate, so that nothing shows where the UV map is cut.
"""

import numpy as np
from numba import njit

__all__ = ["fbm", "gradient_noise", "ridged"]


@njit(cache=True, nogil=True)
def _hash(ix: int, iy: int, iz: int, seed: int) -> np.uint32:
    h = np.uint32(seed) * np.uint32(0x9E3779B1)
    h ^= np.uint32(ix) * np.uint32(0x85EBCA6B)
    h = (h << np.uint32(13)) | (h >> np.uint32(19))
    h ^= np.uint32(iy) * np.uint32(0xC2B2AE35)
    h = (h << np.uint32(11)) | (h >> np.uint32(21))
    h ^= np.uint32(iz) * np.uint32(0x27D4EB2F)
    h = (h ^ (h >> np.uint32(15))) * np.uint32(0x2C1B3C6D)
    h = (h ^ (h >> np.uint32(12))) * np.uint32(0x297A2D39)
    return h ^ (h >> np.uint32(15))


@njit(cache=True, nogil=True)
def _corner(ix: int, iy: int, iz: int, seed: int, x: float, y: float, z: float) -> float:
    """Dot product of the lattice point's gradient (a cube edge) with the offset to it."""
    h = _hash(ix, iy, iz, seed) & np.uint32(15)
    u = x if h < 8 else y
    v = y if h < 4 else (x if h == 12 or h == 14 else z)
    return (u if (h & 1) == 0 else -u) + (v if (h & 2) == 0 else -v)


@njit(cache=True, nogil=True)
def _fade(t: float) -> float:
    return t * t * t * (t * (t * 6.0 - 15.0) + 10.0)


@njit(cache=True, nogil=True)
def noise_at(x: float, y: float, z: float, seed: int) -> float:
    """Return gradient noise of one point, about -1..1, of period 1."""
    fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
    ix, iy, iz = int(fx), int(fy), int(fz)
    x -= fx
    y -= fy
    z -= fz
    u, v, w = _fade(x), _fade(y), _fade(z)
    a = _corner(ix, iy, iz, seed, x, y, z)
    b = _corner(ix + 1, iy, iz, seed, x - 1, y, z)
    c = _corner(ix, iy + 1, iz, seed, x, y - 1, z)
    d = _corner(ix + 1, iy + 1, iz, seed, x - 1, y - 1, z)
    e = _corner(ix, iy, iz + 1, seed, x, y, z - 1)
    f = _corner(ix + 1, iy, iz + 1, seed, x - 1, y, z - 1)
    g = _corner(ix, iy + 1, iz + 1, seed, x, y - 1, z - 1)
    h = _corner(ix + 1, iy + 1, iz + 1, seed, x - 1, y - 1, z - 1)
    low = (a + (b - a) * u) * (1 - v) + (c + (d - c) * u) * v
    high = (e + (f - e) * u) * (1 - v) + (g + (h - g) * u) * v
    return low + (high - low) * w


@njit(cache=True, nogil=True)
def _fbm(points: np.ndarray, octaves: int, gain: float, seed: int, ridge: bool, out: np.ndarray) -> None:
    for i in range(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        total, amplitude, norm = 0.0, 1.0, 0.0
        for octave in range(octaves):
            n = noise_at(x, y, z, seed + 101 * octave)
            total += amplitude * (1.0 - 2.0 * abs(n) if ridge else n)
            norm += amplitude
            amplitude *= gain
            # Turn as well as double, so that the octaves' lattices do not line up.
            x, y, z = 2.03 * (0.8 * x + 0.6 * y), 2.03 * (-0.6 * x + 0.8 * y), 2.03 * z + 17.3
        out[i] = total / norm


def gradient_noise(points: np.ndarray, period: float, seed: int) -> np.ndarray:
    """Return one octave of noise.

    Args:
        points: (N, 3) positions in metres.
        period: Distance between lattice points, metres.
        seed: Any non-negative integer.

    Returns:
        (N,) float32, about -1..1 with mean 0.
    """
    return fbm(points, period, seed, octaves=1)


def fbm(points: np.ndarray, period: float, seed: int, octaves: int = 4, gain: float = 0.5) -> np.ndarray:
    """Return fractal noise: ``octaves`` octaves from ``period`` downwards; (N,) float32, mean 0."""
    out = np.empty(len(points), np.float32)
    _fbm(np.ascontiguousarray(points, np.float32) / np.float32(period), octaves, gain, seed, False, out)
    return out


def ridged(points: np.ndarray, period: float, seed: int, octaves: int = 3, gain: float = 0.5) -> np.ndarray:
    """Return ridged fractal noise, high (towards 1) along thin winding lines; (N,) float32."""
    out = np.empty(len(points), np.float32)
    _fbm(np.ascontiguousarray(points, np.float32) / np.float32(period), octaves, gain, seed, True, out)
    return out
