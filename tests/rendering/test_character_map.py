import pytest

from syrip_gen.keypoints.catalog import COCO17, SMPL24
from syrip_gen.rendering.character_map import KeypointOnBone, parse_bone_map, read_bone_map

JOINTS = {name: f"b_{name}" for name in SMPL24.keypoints}
FACE = {name: "b_head" for name in COCO17.keypoints[:5]}


def without(mapping, *names):
    return {name: bone for name, bone in mapping.items() if name not in names}


def test_limb_keypoints_lie_at_their_joints_unless_given():
    bones = parse_bone_map({"joints": JOINTS, "keypoints": {**FACE, "left_wrist": "b_left_hand"}}, "map")
    assert tuple(bones.keypoints) == COCO17.keypoints
    assert bones.keypoints["right_wrist"] == KeypointOnBone("b_right_wrist")
    assert bones.keypoints["left_wrist"] == KeypointOnBone("b_left_hand")
    assert (bones.armature, bones.meshes, bones.up, bones.scale) == (None, (), None, None)


def test_everything_that_a_file_can_say(tmp_path):
    path = tmp_path / "map.yaml"
    path.write_text(
        "joints:\n" + "".join(f"  {joint}: {bone}\n" for joint, bone in JOINTS.items()) + "keypoints:\n"
        "  nose: {bone: b_head, at: tail, offset: [0, 0.01, 0.08]}\n"
        "  left_eye: {bone: b_head, at: 0.5}\n"
        "  right_eye: {bone: b_head, point: [1, 2, 3]}\n"
        "  left_ear: b_head\n  right_ear: b_head\n"
        "armature: Rig\nmeshes: [Body, Romper]\nup: -y\nscale: 0.01\n"
    )
    bones = read_bone_map(path)
    assert bones.keypoints["nose"] == KeypointOnBone("b_head", 1.0, (0.0, 0.01, 0.08))
    assert bones.keypoints["left_eye"].at == 0.5
    assert bones.keypoints["right_eye"].point == (1.0, 2.0, 3.0)
    assert (bones.armature, bones.meshes, bones.scale) == ("Rig", ("Body", "Romper"), 0.01)
    assert bones.up == (0.0, -1.0, 0.0)


def test_all_missing_joints_are_listed():
    joints = without(JOINTS, "pelvis", "left_knee", "spine1", "spine2", "spine3")
    with pytest.raises(
        ValueError, match=r"without a bone: pelvis, left_knee, one of spine1, spine2, spine3$"
    ):
        parse_bone_map({"joints": joints, "keypoints": FACE}, "map")


def test_bridged_joints_may_be_missing():
    few = without(JOINTS, "spine1", "spine3", "neck", "left_collar", "right_collar", "left_foot", "left_hand")
    assert len(parse_bone_map({"joints": few, "keypoints": FACE}, "map").joints) == 17


@pytest.mark.parametrize(
    "data, message",
    [
        ([], "expected 'joints:'"),
        ({"joints": {**JOINTS, "belly": "b", "toe": "t"}}, r"no SMPL joints: belly, toe \(there are pelvis"),
        ({"joints": {**JOINTS, "neck": "b_head"}}, "bones of several joints: b_head"),
        ({"joints": JOINTS}, "keypoints without a bone: nose, left_eye, right_eye, left_ear, right_ear$"),
        (
            {"joints": JOINTS, "keypoints": {**FACE, "chin": "b", "left_hand": "b"}},
            "no COCO keypoints: chin, left_hand",
        ),
        ({"joints": JOINTS, "keypoints": FACE, "bones": 1}, "unknown key bones"),
        ({"joints": JOINTS, "keypoints": {**FACE, "nose": {"at": "tail"}}}, "keypoint nose must be a bone"),
        ({"joints": JOINTS, "keypoints": {**FACE, "nose": {"bone": "b", "at": "top"}}}, "'at' must be"),
        ({"joints": JOINTS, "keypoints": {**FACE, "nose": {"bone": "b", "offset": [1, 2]}}}, "three numbers"),
        (
            {"joints": JOINTS, "keypoints": {**FACE, "nose": {"bone": "b", "point": [0, 0, 0], "at": 0}}},
            "not both",
        ),
        ({"joints": JOINTS, "keypoints": FACE, "up": "north"}, "'up' must be one of x, y, z"),
        ({"joints": JOINTS, "keypoints": FACE, "up": ["z"]}, "'up' must be one of x, y, z"),
        ({"joints": JOINTS, "keypoints": FACE, "scale": -1}, "'scale' must be metres per unit"),
        ({"joints": JOINTS, "keypoints": FACE, "meshes": [1]}, "'meshes' must be a list of names"),
    ],
)
def test_what_is_wrong_is_said(data, message):
    with pytest.raises(ValueError, match=message):
        parse_bone_map(data, "map")


def test_unreadable_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"bone map .*absent.yaml not found"):
        read_bone_map(tmp_path / "absent.yaml")
    (tmp_path / "bad.yaml").write_text("joints: [")
    with pytest.raises(ValueError, match="not readable YAML"):
        read_bone_map(tmp_path / "bad.yaml")
    (tmp_path / "code.yaml").write_text("joints: !!python/object/apply:os.getcwd []")
    with pytest.raises(ValueError, match="not readable YAML"):
        read_bone_map(tmp_path / "code.yaml")
