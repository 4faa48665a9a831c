"""Fit a body model to 2D poses: objective, priors, solver, fit bank.

>>> from syrip_gen.fitting import fit_poses, load_prior
>>> bank = fit_poses(poses, load_body("infant"), load_prior("infant"))  # doctest: +SKIP
"""

from syrip_gen.fitting.bank import FitBank
from syrip_gen.fitting.fit import fit_poses
from syrip_gen.fitting.priors import load_prior

__all__ = ["FitBank", "fit_poses", "load_prior"]
