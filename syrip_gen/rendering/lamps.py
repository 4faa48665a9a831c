"""Lamps for renderers that know distant light only: folded into the nine harmonics."""

import dataclasses

import numpy as np

from syrip_gen.rendering.types import AreaLamp, RenderInputs
from syrip_gen.sampling.scene import LampSpec
from syrip_gen.sampling.spherical_harmonics import directional_sh

__all__ = ["area_lamps", "fold_lamps"]


def area_lamps(
    lamps: tuple[LampSpec, ...], T_cam_world: np.ndarray, gain: np.ndarray
) -> tuple[AreaLamp, ...]:
    """Return the lamps of a scene in the camera frame.

    Args:
        lamps: World frame, around the origin.
        T_cam_world: (4, 4) rigid transform.
        gain: (3,) factor of all light on the body.
    """
    R = np.asarray(T_cam_world)[:3, :3]
    return tuple(
        AreaLamp(
            direction=(R @ np.array(lamp.direction)).astype(np.float32),
            distance_m=lamp.distance_m,
            radius_m=lamp.radius_m,
            color=(np.array(lamp.color) * gain).astype(np.float32),
        )
        for lamp in lamps
    )


def fold_lamps(inputs: RenderInputs) -> RenderInputs:
    """Return inputs without lamps but with their light in ``sh``; the same object where there are none."""
    if not inputs.lamps:
        return inputs
    folded = sum((directional_sh(lamp.direction, lamp.color) for lamp in inputs.lamps), np.asarray(inputs.sh))
    return dataclasses.replace(inputs, sh=folded.astype(np.float32), lamps=())
