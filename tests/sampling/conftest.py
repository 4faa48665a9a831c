"""A small bank of hand-made fits and the resources of the shipped body, loaded once."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from syrip_gen.body.assets import BodyAssets
from syrip_gen.body.load import load_body
from syrip_gen.rendering.resolve import Resources
from syrip_gen.sampling.options import SamplingOptions


@pytest.fixture(scope="session")
def body() -> BodyAssets:
    return load_body("infant")


@pytest.fixture(scope="session")
def bank() -> SimpleNamespace:
    """Seven flexed bodies seen from the front of an upright photo; the third was rejected."""
    postures = np.array(["Supine", "Prone", "Sitting", "Standing", "", "Side", "Supine"])
    n = len(postures)
    rng = np.random.default_rng(0)
    pose = rng.normal(0, 0.1, (n, 23, 3))
    pose[:, [0, 1], 0] -= 1.2  # hips
    pose[:, [3, 4], 0] += 1.2  # knees
    pose[3, [0, 1, 3, 4], 0] = 0.0
    orient = np.tile([np.pi, 0.0, 0.0], (n, 1))  # y up to y down: upright, facing the camera
    orient[1] = (0.0, 0.0, np.pi)  # facing away
    return SimpleNamespace(
        accepted=np.array([True, True, False, True, True, True, True]),
        betas=np.zeros((n, 20)),
        global_orient=orient,
        body_pose=pose,
        transl=np.tile([0.0, 0.0, 2.0], (n, 1)),
        posture=postures,
        pose_id=np.array([f"pose{i}" for i in range(n)]),
    )


@pytest.fixture(scope="session")
def resources(body: BodyAssets) -> Resources:
    return Resources.load(body, SamplingOptions(width=160, height=120))


@pytest.fixture
def photo_folder(tmp_path):
    """Three photos with a broken, a text and an oversized file among them."""
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    for name, value in (("a.jpg", 60), ("b.png", 120), ("deep/c.jpg", 200)):
        cv2.imwrite(str(folder / name), np.full((90, 120, 3), value, np.uint8))
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    (folder / "notes.txt").write_text("not an image")
    return folder
