"""A population of infants matched to the WHO growth standards, and its principal components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from syrip_gen.body.building.growth import GrowthTargets, sample_targets
from syrip_gen.body.building.proportions import scale_parts
from syrip_gen.body.building.skeleton import smpl_joints, to_t_pose
from syrip_gen.body.building.source import AnnySource
from syrip_gen.body.measurements import body_length, head_circumference, mesh_volume

__all__ = ["LOCAL_CHANGES", "Population", "ShapeSpace", "fit_shape_space", "sample_population"]

LOCAL_CHANGES = (
    "head-fat-incr", "head-scale-depth-incr", "head-scale-horiz-incr", "l-cheek-volume-incr", "r-cheek-volume-incr",
)  # fmt: skip


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
        "muscle": around(0.45, 0.1),
        "height": around(0.5, 0.1),
        "african": race[:, 0],
        "asian": race[:, 1],
        "caucasian": race[:, 2],
    }
    cheeks = around(0.15, 0.15)
    local = {
        "head-fat-incr": around(0.15, 0.12),
        "head-scale-depth-incr": around(0.0, 0.12),
        "head-scale-horiz-incr": around(0.0, 0.12),
        "l-cheek-volume-incr": cheeks,
        "r-cheek-volume-incr": cheeks,
    }
    return phenotypes, local


def _part_scales(rng: np.random.Generator, size: float) -> np.ndarray:
    """Draw (24, 3) factors that turn MakeHuman's toddler into an infant, before size matching."""

    def vary(centre: float, spread: float) -> float:
        return centre * float(np.exp(spread * np.clip(rng.normal(), -2.2, 2.2)))

    scales = np.ones((24, 3))
    torso = vary(1.0, 0.02)
    scales[[0, 3, 6, 9]] = (vary(1.0, 0.02), torso, vary(1.0, 0.02))
    scales[[13, 14]] = (vary(1.05, 0.025), 1.0, 1.0)
    scales[12] = (1.05, vary(0.85, 0.06), 1.05)
    leg = vary(0.80 + 0.012 * size, 0.02)
    arm = vary(0.80, 0.02)
    thigh, shank = vary(leg, 0.015), vary(leg, 0.015)
    upper, lower = vary(arm, 0.015), vary(arm, 0.015)
    leg_girth, arm_girth = vary(1.12, 0.03), vary(1.12, 0.03)
    scales[[1, 2]] = (leg_girth, thigh, leg_girth)
    scales[[4, 5]] = (leg_girth, shank, leg_girth)
    scales[[16, 17]] = (upper, arm_girth, arm_girth)
    scales[[18, 19]] = (lower, arm_girth, arm_girth)
    scales[[20, 21, 22, 23]] = vary(0.92, 0.02)
    scales[[7, 8, 10, 11]] = vary(0.92, 0.02)
    return scales


def _match(vertices, joints, weights, scales, faces, skull, target) -> tuple[np.ndarray, np.ndarray]:
    """Scale head, girth and the whole until length, weight and head circumference are the target's."""
    head, girth = 1.15, 1.0
    length, weight, circumference = target
    for _ in range(8):
        current = scales.copy()
        current[15] = (head, 1.08 * head, head)
        current[12, [0, 2]] *= np.sqrt(girth)
        current[[0, 3, 6, 9], 0] *= girth
        current[[0, 3, 6, 9], 2] *= girth
        current[[1, 2, 4, 5], 0] *= girth
        current[[1, 2, 4, 5], 2] *= girth
        current[[16, 17, 18, 19], 1] *= girth
        current[[16, 17, 18, 19], 2] *= girth
        shape, skeleton = scale_parts(vertices, joints, weights, current)
        factor = length / body_length(shape)
        shape, skeleton = shape * factor, skeleton * factor
        head *= circumference / head_circumference(shape, skull)
        girth *= (weight / (1000 * mesh_volume(shape, faces))) ** 0.6
    return shape - skeleton[0], skeleton - skeleton[0]


def sample_population(
    source: AnnySource, weights: np.ndarray, skull: np.ndarray, count: int, rng: np.random.Generator
) -> tuple[Population, GrowthTargets]:
    """Build ``count`` T-posed infants of WHO sizes."""
    targets = sample_targets(rng, count)
    phenotypes, local = _phenotypes(rng, targets.size)
    rest, heads = source.infants(phenotypes, local)
    joints = smpl_joints(heads, source.bones)
    vertices = np.empty_like(rest)
    for i in range(count):
        posed, skeleton = to_t_pose(rest[i], joints[i], weights)
        target = targets.length_m[i], targets.weight_kg[i], targets.head_m[i]
        scales = _part_scales(rng, targets.size[i])
        vertices[i], joints[i] = _match(posed, skeleton, weights, scales, source.faces, skull, target)
    return Population(vertices, joints), targets


def fit_shape_space(vertices: np.ndarray, components: int) -> ShapeSpace:
    """Return the principal components of (N, V, 3) bodies, scaled to unit variance, signs fixed."""
    count = len(vertices)
    mean = vertices.mean(axis=0)
    centred = (vertices - mean).reshape(count, -1)
    values, vectors = np.linalg.eigh(centred @ centred.T)
    order = np.argsort(values)[::-1][:components]
    basis = centred.T @ vectors[:, order] / np.sqrt(count - 1)
    extent = basis.reshape(-1, 3, components)[:, 1]
    for k in range(components):
        reference = np.ptp(mean[:, 1] + extent[:, k]) - np.ptp(mean[:, 1])
        if reference < 0:
            basis[:, k] *= -1
    explained = float(values[order].sum() / values.sum())
    return ShapeSpace(mean, basis.reshape(-1, 3, components), explained)
