import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from syrip_gen.keypoints.catalog import COCO17, SMPL24
from syrip_gen.quality.measures import categories_of, measure_pose, measure_record
from tests.toy_body import make_toy_body, toy_spec, view

BODY = make_toy_body()


def upright_pose():
    keypoints = np.zeros((17, 3))
    for name, xy in {
        "left_shoulder": (60, 20), "right_shoulder": (40, 20), "left_hip": (60, 70), "right_hip": (40, 70),
    }.items():  # fmt: skip
        keypoints[COCO17.index(name)] = (*xy, 2)
    return keypoints


@pytest.mark.parametrize("turn, roll", [(0, 0), (90, 90), (-90, -90), (180, 180)])
def test_roll_is_clockwise_from_up(turn, roll):
    keypoints = upright_pose()
    angle = np.radians(turn)
    turned = (keypoints[:, :2] - 50) @ np.array(
        [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
    )
    keypoints[:, :2] = turned + 50
    assert abs(measure_pose(keypoints, np.ones(4), (100, 100))["roll"]) == pytest.approx(abs(roll))
    if abs(roll) == 90:
        assert measure_pose(keypoints, np.ones(4), (100, 100))["roll"] == pytest.approx(roll)


def test_pose_measures():
    keypoints = upright_pose()
    keypoints[0] = (1, 1, 1)
    measures = measure_pose(keypoints, np.array([0, 0, 30, 60]), (100, 80))
    assert measures["box_size"] == 0.6
    assert (measures["num_labelled"], measures["num_visible"]) == (5, 4)


def test_roll_is_left_out_without_a_torso():
    assert "roll" not in measure_pose(np.zeros((17, 3)), np.ones(4), (10, 10))


def record(yaw_deg=0.0, pitch_deg=0.0, head=(0.0, 0.0, 0.0)):
    _, points = view(BODY, yaw_deg=yaw_deg, pitch_deg=pitch_deg)
    upright = Rotation.from_euler("x", 180 + pitch_deg, degrees=True)
    root = upright * Rotation.from_euler("y", yaw_deg, degrees=True)
    pose = np.zeros((24, 3))
    pose[0] = root.as_rotvec()
    pose[SMPL24.index("head")] = head
    looks_down = [[1, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 2], [0, 0, 0, 1]]
    return {
        "image": {"width": 320, "height": 240, "posture": ""},
        "annotation": {
            "keypoints": [1.0] * 51,
            "bbox": [0, 0, 10, 20],
            "keypoints_3d_m": points.tolist(),
            "camera": {"fx": 160.0, "T_cam_world": looks_down},
            "body": {"pose": pose.ravel().tolist()},
        },
    }


# A body turned by +90 degrees about y looks to the picture's left: the camera sees its left side.
@pytest.mark.parametrize("yaw, azimuth", [(0, 0), (-90, 90), (90, -90), (179, 179)])
def test_view_azimuth_is_the_side_that_the_camera_sees(yaw, azimuth):
    assert abs(measure_record(record(yaw_deg=yaw))["view_azimuth"]) == pytest.approx(abs(azimuth), abs=3)
    if abs(azimuth) == 90:
        assert measure_record(record(yaw_deg=yaw))["view_azimuth"] == pytest.approx(azimuth, abs=3)


def test_view_elevation_tells_head_from_feet():
    # The body leans its head towards the camera at -60 degrees, its feet at +60.
    towards_head = measure_record(record(pitch_deg=60))["view_elevation"]
    towards_feet = measure_record(record(pitch_deg=-60))["view_elevation"]
    assert {np.sign(towards_head), np.sign(towards_feet)} == {1, -1}
    head = view(BODY, pitch_deg=60)[1][0]
    hips = view(BODY, pitch_deg=60)[1][[11, 12]].mean(axis=0)
    assert (towards_head > 0) == (head[2] < hips[2])


def test_head_turn_is_positive_to_the_left():
    assert measure_record(record(head=(0.0, 0.5, 0.0)))["head_turn"] == pytest.approx(np.degrees(0.5))


def test_camera_measures():
    measures = measure_record(record())
    assert measures["camera_pitch"] == pytest.approx(90)
    assert measures["field_of_view"] == pytest.approx(90)
    assert measures["distance"] == pytest.approx(1.6, abs=0.1)


def test_foreign_records_lack_what_they_lack():
    plain = {"image": {"width": 9, "height": 9}, "annotation": {"keypoints": [0] * 51, "bbox": [0, 0, 1, 1]}}
    assert set(measure_record(plain)) == {"box_size", "num_labelled", "num_visible"}
    assert categories_of(plain) == {"posture": ["unknown"]}


def test_categories_of_a_scene():
    found = categories_of({**record(), "spec": toy_spec().to_json()})
    assert found == {
        "posture": ["unknown"],
        "clothes": ["diaper only"],
        "skin tone": ["Monk 4"],
        "background": ["room"],
    }
