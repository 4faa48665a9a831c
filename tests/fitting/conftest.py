"""Fixtures of the fitting tests: the embedded body and prior, read once."""

import numpy as np
import pytest

from syrip_gen.body import BodyAssets, load_body
from syrip_gen.fitting.energy import unpack
from syrip_gen.fitting.fit import Fitter
from syrip_gen.fitting.kinematics import forward, rodrigues
from syrip_gen.fitting.objective import Mixture
from syrip_gen.fitting.priors import load_prior
from syrip_gen.keypoints.poses import PoseSet


@pytest.fixture(scope="session")
def infant() -> BodyAssets:
    return load_body("infant")


@pytest.fixture(scope="session")
def prior() -> Mixture:
    return load_prior("infant")


@pytest.fixture(scope="session")
def fitter(infant: BodyAssets, prior: Mixture) -> Fitter:
    return Fitter.create(infant, prior)


@pytest.fixture
def random_body() -> np.ndarray:
    """Return x of a bent body two metres before the camera."""
    rng = np.random.default_rng(3)
    root = rodrigues(np.array([2.8, 0.3, -0.2]))
    pose = 0.4 * rng.standard_normal(69)
    return np.concatenate([0.5 * rng.standard_normal(20), root.ravel(), pose, [0.05, -0.02, 1.6], [0.9]])


def make_poses(keypoints: np.ndarray, width: int = 640, height: int = 480) -> PoseSet:
    """Return a pose set of (N, 17, 3) pixels."""
    count = len(keypoints)
    return PoseSet(
        keypoints=np.asarray(keypoints, dtype=float),
        image_size=np.tile([width, height], (count, 1)),
        bbox=np.zeros((count, 4)),
        image_id=np.arange(count),
        annotation_id=np.arange(count) + 10,
        file_name=tuple(f"{i}.jpg" for i in range(count)),
        posture=("",) * count,
        pose_id=tuple(f"p{i}" for i in range(count)),
    )


def synthetic_bodies(fitter: Fitter, count: int, seed: int = 0) -> list[np.ndarray]:
    """Return bodies near the prior's means as a camera that looks level or down sees them."""
    rng = np.random.default_rng(seed)
    bodies = []
    for _ in range(count):
        mode = int(rng.integers(len(fitter.prior.means)))
        pose = fitter.prior.means[mode] + 0.5 * fitter.prior.chol[mode] @ rng.standard_normal(69)
        # Gravity in the camera frame: down in the image and away from the camera.
        tilt = rng.uniform(0.2, 1.2)
        goal, start = np.array([0.0, np.cos(tilt), np.sin(tilt)]), fitter.prior.gravity[mode]
        axis = np.cross(start, goal)
        angle = np.arctan2(np.linalg.norm(axis), start @ goal)
        root = rodrigues(axis / np.linalg.norm(axis) * angle)
        root = rodrigues(goal * rng.uniform(-1, 1)) @ root
        bodies.append(
            np.concatenate([0.5 * rng.standard_normal(20), root.ravel(), pose, [0.0, 0.0, 1.5], [0.0]])
        )
    return bodies


def keypoints_of(fitter: Fitter, x: np.ndarray, focal_px: float = 600.0) -> tuple[np.ndarray, np.ndarray]:
    """Return (17, 3) pixels of a 640 x 480 picture, all visible, and the (17, 3) points."""
    betas, root, pose, transl, _ = unpack(x)
    points = forward(fitter.kinematics, betas, root, pose, transl)[0]
    pixels = focal_px * points[:, :2] / points[:, 2:] + [320, 240]
    return np.concatenate([pixels, np.full((17, 1), 2.0)], axis=1), points
