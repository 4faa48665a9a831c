"""Printed and woven patterns as small periodic tiles with up to three colours."""

from functools import lru_cache

import cv2
import numpy as np

__all__ = ["PATTERNS", "pattern_masks", "shape_mask"]

SIDE = 192
"""Pixels of a tile's side."""

MOTIF_RADIUS = 1.2
"""No motif reaches farther from its centre, in its own units."""

PRINTS = (
    "dots",
    "stars",
    "hearts",
    "bears",
    "rabbits",
    "clouds",
    "moons",
    "flowers",
    "leaves",
    "ducks",
    "sprinkle",
)
WOVEN = ("stripes", "pinstripes", "breton", "gingham", "plaid", "chevron", "check", "melange")
PATTERNS = ("plain", *PRINTS, *WOVEN)
"""Names of the procedural patterns."""


def _ellipse(x: np.ndarray, y: np.ndarray, cx: float, cy: float, rx: float, ry: float) -> np.ndarray:
    return ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1


def _union(*masks: np.ndarray) -> np.ndarray:
    return np.logical_or.reduce(masks)


def _shape(name: str, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the body and the details of a motif on coordinates -1..1 (y up)."""
    none = np.zeros(x.shape, bool)
    angle, radius = np.arctan2(x, y), np.hypot(x, y)
    if name == "dots":
        return radius < 0.8, none
    if name == "stars":
        wave = np.abs(((angle * 5 / (2 * np.pi)) % 1.0) * 2 - 1)
        return radius < 0.95 - 0.52 * (1 - wave), none
    if name == "hearts":
        ax, yy = np.abs(x) * 1.15, y * 1.15 + 0.1
        return (ax - 0.05) ** 2 * 1.1 + (yy - 0.75 * np.sqrt(ax + 1e-9)) ** 2 < 0.62, none
    if name == "bears":
        body = _union(
            _ellipse(x, y, 0, -0.1, 0.78, 0.70),
            _ellipse(x, y, -0.58, 0.55, 0.28, 0.28),
            _ellipse(x, y, 0.58, 0.55, 0.28, 0.28),
        )
        return body, _union(
            _ellipse(x, y, -0.28, 0.05, 0.09, 0.11),
            _ellipse(x, y, 0.28, 0.05, 0.09, 0.11),
            _ellipse(x, y, 0, -0.28, 0.15, 0.11),
        )
    if name == "rabbits":
        body = _union(
            _ellipse(x, y, 0, -0.35, 0.60, 0.55),
            _ellipse(x, y, -0.28, 0.45, 0.17, 0.52),
            _ellipse(x, y, 0.28, 0.45, 0.17, 0.52),
        )
        return body, _union(
            _ellipse(x, y, -0.22, -0.25, 0.08, 0.10),
            _ellipse(x, y, 0.22, -0.25, 0.08, 0.10),
            _ellipse(x, y, 0, -0.48, 0.09, 0.07),
        )
    if name == "clouds":
        return _union(
            _ellipse(x, y, -0.45, -0.1, 0.45, 0.36),
            _ellipse(x, y, 0.45, -0.1, 0.45, 0.36),
            _ellipse(x, y, 0, 0.15, 0.48, 0.45),
        ), none
    if name == "moons":
        return _ellipse(x, y, 0, 0, 0.85, 0.85) & ~_ellipse(x, y, 0.38, 0.15, 0.72, 0.72), none
    if name == "flowers":
        return radius < 0.62 + 0.30 * np.cos(5 * angle), radius < 0.26
    if name == "leaves":
        return (np.abs(x) < 0.42 * (1 - y**2)) & (np.abs(y) < 1), (np.abs(x) < 0.05) & (np.abs(y) < 0.8)
    if name == "ducks":
        body = _union(_ellipse(x, y, -0.1, -0.3, 0.75, 0.45), _ellipse(x, y, 0.35, 0.35, 0.38, 0.36))
        return body, _union(_ellipse(x, y, 0.82, 0.28, 0.20, 0.10), _ellipse(x, y, 0.42, 0.44, 0.07, 0.07))
    if name == "sprinkle":
        return (np.abs(x) < 0.22) & (np.abs(y) < 0.85), none
    raise ValueError(f"unknown motif {name!r}; expected one of {', '.join(PRINTS)}")


@lru_cache(maxsize=32)
def shape_mask(name: str, side: int) -> np.ndarray:
    """Return one motif, (side, side, 2) float32 coverage of its body and its details, first row on top."""
    n = side * 3
    grid = (np.arange(n) + 0.5) / n * 2.1 - 1.05
    body, details = _shape(name, grid[None, :] + 0 * grid[:, None], -grid[:, None] + 0 * grid[None, :])
    both = np.stack([body & ~details, details], axis=-1).astype(np.float32)
    return cv2.resize(both, (side, side), interpolation=cv2.INTER_AREA)


@lru_cache(maxsize=64)
def pattern_masks(name: str) -> np.ndarray:
    """Return a periodic tile, (SIDE, SIDE, 2) float32 weights of the second and third colour."""
    out = np.zeros((SIDE, SIDE, 2), np.float32)
    if name == "plain":
        return out
    if name in PRINTS:
        return _scatter(name)
    t = (np.arange(SIDE) + 0.5) / SIDE
    x, y = t[None, :] + 0 * t[:, None], t[:, None] + 0 * t[None, :]
    if name == "stripes":
        out[..., 0] = np.abs((y * 4) % 1 - 0.5) < 0.25
    elif name == "pinstripes":
        out[..., 0] = np.abs((y * 10) % 1 - 0.5) < 0.22
    elif name == "breton":
        out[..., 0] = np.abs((y * 5) % 1 - 0.5) < 0.15
    elif name == "gingham":
        out[..., 0] = 0.5 * (np.abs((y * 5) % 1 - 0.5) < 0.25) + 0.5 * (np.abs((x * 5) % 1 - 0.5) < 0.25)
    elif name == "plaid":
        for axis in (x, y):
            out[..., 0] += 0.5 * (np.abs((axis * 2) % 1 - 0.5) < 0.2)
            out[..., 1] += 0.5 * (np.abs((axis * 2 + 0.5) % 1 - 0.5) < 0.035)
    elif name == "chevron":
        out[..., 0] = np.abs((y * 5 + np.abs((x * 4) % 1 - 0.5)) % 1 - 0.5) < 0.22
    elif name == "check":
        out[..., 0] = (np.abs((y * 5) % 1 - 0.5) < 0.05) | (np.abs((x * 5) % 1 - 0.5) < 0.05)
    elif name == "melange":
        flecks = np.random.default_rng(5).random((SIDE, SIDE, 1)).astype(np.float32)
        flecks = cv2.blur(np.tile(flecks, (2, 2, 1)), (9, 1))[:SIDE, :SIDE]
        out[..., 0] = np.clip((flecks - 0.5) * 3 + 0.35, 0, 1)
    else:
        raise ValueError(f"unknown pattern {name!r}; expected one of {', '.join(PATTERNS)}")
    return out


def _scatter(name: str) -> np.ndarray:
    """Lay motifs out on a staggered grid with small turns and shifts."""
    rng = np.random.default_rng(sum(map(ord, name)))
    n, cells = SIDE * 2, 4
    out = np.zeros((n, n, 2), np.float32)
    pitch = n / cells
    size = pitch * (0.30 if name in ("dots", "sprinkle") else 0.40)
    reach = MOTIF_RADIUS * size
    for row in range(cells):
        for column in range(cells):
            cx = (column + 0.5 * (row % 2) + 0.12 * rng.standard_normal()) * pitch
            cy = (row + 0.5 + 0.10 * rng.standard_normal()) * pitch
            turn = (
                rng.uniform(-np.pi, np.pi) if name in ("leaves", "sprinkle", "stars") else rng.normal(0, 0.2)
            )
            # Only the texels that a motif may reach, around the tile's edges where need be.
            rows, columns = (np.arange(int(c - reach), int(c + reach) + 2) for c in (cy, cx))
            dx, dy = (columns + 0.5 - cx)[None, :] / size, -(rows + 0.5 - cy)[:, None] / size
            c, s = np.cos(turn), np.sin(turn)
            body, details = _shape(name, c * dx + s * dy, -s * dx + c * dy)
            third = name in ("dots", "sprinkle", "stars") and (row + column) % 2 == 1
            place = np.ix_(rows % n, columns % n)
            part = out[place]
            part[..., 1 if third else 0][body] = 1.0
            part[details] = (0.0, 1.0)
            out[place] = part
    return cv2.resize(out, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
