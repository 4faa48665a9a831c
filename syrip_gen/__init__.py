"""Make labelled synthetic infant images from 2D infant poses.

>>> from syrip_gen import GenerateConfig, generate
>>> result = generate(GenerateConfig(poses=("real.json",), n=1000, output="out"))  # doctest: +SKIP
"""

import importlib
from typing import Any

_EXPORTS = {
    "FitBank": "syrip_gen.fitting.bank",
    "GenerateConfig": "syrip_gen.config",
    "PoseSet": "syrip_gen.keypoints.poses",
    "SceneSpec": "syrip_gen.sampling.scene",
    "fit_poses": "syrip_gen.fitting",
    "generate": "syrip_gen.pipeline",
    "load_body": "syrip_gen.body",
    "load_prior": "syrip_gen.fitting",
    "read_poses": "syrip_gen.keypoints.readers",
}

__all__ = [
    "FitBank",
    "GenerateConfig",
    "PoseSet",
    "SceneSpec",
    "fit_poses",
    "generate",
    "load_body",
    "load_prior",
    "read_poses",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that importing the package costs nothing."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'syrip_gen' has no attribute {name!r}")
    return getattr(importlib.import_module(_EXPORTS[name]), name)
