"""Pictures on the front of garments: chest prints, buttons, zips, a diaper's tapes."""

import numpy as np

from syrip_gen.sampling.appearance.anatomy import Anatomy
from syrip_gen.sampling.appearance.garment_paint import Decal
from syrip_gen.sampling.appearance.patterns import shape_mask

__all__ = ["DECALS", "make_decal"]

DECALS = ("none", "motif", "buttons", "zip", "tapes", "pocket")
"""Values of a garment's ``decal`` parameter, by index."""
MOTIFS = ("bears", "rabbits", "stars", "hearts", "ducks", "clouds", "moons", "flowers")


def make_decal(
    name: str, motif: int, color: np.ndarray, accent: np.ndarray, anatomy: Anatomy, low: float, high: float
) -> Decal:
    """Draw a decal in place.

    Args:
        name: One of :data:`DECALS`.
        motif: Index of the chest print.
        color: (3,) sRGB 0..255 of the garment.
        accent: (3,) sRGB 0..255 of the drawing.
        anatomy: Landmarks of the body.
        low: y of the lower end of what runs along the front, metres.
        high: y of its upper end.
    """
    unit = anatomy.stature / 0.65
    if name == "motif":
        return _motif(motif, color, accent, anatomy, unit)
    if name == "pocket":
        return _pocket(color, anatomy, unit)
    if name in ("buttons", "zip"):
        return _strip(name, color, accent, low, high, unit)
    if name == "tapes":
        return _tapes(color, accent, anatomy, unit)
    return Decal(np.zeros((1, 1, 4), np.float32), 0.0, 0.0, 0.0, 1.0)


def _canvas(height: int, width: int) -> np.ndarray:
    return np.zeros((height, width, 4), np.float32)


def _motif(motif: int, color: np.ndarray, accent: np.ndarray, anatomy: Anatomy, unit: float) -> Decal:
    side = 64
    masks = shape_mask(MOTIFS[motif % len(MOTIFS)], side)
    image = _canvas(side, side)
    details = 255.0 - accent if abs(accent.mean() - 127) > 60 else color
    image[..., :3] = np.where(masks[..., 1:] > masks[..., :1], details, accent)
    image[..., 3] = 0.93 * masks.sum(axis=-1).clip(0, 1)
    size = 0.052 * unit
    return Decal(image, -size / 2, (anatomy.joints[9, 1] + anatomy.joints[6, 1]) / 2 - 0.2 * size, size, size)


def _pocket(color: np.ndarray, anatomy: Anatomy, unit: float) -> Decal:
    image = _canvas(40, 36)
    image[..., :3] = color * 0.97
    image[..., 3] = 0.6
    image[:2, :, :3] = image[-2:, :, :3] = image[:, :2, :3] = image[:, -2:, :3] = image[6:7, :, :3] = (
        color * 0.72
    )
    image[30:, :, 3] *= np.abs(np.arange(36) - 17.5)[None, :] < 17.5 - 1.2 * np.arange(10)[:, None] + 3
    size = 0.030 * unit
    return Decal(image, 0.010 * unit, anatomy.joints[9, 1] - 0.1 * size, size, 1.1 * size)


def _strip(name: str, color: np.ndarray, accent: np.ndarray, low: float, high: float, unit: float) -> Decal:
    """A button placket or a zip down the middle."""
    width, pixel = 0.016 * unit, 0.0008 * unit
    rows, columns = max(4, round((high - low) / pixel)), round(width / pixel)
    image = _canvas(rows, columns)
    x = (np.arange(columns) + 0.5 - columns / 2) * pixel / unit
    y = (np.arange(rows) + 0.5) * pixel / unit
    if name == "zip":
        image[..., :3] = np.where(np.abs(x)[None, :, None] < 0.0016, accent * 0.75 + 30, color * 0.86)
        image[..., 3] = 0.9 * (np.abs(x) < 0.0045)[None, :]
        teeth = (np.abs(x)[None, :] < 0.0016) & ((y[:, None] % 0.0030) < 0.0012)
        image[teeth, :3] *= 0.6
    else:
        image[..., :3] = color * 0.96
        image[..., 3] = 0.8 * (np.abs(x) < 0.0072)[None, :]
        image[:, np.abs(np.abs(x) - 0.0070) < 0.0008, :3] = color * 0.70
        spacing = 0.026
        near = np.hypot(x[None, :], ((y[:, None] + spacing / 2) % spacing) - spacing / 2)
        image[near < 0.0046, :3] = color * 0.62
        image[near < 0.0040, :3] = accent
        image[near < 0.0012, :3] = accent * 0.55
        image[near < 0.0046, 3] = 1.0
    return Decal(image, -width / 2, low, width, high - low)


def _tapes(color: np.ndarray, accent: np.ndarray, anatomy: Anatomy, unit: float) -> Decal:
    """The printed landing strip of a diaper with its two tapes."""
    rows, columns = 40, 120
    image = _canvas(rows, columns)
    y, x = np.mgrid[:rows, :columns]
    strip = (y > 8) & (y < 26)
    wave = 0.35 + 0.25 * np.sin(x * 0.9) * np.sin(y * 0.8)
    image[..., :3] = color + (accent - color) * wave[..., None]
    image[..., 3] = 0.85 * strip
    tape = ((x < 30) | (x >= columns - 30)) & (y > 10) & (y < 24)
    image[tape, :3] = color * 0.90
    image[tape, 3] = 0.95
    image[tape & ((x == 29) | (x == columns - 30) | (y == 11) | (y == 23)), :3] = color * 0.74
    width = 1.55 * anatomy.shoulder_half_width
    return Decal(image, -width / 2, anatomy.joints[0, 1] + 0.006 * unit, width, 0.050 * unit)
