"""One call to fill a masked part of a picture with a shipped material, lit."""

from collections.abc import Sequence

import cv2
import numpy as np

from syrip_gen.sampling.materials import MaterialLibrary
from syrip_gen.sampling.plane_sampler import fill_plane

__all__ = ["fill_surface", "palette", "response"]

LEVELS = np.arange(256) / 255.0


def to_linear(srgb: np.ndarray) -> np.ndarray:
    """Decode sRGB 0..1 (IEC 61966-2-1)."""
    srgb = np.asarray(srgb, dtype=np.float64)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def to_srgb(linear: np.ndarray) -> np.ndarray:
    """Encode linear light as sRGB, not clipped above 1."""
    linear = np.maximum(np.asarray(linear, dtype=np.float64), 0.0)
    return np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055
    )


def response(light: np.ndarray) -> np.ndarray:
    """Return the (256, 3) float32 picture values of albedo levels under (3,) light."""
    return (255.0 * to_srgb(to_linear(LEVELS)[:, None] * light)).astype(np.float32)


def palette(colors: Sequence[float], light: np.ndarray) -> np.ndarray:
    """Return the (256, 3) float32 picture values of a pattern: three sRGB colours at 0, 128 and 255."""
    stops = to_linear(np.reshape(np.asarray(colors, dtype=np.float64), (3, 3)))
    linear = np.stack([np.interp(np.arange(256), [0, 128, 255], stops[:, c]) for c in range(3)], axis=1)
    return (255.0 * to_srgb(linear * light)).astype(np.float32)


def fill_surface(
    picture: np.ndarray,
    mask: np.ndarray,
    plane_from_pixels: np.ndarray,
    materials: MaterialLibrary,
    *,
    tile: str,
    colors: np.ndarray,
    yaw: float = 0.0,
    shift: Sequence[float] = (0.0, 0.0),
    scale: float = 1.0,
    relief: str = "",
    relief_strength: float = 0.0,
    relief_yaw: float = 0.0,
    weave: str = "",
    weave_strength: float = 0.0,
    ramp: Sequence[float] = (1.0, 0.0, 0.0),
) -> None:
    """Fill ``picture`` where ``mask`` is set with a material on a plane.

    Args:
        picture: (H, W, 3) uint8, changed in place.
        mask: (H, W) uint8 coverage.
        plane_from_pixels: (3, 3) pixel index to plane metres.
        materials: Where tiles come from.
        tile: Coloured tile or grey pattern; '' = one colour, that of level 128.
        colors: (256, 3) float32 from :func:`response` or :func:`palette`.
        yaw: Turn of the tile, radians.
        shift: Its offset, metres.
        scale: Its magnification.
        relief: Folds, ``relief_strength`` their contrast (1 = as made), ``relief_yaw`` their turn.
        relief_strength: See ``relief``.
        relief_yaw: See ``relief``.
        weave: Fine structure, ``weave_strength`` its contrast.
        weave_strength: See ``weave``.
        ramp: Brightness a + b column + c row.
    """
    _, top, _, rows = cv2.boundingRect(mask)
    if rows == 0:
        return
    part = slice(top, top + rows)
    plane = plane_from_pixels @ np.array([[1.0, 0.0, 0.0], [0.0, 1.0, top], [0.0, 0.0, 1.0]])
    light = np.array([ramp[0] + ramp[2] * top, ramp[1], ramp[2]], np.float64)
    flat = materials.pyramid("")
    texels = materials.pyramid(tile)
    is_rgb = texels[0].dtype == np.uint32
    rgb = texels if is_rgb else (np.zeros(1, np.uint32), *flat[1:])
    fill_plane(
        picture[part], mask[part], plane, is_rgb, rgb, flat if is_rgb else texels,
        materials.pyramid(relief), materials.pyramid(weave), colors, _gain(relief_strength),
        _gain(weave_strength),
        _turn(yaw, shift, scale), _turn(relief_yaw, shift, 1.0), light,
    )  # fmt: skip


def _gain(strength: float) -> np.ndarray:
    return ((np.arange(256) / 128.0) ** strength).astype(np.float32)


def _turn(yaw: float, shift: Sequence[float], scale: float) -> np.ndarray:
    c, s = np.cos(yaw) / scale, np.sin(yaw) / scale
    return np.array([[c, -s, shift[0]], [s, c, shift[1]]])
