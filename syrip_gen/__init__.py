"""Make labelled synthetic infant images from 2D infant poses and clips of motion.

>>> from syrip_gen import GenerateConfig, generate
>>> result = generate(GenerateConfig(poses=("real.json",), n=1000, output="out"))  # doctest: +SKIP
"""

import importlib
from typing import Any

_EXPORTS = {
    "AnimateConfig": "syrip_gen.config",
    "FitBank": "syrip_gen.fitting.bank",
    "GenerateConfig": "syrip_gen.config",
    "PoseSet": "syrip_gen.keypoints.poses",
    "SceneSpec": "syrip_gen.sampling.scene",
    "animate": "syrip_gen.animation",
    "fit_poses": "syrip_gen.fitting",
    "generate": "syrip_gen.pipeline",
    "load_body": "syrip_gen.body",
    "load_prior": "syrip_gen.fitting",
    "read_motion": "syrip_gen.motion.readers",
    "read_poses": "syrip_gen.keypoints.readers",
    "retarget": "syrip_gen.motion.retarget",
}

__all__ = [
    "AnimateConfig",
    "FitBank",
    "GenerateConfig",
    "PoseSet",
    "SceneSpec",
    "animate",
    "fit_poses",
    "generate",
    "load_body",
    "load_prior",
    "read_motion",
    "read_poses",
    "retarget",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that importing the package costs nothing."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'syrip_gen' has no attribute {name!r}")
    return getattr(importlib.import_module(_EXPORTS[name]), name)
