"""Learn the shipped infant pose prior: ``python -m syrip_gen.fitting.build_prior``.

Draws tens of thousands of infant poses from the posture templates (paediatric joint ranges, contacts with the
support, no self-penetration) on the infant body and fits a mixture of Gaussians to their 69 body-pose
parameters. No dataset's poses go in.
"""

import argparse
from pathlib import Path

import numpy as np

from syrip_gen.asset_files import assets_dir
from syrip_gen.body.assets import BodyAssets
from syrip_gen.fitting.npz_files import write_npz
from syrip_gen.fitting.posture_sampler import PoseSamples, sample_postures
from syrip_gen.fitting.postures import POSTURE_LABELS, POSTURES
from syrip_gen.fitting.proxies import build_spheres
from syrip_gen.randomness import stream_rng

__all__ = ["fit_mixture", "main", "sample_infant_poses"]

NUM_SAMPLES = 48_000
NUM_COMPONENTS = 28
SEED = 0
GRAVITY_SPREAD = 2.0
"""Radians of pose that a unit of gravity's direction counts for."""
REST_SPREAD = 0.12
"""Radians by which the joints that the templates leave alone (toes, fingers, everything a little) vary."""


def sample_infant_poses(assets: BodyAssets, count: int, seed: int) -> PoseSamples:
    """Draw at least ``count`` poses of the templates on a body."""
    rest = assets.J_regressor @ assets.v_template
    nose = (assets.keypoint_regressor @ assets.v_template)[0]
    eyes = (assets.keypoint_regressor @ assets.v_template)[1:3].mean(0)
    mouth = nose + 0.8 * (nose - eyes) * [0, 1, 0] - rest[15]
    rng = stream_rng(seed, 0, "infant-prior")
    samples = sample_postures(count, rng, rest, assets.parents, build_spheres(assets), mouth)
    spread = np.full((23, 1), 0.25)
    spread[[9, 10, 21, 22]] = 1.0  # toes and hands: SMPL joints 10, 11, 22, 23
    noise = REST_SPREAD * spread * rng.standard_normal(samples.body_pose.shape)
    return samples._replace(body_pose=samples.body_pose + noise)


def fit_mixture(samples: PoseSamples, components: int, seed: int) -> dict[str, np.ndarray]:
    """Fit a mixture by expectation-maximisation to poses and gravity together; return it for the poses.

    Gravity keeps a supine and a sitting infant apart whose limbs do the same.

    Returns:
        means (M, 69), covars (M, 69, 69), weights (M,), gravity (M, 3), postures (M, 6).
    """
    from sklearn.mixture import GaussianMixture
    from threadpoolctl import threadpool_limits

    poses = samples.body_pose.reshape(len(samples.body_pose), -1)
    size = poses.shape[1]
    both = np.concatenate([poses, GRAVITY_SPREAD * samples.gravity], axis=1)
    model = GaussianMixture(
        components, covariance_type="full", reg_covar=2e-3, max_iter=60, tol=1e-3, random_state=seed
    )
    with threadpool_limits(1):  # faster beside other work, and the same sums on every machine
        share = model.fit(both).predict_proba(both)
    down = share.T @ samples.gravity / share.sum(0)[:, None]
    length = np.linalg.norm(down, axis=1, keepdims=True)
    gravity = np.where(length > 0.6, down / np.maximum(length, 1e-9), 0.0)
    means, covars = model.means_[:, :size], model.covariances_[:, :size, :size]
    labels = [POSTURE_LABELS.index(posture.label) for posture in POSTURES.values()]
    postures = share.T @ np.eye(len(POSTURE_LABELS))[np.array(labels)[samples.template]]
    return {
        "means": means,
        "covars": covars,
        "weights": model.weights_,
        "gravity": gravity,
        "postures": postures / postures.sum(1, keepdims=True),
    }


def main() -> None:
    """Build ``assets/priors/infant_gmm.npz``."""
    from syrip_gen.body import load_body

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--body", default="infant", help="body whose joints and surface the poses must suit")
    parser.add_argument("--samples", type=int, default=NUM_SAMPLES, help="poses to draw")
    parser.add_argument("--components", type=int, default=NUM_COMPONENTS, help="Gaussians")
    parser.add_argument(
        "-o", "--output", type=Path, default=None, help="default: assets/priors/infant_gmm.npz"
    )
    args = parser.parse_args()
    samples = sample_infant_poses(load_body(args.body), args.samples, SEED)
    mixture = fit_mixture(samples, args.components, SEED)
    output = args.output or assets_dir() / "priors" / "infant_gmm.npz"
    output.parent.mkdir(parents=True, exist_ok=True)
    write_npz(output, {name: array.astype(np.float32) for name, array in mixture.items()})
    names = list(POSTURES)
    counts = ", ".join(f"{names[i]} {n}" for i, n in enumerate(np.bincount(samples.template)))
    print(f"{output}: {args.components} Gaussians from {len(samples.template)} poses ({counts})")


if __name__ == "__main__":
    main()
