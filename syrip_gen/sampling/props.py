"""Toys around the infant and furniture at the wall, made of ellipsoids and boxes from a few numbers each."""

from collections.abc import Callable, Sequence

import numpy as np

from syrip_gen.sampling.solids import BOX, ELLIPSOID, Solids, solid

__all__ = [
    "FURNITURE",
    "TOYS",
    "build_crib",
    "build_furniture",
    "build_toys",
    "footprints",
    "sample_furniture",
    "sample_toys",
]

FIELDS = 6
"""Numbers a prop: kind, place (2), turn, size 0..1, seed."""
TOY_COLORS = np.array([
    (0.86, 0.22, 0.20), (0.20, 0.45, 0.80), (0.95, 0.78, 0.20), (0.25, 0.62, 0.35), (0.93, 0.55, 0.20),
    (0.60, 0.35, 0.65), (0.92, 0.90, 0.86), (0.90, 0.62, 0.68), (0.45, 0.75, 0.80), (0.75, 0.68, 0.55),
])  # fmt: skip
FUR = np.array(
    [(0.62, 0.46, 0.30), (0.80, 0.68, 0.50), (0.90, 0.86, 0.80), (0.55, 0.55, 0.58), (0.85, 0.66, 0.66)]
)
WOODS = np.array(
    [(0.55, 0.38, 0.24), (0.72, 0.56, 0.38), (0.35, 0.24, 0.17), (0.92, 0.91, 0.89), (0.60, 0.58, 0.56)]
)
FABRICS = np.array([
    (0.45, 0.47, 0.50), (0.70, 0.66, 0.58), (0.30, 0.36, 0.45), (0.55, 0.30, 0.28), (0.82, 0.79, 0.74),
    (0.40, 0.48, 0.40),
])  # fmt: skip


def sample_toys(
    reach: tuple[float, float], ahead: float, spread: float, rng: np.random.Generator
) -> list[float]:
    """Draw up to three toys around the origin.

    Args:
        reach: Least and greatest distance from the origin, metres.
        ahead: Azimuth around which they lie (away from the camera when it looks flat, so that none should
            hide the
            infant), radians.
        spread: Half width of that sector, radians.
        rng: Random stream.
    """
    values: list[float] = []
    for _ in range(int(rng.choice(4, p=[0.55, 0.25, 0.13, 0.07]))):
        angle, distance = ahead + rng.uniform(-spread, spread), rng.uniform(*reach)
        values += [
            float(rng.integers(len(TOYS))), distance * np.cos(angle), distance * np.sin(angle),
            rng.uniform(-np.pi, np.pi), rng.random(), float(rng.integers(1 << 20)),
        ]  # fmt: skip
    return [float(v) for v in values]


def sample_furniture(rng: np.random.Generator) -> list[float]:
    """Draw one to four pieces along the wall; the first number of their place is metres along it."""
    values: list[float] = []
    x = rng.uniform(-2.4, -1.0)
    for _ in range(int(rng.integers(1, 5))):
        values += [
            float(rng.integers(len(FURNITURE))),
            x,
            0.0,
            0.0,
            rng.random(),
            float(rng.integers(1 << 20)),
        ]
        x += rng.uniform(0.8, 1.8)
    return [float(v) for v in values]


def build_toys(values: Sequence[float]) -> list[Solids]:
    """Return the solids of each toy."""
    groups = []
    for kind, x, y, yaw, size, seed in np.reshape(np.asarray(values, np.float64), (-1, FIELDS)):
        c, s = np.cos(yaw), np.sin(yaw)
        axes = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
        rows = TOYS[int(kind)](size, np.random.default_rng(int(seed)))
        groups.append(_place(rows, np.array([x, y, 0.0]), axes))
    return groups


def footprints(solids: Solids) -> np.ndarray:
    """Return (m, 3) x, y and radius of the solids that touch the support z = 0."""
    touching = solids[solids[:, 3] - solids[:, 15] < 0.03]
    return np.column_stack([touching[:, 1:3], touching[:, 13:15].max(axis=1)])


def build_furniture(
    values: Sequence[float], origin: np.ndarray, along: np.ndarray, normal: np.ndarray
) -> list[Solids]:
    """Return the solids of each piece at a wall.

    Args:
        values: From :func:`sample_furniture`.
        origin: (3,) foot of the wall.
        along: (3,) unit vector along it.
        normal: (3,) unit vector out of the room.
    """
    axes = np.stack([along, -normal, (0.0, 0.0, 1.0)])
    return [
        _place(FURNITURE[int(kind)](size, np.random.default_rng(int(seed))), origin + along * x, axes)
        for kind, x, _, _, size, seed in np.reshape(np.asarray(values, np.float64), (-1, FIELDS))
    ]


def build_crib(
    outline: Sequence[float], height: float, tone: Sequence[float], hidden_from: np.ndarray | None
) -> Solids:
    """Return the slats and rails around a mattress.

    Args:
        outline: Half sizes (2), turn and centre (2) of the mattress, metres and radians.
        height: Top of the rails above the mattress, metres.
        tone: (3,) sRGB colour of the wood.
        hidden_from: (2,) place of a camera that looks flat: the sides between it and the infant are left out,
            as they would hide it. None keeps all sides.
    """
    half_x, half_y, yaw, cx, cy = outline
    color, rows = np.array(tone), []
    for side, (length, offset) in enumerate(((half_x, half_y), (half_y, half_x)) * 2):
        turn = yaw + (0.0, -np.pi / 2, np.pi, np.pi / 2)[side]
        outward = np.array([-np.sin(turn), np.cos(turn)])
        if hidden_from is not None and (hidden_from - (cx, cy)) @ outward > 0.0:
            continue
        along = np.array([np.cos(turn), np.sin(turn)])
        axes = np.stack([[*along, 0.0], [*outward, 0.0], [0.0, 0.0, 1.0]])
        middle = np.array([cx, cy]) + outward * (offset + 0.02)
        for z, thick in ((height, 0.018), (-0.1, 0.02)):
            rows.append(solid(BOX, (*middle, z), (length + 0.03, 0.018, thick), color, axes=axes))
        for x in np.linspace(-length, length, max(int(length / 0.045), 2)):
            slat = (0.011, 0.009, height / 2 + 0.05)
            rows.append(solid(BOX, (*(middle + along * x), height / 2 - 0.05), slat, color, axes=axes))
    return np.array(rows).reshape(-1, 23)


def _place(rows: list[np.ndarray], origin: np.ndarray, axes: np.ndarray) -> Solids:
    """Move solids from local coordinates (rows of ``axes``) into the world."""
    placed = np.array(rows)
    placed[:, 1:4] = origin + placed[:, 1:4] @ axes
    turned = placed[:, 4:13].reshape(-1, 3, 3) @ axes
    placed[:, 4:13] = turned.reshape(-1, 9)
    return placed


def _pick(colors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.clip(colors[int(rng.integers(len(colors)))] * rng.uniform(0.85, 1.08), 0.03, 0.97)


# --- Toys: local z up, the support at z = 0 ---


def _ball(size: float, rng: np.random.Generator) -> list[np.ndarray]:
    r = 0.03 + 0.05 * size
    tilt = rng.uniform(0, np.pi)
    axes = np.array([[1, 0, 0], [0, np.cos(tilt), np.sin(tilt)], [0, -np.sin(tilt), np.cos(tilt)]])
    row = solid(
        ELLIPSOID, (0, 0, r), (r, r, r), _pick(TOY_COLORS, rng), axes=axes, second=_pick(TOY_COLORS, rng),
        bands=float(rng.integers(0, 4)),
    )  # fmt: skip
    return [row]


def _blocks(size: float, rng: np.random.Generator) -> list[np.ndarray]:
    h = 0.016 + 0.012 * size
    rows = []
    for _ in range(int(rng.integers(2, 6))):
        yaw, place = rng.uniform(0, np.pi), rng.uniform(-0.09, 0.09, 2)
        c, s = np.cos(yaw), np.sin(yaw)
        axes = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1.0]])
        rows.append(solid(BOX, (*place, h), (h, h, h), _pick(TOY_COLORS, rng), axes=axes))
    return rows


def _teddy(size: float, rng: np.random.Generator) -> list[np.ndarray]:
    u = 0.7 + 0.7 * size  # a unit teddy is 22 cm tall and sits facing +x
    fur, light = _pick(FUR, rng), _pick(FUR, rng)
    dark = np.full(3, 0.05)
    parts = [
        ((0, 0, 0.07), (0.05, 0.055, 0.07), fur),
        ((0.015, 0, 0.165), (0.048, 0.052, 0.046), fur),
        ((0.055, 0, 0.155), (0.022, 0.026, 0.02), light),
        ((0.0, 0.042, 0.205), (0.012, 0.02, 0.02), fur),
        ((0.0, -0.042, 0.205), (0.012, 0.02, 0.02), fur),
        ((0.03, 0.06, 0.095), (0.045, 0.02, 0.022), fur),
        ((0.03, -0.06, 0.095), (0.045, 0.02, 0.022), fur),
        ((0.07, 0.045, 0.025), (0.06, 0.026, 0.026), fur),
        ((0.07, -0.045, 0.025), (0.06, 0.026, 0.026), fur),
        ((0.073, 0, 0.163), (0.007, 0.009, 0.006), dark),
        ((0.052, 0.02, 0.18), (0.006, 0.006, 0.006), dark),
        ((0.052, -0.02, 0.18), (0.006, 0.006, 0.006), dark),
    ]
    return [solid(ELLIPSOID, np.array(p) * u, np.array(h) * u, c) for p, h, c in parts]


def _beads(size: float, rng: np.random.Generator) -> list[np.ndarray]:
    ring, bead = 0.035 + 0.02 * size, 0.011
    colors = [_pick(TOY_COLORS, rng) for _ in range(3)]
    angles = np.linspace(0, 2 * np.pi, 11)[:-1]
    return [
        solid(ELLIPSOID, (ring * np.cos(a), ring * np.sin(a), bead), (bead, bead, bead), colors[i % 3])
        for i, a in enumerate(angles)
    ]


def _book(size: float, rng: np.random.Generator) -> list[np.ndarray]:
    half = np.array([0.07 + 0.04 * size, 0.09 + 0.04 * size, 0.008])
    pages = solid(BOX, (0.002, 0, 0.009), half * (1.0, 0.97, 0.7), np.array([0.93, 0.92, 0.88]))
    cover = _pick(TOY_COLORS, rng)
    lids = [solid(BOX, (0, 0, z), half * (1.03, 1.0, 0.12), cover) for z in (0.002, 0.016)]
    return [pages, *lids]


TOYS: tuple[Callable[[float, np.random.Generator], list[np.ndarray]], ...] = (
    _ball, _blocks, _teddy, _teddy, _beads, _book,
)  # fmt: skip


# --- Furniture: local x along the wall, y into the room, z up from the floor ---


def _window(size: float, rng: np.random.Generator) -> list[np.ndarray]:
    w, low, high = 0.45 + 0.4 * size, rng.uniform(0.5, 0.9), rng.uniform(1.7, 2.2)
    mid, half = (low + high) / 2, (high - low) / 2
    frame, glass, curtain = np.full(3, 0.92), np.array([0.80, 0.90, 0.99]), _pick(FABRICS, rng) * 0.3 + 0.65
    rows = [solid(BOX, (0, 0.02, mid), (w + 0.05, 0.02, half + 0.05), frame)]
    rows += [solid(BOX, (s * w / 2, 0.03, mid), (w / 2 - 0.02, 0.02, half - 0.02), glass) for s in (-1, 1)]
    if rng.random() < 0.7:
        rows += [
            solid(ELLIPSOID, (s * (w + 0.05 + 0.06 * k), 0.07, mid - 0.1), (0.035, 0.03, half + 0.5), curtain)
            for s in (-1, 1)
            for k in range(4)
        ]
    return rows


def _picture(size: float, rng: np.random.Generator) -> list[np.ndarray]:
    w, h, z = 0.15 + 0.25 * size, rng.uniform(0.15, 0.35), rng.uniform(1.0, 1.6)
    rows = [
        solid(BOX, (0, 0.01, z), (w, 0.012, h), _pick(WOODS, rng)),
        solid(BOX, (0, 0.015, z), (w - 0.03, 0.014, h - 0.03), np.array([0.93, 0.92, 0.89])),
    ]
    for _ in range(3):
        place, half = rng.uniform(-0.5, 0.5, 2) * (w, h), rng.uniform(0.15, 0.4, 2) * (w, h)
        rows.append(
            solid(BOX, (place[0], 0.02, z + place[1]), (half[0], 0.012, half[1]), _pick(FABRICS, rng))
        )
    return rows


def _dresser(size: float, rng: np.random.Generator) -> list[np.ndarray]:
    w, h, d = 0.35 + 0.35 * size, rng.uniform(0.35, 0.5), 0.22
    wood = _pick(WOODS, rng)
    rows = [solid(BOX, (0, d, h), (w, d, h), wood)]
    count = int(rng.integers(2, 5))
    for k in range(count):
        z = (k + 0.5) / count * 2 * h * 0.94 + 0.05
        rows.append(
            solid(BOX, (0, 2 * d, z), (w * 0.94, 0.012, h / count * 0.86), np.clip(wood * 1.1, 0, 0.97))
        )
        rows += [
            solid(ELLIPSOID, (s * w / 2, 2 * d + 0.02, z), (0.02, 0.02, 0.02), wood * 0.45) for s in (-1, 1)
        ]
    if rng.random() < 0.6:
        rows.append(solid(ELLIPSOID, (w * 0.5, d, 2 * h + 0.13), (0.09, 0.09, 0.13), _pick(FABRICS, rng)))
    return rows


def _sofa(size: float, rng: np.random.Generator) -> list[np.ndarray]:
    w, cloth = 0.7 + 0.4 * size, _pick(FABRICS, rng)
    rows = [
        solid(BOX, (0, 0.40, 0.18), (w, 0.36, 0.16), cloth * 0.9),
        solid(BOX, (0, 0.12, 0.45), (w, 0.11, 0.38), cloth),
        *(solid(BOX, (s * w, 0.40, 0.30), (0.10, 0.38, 0.27), cloth) for s in (-1, 1)),
        *(solid(ELLIPSOID, (s * w / 2, 0.44, 0.38), (w * 0.5, 0.34, 0.11), cloth) for s in (-1, 1)),
    ]
    if rng.random() < 0.7:
        rows.append(solid(ELLIPSOID, (w * 0.55, 0.36, 0.58), (0.2, 0.09, 0.19), _pick(TOY_COLORS, rng)))
    return rows


def _shelf(size: float, rng: np.random.Generator) -> list[np.ndarray]:
    w, wood, levels = 0.3 + 0.3 * size, _pick(WOODS, rng), int(rng.integers(2, 5))
    rows = [solid(BOX, (0, 0.02, 0.2 * levels), (w, 0.02, 0.2 * levels), wood * 0.7)]
    rows += [solid(BOX, (s * w, 0.15, 0.2 * levels), (0.015, 0.15, 0.2 * levels), wood) for s in (-1, 1)]
    for k in range(levels + 1):
        rows.append(solid(BOX, (0, 0.15, 0.4 * k + 0.01), (w, 0.15, 0.015), wood))
        x = -w * 0.9
        while k < levels and x < w * rng.uniform(0.3, 0.9):
            t, h = rng.uniform(0.012, 0.03), rng.uniform(0.09, 0.15)
            rows.append(
                solid(BOX, (x + t, 0.14, 0.4 * k + 0.025 + h), (t, 0.10, h), _pick(TOY_COLORS, rng) * 0.8)
            )
            x += 2 * t + 0.004
    return rows


def _plant(size: float, rng: np.random.Generator) -> list[np.ndarray]:
    h = 0.35 + 0.5 * size
    rows = [solid(ELLIPSOID, (0, 0.3, 0.14), (0.15, 0.15, 0.17), _pick(WOODS, rng))]
    for _ in range(12):
        a, tilt, r = rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 1.1), rng.uniform(0.12, 0.26)
        out = np.array([np.cos(a) * np.sin(tilt), np.sin(a) * np.sin(tilt), np.cos(tilt)])
        side = np.cross(out, (0.0, 0.0, 1.0))
        side /= np.linalg.norm(side)
        axes = np.stack([out, side, np.cross(out, side)])
        green = np.array([0.20, 0.42, 0.18]) * rng.uniform(0.7, 1.4)
        rows.append(
            solid(ELLIPSOID, np.array([0, 0.3, 0.3 + h * 0.4]) + out * r, (r, 0.045, 0.012), green, axes=axes)
        )
    return rows


FURNITURE: tuple[Callable[[float, np.random.Generator], list[np.ndarray]], ...] = (
    _window, _picture, _dresser, _sofa, _shelf, _plant, _window, _dresser,
)  # fmt: skip
