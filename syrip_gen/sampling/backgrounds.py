"""What is behind and below the infant: which photo or room, and how it is laid out."""

from dataclasses import dataclass

import numpy as np

from syrip_gen.sampling.scene import BackgroundSpec, CameraSpec, LightSpec

__all__ = ["BackgroundLibrary", "sample_background"]


@dataclass(frozen=True, slots=True, eq=False)
class BackgroundLibrary:
    """Names of what backgrounds can be made of."""

    photos: tuple[str, ...]
    """The user's photos, in order; empty = rooms only."""


def sample_background(
    library: BackgroundLibrary,
    posture: str,
    camera: CameraSpec,
    light: LightSpec,
    rng: np.random.Generator,
    plain: bool = False,
) -> BackgroundSpec:
    """Draw the background of one scene."""
    crop = {"zoom": float(rng.uniform(1.0, 1.6)), "x": float(rng.random()), "y": float(rng.random()), "flip": float(rng.random() < 0.5)}
    color = [float(x) for x in rng.uniform(0.5, 0.95, 3)]
    if library.photos:
        number = int(rng.integers(len(library.photos)))
        return BackgroundSpec("photo", library.photos[number], {**crop, "number": float(number), "support": 0.0})
    return BackgroundSpec("room", "", {"color": color, "support": 1.0})
