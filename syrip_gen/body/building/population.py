"""A population of infants matched to the WHO growth standards, and its principal components."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from syrip_gen.body.building.growth import GrowthTargets, sample_targets
from syrip_gen.body.building.proportions import scale_parts
from syrip_gen.body.building.skeleton import smpl_joints, to_t_pose
from syrip_gen.body.building.source import AnnySource
from syrip_gen.body.measurements import body_length, head_circumference, mesh_volume

__all__ = ["LOCAL_CHANGES", "Population", "ShapeSpace", "fit_shape_space", "sample_population"]

_PAIRED = {
    "eye-scale-incr": (0.35, 0.12),
    "eye-height1-incr": (0.25, 0.08),
    "eye-height2-incr": (0.40, 0.12),
    "eye-height3-incr": (0.25, 0.08),
    "eye-bag-incr": (-0.40, 0.0),
    "eye-trans-up": (-0.25, 0.05),
    "cheek-volume-incr": (0.12, 0.08),
    "upperleg-fat-incr": (0.10, 0.06),
    "lowerleg-fat-incr": (0.06, 0.04),
    "upperarm-fat-incr": (0.06, 0.04),
    "lowerarm-fat-incr": (0.06, 0.04),
}
_SINGLE = {
    "head-fat-incr": (0.06, 0.05),
    "head-scale-depth-incr": (0.0, 0.10),
    "head-scale-horiz-incr": (0.0, 0.10),
    "head-back-scale-depth-incr": (0.0, 0.10),
    "forehead-trans-forward": (0.10, 0.08),
    "chin-height-incr": (-0.20, 0.08),
    "chin-prominent-incr": (-0.10, 0.06),
    "neck-double-incr": (0.12, 0.08),
    "mouth-scale-horiz-incr": (-0.15, 0.10),
    "nose-scale-horiz-incr": (0.0, 0.10),
    "nose-scale-vert-incr": (0.0, 0.06),
    "nose-scale-depth-incr": (-0.12, 0.05),
    "stomach-tone-incr": (-0.05, 0.08),
}
"""Mean and spread of MakeHuman's local targets: made for adults, they count about double on infants."""
LOCAL_CHANGES = (*(f"{side}-{name}" for name in _PAIRED for side in "lr"), *_SINGLE)
_HEAD_HEIGHT = 1.13
"""MakeHuman's toddler has a flat skull; the head is stretched by this much more than it is widened."""


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """T-posed infants, pelvis at the origin."""

    vertices: np.ndarray
    """(N, V, 3) float64."""
    joints: np.ndarray
    """(N, 24, 3)."""


@dataclass(frozen=True, slots=True, eq=False)
class ShapeSpace:
    """Mean and unit-variance principal components."""

    mean: np.ndarray
    """(V, 3)."""
    components: np.ndarray
    """(V, 3, S)."""
    explained: float
    """Share of the variance that the components hold."""


def _phenotypes(rng: np.random.Generator, size: np.ndarray) -> tuple[dict, dict]:
    """Draw anny's parameters for infants of the given size scores."""
    count = len(size)

    def around(centre: float, spread: float) -> np.ndarray:
        return centre + spread * np.clip(rng.normal(size=count), -2.2, 2.2)

    race = rng.dirichlet((1.2, 1.2, 1.2), size=count)
    phenotypes = {
        "age": -0.15 + 0.035 * size + around(0, 0.02),
        "gender": around(0.5, 0.2),
        "weight": around(0.65, 0.12),
        "muscle": around(0.40, 0.1),
        "height": around(0.5, 0.1),
        "african": race[:, 0],
        "asian": race[:, 1],
        "caucasian": race[:, 2],
    }
    local = {name: around(*values) for name, values in _SINGLE.items()}
    for name, values in _PAIRED.items():
        local[f"l-{name}"] = local[f"r-{name}"] = around(*values)
    return phenotypes, local


def _part_scales(rng: np.random.Generator, size: float) -> np.ndarray:
    """Draw (24, 3) factors that turn MakeHuman's toddler into an infant, before size matching.

    The means were set by eye and by anthropometry of 6 to 8 months (sitting height two thirds of the length,
    thigh and shank 12 cm, upper arm 10, forearm 9 at 67 cm).
    """

    def vary(centre: float, spread: float) -> float:
        return centre * float(np.exp(spread * np.clip(rng.normal(), -2.2, 2.2)))

    scales = np.ones((24, 3))
    belly, chest, hips = vary(1.0, 0.045), vary(1.0, 0.025), vary(1.0, 0.025)
    scales[0] = (1.08 * hips, 0.94, hips)
    scales[3] = (1.04 * belly, 0.94, 1.02 * belly)
    scales[6] = (chest, 0.94, chest)
    scales[9] = (0.97 * chest, 0.94, 0.98 * chest)
    scales[12] = (1.20, vary(0.72, 0.06), 1.15)
    scales[[13, 14]] = (vary(1.15, 0.025), 1.0, 1.0)
    leg, arm = vary(1.0 + 0.012 * size, 0.02), vary(1.0, 0.02)
    thigh, shank = vary(0.80 * leg, 0.015), vary(0.88 * leg, 0.015)
    upper, lower = vary(0.83 * arm, 0.015), vary(0.76 * arm, 0.015)
    leg_girth, arm_girth = vary(1.0, 0.045), vary(1.0, 0.045)
    scales[[1, 2]] = (1.30 * leg_girth, thigh, 1.26 * leg_girth)
    scales[[4, 5]] = (1.30 * leg_girth, shank, 1.28 * leg_girth)
    scales[[16, 17]] = (upper, 1.28 * arm_girth, 1.28 * arm_girth)
    scales[[18, 19]] = (lower, 1.34 * arm_girth, 1.34 * arm_girth)
    hand, foot = vary(1.0, 0.02), vary(1.0, 0.02)
    scales[[20, 21]] = np.array([0.86, 1.1, 1.02]) * hand
    scales[[22, 23]] = np.array([0.76, 1.15, 1.0]) * hand
    scales[[7, 8]] = np.array([1.08, 0.95, 0.86]) * foot
    scales[[10, 11]] = np.array([1.08, 1.0, 0.82]) * foot
    return scales


def _match(vertices, joints, weights, scales, faces, skull, target) -> tuple[np.ndarray, np.ndarray]:
    """Scale head, girth and the whole until length, weight and head circumference are the target's."""
    head, girth = 1.0, 1.0
    length, weight, circumference = target
    for _ in range(10):
        current = scales.copy()
        current[15] = (head, _HEAD_HEIGHT * head, head)
        current[12, [0, 2]] *= np.sqrt(girth)
        for joint in (0, 3, 6, 9, 1, 2, 4, 5):
            current[joint, [0, 2]] *= girth
        for joint in (16, 17, 18, 19):
            current[joint, [1, 2]] *= girth
        shape, skeleton = scale_parts(vertices, joints, weights, current)
        factor = length / body_length(shape)
        shape, skeleton = shape * factor, skeleton * factor
        head *= circumference / head_circumference(shape, skull)
        girth *= (weight / (1000 * mesh_volume(shape, faces))) ** 0.6
    return shape - skeleton[0], skeleton - skeleton[0]


def sample_population(
    source: AnnySource,
    weights: np.ndarray,
    refine: Callable[[np.ndarray], np.ndarray],
    skull: np.ndarray,
    count: int,
    rng: np.random.Generator,
) -> tuple[Population, GrowthTargets]:
    """Build ``count`` T-posed infants of WHO sizes; ``refine`` is applied to every T-posed mesh, (V, 3)."""
    targets = sample_targets(rng, count)
    phenotypes, local = _phenotypes(rng, targets.size)
    rest, heads = source.infants(phenotypes, local)
    joints = smpl_joints(heads, source.bones)
    vertices = np.empty_like(rest)
    for i in range(count):
        posed, skeleton = to_t_pose(rest[i], joints[i], weights)
        target = targets.length_m[i], targets.weight_kg[i], targets.head_m[i]
        scales = _part_scales(rng, targets.size[i])
        vertices[i], joints[i] = _match(refine(posed), skeleton, weights, scales, source.faces, skull, target)
    return Population(vertices, joints), targets


def fit_shape_space(vertices: np.ndarray, components: int) -> ShapeSpace:
    """Return the principal components of (N, V, 3) bodies, scaled to unit variance, signs fixed."""
    count = len(vertices)
    mean = vertices.mean(axis=0)
    centred = (vertices - mean).reshape(count, -1)
    values, vectors = np.linalg.eigh(centred @ centred.T)
    order = np.argsort(values)[::-1][:components]
    basis = centred.T @ vectors[:, order] / np.sqrt(count - 1)
    for k in range(components):
        # A positive coefficient makes the body longer; of components that do not, the largest entry is
        # positive.
        change = np.ptp(mean[:, 1] + basis.reshape(-1, 3, components)[:, 1, k]) - np.ptp(mean[:, 1])
        sign = change if abs(change) > 1e-4 else basis[np.argmax(np.abs(basis[:, k])), k]
        if sign < 0:
            basis[:, k] *= -1
    explained = float(values[order].sum() / values.sum())
    return ShapeSpace(mean, basis.reshape(-1, 3, components), explained)
