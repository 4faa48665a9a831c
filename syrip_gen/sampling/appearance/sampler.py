"""Draw appearances: a skin tone, hair, eyes and an outfit that go together."""

import dataclasses
from functools import lru_cache

import numpy as np

from syrip_gen.randomness import stream_rng
from syrip_gen.sampling.appearance.colors import hair_color, iris_color, textile_color
from syrip_gen.sampling.appearance.decals import DECALS
from syrip_gen.sampling.appearance.fabric import fabric_names
from syrip_gen.sampling.appearance.patterns import PATTERNS
from syrip_gen.sampling.scene import AppearanceSpec, GarmentSpec

__all__ = ["OUTFITS", "appearance_of_image", "sample_appearance"]

IMAGES_PER_BLOCK = 16
"""Images whose appearances come from one small wardrobe."""
PER_BLOCK = 4
"""Different infants in a block, and different outfits: any may wear any."""

OUTFITS: dict[str, tuple[float, tuple[str, ...]]] = {
    "naked": (0.05, ()),
    "diaper": (0.20, ("diaper",)),
    "bodysuit": (0.17, ("diaper", "onesie_short")),
    "long bodysuit": (0.07, ("diaper", "onesie_long")),
    "long bodysuit, trousers": (0.08, ("diaper", "onesie_long", "trousers")),
    "bodysuit, leggings": (0.05, ("diaper", "onesie_short", "leggings")),
    "sleeveless bodysuit": (0.05, ("diaper", "bodysuit_sleeveless")),
    "sleeper": (0.12, ("diaper", "sleeper")),
    "pyjamas": (0.04, ("diaper", "pyjamas")),
    "romper": (0.05, ("diaper", "romper")),
    "T-shirt": (0.02, ("diaper", "tshirt")),
    "T-shirt, shorts": (0.03, ("diaper", "shorts", "tshirt")),
    "shirt, trousers": (0.04, ("diaper", "trousers", "shirt_long")),
    "vest, trousers": (0.015, ("diaper", "trousers", "vest")),
    "dress": (0.015, ("diaper", "dress")),
}
"""Outfits: how often, and what is worn, from the skin outwards."""

_DECALS_OF_KIND = {
    "diaper": (("tapes", 0.75),),
    "sleeper": (("zip", 0.45), ("buttons", 0.40)),
    "pyjamas": (("buttons", 0.45),),
    "onesie_short": (("motif", 0.30),),
    "onesie_long": (("motif", 0.25), ("buttons", 0.1)),
    "bodysuit_sleeveless": (("motif", 0.2),),
    "romper": (("buttons", 0.5), ("pocket", 0.1)),
    "tshirt": (("motif", 0.45), ("pocket", 0.1)),
    "shirt_long": (("motif", 0.3), ("buttons", 0.3)),
    "vest": (("buttons", 0.4),),
}


_TILE_OF_FABRIC = {
    "stripes": (0.045, 0.10),
    "pinstripes": (0.075, 0.12),
    "breton": (0.06, 0.11),
    "check": (0.055, 0.11),
    "plaid": (0.06, 0.13),
    "dots": (0.035, 0.085),
}
"""Width of one repeat, metres, at least so large that lines stay apart in the texture."""


def sample_appearance(rng: np.random.Generator) -> AppearanceSpec:
    """Draw one infant's skin, hair, eyes and clothes. All ten Monk tones are equally likely."""
    return dataclasses.replace(_sample_infant(rng), garments=_sample_outfit(rng))


def _sample_infant(rng: np.random.Generator) -> AppearanceSpec:
    """Draw an infant without clothes."""
    tone = float(np.clip(rng.integers(1, 11) + rng.uniform(-0.5, 0.5), 1.0, 10.0))
    eyes = _sample_eyes(tone, rng)
    return AppearanceSpec(
        skin={**_sample_skin(tone, rng), "lash": 0.12 if eyes["closed"] else 0.75},
        hair=_sample_hair(tone, rng),
        eyes=eyes,
        garments=(),
        texture_file=None,
        texture_seed=int(rng.integers(2**31)),
    )


def _sample_outfit(rng: np.random.Generator) -> tuple[GarmentSpec, ...]:
    """Draw what is worn, from the skin outwards."""
    outfit_names = list(OUTFITS)
    chances = np.array([OUTFITS[name][0] for name in outfit_names])
    outfit = outfit_names[rng.choice(len(outfit_names), p=chances / chances.sum())]
    kinds = list(OUTFITS[outfit][1])
    bare_legs = not {"sleeper"} & set(kinds)
    if bare_legs and kinds and rng.random() < (0.30 if kinds != ["diaper"] else 0.10):
        kinds.append("socks")
    headwear = rng.random()
    if kinds and headwear < 0.07:
        kinds.append("hat" if headwear < 0.05 else "headband")
    if len(kinds) > 1 and rng.random() < 0.05:
        kinds.append("bib")
    if len(kinds) > 1 and rng.random() < 0.02:
        kinds.append("mittens")
    return tuple(_sample_garment(kind, rng) for kind in kinds)


def appearance_of_image(seed: int, index: int) -> AppearanceSpec:
    """Return the appearance of one image of a run.

    Painting costs as much as rendering, so images share skins and outfits: every block of 16 consecutive
    images combines 4 infants with 4 outfits of its own. A pure function of (seed, index): any worker rebuilds
    any block, and the number of different appearances grows with the dataset.

    Args:
        seed: Root seed of the run.
        index: Index of the image.
    """
    first = index // IMAGES_PER_BLOCK * PER_BLOCK
    infant, outfit = stream_rng(seed, index, "appearance-choice").integers(PER_BLOCK, size=2).tolist()
    return dataclasses.replace(_infant(seed, first + infant), garments=_outfit(seed, first + outfit))


@lru_cache(maxsize=4 * PER_BLOCK)
def _infant(seed: int, number: int) -> AppearanceSpec:
    return _sample_infant(stream_rng(seed, number, "appearance"))


@lru_cache(maxsize=4 * PER_BLOCK)
def _outfit(seed: int, number: int) -> tuple[GarmentSpec, ...]:
    return _sample_outfit(stream_rng(seed, number, "outfit"))


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in values.items()}


def _sample_skin(tone: float, rng: np.random.Generator) -> dict[str, float | str]:
    return _rounded(
        {
            "tone": tone,
            "blood": np.clip(rng.normal(0.15, 0.16), -0.15, 0.6),
            "blush": np.clip(rng.normal(0.75, 0.25), 0.2, 1.4),
            "mottle": np.clip(rng.normal(0.55, 0.22), 0.1, 1.2),
            "mottle_mix": rng.uniform(0, 2 * np.pi),
            "vein": rng.uniform(0, 0.7),
            "warmth": np.clip(rng.normal(0.1, 0.5), -1, 1),
            "lip": rng.uniform(0.6, 1.3),
            "brow": rng.uniform(0.15, 0.75) * (0.6 if tone < 3 else 1.0),
            "shine": rng.uniform(0.10, 0.16) + 0.006 * tone,
        }
    )


def _sample_hair(tone: float, rng: np.random.Generator) -> dict[str, float | str]:
    style = rng.choice(("bald", "fuzz", "short", "full"), p=(0.10, 0.28, 0.37, 0.25))
    cover = {"bald": (0.0, 0.10), "fuzz": (0.15, 0.45), "short": (0.55, 0.90), "full": (0.92, 1.0)}[style]
    volume = {"bald": (0, 0), "fuzz": (0, 0.0008), "short": (0.0008, 0.003), "full": (0.003, 0.008)}[style]
    red, green, blue = hair_color(tone, rng)
    return {
        "style": str(style),
        **_rounded(
            {
                "hair_cover": rng.uniform(*cover),
                "hair_line": rng.normal(-0.002, 0.005),
                "hair_red": red,
                "hair_green": green,
                "hair_blue": blue,
                "strand": rng.uniform(0.3, 0.8),
                "curl": rng.uniform(0.5, 1.0) * (rng.random() < np.clip((tone - 5.5) / 3, 0.05, 0.85)),
                "volume": rng.uniform(*volume),
            }
        ),
    }


def _sample_eyes(tone: float, rng: np.random.Generator) -> dict[str, float | str]:
    red, green, blue = iris_color(tone, rng)
    return _rounded(
        {
            "iris_red": red,
            "iris_green": green,
            "iris_blue": blue,
            "pupil": rng.uniform(0.34, 0.52),
            "gaze_x": np.clip(rng.normal(0, 0.25), -0.6, 0.6),
            "gaze_y": np.clip(rng.normal(-0.05, 0.18), -0.45, 0.35),
            "closed": float(rng.random() < 0.15),
            "light_x": rng.uniform(-0.5, 0.5),
            "light_y": rng.uniform(0.1, 0.55),
        }
    )


def _sample_garment(kind: str, rng: np.random.Generator) -> GarmentSpec:
    fabric = _sample_fabric(kind, rng)
    color = textile_color(rng)
    second = textile_color(rng)
    if sum(abs(a - b) for a, b in zip(color, second, strict=True)) < 0.35:  # a print has to show
        second = tuple(c * 0.5 if sum(color) > 1.5 else 0.5 + 0.5 * c for c in second)
    third, trim = textile_color(rng), color
    if rng.random() < 0.35:
        trim = second
    if kind == "diaper":
        white = rng.random() < 0.85
        color = (0.93, 0.935, 0.94) if white else color
        second = tuple(0.45 + 0.55 * c for c in second) if white else second
    params = {
        "tile": rng.uniform(*_TILE_OF_FABRIC.get(fabric, (0.045, 0.095))),
        "turn": float(rng.choice((0.0, 0.0, 0.0, np.pi / 2, np.pi / 4))),
        "shift_across": rng.uniform(0, 0.1),
        "shift_along": rng.uniform(0, 0.1),
        "tint": float(rng.random() < 0.45) * rng.uniform(0.7, 1.0),
        "fold": rng.uniform(0.25, 0.75),
        "lint": rng.uniform(0.2, 0.9),
        "stitch": rng.uniform(0.3, 0.9),
        "decal": float(_sample_decal(kind, rng)),
        "motif": float(rng.integers(8)),
        **{f"second_{c}": v for c, v in zip("rgb", second, strict=True)},
        **{f"third_{c}": v for c, v in zip("rgb", third, strict=True)},
        **{f"trim_{c}": v for c, v in zip("rgb", trim, strict=True)},
        **_sample_cut(kind, rng),
    }
    return GarmentSpec(kind=kind, fabric=fabric, color=color, params=_rounded(params))


def _sample_fabric(kind: str, rng: np.random.Generator) -> str:
    if kind == "diaper":
        return (
            "plain"
            if rng.random() < 0.7
            else str(rng.choice(("stars", "bears", "hearts", "ducks", "clouds")))
        )
    swatches = [name for name in fabric_names() if name not in PATTERNS]
    pick = rng.random()
    if pick < 0.36 or (kind in ("socks", "mittens", "hat", "headband") and pick < 0.7):
        return "plain"
    if pick < 0.80 or not swatches:
        return str(rng.choice(PATTERNS[1:]))
    return str(rng.choice(swatches))


def _sample_decal(kind: str, rng: np.random.Generator) -> int:
    pick = rng.random()
    for name, chance in _DECALS_OF_KIND.get(kind, ()):
        if pick < chance:
            return DECALS.index(name)
        pick -= chance
    return 0


def _sample_cut(kind: str, rng: np.random.Generator) -> dict[str, float]:
    """Draw hem lengths and thickness around the catalogue's."""
    cut: dict[str, float] = {}
    if kind in ("onesie_short", "tshirt", "romper", "dress"):
        cut["sleeve"] = rng.uniform(0.15, 0.50)
    elif kind in ("onesie_long", "pyjamas", "shirt_long"):
        cut["sleeve"] = rng.uniform(0.80, 1.03)
    if kind in ("shorts", "romper", "dress"):
        cut["leg"] = rng.uniform(0.28, 0.52)
    elif kind in ("trousers", "leggings", "pyjamas"):
        cut["leg"] = rng.uniform(0.78, 1.0)
    elif kind == "socks":
        cut["leg"] = rng.uniform(0.70, 0.92)
    if kind == "diaper":
        cut["waist"], cut["thickness"] = rng.uniform(0.042, 0.062), rng.uniform(0.004, 0.007)
    if kind in ("trousers", "leggings", "shorts"):
        cut["waist"] = rng.uniform(0.050, 0.068)
    if kind in ("tshirt", "shirt_long", "vest"):
        cut["hem"] = rng.uniform(-0.012, 0.02)
    if kind not in ("diaper", "socks", "mittens", "hat", "headband", "bib"):
        cut["neck_open"] = rng.uniform(0.0, 0.007)
        cut["looseness"] = rng.uniform(0.0010, 0.0028)
    if kind != "diaper":
        cut["trim"] = float(rng.choice((0.0, 0.005, 0.008, 0.011)))
    return cut
