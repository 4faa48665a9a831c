import numpy as np

from syrip_gen.annotation.character import annotate_character, merged_adjoining
from syrip_gen.annotation.surface import BodySurface, adjoining_parts
from syrip_gen.keypoints.catalog import COCO17, SMPL24
from syrip_gen.rendering.character import CharacterFrame
from tests.toy_body import make_toy_body, toy_inputs, toy_spec, view

BODY = make_toy_body()


def parts_at(table, keypoint):
    return {SMPL24.keypoints[j] for j in np.flatnonzero(table[COCO17.index(keypoint)])}


def test_parts_without_a_bone_belong_to_the_joint_above():
    without = [n for n in SMPL24.keypoints if n not in ("spine2", "spine3", "left_collar", "left_hand")]
    table = merged_adjoining(without)
    assert parts_at(table, "left_shoulder") == {"spine1", "left_shoulder"}
    assert parts_at(table, "right_shoulder") == {"spine1", "right_collar", "right_shoulder"}
    assert parts_at(table, "left_wrist") == {"left_elbow", "left_wrist"}
    np.testing.assert_array_equal(merged_adjoining(SMPL24.keypoints), adjoining_parts())


def test_labels_name_the_character_and_hold_no_body():
    vertices, keypoints = view(BODY, yaw_deg=20)
    bones = np.array([[0.123456789, 0, 1.0], [0, 0, 1.1]])
    frame = CharacterFrame(vertices, BODY.faces, keypoints, ("hips", "head"), bones, bones + 0.1, {})
    inputs = toy_inputs(vertices, BODY.faces)
    labels = annotate_character(toy_spec(), inputs, frame, BodySurface.from_body(BODY), "scan")
    annotation = labels.record["annotation"]
    assert "body" not in annotation
    assert annotation["source"]["character"] == "scan"
    assert annotation["num_keypoints"] == 17
    np.testing.assert_allclose(annotation["keypoints_3d_m"], keypoints, atol=1e-6)
    assert annotation["area"] == labels.mask.sum() > 1000
    assert frame.bones_json()["hips"] == {"head": [0.123457, 0, 1.0], "tail": [0.223457, 0.1, 1.1]}


def test_a_surface_of_measured_parts_is_that_of_the_body():
    surface = BodySurface.from_body(BODY)
    keypoints = BODY.keypoint_regressor @ BODY.v_template
    again = BodySurface.from_parts(
        surface.face_part, merged_adjoining(SMPL24.keypoints), keypoints, BODY.v_template, BODY.faces
    )
    np.testing.assert_array_equal(again.adjoins, surface.adjoins)
    np.testing.assert_allclose(again.reach, surface.reach)
