"""Retargeting: synthesise an infant's motion, take its points, recover it; floor, contacts, gravity."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from syrip_gen.body import load_body
from syrip_gen.body.posing import pose_body
from syrip_gen.fitting.kinematics import forward
from syrip_gen.fitting.priors import load_prior
from syrip_gen.keypoints.catalog import COCO17, H36M17
from syrip_gen.motion.clip import MotionClip
from syrip_gen.motion.retarget import retarget
from syrip_gen.motion.retarget_limits import joint_limits
from syrip_gen.motion.retarget_points import named_points

FPS = 20.0
COUNT = 24


@pytest.fixture(scope="module")
def infant():
    return load_body("infant")


@pytest.fixture(scope="module")
def prior():
    return load_prior("infant")


def on_all_fours(prior):
    """Return root rotations and poses of an infant that rocks on hands and knees."""
    crawling = int(np.argmax(prior.postures[:, 4]))
    swing = 0.2 * np.sin(2.0 * np.pi * np.arange(COUNT) / COUNT)
    pose = np.tile(prior.means[crawling], (COUNT, 1))
    pose[:, [0, 3]] += swing[:, None]  # both hips
    pose[:, 48] -= 0.5 * swing  # left shoulder
    down = prior.gravity[crawling]
    root = Rotation.align_vectors([[0.0, 0.0, -1.0]], [down])[0]
    return np.tile(root.as_matrix(), (COUNT, 1, 1)), pose


def clip_of(infant, roots, pose, scale=1.0, schema=H36M17, transl=None):
    """Return the joints (H36M) or keypoints (COCO) of these bodies, blown up to an adult's size."""
    kin, index = named_points(infant, np.zeros(infant.num_betas), schema is COCO17)
    index = index | {"pelvis": index["hip_mid"], "thorax": index["shoulder_mid"], "neck_nose": index["neck"]}
    index["head_top"] = index["head_above"]
    transl = np.zeros((len(pose), 3)) if transl is None else transl
    posed = np.stack([forward(kin, np.zeros(0), *one)[0] for one in zip(roots, pose, transl, strict=True)])
    points = posed[:, [index[name] for name in schema.keypoints]]
    return MotionClip(scale * points, schema, FPS, "world", True, "rocking")


@pytest.fixture(scope="module")
def rocking(infant, prior):
    """Return the clip of a rocking infant three times its size, and what became of it."""
    roots, pose = on_all_fours(prior)
    clip = clip_of(infant, roots, pose, 3.3)
    return roots, pose, clip, retarget(clip, infant, prior)


def heights(infant, sequence):
    """Return the (T, V) heights of the vertices."""
    poses = zip(sequence.global_orient, sequence.body_pose, sequence.transl, strict=True)
    return np.stack([pose_body(infant, sequence.betas, *one).vertices[:, 2] for one in poses])


def test_an_adult_sized_copy_of_an_infant_gives_the_infant_back(rocking):
    roots, pose, _, result = rocking
    turn = Rotation.from_matrix(roots).inv() * Rotation.from_rotvec(result.sequence.global_orient)
    assert np.degrees(turn.magnitude()).max() < 6.0
    found = result.sequence.body_pose.reshape(-1, 69)
    limbs = [0, 1, 2, 3, 4, 5, 9, 12, 48, 49, 50, 51, 52, 53]  # hips, knees, shoulders, some twists included
    assert np.degrees(np.abs(found - pose)[:, limbs]).mean() < 6.0
    assert result.report.bone_error_median_deg < 2.0
    assert result.report.bone_error_p90_deg < 5.0


def test_the_whole_mesh_rests_on_the_floor(infant, rocking):
    lowest = heights(infant, rocking[-1].sequence).min(axis=1)
    assert lowest.min() > -0.01
    assert lowest.max() < 0.01
    assert rocking[-1].report.floor_depth_max_cm == pytest.approx(max(-100.0 * lowest.min(), 0.0), abs=1e-3)


def test_joints_stay_within_their_limits(rocking):
    low, high = joint_limits()
    pose = rocking[-1].sequence.body_pose.reshape(-1, 69)
    assert np.degrees(np.maximum(low - pose, pose - high)).max() < 2.0


def test_nothing_jumps_from_frame_to_frame(rocking):
    step = np.linalg.norm(np.diff(rocking[-1].sequence.body_pose, axis=0), axis=-1)
    assert np.degrees(step).max() < 12.0


def test_a_level_camera_and_a_pitched_one_are_recognised(infant, prior, rocking):
    clip = rocking[2]
    for pitch in (0.0, 40.0):
        forwards = np.array([0.0, np.cos(np.radians(pitch)), -np.sin(np.radians(pitch))])
        right = np.array([1.0, 0.0, 0.0])
        camera = np.stack([right, np.cross(forwards, right), forwards])
        seen = replace(clip, points=clip.points @ camera.T, frame="camera")
        result = retarget(seen, infant, prior)
        turn = Rotation.from_rotvec(rocking[-1].sequence.global_orient).inv()
        turn = turn * Rotation.from_rotvec(result.sequence.global_orient)
        assert np.degrees(turn.magnitude()).max() < 10.0
        assert "up: from contacts and postures" in result.sequence.notes[-1]


def test_coco_keypoints_are_followed_too(infant, prior):
    roots, pose = on_all_fours(prior)
    result = retarget(clip_of(infant, roots, pose, schema=COCO17), infant, prior)
    assert result.report.bone_error_median_deg < 2.5
    turn = Rotation.from_matrix(roots).inv() * Rotation.from_rotvec(result.sequence.global_orient)
    assert np.degrees(turn.magnitude()).max() < 8.0


def stepping(infant, prior):
    """Return a clip of an infant that swings its right leg forwards and sets it down again."""
    standing = int(np.argmax(prior.postures[:, 5]))
    pose = np.tile(prior.means[standing], (COUNT, 1))
    lift = np.sin(np.pi * np.clip((np.arange(COUNT) - 6) / 11.0, 0.0, 1.0))
    pose[:, 3] -= 0.5 * lift
    pose[:, 12] += 0.6 * lift
    down = prior.gravity[standing]
    root = np.tile(Rotation.align_vectors([[0.0, 0.0, -1.0]], [down])[0].as_matrix(), (COUNT, 1, 1))
    return clip_of(infant, root, pose, 3.3)


def test_the_foot_that_stands_does_not_slide(infant, prior):
    clip = stepping(infant, prior)
    relative = replace(clip, points=clip.points - clip.points[:, :1], is_absolute=False)
    for one in (clip, relative):
        sequence = retarget(one, infant, prior).sequence
        poses = zip(sequence.global_orient, sequence.body_pose, sequence.transl, strict=True)
        foot = np.flatnonzero(np.argmax(infant.weights, axis=1) == 7)
        track = np.stack([pose_body(infant, sequence.betas, *p).vertices[foot] for p in poses])
        on_floor = (track[1:, :, 2] < 0.004) & (track[:-1, :, 2] < 0.004)
        assert on_floor.any(axis=1).mean() > 0.8
        slip = np.linalg.norm(np.diff(track[..., :2], axis=0), axis=-1)[on_floor]
        assert np.median(slip) < 0.002
        assert slip.max() < 0.01


def test_up_is_one_of_four(infant, prior, rocking):
    seen = replace(rocking[2], frame="camera")
    with pytest.raises(ValueError, match="up must be auto, camera, h36m or world, got 'sky'"):
        retarget(seen, infant, prior, up="sky")


def test_betas_of_another_body_are_refused(infant, prior, rocking):
    with pytest.raises(ValueError, match=r"betas: expected \(20,\) for body 'infant', got \(3,\)"):
        retarget(rocking[2], infant, prior, betas=np.zeros(3))


def test_a_clip_of_one_frame_is_a_pose(infant, prior, rocking):
    clip = rocking[2]
    one = retarget(replace(clip, points=clip.points[:1]), infant, prior)
    assert len(one.sequence) == 1
    assert one.report.bone_error_median_deg < 3.0


def test_a_clip_without_hips_is_refused(infant, prior, rocking):
    points = rocking[2].points.copy()
    points[:, H36M17.index("left_hip")] = np.nan
    with pytest.raises(ValueError, match=r"clip 'rocking' \(h36m17\) lacks left_hip"):
        retarget(replace(rocking[2], points=points), infant, prior)
