"""2D clips: synthesise a moving infant before a camera, project it, recover it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from syrip_gen.body import load_body
from syrip_gen.fitting.kinematics import forward
from syrip_gen.fitting.priors import load_prior
from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.motion.clip import MotionClip
from syrip_gen.motion.retarget import retarget
from syrip_gen.motion.retarget_points import named_points

COUNT, FOCAL = 16, 768.0


@pytest.fixture(scope="module")
def infant():
    return load_body("infant")


@pytest.fixture(scope="module")
def prior():
    return load_prior("infant")


@pytest.fixture(scope="module")
def kicking(infant, prior):
    """Return 3D keypoints and the clip of an infant on its back, seen from straight above."""
    on_back = np.flatnonzero(prior.postures[:, 0] > 0.99)
    supine = int(on_back[np.argmin(prior.means[on_back, 0])])  # hips bent most: nobody stands so
    pose = np.tile(prior.means[supine], (COUNT, 1))
    pose[:, 0] -= 0.4 * np.sin(np.pi * np.arange(COUNT) / COUNT)
    root = Rotation.align_vectors([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]], [prior.gravity[supine], [1, 0, 0]])[0]
    kin, index = named_points(infant, np.zeros(infant.num_betas), True)
    columns = [index[name] for name in COCO17.keypoints]
    place = np.array([0.02, 0.05, 1.2])
    points = np.stack([forward(kin, np.zeros(0), root.as_matrix(), one, place)[0] for one in pose])
    points = points[:, columns]
    pixels = FOCAL * points[..., :2] / points[..., 2:] + [320.0, 240.0]
    pixels += np.random.default_rng(0).normal(scale=0.7, size=pixels.shape)
    return points, MotionClip(pixels, COCO17, 15.0, "camera", True, "kicking", (640, 480))


def test_recovers_the_bodies_and_which_way_is_down(infant, prior, kicking):
    points, clip = kicking
    result = retarget(clip, infant, prior)
    sequence = result.sequence
    kin, index = named_points(infant, sequence.betas, True)
    columns = [index[name] for name in COCO17.keypoints]
    roots = Rotation.from_rotvec(sequence.global_orient).as_matrix()
    poses = zip(roots, sequence.body_pose.reshape(-1, 69), sequence.transl, strict=True)
    found = np.stack([forward(kin, np.zeros(0), *one)[0] for one in poses])[:, columns]
    errors = []
    for a, b in zip(found, points, strict=True):
        turn, _ = Rotation.align_vectors(b - b.mean(0), a - a.mean(0))
        size = np.linalg.norm(b - b.mean(0)) / np.linalg.norm(a - a.mean(0))
        errors.append(np.linalg.norm(size * turn.apply(a - a.mean(0)) - (b - b.mean(0)), axis=1).mean())
    assert np.mean(errors) < 0.025
    camera_down = np.array([0.0, 0.0, 1.0])
    to_camera, _ = Rotation.align_vectors(points[0] - points[0].mean(0), found[0] - found[0].mean(0))
    tilt = np.degrees(np.arccos(np.clip(to_camera.apply([0.0, 0.0, -1.0]) @ camera_down, -1, 1)))
    assert tilt < 30.0
    assert any("key frames fitted" in note for note in sequence.notes)
    assert result.report.floor_depth_max_cm < 1.5


def test_without_the_size_of_the_video_there_is_no_fit(infant, prior, kicking):
    with pytest.raises(ValueError, match="need the size of the video"):
        retarget(replace(kicking[1], image_size=None), infant, prior)


def test_what_is_no_infant_is_refused_with_the_reasons(infant, prior, kicking):
    noise = np.random.default_rng(1).uniform(0.0, 480.0, size=(4, 17, 2))
    with pytest.raises(ValueError, match=r"only 0 of 4 frames are plausible bodies: "):
        retarget(replace(kicking[1], points=noise), infant, prior)
