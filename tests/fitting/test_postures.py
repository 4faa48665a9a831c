import numpy as np
import pytest

from syrip_gen.fitting.anatomy import forward_joints, mirror_pose, pose_from_angles
from syrip_gen.fitting.checks import joint_angles, reason_for_pose
from syrip_gen.fitting.posture_sampler import MAX_OVERLAP, sample_posture
from syrip_gen.fitting.postures import ARMS, LEGS, POSTURE_LABELS, POSTURES
from syrip_gen.fitting.proxies import build_spheres, penetration, posed_centers


def _one(leg=(0,) * 6, arm=(0,) * 6, trunk=(0,) * 6) -> np.ndarray:
    arrays = [np.array([a], dtype=float) for a in (leg, leg, arm, arm, trunk)]
    return pose_from_angles(*arrays)


def _joints(infant, pose: np.ndarray) -> np.ndarray:
    rest = infant.J_regressor @ infant.v_template
    return forward_joints(pose, rest, infant.parents)[0][0]


def test_knee_bends_the_shin_backwards(infant) -> None:
    joints = _joints(infant, _one(leg=(0, 0, 0, 90, 0, 0)))
    assert joints[7, 2] < joints[4, 2] - 0.08
    assert joints[8, 2] < joints[5, 2] - 0.08


def test_hip_brings_the_thigh_forward_and_outward(infant) -> None:
    joints = _joints(infant, _one(leg=(90, 45, 0, 0, 0, 0)))
    assert joints[4, 2] > joints[1, 2] + 0.05
    assert joints[4, 0] > joints[1, 0] + 0.05
    assert joints[5, 0] < joints[2, 0] - 0.05


def test_elbow_bends_towards_the_midline(infant) -> None:
    joints = _joints(infant, _one(arm=(90, 0, 0, 90, 0, 0)))
    assert joints[18, 2] > joints[16, 2] + 0.05, "the arm points forward"
    assert joints[20, 0] < joints[18, 0] - 0.05, "the left hand goes to the right"
    assert joints[21, 0] > joints[19, 0] + 0.05


def test_outward_turn_brings_the_hand_up(infant) -> None:
    joints = _joints(infant, _one(arm=(0, 0, -90, 90, 0, 0)))
    assert joints[20, 1] > joints[18, 1] + 0.05


def test_mirror_exchanges_sides(infant) -> None:
    rng = np.random.default_rng(0)
    pose = 0.4 * rng.standard_normal((1, 23, 3))
    joints, mirrored = _joints(infant, pose), _joints(infant, mirror_pose(pose))
    left, right = [1, 4, 7, 16, 18, 20], [2, 5, 8, 17, 19, 21]
    np.testing.assert_allclose(mirrored[left], joints[right] * [-1, 1, 1], atol=2e-3)
    np.testing.assert_allclose(mirror_pose(mirror_pose(pose)), pose)


def test_joint_angles_invert_the_anatomy() -> None:
    pose = _one(leg=(70, 30, 10, 80, 0, 0), arm=(40, -20, -30, 95, 0, 0), trunk=(10, 0, 0, 0, 0, 60))
    angles = joint_angles(pose.ravel())
    assert angles["left_knee"] == pytest.approx(80)
    assert angles["right_knee"] == pytest.approx(80)
    assert angles["left_elbow"] == pytest.approx(95)
    assert angles["right_elbow"] == pytest.approx(95)
    assert angles["neck_twist"] == pytest.approx(60)
    assert angles["spine_tilt"] == pytest.approx(10)


@pytest.mark.parametrize(
    "pose, reason",
    [
        (_one(leg=(40, 20, 0, -40, 0, 0)), "knee or elbow bent backwards"),
        (_one(arm=(0, 0, 0, -40, 0, 0)), "knee or elbow bent backwards"),
        (_one(leg=(-70, 0, 0, 0, 0, 0)), "joint out of range"),
        (_one(trunk=(0, 0, 0, 0, 0, 150)), "neck twisted"),
        (_one(trunk=(0, 0, 100, 0, 0, 0)), "joint out of range"),
        (_one(leg=(80, 40, 20, 90, 0, 0), arm=(30, -30, -40, 80, 0, 0)), ""),
    ],
)
def test_poses_out_of_range_are_named(pose: np.ndarray, reason: str) -> None:
    assert reason_for_pose(pose.ravel()) == reason


@pytest.mark.parametrize("name", list(POSTURES))
def test_templates_give_possible_infants(infant, name: str) -> None:
    posture, rest = POSTURES[name], infant.J_regressor @ infant.v_template
    assert posture.label in POSTURE_LABELS
    assert set(posture.legs) <= set(LEGS)
    assert set(posture.arms) <= set(ARMS)
    spheres, rng = build_spheres(infant), np.random.default_rng(0)
    mouth = np.array([0.0, 0.0, 0.08])
    pose, gravity = sample_posture(posture, 20, rng, rest, infant.parents, spheres, mouth)
    np.testing.assert_allclose(np.linalg.norm(gravity, axis=1), 1.0)
    assert [reason_for_pose(p.ravel()) for p in pose] == [""] * 20
    joints, rotations = forward_joints(pose, rest, infant.parents)
    centers = posed_centers(spheres, joints, rotations)
    assert penetration(spheres, centers).max() < MAX_OVERLAP
    if posture.support == "trunk":
        height = -np.einsum("nka,na->nk", centers, gravity) - spheres.radius
        trunk = [i for i, s in enumerate(spheres.names) if s.split("_")[0] in ("pelvis", "belly", "chest")]
        assert (height.min(1) > height[:, trunk].min(1) - 0.031).all(), "nothing is below the support"


def test_impossible_templates_are_reported(infant) -> None:
    import dataclasses

    rest = infant.J_regressor @ infant.v_template
    broken = dataclasses.replace(POSTURES["stand_free"], touch=("wrists",))
    args = (np.random.default_rng(0), rest, infant.parents, build_spheres(infant), np.zeros(3))
    with pytest.raises(ValueError, match="contradict"):
        sample_posture(broken, 50, *args)
