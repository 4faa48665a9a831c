"""Which colours infants' skin, hair, eyes and clothes have, and how often."""

import numpy as np

__all__ = ["EYES", "HAIRS", "TEXTILES", "hair_color", "iris_color", "textile_color"]

HAIRS = {
    "black": (26, 21, 20),
    "dark_brown": (48, 33, 26),
    "brown": (82, 57, 40),
    "light_brown": (122, 90, 62),
    "blond": (176, 142, 98),
    "pale_blond": (206, 180, 140),
    "red": (146, 78, 44),
}
"""sRGB of hair; light, fine hair shows the scalp through."""

EYES = {
    "dark_brown": (52, 33, 24),
    "brown": (84, 54, 35),
    "hazel": (104, 84, 52),
    "slate": (72, 82, 94),
    "blue": (88, 116, 146),
    "grey": (104, 114, 120),
}
"""sRGB of irises; slate is the colour that many newborns have."""

TEXTILES = (
    (244, 243, 240), (240, 236, 226), (232, 222, 204), (206, 206, 206), (150, 152, 156), (88, 92, 98), (38,
    40, 46),
    (196, 222, 236), (150, 196, 226), (104, 154, 196), (58, 92, 142), (36, 48, 78), (146, 202, 196), (84,
    160, 156),
    (186, 216, 178), (128, 176, 122), (74, 122, 88), (122, 130, 84), (250, 236, 170), (246, 208, 96), (224,
    160, 62),
    (252, 204, 170), (240, 140, 96), (208, 86, 66), (178, 44, 52), (246, 204, 212), (236, 158, 178), (206,
    96, 128),
    (216, 200, 230), (158, 134, 186), (178, 146, 114), (116, 84, 62),
)  # fmt: skip
"""sRGB of infants' clothes: whites, greys, blues, greens, yellows, reds, pinks, lilacs, browns."""
_TEXTILE_WEIGHTS = np.array([5, 4, 3, 2, 1.5, 1, 0.7] + [1.6, 1.6, 1.4, 1.4, 1.6] + [1.0] * 20)


def hair_color(tone: float, rng: np.random.Generator) -> tuple[float, float, float]:
    """Draw a hair colour (sRGB 0..1) that goes with a skin tone: fair hair only on fair skin."""
    fair = np.clip((5.0 - tone) / 3.0, 0, 1)
    dark = np.clip((tone - 5.0) / 3.0, 0, 1)
    weights = np.array(
        [1.0 + 2.0 * dark, 1.3, 1.2 * fair, 1.4 * fair, 1.5 * fair**2, 1.0 * fair**2, 0.35 * fair**2]
    )
    return _vary(rng.choice(list(HAIRS.values()), p=weights / weights.sum()), 0.06, rng)


def iris_color(tone: float, rng: np.random.Generator) -> tuple[float, float, float]:
    """Draw an iris colour (sRGB 0..1) that goes with a skin tone."""
    fair = np.clip((5.0 - tone) / 3.0, 0, 1)
    weights = np.array([1.6, 1.0, 0.4 * fair, 0.9 * fair, 1.3 * fair**2, 0.7 * fair**2])
    return _vary(rng.choice(list(EYES.values()), p=weights / weights.sum()), 0.06, rng)


def textile_color(rng: np.random.Generator) -> tuple[float, float, float]:
    """Draw the colour of a cloth (sRGB 0..1)."""
    return _vary(TEXTILES[rng.choice(len(TEXTILES), p=_TEXTILE_WEIGHTS / _TEXTILE_WEIGHTS.sum())], 0.04, rng)


def _vary(color: tuple[int, int, int], amount: float, rng: np.random.Generator) -> tuple[float, float, float]:
    gains = (1 + amount * rng.standard_normal()) * (1 + 0.5 * amount * rng.standard_normal(3))
    scaled = np.asarray(color) / 255.0 * gains
    return tuple(round(float(c), 4) for c in np.clip(scaled, 0.02, 0.97))
