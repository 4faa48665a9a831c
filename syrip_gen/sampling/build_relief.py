"""Make the shipped folds of cloth: periodic height fields, shaded as grey tiles (128 = flat)."""

import numpy as np

__all__ = ["RELIEFS", "draw_relief"]

RELIEFS = ("soft", "sheet", "creases", "rumpled", "muslin", "quilt", "quilt_wide", "drape")
LIGHT = np.array([0.55, 0.35, 0.76])


def draw_relief(name: str, size: int) -> np.ndarray:
    """Return a periodic (size, size) uint8 shading tile, lit obliquely; turning the tile turns the light."""
    rng = np.random.default_rng(sum(map(ord, name)) + 1)
    height = _height(name, size, rng)
    dx = (np.roll(height, -1, 1) - np.roll(height, 1, 1)) / 2
    dy = (np.roll(height, -1, 0) - np.roll(height, 1, 0)) / 2
    normal = np.stack([-dx, -dy, np.ones_like(dx)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    direct = np.maximum(normal @ LIGHT, 0.0) / LIGHT[2]
    lower = height - _blur(height, size / 40)
    occlusion = np.clip(1 + 0.55 * lower / max(np.abs(lower).max(), 1e-9), 0.5, 1.1)
    shade = (0.55 * direct + 0.45) * (0.75 + 0.25 * occlusion)
    shade /= shade.mean()
    return np.clip(128 * shade ** (1 / 2.2), 0, 255).astype(np.uint8)


def _height(name: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """Height in pixels."""
    y, x = np.mgrid[0:n, 0:n] / n
    if name == "soft":
        return _noise(n, 3.0, rng, low=2, high=14) * 6
    if name == "sheet":
        return _noise(n, 2.6, rng, low=2, high=10) * 4 + _folds(n, rng, 5, 0.05, 2.2)
    if name == "creases":
        folds = sum(_folds(n, rng, count, 0.04, 1.5) * _patches(n, rng, 0.35) for count in (4, 6, 9, 7))
        return folds + _noise(n, 2.4, rng, low=4, high=40) * 0.8
    if name == "rumpled":
        folds = sum(_folds(n, rng, count, 0.05, 2.2) * _patches(n, rng, 0.45) for count in (3, 5, 4, 7, 11))
        return folds + _noise(n, 2.6, rng, low=2, high=12) * 5
    if name == "muslin":
        return _folds(n, rng, 34, 0.05, 1.0) + _noise(n, 2.0, rng, low=20, high=90) * 0.7
    if name in ("quilt", "quilt_wide"):
        count = 10 if name == "quilt" else 5
        u, v = x + y, x - y
        puff = np.sqrt(np.abs(np.sin(np.pi * u * count / 2) * np.sin(np.pi * v * count / 2)) + 1e-4)
        return puff * n / count * 0.10 + _noise(n, 2.2, rng, low=6, high=60) * 0.8
    # drape: long parallel folds, as of a curtain or a sofa throw
    return _folds(n, rng, 6, 0.03, 5.0)


def _noise(n: int, slope: float, rng: np.random.Generator, low: float, high: float) -> np.ndarray:
    """Periodic noise of unit variance with a power-law spectrum between two frequencies (cycles a period)."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(n, 1 / n), np.fft.fftfreq(n, 1 / n)))
    amplitude = np.where((frequency >= low) & (frequency <= high), np.maximum(frequency, 1) ** -slope, 0.0)
    field = np.fft.ifft2(np.fft.fft2(rng.standard_normal((n, n))) * amplitude).real
    return field / field.std()


def _folds(n: int, rng: np.random.Generator, count: int, wander: float, height: float) -> np.ndarray:
    """Sharp crests that wander: 1 - |sin| of a phase bent by periodic noise, fading in and out."""
    y, x = np.mgrid[0:n, 0:n] / n
    a, b = (
        (count, rng.integers(-count // 2, count // 2 + 1))
        if rng.random() < 0.5
        else (rng.integers(-count // 2, count // 2 + 1), count)
    )
    bend = _noise(n, 2.2, rng, low=1, high=8) * wander * count
    crest = 1 - np.abs(np.sin(np.pi * (a * x + b * y + bend)))
    strength = np.clip(0.5 + 0.6 * _noise(n, 2.0, rng, low=1, high=5), 0, 1.4)
    return _blur(crest**2 * strength, 2.0) * height * n / (20 * max(count, 4)) * 1.6


def _patches(n: int, rng: np.random.Generator, share: float) -> np.ndarray:
    """Return smooth islands (0..1) that cover about ``share`` of the tile: wrinkles begin and end."""
    field = _noise(n, 2.4, rng, low=1, high=5)
    level = np.quantile(field, 1 - share)
    return np.clip((field - level) * 1.5 + 0.3, 0, 1)


def _blur(field: np.ndarray, sigma: float) -> np.ndarray:
    n = len(field)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(n), np.fft.fftfreq(n)))
    return np.fft.ifft2(np.fft.fft2(field) * np.exp(-2 * (np.pi * sigma * frequency) ** 2)).real
