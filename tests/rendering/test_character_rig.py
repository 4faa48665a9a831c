import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from syrip_gen.body.kinematics import SMPL_PARENTS, forward_kinematics
from syrip_gen.geometry.camera import transform_points
from syrip_gen.keypoints.catalog import COCO17, SMPL24
from syrip_gen.rendering.character_bones import CharacterRig, check_bones
from syrip_gen.rendering.character_map import parse_bone_map
from syrip_gen.rendering.character_rig import RigDriver
from tests.toy_body import make_toy_body

BODY = make_toy_body()
REST = np.asarray(BODY.J_regressor @ BODY.v_template)
NAMES = SMPL24.keypoints
ORIGIN = np.zeros(3)


def bone_map(joints=NAMES, **more):
    return parse_bone_map(
        {"joints": {n: n for n in joints}, "keypoints": dict.fromkeys(COCO17.keypoints[:5], "head"), **more},
        "map",
    )


def rig_of(joints, parents=SMPL_PARENTS, names=NAMES, seed=0):
    """A rig with bones of arbitrary roll."""
    axes = Rotation.random(len(names), random_state=seed).as_matrix()
    return CharacterRig(tuple(names), tuple(parents), joints, joints + axes[:, :, 1] * 0.05, axes)


def random_motion(seed=1, size=0.5):
    rng = np.random.default_rng(seed)
    local = Rotation.from_rotvec(rng.normal(size=(24, 3)) * size).as_matrix()
    turns, joints = forward_kinematics(local, REST, SMPL_PARENTS)
    return turns, joints + rng.normal(size=3)


def placed_bones(rig, pose):
    """What Blender makes of the quaternions: bones turn in their own rest axes, one below the other."""
    posed, heads = np.empty_like(rig.axes), np.empty_like(rig.heads)
    for b, parent in enumerate(rig.parents):
        w, x, y, z = pose.quaternions.get(rig.names[b], (1, 0, 0, 0))
        turn = Rotation.from_quat([x, y, z, w]).as_matrix()
        if parent < 0:
            posed[b], heads[b] = rig.axes[b] @ turn, rig.heads[b]
        else:
            carried = posed[parent] @ rig.axes[parent].T
            posed[b] = carried @ rig.axes[b] @ turn
            heads[b] = heads[parent] + carried @ (rig.heads[b] - rig.heads[parent])
    return transform_points(pose.T_world_file, heads)


def test_a_rig_like_smpl_moves_like_smpl_whatever_its_axes_and_units():
    turn = Rotation.random(random_state=3).as_matrix()
    rig = rig_of(100 * REST @ turn.T + (5, 6, 7))  # centimetres, turned and shifted
    pose = RigDriver(rig, bone_map(), REST).drive(*(motion := random_motion()), ORIGIN)
    np.testing.assert_allclose(pose.heads, motion[1], atol=1e-9)
    np.testing.assert_allclose(placed_bones(rig, pose), motion[1], atol=1e-9)
    np.testing.assert_allclose(pose.keypoints[5:], motion[1][[NAMES.index(n) for n in COCO17.keypoints[5:]]])


def test_an_a_pose_at_rest_is_laid_into_the_t_pose():
    local = np.tile(np.eye(3), (24, 1, 1))
    for side, sign in (("left", -1), ("right", 1)):
        local[NAMES.index(f"{side}_shoulder")] = Rotation.from_euler("z", sign * 50, degrees=True).as_matrix()
        local[NAMES.index(f"{side}_hip")] = Rotation.from_euler("x", -30, degrees=True).as_matrix()
        local[NAMES.index(f"{side}_knee")] = Rotation.from_euler("x", 40, degrees=True).as_matrix()
    _, bent = forward_kinematics(local, REST, SMPL_PARENTS)
    rig, (turns, joints) = rig_of(bent), random_motion()
    pose = RigDriver(rig, bone_map(), REST).drive(turns, joints, ORIGIN)
    np.testing.assert_allclose(pose.heads, joints, atol=1e-9)
    naive = RigDriver(rig, bone_map(), bent).drive(turns, joints, ORIGIN)
    assert np.abs(naive.heads - joints).max() > 0.05


def test_joints_without_a_bone_are_bridged():
    kept = [n for n in NAMES if n not in ("spine1", "spine3", "left_collar", "right_collar", "neck")]
    parents = []
    for name in kept:
        above = SMPL_PARENTS[NAMES.index(name)]
        while above >= 0 and NAMES[above] not in kept:
            above = SMPL_PARENTS[above]
        parents.append(kept.index(NAMES[above]) if above >= 0 else -1)
    rig = rig_of(REST[[NAMES.index(n) for n in kept]], parents, kept)
    turns, joints = random_motion()
    pose = RigDriver(rig, bone_map(kept), REST).drive(turns, joints, ORIGIN)
    for bone, ends in (("left_shoulder", "left_elbow"), ("right_knee", "right_ankle")):
        is_now = pose.heads[kept.index(ends)] - pose.heads[kept.index(bone)]
        np.testing.assert_allclose(is_now, joints[NAMES.index(ends)] - joints[NAMES.index(bone)], atol=1e-9)
    parts = RigDriver(rig, bone_map(kept), REST).joint_of_bone
    assert NAMES[parts[kept.index("head")]] == "head"


def test_a_rig_with_a_size_of_its_own_scales_its_path():
    rig, (turns, joints) = rig_of(REST), random_motion()
    pose = RigDriver(rig, bone_map(scale=1.5), REST).drive(turns, joints, ORIGIN)
    np.testing.assert_allclose(pose.heads, 1.5 * joints, atol=1e-9)


def test_helper_bones_and_a_root_above_the_pelvis_go_along():
    names = ("root", *NAMES, "finger")
    parents = (-1, *(p + 1 for p in SMPL_PARENTS), 1 + NAMES.index("left_hand"))
    rig = rig_of(np.vstack([[0, -0.3, 0], REST, REST[22] + (0.02, 0, 0)]), parents, names)
    driver, (turns, joints) = RigDriver(rig, bone_map(), REST), random_motion()
    pose = driver.drive(turns, joints, ORIGIN)
    np.testing.assert_allclose(placed_bones(rig, pose)[1:25], joints, atol=1e-9)
    np.testing.assert_allclose(pose.heads[-1], joints[22] + turns[22] @ (0.02, 0, 0), atol=1e-9)
    assert [NAMES[j] for j in driver.joint_of_bone[[0, -1]]] == ["pelvis", "left_hand"]


def test_bones_that_the_file_lacks_are_all_listed_with_likely_names():
    names = [f"mixamo:{n}" if "knee" in n else n for n in NAMES]
    message = r"left_knee \(like mixamo:left_knee\?\), right_knee .*Its other bones"
    with pytest.raises(ValueError, match=message):
        check_bones(rig_of(REST, names=names), bone_map(), "scan.glb")


def test_bones_that_do_not_hang_together_are_listed():
    parents = SMPL_PARENTS.copy()
    parents[[7, 20]] = 0
    with pytest.raises(ValueError, match=r"left_ankle .* below left_knee .*left_wrist .* below left_elbow"):
        check_bones(rig_of(REST, parents), bone_map(), "scan.glb")


def test_hips_on_one_spot_are_refused():
    joints = REST.copy()
    joints[2] = joints[1]
    with pytest.raises(ValueError, match="left and right cannot be told"):
        RigDriver(rig_of(joints), bone_map(), REST)
