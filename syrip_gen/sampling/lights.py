"""Light of a scene: SURREAL's random harmonics, real surroundings (HDRI), or a room with a window."""

from dataclasses import dataclass

import numpy as np

from syrip_gen.asset_files import asset_path
from syrip_gen.sampling.scene import LightSpec
from syrip_gen.sampling.spherical_harmonics import evaluate, rotate

__all__ = ["LightLibrary", "light_on_support", "sample_light"]

KINDS = {"hdri": 0.4, "window": 0.4, "surreal": 0.2}
"""Share of each kind of light."""
LUMA = np.array([0.2126, 0.7152, 0.0722])
EXPOSURE_RANGE = (0.72, 1.08)
"""White paper on the support is lit to this level (1 = just white)."""


@dataclass(frozen=True, slots=True, eq=False)
class LightLibrary:
    """HDRI panoramas projected onto harmonics by ``python -m syrip_gen.sampling.build_lights``."""

    names: tuple[str, ...]
    sh: np.ndarray
    """(N, 9, 3) without the key light; mean level 1 with it."""
    key_direction: np.ndarray
    """(N, 3) towards the brightest part of the upper half."""
    key_color: np.ndarray
    """(N, 3)."""
    key_softness: np.ndarray
    """(N,) angular radius, radians."""

    @classmethod
    def load(cls) -> "LightLibrary":
        """Read the shipped library."""
        with np.load(asset_path("lights/hdri_sh.npz"), allow_pickle=False) as data:
            return cls(
                names=tuple(str(n) for n in data["names"]),
                sh=data["sh"].astype(np.float64),
                key_direction=data["key_direction"].astype(np.float64),
                key_color=data["key_color"].astype(np.float64),
                key_softness=data["key_softness"].astype(np.float64),
            )


def sample_light(library: LightLibrary, rng: np.random.Generator) -> LightSpec:
    """Draw the light of one scene in the world frame (z up)."""
    kind = rng.choice(list(KINDS), p=list(KINDS.values()))
    sampler = {"hdri": _hdri, "window": _window, "surreal": _surreal}[str(kind)]
    sh, direction, key, softness = sampler(library, rng)
    up = evaluate(sh, np.array([0.0, 0.0, 1.0])) + key * max(direction[2], 0.0)
    up = np.maximum(up, 0.05 * max(float(up @ LUMA), 0.5))
    # The camera's white balance leaves little of the cast that the light has on the support.
    balance = _tame(up) / up * _tint(rng)
    sh, key, level = sh * balance, key * balance, float((up * balance) @ LUMA)
    gain = rng.uniform(*EXPOSURE_RANGE) / max(level, 0.15)
    return LightSpec(
        sh=tuple(tuple(float(x) for x in row) for row in sh * gain),
        key_direction=tuple(float(x) for x in direction),
        key_color=tuple(float(x) for x in key * gain),
        shadow_softness=float(softness),
    )


def light_on_support(light: LightSpec) -> np.ndarray:
    """Return (3,) RGB irradiance on a surface that faces up, key light included."""
    sh = evaluate(np.array(light.sh), np.array([0.0, 0.0, 1.0]))
    return np.maximum(sh + np.array(light.key_color) * max(light.key_direction[2], 0.0), 0.02)


def _tint(rng: np.random.Generator) -> np.ndarray:
    """Warm lamp to cool sky, weakened by the camera's own white balance; luminance 1."""
    warmth, green = np.clip(rng.standard_normal(2), -2, 2) * (0.07, 0.015)
    tint = np.array([1.0 + warmth, 1.0 + green, 1.0 - warmth])
    return tint / (tint @ LUMA)


def _hdri(
    library: LightLibrary, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    number, yaw = int(rng.integers(len(library.names))), rng.uniform(-np.pi, np.pi)
    c, s = np.cos(yaw), np.sin(yaw)
    turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    sh, key = library.sh[number], library.key_color[number]
    return (
        rotate(sh / sh[0] * _tame(sh[0]), turn),
        turn @ library.key_direction[number],
        _tame(key),
        float(library.key_softness[number]),
    )


def _tame(color: np.ndarray) -> np.ndarray:
    """Weaken a cast as a camera's white balance does, luminance kept: at most +-20 % a channel."""
    luma = color @ LUMA
    cast = np.clip(0.4 * (color / max(luma, 1e-6) - 1.0), -0.2, 0.2)
    return luma * (1.0 + cast) / (1.0 + cast @ LUMA)


def _window(_: LightLibrary, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Ambient room, bright from above and from one side, with a broad window or lamp as key."""
    azimuth, elevation = rng.uniform(-np.pi, np.pi), np.deg2rad(rng.uniform(22.0, 75.0))
    direction = np.array(
        [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)]
    )
    sh = np.zeros((9, 3))
    sh[0] = rng.uniform(0.55, 0.95)
    sh[2] = rng.uniform(0.05, 0.3)  # from above
    side = rng.uniform(0.05, 0.3)
    sh[3], sh[1] = side * direction[0], side * direction[1]
    key = np.full(3, rng.uniform(0.15, 0.6))
    warm = rng.uniform(-0.06, 0.06)
    return sh, direction, key * (1 + warm, 1.0, 1 - warm), float(rng.uniform(0.12, 0.45))


def _surreal(_: LightLibrary, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """SURREAL's random grey coefficients, their bias "up" along our z; a weak key for the shadow."""
    sh = 0.7 * (2.0 * rng.random(9) - 1.0)
    sh[0] = 0.5 + 0.9 * rng.random()
    sh[2] = 0.7 * rng.random()
    direction = np.array([sh[3], sh[1], abs(sh[2]) + 0.5])
    return (
        np.repeat(sh[:, None], 3, axis=1),
        direction / np.linalg.norm(direction),
        np.full(3, rng.uniform(0.1, 0.35)),
        float(rng.uniform(0.2, 0.5)),
    )
