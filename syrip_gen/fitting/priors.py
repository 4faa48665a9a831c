"""Load body-pose priors: the shipped infant mixture, SMPLify's Gaussians or SMIL's Mahalanobis prior."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from syrip_gen.asset_files import asset_path
from syrip_gen.fitting.objective import Mixture
from syrip_gen.fitting.postures import POSTURE_LABELS

__all__ = ["NUM_POSE", "for_posture", "load_prior", "mixture_from_gaussians"]

NUM_POSE = 69
"""Axis-angle parameters of joints 1..23."""

LABEL_GIVEN_POSTURE: dict[str, dict[str, float]] = {
    "Supine": {"Supine": 1.0, "Side": 0.5, "Sitting": 0.1},
    "Prone": {"Prone": 1.0, "Crawling": 0.8, "Side": 0.3},
    "Side": {"Side": 1.0, "Supine": 0.2, "Prone": 0.2},
    "Sitting": {"Sitting": 1.0, "Standing": 0.1},
    "Crawling": {"Crawling": 1.0, "Prone": 0.3},
    "Standing": {"Standing": 1.0, "Crawling": 0.3},
}
"""Chance of an annotator's label for each posture of the templates."""
LABEL_ERROR = 0.01

_NAMES = {"infant": "priors/infant_gmm.npz"}


def mixture_from_gaussians(
    means: np.ndarray,
    covars: np.ndarray,
    weights: np.ndarray,
    gravity: np.ndarray | None = None,
    postures: np.ndarray | None = None,
) -> Mixture:
    """Check and factor a mixture of Gaussians.

    Args:
        means: (M, 69) radians.
        covars: (M, 69, 69) positive definite.
        weights: (M,) positive; scaled to sum to 1.
        gravity: (M, 3) unit vectors in the root's frame, zeros where unknown.
        postures: (M, 6) share of each of POSTURE_LABELS, zeros where unknown.

    Raises:
        ValueError: On wrong shapes, infinite values, or covariances that are not positive definite.
    """
    means, covars, weights = (np.asarray(a, dtype=np.float64) for a in (means, covars, weights))
    count = len(weights) if weights.ndim == 1 else 0
    expected = {"weights": (count,), "means": (count, NUM_POSE), "covars": (count, NUM_POSE, NUM_POSE)}
    for name, array in (("weights", weights), ("means", means), ("covars", covars)):
        if count == 0 or array.shape != expected[name]:
            raise ValueError(
                f"pose prior: {name} has shape {array.shape}, expected {expected[name]} with M > 0 components"
            )
        if not np.isfinite(array).all():
            raise ValueError(f"pose prior: {name} holds values that are not finite")
    if not (weights > 0).all():
        raise ValueError("pose prior: weights must be positive")
    try:
        chol = np.linalg.cholesky(0.5 * (covars + covars.transpose(0, 2, 1)))
    except np.linalg.LinAlgError as error:
        raise ValueError("pose prior: a covariance is not positive definite") from error
    log_det = np.log(np.diagonal(chol, axis1=1, axis2=2)).sum(1)
    whiten = np.tril(np.linalg.inv(chol))
    extras = []
    for name, array, width in (("gravity", gravity, 3), ("postures", postures, len(POSTURE_LABELS))):
        extra = np.zeros((count, width)) if array is None else np.asarray(array, dtype=np.float64)
        if extra.shape != (count, width) or not np.isfinite(extra).all():
            raise ValueError(
                f"pose prior: {name} has shape {extra.shape}, expected ({count}, {width}), finite"
            )
        extras.append(np.ascontiguousarray(extra))
    return Mixture(
        means=np.ascontiguousarray(means),
        chol=np.ascontiguousarray(chol),
        whiten=np.ascontiguousarray(whiten),
        log_weights=np.log(weights / weights.sum()) - log_det,
        gravity=extras[0],
        postures=extras[1],
    )


def for_posture(mixture: Mixture, label: str) -> Mixture:
    """Weigh the components by a posture that somebody saw in the photo; unknown labels change nothing.

    ``P(component | label)`` is proportional to ``w_m sum_p P(p | m) P(label | p)``, where
    :data:`LABEL_GIVEN_POSTURE` allows for how annotators name what lies between the postures, and for
    mistakes.
    """
    table = LABEL_GIVEN_POSTURE.get(label.strip().capitalize())
    if table is None or not mixture.postures.any():
        return mixture
    chance = mixture.postures @ np.array([table.get(name, LABEL_ERROR) for name in POSTURE_LABELS])
    return mixture._replace(log_weights=mixture.log_weights + np.log(np.maximum(chance, LABEL_ERROR)))


def _from_pickle(path: Path) -> Mixture:
    """Read SMPLify's ``gmm_08.pkl`` (a dict) or SMIL's ``smil_pose_prior.pkl`` (a Mahalanobis object)."""
    from syrip_gen import safe_pickle

    content = safe_pickle.load(path)
    if isinstance(content, Mapping) and {"means", "covars", "weights"} <= set(content):
        return mixture_from_gaussians(content["means"], content["covars"], content["weights"])
    mean, prec = _field(content, "mean"), _field(content, "prec")
    if mean is None or prec is None:
        raise ValueError(
            f"{path}: not a pose prior: expected a dict with means, covars, weights (SMPLify) "
            "or an object with mean and prec (SMIL)"
        )
    factor = np.asarray(_array(prec), dtype=np.float64)
    if factor.shape != (NUM_POSE, NUM_POSE) or not np.isfinite(factor).all():
        raise ValueError(f"{path}: prec has shape {factor.shape}, expected ({NUM_POSE}, {NUM_POSE}), finite")
    # prec is the Cholesky factor L of the precision: |(pose - mean) L|^2 is the squared distance.
    if np.linalg.matrix_rank(factor) < NUM_POSE:
        raise ValueError(f"{path}: prec is singular")
    inverse = np.linalg.inv(factor)
    return mixture_from_gaussians(np.asarray(_array(mean))[None], (inverse.T @ inverse)[None], np.ones(1))


def _field(content: Any, name: str) -> Any:
    return content.get(name) if isinstance(content, Mapping) else getattr(content, name, None)


def _array(value: Any) -> Any:
    """Unwrap what stands for a chumpy array: an object that holds its values in ``x``."""
    return (
        _field(value, "x") if not isinstance(value, np.ndarray) and _field(value, "x") is not None else value
    )


def load_prior(path_or_name: str | Path = "infant") -> Mixture:
    """Load a pose prior.

    Args:
        path_or_name: ``infant`` (shipped), or a file: .npz with means, covars, weights (gravity, postures);
            SMPLify's ``gmm_08.pkl``; SMIL's ``smil_pose_prior.pkl``.

    Raises:
        FileNotFoundError: When the file does not exist.
        ValueError: When it holds no usable pose prior.
    """
    path = asset_path(_NAMES[str(path_or_name)]) if str(path_or_name) in _NAMES else Path(path_or_name)
    if not path.is_file():
        raise FileNotFoundError(f"pose prior not found: {path}; use a file or one of {sorted(_NAMES)}")
    if path.suffix in (".pkl", ".pickle"):
        return _from_pickle(path)
    if path.suffix != ".npz":
        raise ValueError(f"pose prior {path}: unknown file type '{path.suffix}'; .npz and .pkl are read")
    try:
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in ("means", "covars", "weights")}
            for name in ("gravity", "postures"):
                arrays[name] = data[name] if name in data.files else None
    except (KeyError, OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        reason = str(error).strip("'")
        raise ValueError(f"{path}: not a pose prior (.npz with means, covars, weights): {reason}") from error
    return mixture_from_gaussians(**arrays)
