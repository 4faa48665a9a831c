"""Turn keypoints of one schema into another, by name or by an explicit rule."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["map_keypoints", "map_points", "mapping_weights"]

Rule = tuple[str, ...]

RULES: Mapping[str, tuple[Rule, ...]] = MappingProxyType(
    {
        "neck": (("upper_neck",), ("left_shoulder", "right_shoulder")),
        "upper_neck": (("neck",),),
        "thorax": (("left_shoulder", "right_shoulder"),),
        "mid_hip": (("pelvis",), ("left_hip", "right_hip")),
        "pelvis": (("mid_hip",), ("left_hip", "right_hip")),
        "spine": (("spine2",), ("left_hip", "right_hip", "left_shoulder", "right_shoulder")),
        "neck_nose": (("nose",),),
        "nose": (("neck_nose",),),
    }
)
"""For a keypoint that the source lacks: sets of source keypoints whose mean stands for it, best first."""

PAIR_RULES: Mapping[tuple[str, str], Mapping[str, tuple[Rule, ...]]] = MappingProxyType(
    {
        # The published MINI-RGBD evaluations take the nose for the head's top and the uppermost spine joint
        # for the thorax; results in MPII order are comparable only if we do the same.
        ("minirgbd25", "mpii16"): {"head_top": (("nose",),), "thorax": (("spine3",),)},
        # Adults for the same evaluations: a joint within the head stands for the nose, and the toes' end for
        # MINI-RGBD's toes.
        ("mpi_inf_3dhp28", "mpii16"): {"head_top": (("head",),), "thorax": (("spine4",),)},
        ("mpi_inf_3dhp28", "minirgbd25"): {
            "nose": (("head_top",),),
            "left_foot": (("left_toe",),),
            "right_foot": (("right_toe",),),
        },
    }
)
"""Rules that hold between two schemas only; they come before :data:`RULES`."""


def mapping_weights(source: KeypointSchema, target: KeypointSchema) -> np.ndarray:
    """Return the (K_target, K_source) matrix of the mapping; rows sum to 1, or to 0 where nothing fits."""
    weights = np.zeros((len(target), len(source)))
    pair_rules = PAIR_RULES.get((source.name, target.name), {})
    for row, name in enumerate(target.keypoints):
        candidates = (*pair_rules.get(name, ()), (name,), *RULES.get(name, ()))
        rule = next((c for c in candidates if all(part in source.keypoints for part in c)), None)
        if rule is not None:
            weights[row, [source.index(part) for part in rule]] = 1 / len(rule)
    return weights


def _check(points: np.ndarray, source: KeypointSchema) -> None:
    if points.ndim < 2 or points.shape[-2] != len(source):
        raise ValueError(f"expected (..., {len(source)}, D) {source.name} keypoints, not {points.shape}")


def map_points(
    points: np.ndarray, source: KeypointSchema, target: KeypointSchema
) -> tuple[np.ndarray, np.ndarray]:
    """Map coordinates of any dimension.

    Args:
        points: (..., K_source, D) coordinates.
        source: Schema of ``points``.
        target: Schema wanted.

    Returns:
        (..., K_target, D) float64 coordinates, NaN where the target keypoint is undefined, and the
        (K_target,) mask of defined keypoints.
    """
    points = np.asarray(points, dtype=np.float64)
    _check(points, source)
    weights = mapping_weights(source, target)
    defined = weights.any(axis=1)
    mapped = np.full((*points.shape[:-2], len(target), points.shape[-1]), np.nan)
    for row in np.flatnonzero(defined):
        used = np.flatnonzero(weights[row])
        # A mean over the used points only, so that NaN elsewhere does not spread.
        mapped[..., row, :] = points[..., used, :].mean(axis=-2)
    return mapped, defined


def map_keypoints(keypoints: np.ndarray, source: KeypointSchema, target: KeypointSchema) -> np.ndarray:
    """Map 2D keypoints with visibility.

    Args:
        keypoints: (..., K_source, 3) x, y, v; v is a COCO visibility or a score, 0 = unlabelled.
        source: Schema of ``keypoints``.
        target: Schema wanted.

    Returns:
        (..., K_target, 3) float64. v of a midpoint is the smallest v of its parts; undefined and unlabelled
        keypoints are (0, 0, 0).
    """
    keypoints = np.asarray(keypoints, dtype=np.float64)
    _check(keypoints, source)
    weights = mapping_weights(source, target)
    mapped = np.zeros((*keypoints.shape[:-2], len(target), 3))
    for row in np.flatnonzero(weights.any(axis=1)):
        used = np.flatnonzero(weights[row])
        visibility = keypoints[..., used, 2].min(axis=-1)
        mapped[..., row, :2] = keypoints[..., used, :2].mean(axis=-2)
        mapped[..., row, 2] = visibility
        mapped[..., row, :][visibility <= 0] = 0
    return mapped
