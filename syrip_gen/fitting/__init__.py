"""Fit a body model to 2D poses: objective, priors, solver, fit bank.

>>> from syrip_gen.fitting import fit_poses, load_prior
>>> bank = fit_poses(poses, load_body("infant"), load_prior("infant"))  # doctest: +SKIP
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from syrip_gen.fitting.bank import FitBank
    from syrip_gen.fitting.fit import fit_poses
    from syrip_gen.fitting.priors import load_prior

__all__ = ["FitBank", "fit_poses", "load_prior"]

_HOMES = {"FitBank": "bank", "fit_poses": "fit", "load_prior": "priors"}


def __getattr__(name: str) -> Any:
    """Import on first use: who only reads a bank needs no solver."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
