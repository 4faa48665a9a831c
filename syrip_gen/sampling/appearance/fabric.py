"""Fabric tiles: procedural patterns in a garment's colours, or photographed swatches."""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from syrip_gen.asset_files import asset_path
from syrip_gen.sampling.appearance.patterns import PATTERNS, pattern_masks

__all__ = ["fabric_names", "fabric_tile", "load_fabrics", "load_swatch"]


@lru_cache(maxsize=1)
def fabric_names() -> tuple[str, ...]:
    """Return the names that a garment's ``fabric`` may have: patterns, then the shipped swatches."""
    folder = Path(asset_path("textures/fabric"))
    return (*PATTERNS, *sorted(p.stem for p in folder.glob("*.png")))


@lru_cache(maxsize=128)
def load_swatch(name: str) -> np.ndarray:
    """Read a swatch and mirror it, so that it repeats without a seam; (2h, 2w, 3) uint8 sRGB."""
    path = Path(asset_path(f"textures/fabric/{name}.png"))
    image = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
    if image is None:
        raise ValueError(f"no fabric named {name!r}; expected one of {', '.join(fabric_names())}")
    image = image[..., ::-1]
    image = np.concatenate([image, image[:, ::-1]], axis=1)
    return np.ascontiguousarray(np.concatenate([image, image[::-1]], axis=0))


def load_fabrics() -> None:
    """Draw every pattern and read every swatch, to be shared by processes that are forked from this one."""
    for name in fabric_names():
        pattern_masks(name) if name in PATTERNS else load_swatch(name)


def fabric_tile(name: str, colors: np.ndarray, tile_m: float, texel_m: float, tint: float) -> np.ndarray:
    """Make the periodic picture that a garment is cut from.

    Args:
        name: A pattern or a swatch, see :func:`fabric_names`.
        colors: (3, 3) sRGB 0..1: ground, second and third colour.
        tile_m: Width of one repeat, metres.
        texel_m: Size of a texel on the body, metres; the tile is made no finer, which would only alias.
        tint: For swatches: 0 keeps the photographed colour, 1 dyes it in the ground colour.

    Returns:
        (h, w, 3) uint8 sRGB.
    """
    side = int(np.clip(round(tile_m / texel_m), 8, 192))
    if name in PATTERNS:
        masks = cv2.resize(pattern_masks(name), (side, side), interpolation=cv2.INTER_AREA)
        mix = np.column_stack([(colors[1:] - colors[0]).T, colors[0]])
        picture = cv2.transform(masks, mix)
    else:
        swatch = load_swatch(name)
        height = max(8, round(side * swatch.shape[0] / swatch.shape[1]))
        if side < swatch.shape[1]:
            swatch = cv2.resize(swatch, (side, height), interpolation=cv2.INTER_AREA)
        mean = np.array(cv2.mean(swatch)[:3]) / 255
        dye = 1.0 + (colors[0] / np.maximum(mean, 0.08) - 1.0) * tint
        return cv2.transform(swatch, np.diag(dye))
    return cv2.convertScaleAbs(cv2.max(picture, 0.0), alpha=255.0)
