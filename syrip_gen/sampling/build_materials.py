"""Make the shipped room materials: ``python -m syrip_gen.sampling.build_materials TEXTURES_CC0 HDRI_CC0``.

Reads ambientCG swatches of about 120 px and Poly Haven panoramas (both CC0) and writes periodic tiles to
``assets/backgrounds`` with an index that says how many metres one period of each spans. Everything is seeded.
"""

import itertools
import json
import sys
from pathlib import Path

import cv2
import numpy as np

from syrip_gen.asset_files import assets_dir
from syrip_gen.sampling.build_patterns import PATTERNS, draw_pattern
from syrip_gen.sampling.build_relief import RELIEFS, draw_relief

SEAM_FACTOR = 1.9
"""A swatch counts as periodic when its wrap-around step is at most this times its mean inner step."""
MAX_SATURATION = {"wood": 0.5, "tile": 0.5, "carpet": 0.3, "rug": 0.5}
JPEG = [cv2.IMWRITE_JPEG_QUALITY, 88]

STOCHASTIC_CARPETS = ("Carpet_010", "Carpet_011", "Carpet_012", "Carpet_013", "Carpet_014", "Carpet_015")
PLASTERS = ("Plaster_000", "Plaster_001", "Plaster_003", "Plaster_004", "Wallpaper_000", "Wallpaper_003")
WEAVES = ("Fabric_004", "Fabric_035", "Fabric_044", "Fabric_018", "Fabric_060", "Fabric_065", "Carpet_013")
FLOOR_METRES = {"WoodFloor": 1.3, "Planks": 1.5, "Tiles": 1.2, "Tatami": 3.4, "Carpet": 0.45, "Fabric": 0.36}
UGLY = {f"Tiles_{n:03d}" for n in (*range(2, 6), *range(13, 34), 43, 46, 48, 49, 50, 51, 52, *range(61, 69),
                                  *range(74, 93), *range(97, 110), 111, *range(114, 155))}  # fmt: skip
UGLY |= {f"Fabric_{n:03d}" for n in (0, 1, 2, 3, 9, 10, 12, 13, 20, 24, 26, 27, 28, 41, 42, 50, 62, 79)}
UGLY |= {
    f"Planks_{n:03d}"
    for n in (0, 1, 5, 9, 13, 16, 20, 21, 24, *range(27, 31), 32, 33, 36, 37, *range(41, 47), 57)
}
UGLY |= {"WoodFloor_000", "WoodFloor_001", "WoodFloor_019", "WoodFloor_023", "WoodFloor_058"}


def main(textures: str, panoramas: str) -> None:
    """Build all materials."""
    out = assets_dir() / "backgrounds"
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("*.jpg"):
        old.unlink()
    index: dict[str, dict[str, object]] = {}

    def save(name: str, kind: str, metres: float, picture: np.ndarray) -> None:
        if kind in MAX_SATURATION:
            picture = tone_down(picture, MAX_SATURATION[kind])
        cv2.imwrite(str(out / f"{name}.jpg"), picture, JPEG)
        index[name] = {"kind": kind, "metres": metres}

    for family in ("WoodFloor", "Planks", "Tiles", "Tatami", "Carpet", "Fabric"):
        for path in sorted(Path(textures, family).glob("*.png")):
            swatch = cv2.imread(str(path))
            if path.stem in UGLY or not is_periodic(swatch):
                continue
            kind = {
                "Fabric": "fabric",
                "Carpet": "rug",
                "Tatami": "wood",
                "Planks": "wood",
                "WoodFloor": "wood",
            }.get(family, "tile")
            if path.stem in STOCHASTIC_CARPETS:
                continue
            save(path.stem.lower(), kind, FLOOR_METRES[family], swatch)
    rng = np.random.default_rng(2)
    for stem in STOCHASTIC_CARPETS:
        save(
            stem.lower(),
            "carpet",
            1.6,
            blend_tiles(cv2.imread(str(Path(textures, "Carpet", stem + ".png"))), 480, rng),
        )
    for stem in PLASTERS:
        swatch = cv2.imread(str(Path(textures, stem.split("_")[0], stem + ".png"))).astype(np.float64)
        swatch = 205 * (1 + 0.4 * (swatch / swatch.mean((0, 1)) - 1))  # faint: the scene gives the colour
        swatch = np.clip(swatch, 0, 255).astype(np.uint8)
        save(stem.lower(), "wall", 2.4, blend_tiles(swatch, 480, rng))
    for number, stem in enumerate(sorted(p.stem for p in Path(textures, "WoodFloor").glob("*.png"))[::3]):
        swatch = cv2.imread(str(Path(textures, "WoodFloor", stem + ".png")))
        swatch = swatch[(swatch.min((1, 2)) < 250)]  # some swatches have a white margin
        save(f"boards_{number:02d}", "wood", 1.7, lay_boards(swatch, 640, rng))
    for stem in WEAVES:
        save(
            f"weave_{stem.lower()}",
            "weave",
            0.07,
            weave(cv2.imread(str(Path(textures, stem.split("_")[0], stem + ".png")))),
        )
    for name in PATTERNS:
        save(f"pattern_{name}", "pattern", 0.4, draw_pattern(name, 384))
    for name in RELIEFS:
        save(f"relief_{name}", "relief", 1.5, draw_relief(name, 512))
    for path in sorted(Path(panoramas, "ldr_equirect").glob("*.jpg")):
        save(f"view_{path.stem}", "view", 0.0, cv2.resize(cv2.imread(str(path)), (512, 256)))
    (out / "index.json").write_text(json.dumps(index, indent=0, sort_keys=True))


def tone_down(picture: np.ndarray, limit: float) -> np.ndarray:
    """Weaken colours that a real floor hardly has: mean saturation at most ``limit``."""
    hsv = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_BGR2HSV)
    hsv[..., 1] *= min(1.0, limit / max(float(hsv[..., 1].mean()), 1e-3))
    return np.round(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR) * 255).astype(np.uint8)


def is_periodic(swatch: np.ndarray) -> bool:
    """Return whether opposite edges of a swatch meet."""
    values = swatch.astype(np.float64)
    for axis in (0, 1):
        inner = np.abs(np.diff(values, axis=axis)).mean()
        wrap = np.abs(np.take(values, 0, axis) - np.take(values, -1, axis)).mean()
        if wrap > SEAM_FACTOR * inner + 2:
            return False
    return True


def blend_tiles(swatch: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Grow a random-looking swatch into a periodic (size, size) tile.

    Random patches are added with smooth weights that wrap around and divided by the root of the weights'
    squares, which keeps contrast (variance-preserving blending; Heitz and Neyret, High-Performance By-Example
    Noise, 2018).
    """
    values = swatch.astype(np.float64)
    mean = values.mean((0, 1))
    patch = min(swatch.shape[:2])
    ramp = np.sin((np.arange(patch) + 0.5) / patch * np.pi) ** 2
    window = np.outer(ramp, ramp)
    total, power = np.zeros((size, size, 3)), np.zeros((size, size))
    step = patch // 2
    for y in range(0, size, step):
        for x in range(0, size, step):
            source = (
                np.rot90(values - mean, int(rng.integers(4))) if rng.random() < 0.5 else (values - mean)[::-1]
            )
            rows, cols = (y + np.arange(patch)) % size, (x + np.arange(patch)) % size
            total[np.ix_(rows, cols)] += source[:patch, :patch] * window[..., None]
            power[np.ix_(rows, cols)] += window**2
    return np.clip(mean + total / np.sqrt(power)[..., None], 0, 255).astype(np.uint8)


def lay_boards(swatch: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Lay a periodic floor of 16 rows of boards in the colours of a wood swatch, with grain and joints."""
    rows, board = 16, size // 16
    palette = cv2.GaussianBlur(swatch, (0, 0), 4).reshape(-1, 3).astype(np.float64)
    spread = 0.6 * (palette - palette.mean(0)) + palette.mean(0)
    contrast = float(np.clip(swatch.astype(np.float64).std(), 6, 16))
    floor = np.zeros((size, size, 3))
    joints = np.zeros((size, size))
    for row in range(rows):
        start, cuts = int(rng.integers(size)), [0]
        while cuts[-1] < size - size // 6:
            cuts.append(min(size, cuts[-1] + int(rng.integers(size // 4, size // 2))))
        cuts[-1] = size
        for left, right in itertools.pairwise(cuts):
            grain = _grain(board, right - left, rng) * contrast
            columns = (start + np.arange(left, right)) % size
            tile = spread[rng.integers(len(spread))] + grain[..., None]
            floor[row * board : (row + 1) * board, columns] = tile
            joints[row * board : (row + 1) * board, (start + left) % size] = 0.5
        joints[row * board] = 0.5
    joints = cv2.GaussianBlur(joints, (0, 0), 0.6)
    return np.clip(floor * (1 - joints[..., None]), 0, 255).astype(np.uint8)


def _grain(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    noise = sum(
        cv2.resize(
            rng.standard_normal((max(height // a, 2), max(width // b, 2))),
            (width, height),
            interpolation=cv2.INTER_CUBIC,
        )
        * s
        for a, b, s in ((1, 10, 0.35), (2, 24, 0.5), (5, 60, 0.6))
    )
    return noise / max(noise.std(), 1e-6) * 0.8


def weave(swatch: np.ndarray) -> np.ndarray:
    """Keep the fine structure of a fabric: grey, mean 128, standard deviation 18."""
    grey = cv2.cvtColor(swatch, cv2.COLOR_BGR2GRAY).astype(np.float64)
    fine = grey - cv2.GaussianBlur(grey, (0, 0), 6, borderType=cv2.BORDER_REFLECT)
    return np.clip(128 + fine / max(fine.std(), 1e-6) * 18, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
