"""Lamps beside the key light: drawn for the takes of a clip, folded into harmonics where light is distant."""

import dataclasses

import numpy as np

from syrip_gen.sampling.scene import LampSpec, LightSpec
from syrip_gen.sampling.spherical_harmonics import directional_sh, evaluate

__all__ = ["MAX_LAMPS", "add_lamps", "with_lamps_folded"]

MAX_LAMPS = 3
SHARE_OF_SKY = (0.25, 0.5)
"""Share of the harmonics' light that the lamps take over, all together."""
DISTANCE_M = (1.2, 3.0)
RADIUS_M = (0.08, 0.5)
UP = np.array([0.0, 0.0, 1.0])


def add_lamps(light: LightSpec, rng: np.random.Generator) -> LightSpec:
    """Draw up to three lamps that take over part of the distant light; the level on the support stays.

    Args:
        light: Light without lamps.
        rng: Random stream.
    """
    count = int(rng.integers(MAX_LAMPS + 1))
    draws = [_draw_lamp(rng) for _ in range(MAX_LAMPS)][:count]
    share = rng.uniform(*SHARE_OF_SKY)
    if not count:
        return light
    sky = np.maximum(_irradiance_up(np.array(light.sh)), 0.02)
    weights = np.array([weight for *_, weight in draws])
    weights = weights / weights.sum()
    lamps = []
    for (direction, distance, radius, tint, _), weight in zip(draws, weights, strict=True):
        color = share * weight * sky * tint / float(direction @ UP)
        lamps.append(
            LampSpec(
                direction=tuple(float(x) for x in direction),
                distance_m=float(distance),
                radius_m=float(radius),
                color=tuple(float(x) for x in color),
            )
        )
    sh = np.array(light.sh) * (1.0 - share)
    return dataclasses.replace(
        light, sh=tuple(tuple(float(x) for x in row) for row in sh), lamps=tuple(lamps)
    )


def with_lamps_folded(light: LightSpec) -> LightSpec:
    """Return a light without lamps but with theirs in ``sh``; the same object where there are none."""
    if not light.lamps:
        return light
    parts = (directional_sh(np.array(lamp.direction), np.array(lamp.color)) for lamp in light.lamps)
    folded = sum(parts, np.array(light.sh))
    return dataclasses.replace(light, sh=tuple(tuple(float(x) for x in row) for row in folded), lamps=())


def _draw_lamp(rng: np.random.Generator) -> tuple[np.ndarray, float, float, np.ndarray, float]:
    """Return direction, distance, radius, tint (luminance about 1) and relative strength of one lamp."""
    # Lower lamps would have to be glaring to do their share of what the support gets.
    azimuth, elevation = rng.uniform(-np.pi, np.pi), np.deg2rad(rng.uniform(32.0, 75.0))
    direction = np.array(
        [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)]
    )
    warmth = rng.uniform(-0.04, 0.09)
    tint = np.array([1.0 + warmth, 1.0, 1.0 - warmth])
    return direction, rng.uniform(*DISTANCE_M), rng.uniform(*RADIUS_M), tint, rng.uniform(0.4, 1.0)


def _irradiance_up(sh: np.ndarray) -> np.ndarray:
    """Return the (3,) irradiance of coefficients (9, 3) on a surface that faces up."""
    return evaluate(sh, UP)
