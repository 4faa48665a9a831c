"""Draw the shipped baby-fabric patterns: periodic grey tiles whose levels stand for up to three colours."""

import cv2
import numpy as np

__all__ = ["PATTERNS", "draw_pattern"]

PATTERNS = (
    "dots", "dots_small", "dots_mixed", "stripes_thin", "stripes_wide", "stripes_three", "gingham",
    "check_wide",
    "chevron", "triangles", "stars", "stars_mixed", "hearts", "clouds", "moons", "leaves", "drops", "puzzle",
    "blocks", "bears", "waves", "crosses",
)  # fmt: skip
SUPERSAMPLING = 3


def draw_pattern(name: str, size: int) -> np.ndarray:
    """Return a periodic (size, size) uint8 tile: 0 first colour, 128 second, 255 third, blends at edges."""
    side = size * SUPERSAMPLING
    rng = np.random.default_rng(sum(map(ord, name)))
    canvas = np.zeros((side, side), np.float32)
    y, x = np.mgrid[0:side, 0:side] / side
    if name.startswith("stripes"):
        count, second = {"stripes_thin": (12, 0), "stripes_wide": (4, 0), "stripes_three": (5, 1)}[name]
        phase = (x * count) % 1
        canvas[phase < 0.5] = 255
        if second:
            canvas[(phase > 0.6) & (phase < 0.75)] = 128
    elif name in ("gingham", "check_wide"):
        count = 8 if name == "gingham" else 3
        canvas = (127.5 * (((x * count) % 1 < 0.5).astype(np.float32) + ((y * count) % 1 < 0.5))).astype(
            np.float32
        )
    elif name in ("chevron", "waves"):
        shift = np.abs((x * 4) % 1 - 0.5) * 0.12 if name == "chevron" else 0.02 * np.sin(2 * np.pi * 3 * x)
        phase = ((y + shift) * 7) % 1
        canvas[phase < 0.4] = 255
        if name == "waves":
            canvas[(phase > 0.5) & (phase < 0.7)] = 128
    elif name in ("blocks", "puzzle"):
        levels = np.array([[0, 128, 255], [255, 0, 128], [128, 255, 0]], np.float32)
        canvas = levels[(y * 3).astype(int) % 3, (x * 3).astype(int) % 3]
        if name == "puzzle":
            _puzzle_knobs(canvas, levels, side)
    else:
        _scatter(canvas, name, side, rng)
    return cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA).clip(0, 255).astype(np.uint8)


def _puzzle_knobs(canvas: np.ndarray, levels: np.ndarray, side: int) -> None:
    cell = side // 3
    for row in range(3):
        for column in range(3):
            value = float(levels[row, column])
            for k in range(2):
                along = int((k + 0.3) * cell / 2)
                centres = (
                    ((column + 1) * cell, row * cell + along),
                    (column * cell + along, (row + 1) * cell),
                )
                for cx, cy in centres:
                    _stamp(canvas, "disc", cx % side, cy % side, cell * 0.07, value, 0.0)


def _scatter(canvas: np.ndarray, name: str, side: int, rng: np.random.Generator) -> None:
    """Place motifs on a jittered brick lattice."""
    motif = {"dots": "disc", "dots_small": "disc", "dots_mixed": "disc", "stars": "star",
             "stars_mixed": "star",
             "hearts": "heart", "clouds": "cloud", "moons": "moon", "leaves": "leaf", "drops": "drop",
             "triangles": "triangle", "bears": "bear", "crosses": "cross"}[name]  # fmt: skip
    count = {"dots_small": 10, "dots": 5, "stars": 5, "crosses": 6}.get(name, 4)
    mixed = name in ("dots_mixed", "stars_mixed", "clouds", "leaves", "hearts", "bears", "triangles")
    for row in range(count):
        for column in range(count):
            cx = (column + 0.25 + 0.5 * (row % 2)) / count * side
            cy = (row + 0.5) / count * side
            radius = 0.3 * side / count * (0.6 + 0.5 * rng.random() if mixed else 0.85)
            angle = rng.uniform(-0.5, 0.5) if motif not in ("disc", "cross") else 0.0
            level = 128.0 if mixed and rng.random() < 0.5 else 255.0
            _stamp(canvas, motif, cx % side, cy % side, radius, level, angle)


def _stamp(
    canvas: np.ndarray, motif: str, cx: float, cy: float, radius: float, value: float, angle: float
) -> None:
    """Paint one motif at (cx, cy), wrapping around the edges."""
    side = len(canvas)
    reach = int(radius * 1.7) + 2
    rows = (int(cy) + np.arange(-reach, reach)) % side
    columns = (int(cx) + np.arange(-reach, reach)) % side
    v, u = np.mgrid[-reach:reach, -reach:reach] / radius
    u, v = u * np.cos(angle) + v * np.sin(angle), v * np.cos(angle) - u * np.sin(angle)
    block = canvas[np.ix_(rows, columns)]
    block[_inside(motif, u, v)] = value
    canvas[np.ix_(rows, columns)] = block


def _inside(motif: str, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return the motif's mask at coordinates in units of its radius, v down."""
    r, a = np.hypot(u, v), np.arctan2(v, u)
    disc = lambda x, y, s: np.hypot(u - x, v - y) < s  # noqa: E731
    if motif == "star":
        return r < 0.45 + 0.55 * np.abs(((a + np.pi / 2) / (2 * np.pi) * 5) % 1 - 0.5) * 2
    if motif == "heart":
        return (u**2 + (1.1 * v - 0.7 * np.sqrt(np.abs(u)) * -1 * -1 + 0.25) ** 2) < 0.7
    if motif == "cloud":
        return (disc(-0.55, 0.15, 0.42) | disc(0, -0.15, 0.55) | disc(0.55, 0.15, 0.42)) & (v < 0.35)
    if motif == "moon":
        return disc(0, 0, 0.9) & ~disc(0.4, -0.15, 0.75)
    if motif == "leaf":
        return (
            (np.abs(u) < 0.4 * np.cos(np.clip(v, -1, 1) * np.pi / 2)) & (np.abs(v) < 1) & (np.abs(u) > 0.03)
        )
    if motif == "drop":
        return np.where(v > 0, r < 0.6, np.abs(u) < 0.6 * (1 + v)) & (v > -1)
    if motif == "triangle":
        return (v < 0.6) & (v > -0.8 + 1.6 * np.abs(u))
    if motif == "cross":
        return ((np.abs(u) < 0.14) | (np.abs(v) < 0.14)) & (r < 0.6)
    if motif == "bear":
        face = disc(0, 0.1, 0.7) | disc(-0.55, -0.5, 0.28) | disc(0.55, -0.5, 0.28)
        return face & ~disc(-0.25, 0, 0.09) & ~disc(0.25, 0, 0.09) & ~disc(0, 0.28, 0.14)
    return disc(0, 0, 0.8)
