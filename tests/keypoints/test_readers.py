import json
import math
import pickle

import numpy as np
import pytest

from syrip_gen.keypoints.catalog import BODY19, COCO17, SPIN14
from syrip_gen.keypoints.mapping import map_keypoints
from syrip_gen.keypoints.readers import read_poses

RNG = np.random.default_rng(0)


def pose(count=17, v=2.0):
    """(count, 3) keypoints inside a 640x480 image."""
    return np.column_stack([RNG.uniform(50, 600, count), RNG.uniform(50, 400, count), np.full(count, v)])


def coco(keypoints, /, **changes):
    annotation = {
        "id": 7, "image_id": 3, "category_id": 1, "bbox": [10.0, 20.0, 300.0, 200.0], "iscrowd": 0,
        "keypoints": np.asarray(keypoints).ravel().tolist(), "num_keypoints": 17, "area": 14232.77,
        "bbox_head": [], "scores": [], "track_id": 0, "segmentation": [],
    }  # fmt: skip
    image = {"id": 3, "file_name": "train00003.jpg", "width": 640, "height": 480, "posture": "Supine"}
    return {"images": [image], "annotations": [annotation | changes], "categories": [{"id": 1}]}


def write(path, data):
    path.write_text(json.dumps(data))
    return path


def read(tmp_path, data):
    return read_poses(write(tmp_path / "poses.json", data))


def test_reads_a_coco_annotation(tmp_path):
    keypoints = pose()
    poses = read(tmp_path, coco(keypoints))
    np.testing.assert_allclose(poses.keypoints[0], keypoints)
    assert poses.image_size.tolist() == [[640, 480]]
    assert poses.bbox.tolist() == [[10, 20, 300, 200]]
    assert (poses.file_name, poses.posture) == (("train00003.jpg",), ("Supine",))
    assert poses.pose_id == ("poses/3/7",)
    assert poses.notes == ()


def test_deleted_marker_of_syrip_is_unlabelled(tmp_path):
    keypoints = pose()
    keypoints[3] = (-45, -45, 0)
    poses = read(tmp_path, coco(keypoints))
    assert poses.keypoints[0, 3].tolist() == [0, 0, 0]
    assert poses.num_labelled.tolist() == [16]
    assert poses.notes == ("poses.json: 1 annotations with a wrong num_keypoints, counted afresh",)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e300, None])
def test_absurd_coordinates_are_unlabelled_and_counted(tmp_path, bad):
    data = coco(pose())
    data["annotations"][0]["keypoints"][12] = bad
    poses = read(tmp_path, data)
    assert poses.keypoints[0, 4].tolist() == [0, 0, 0]
    assert any("1 keypoints" in note and "unlabelled" in note for note in poses.notes)


def test_integers_beyond_floats_are_unlabelled(tmp_path):
    data = coco(pose())
    data["annotations"][0]["keypoints"][0] = 10**400
    assert read(tmp_path, data).keypoints[0, 0].tolist() == [0, 0, 0]


@pytest.mark.parametrize("bbox", [None, [], [700, 500, 20, 20], [0, 0, 0, 10], [math.nan, 0, 5, 5]])
def test_useless_box_is_replaced_by_the_extent(tmp_path, bbox):
    keypoints = pose()
    poses = read(tmp_path, coco(keypoints, bbox=bbox))
    x, y, w, h = poses.bbox[0]
    assert x < keypoints[:, 0].min()
    assert y < keypoints[:, 1].min()
    assert x + w > keypoints[:, 0].max()
    assert y + h > keypoints[:, 1].max()
    assert "1 boxes missing" in poses.notes[0]


def test_box_beyond_the_image_is_clipped(tmp_path):
    poses = read(tmp_path, coco(pose(), bbox=[-10, -20, 1000, 1000]))
    assert poses.bbox.tolist() == [[0, 0, 640, 480]]
    assert poses.notes == ("poses.json: 1 boxes clipped to their image",)


def test_pose_with_few_keypoints_stays_in_its_place(tmp_path):
    data = coco(pose())
    poor = data["annotations"][0] | {"id": 1, "keypoints": [0.0] * 51}
    data["annotations"].insert(0, poor)
    poses = read(tmp_path, data)
    assert poses.is_usable.tolist() == [False, True]
    assert poses.annotation_id.tolist() == [1, 7]


def test_several_persons_share_an_image(tmp_path):
    data = coco(pose())
    data["annotations"].append(data["annotations"][0] | {"id": 8})
    poses = read(tmp_path, data)
    assert poses.image_id.tolist() == [3, 3]
    assert poses.pose_id == ("poses/3/7", "poses/3/8")


def test_crowds_and_annotations_without_keypoints_are_skipped_and_counted(tmp_path):
    data = coco(pose())
    data["annotations"] += [
        {"id": 8, "image_id": 3, "iscrowd": 1},
        {"id": 9, "image_id": 3, "bbox": [1, 1, 2, 2]},
    ]
    poses = read(tmp_path, data)
    assert len(poses) == 1
    assert poses.notes == (
        "poses.json: 1 crowd regions skipped",
        "poses.json: 1 annotations without keypoints skipped",
    )


def test_category_names_decide_the_schema(tmp_path):
    spin = pose(14)
    data = coco(spin)
    data["categories"][0]["keypoints"] = list(SPIN14.keypoints)
    np.testing.assert_allclose(read(tmp_path, data).keypoints[0], map_keypoints(spin, SPIN14, COCO17))


def test_names_in_another_order_are_followed(tmp_path):
    order = RNG.permutation(17)
    keypoints = pose()
    data = coco(keypoints[order])
    data["categories"][0]["keypoints"] = [COCO17.keypoints[i].replace("_", " ").title() for i in order]
    np.testing.assert_allclose(read(tmp_path, data).keypoints[0], keypoints)


def test_scores_in_place_of_visibility_are_noted(tmp_path):
    keypoints = pose()
    keypoints[:, 2] = 0.9
    keypoints[0, 2], keypoints[1, 2] = 0.01, 0.2
    poses = read(tmp_path, coco(keypoints, num_keypoints=None))
    assert poses.keypoints[0, :3, 2].tolist() == [0, 1, 2]
    assert "read as a score" in poses.notes[0]


def test_missing_image_record_is_tolerated(tmp_path):
    data = coco(pose())
    data["images"] = []
    poses = read(tmp_path, data)
    assert len(poses) == 1
    assert any("does not list" in note for note in poses.notes)
    assert (poses.image_size[0] >= poses.keypoints[0, :, :2].max(axis=0)).all()


def test_reads_coco_results(tmp_path):
    keypoints = pose()
    keypoints[:, 2] = 0.9
    keypoints[1:3, 2] = 0.1, 0.0
    entry = {"image_id": 3, "category_id": 1, "keypoints": keypoints.ravel().tolist(), "score": 0.8}
    poses = read(tmp_path, [entry])
    assert poses.keypoints[0, :4, 2].tolist() == [2, 1, 0, 2]
    assert poses.annotation_id.tolist() == [1]
    assert any("estimated" in note for note in poses.notes)


def test_results_name_their_schema(tmp_path):
    body = pose(19, 0.9)
    entry = {"image_id": 3, "keypoints": body.ravel().tolist(), "keypoint_schema": "body19"}
    mapped = map_keypoints(body, BODY19, COCO17)
    np.testing.assert_allclose(read(tmp_path, [entry]).keypoints[0, :, :2], mapped[:, :2])


def test_reads_an_openpose_folder_in_name_order(tmp_path):
    frames = [pose(25, 0.8) for _ in range(3)]
    for i, frame in enumerate(frames):
        people = [{"person_id": [-1], "pose_keypoints_2d": frame.ravel().tolist()}] if i != 1 else []
        write(tmp_path / f"clip_{i:03d}_keypoints.json", {"version": 1.3, "people": people})
    poses = read_poses(tmp_path)
    assert poses.file_name == ("clip_000", "clip_002")
    assert poses.image_id.tolist() == [1, 3]
    np.testing.assert_allclose(poses.keypoints[1, 0], (*frames[2][0, :2], 2))
    assert len({tuple(size) for size in poses.image_size.tolist()}) == 1
    assert any("1 frames without a person" in note for note in poses.notes)


def test_reads_fidips_19_points(tmp_path):
    body = pose(19)
    body[4, 2] = 1
    poses = read(tmp_path, {"annotations": body.ravel().tolist()})
    np.testing.assert_allclose(poses.keypoints[0], map_keypoints(body, BODY19, COCO17))


@pytest.mark.parametrize(
    "count, third_row, visible", [(17, 2.0, 2), (17, 1.0, 1), (16, 1.0, 2), (16, 0.0, 1)]
)
def test_reads_ahcolt_ground_truth(tmp_path, count, third_row, visible):
    keypoints = pose(count)
    array = keypoints.T.copy()
    array[2] = third_row
    array[:, 3] = -45
    data = {"images": ["a.jpg"], "all_keyps": [[], [[array]]], "all_boxes": [[[1.0, 2.0, 301.0, 202.0]]]}
    path = tmp_path / "clip_gt.pkl"
    path.write_bytes(pickle.dumps(data))
    poses = read_poses(path)
    assert poses.file_name == ("a.jpg",)
    assert poses.bbox.tolist() == [[1, 2, 300, 200]]
    deleted = "left_ear" if count == 17 else "left_hip"
    limbs = [COCO17.index(name) for name in COCO17.keypoints[5:] if name != deleted]
    assert set(poses.keypoints[0, limbs, 2]) == {visible}
    assert poses.keypoints[0, COCO17.index(deleted)].tolist() == [0, 0, 0]


def test_reads_ahcolt_predictions_and_the_reviewers_flags(tmp_path):
    labels = {"all_keyps": [[], [[pose().T[:2]], [pose().T[:2]]]], "all_boxes": [[], []]}
    (tmp_path / "clip_fRCNN.pkl").write_bytes(pickle.dumps(labels))
    verdicts = [1] * 17
    verdicts[0], verdicts[1], verdicts[2] = 0, -1, 2
    (tmp_path / "clip_flag.pkl").write_bytes(pickle.dumps({"0": [verdicts], "1": [[1] * 17]}))
    assert read_poses(tmp_path / "clip_fRCNN.pkl").num_labelled.tolist() == [17, 17]
    assert read_poses(tmp_path / "clip_flag.pkl").num_labelled.tolist() == [14, 17]


def test_hostile_pickle_is_refused(tmp_path):
    class Hostile:
        def __reduce__(self):
            return (open, (str(tmp_path / "executed"), "w"))

    path = tmp_path / "evil_gt.pkl"
    path.write_bytes(pickle.dumps({"all_keyps": Hostile()}))
    with pytest.raises(ValueError, match="evil_gt"):
        read_poses(path)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "the file is empty"),
        (b"   \n", "the file is empty"),
        (b"{]", r"not JSON: .* at line 1, column 2"),
        (b"\xff\xfe\x00", "not UTF-8 text"),
        (b"[" * 100_000, "nested too deeply"),
        (b"9" * 5000, "not usable JSON"),
        (b"3", "JSON, but not poses: found int"),
        (b"[]", "the list is empty"),
        (b"[3]", "entry 0: not a COCO keypoint result"),
        (b'{"a": 1}', r"found an object with keys \['a'\]"),
        (b'{"annotations": []}', "expected 'images' to be a list"),
        (b'{"annotations": [], "images": []}', "no pose found"),
        (b'{"annotations": [3, 4], "images": []}', "keypoint numbers, got 2"),
        (b'{"people": 3}', "expected 'people' to be a list"),
        (b'{"people": [3]}', "person 0, pose_keypoints_2d: expected a list"),
        (b"PK\x03\x04xxxx", "zip or .npz archive"),
    ],
)
def test_unreadable_files_say_why(tmp_path, content, message):
    path = tmp_path / "poses.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        read_poses(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"keypoints": [1.0] * 50}, r"annotation 7: expected 51 keypoint numbers .* got 50"),
        ({"keypoints": "nose"}, "annotation 7, keypoints: expected a list of numbers, got 'nose'"),
        ({"keypoints": [1.0, "x"] + [1.0] * 49}, "entry 1 must be a number, got 'x'"),
        ({"keypoints": [True] * 51}, "entry 0 must be a number, got True"),
        ({"keypoints": [0.0] * 51}, "none of its 1 poses is usable: the best has 0 labelled"),
        ({"keypoints": [math.nan] * 51}, "none of its 1 poses is usable"),
        ({"image_id": "abc"}, "image_id: expected a whole number, got 'abc'"),
        ({"bbox": [1, 2, 3]}, "bbox: expected x, y, width, height, got 3 numbers"),
        ({"id": 2**70}, "expected a whole number"),
    ],
)
def test_bad_annotations_say_which_value(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, coco(pose(), **changes))


def test_duplicate_annotation_ids_are_refused(tmp_path):
    data = coco(pose())
    data["annotations"] *= 2
    with pytest.raises(ValueError, match="annotation id 7 occurs 2 times"):
        read(tmp_path, data)


def test_duplicate_image_ids_are_refused(tmp_path):
    data = coco(pose())
    data["images"] *= 2
    with pytest.raises(ValueError, match="image id 3 occurs twice"):
        read(tmp_path, data)


def test_absurd_image_size_is_refused(tmp_path):
    data = coco(pose())
    data["images"][0]["width"] = 10**9
    with pytest.raises(ValueError, match=r"image 3: size 1000000000x480 is outside"):
        read(tmp_path, data)


def test_foreign_keypoint_names_are_refused(tmp_path):
    data = coco(pose())
    data["categories"][0]["keypoints"] = ["hoof", "horn"]
    with pytest.raises(ValueError, match=r"category 1 has keypoints \['hoof', 'horn'\]"):
        read(tmp_path, data)


def test_keypoint_named_twice_is_refused(tmp_path):
    data = coco(pose())
    data["categories"][0]["keypoints"] = ["nose"] * 17
    with pytest.raises(ValueError, match=r"poses.json: category 1 names a keypoint twice"):
        read(tmp_path, data)


@pytest.mark.parametrize("category", [[], {}, None, 99])
def test_odd_category_means_coco(tmp_path, category):
    assert len(read(tmp_path, coco(pose(), category_id=category))) == 1


def test_missing_file_says_what_was_expected(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file or folder; expected COCO"):
        read_poses(tmp_path / "nothing.json")


def test_empty_folder_says_what_was_expected(tmp_path):
    with pytest.raises(ValueError, match=r"no \.json file; expected one OpenPose file a frame"):
        read_poses(tmp_path)


@pytest.mark.parametrize("name, count", [("syrip_real_383", 383), ("minirgbd_1200", 1200)])
def test_real_infant_poses_are_all_usable(shared_data, name, count):
    poses = read_poses(shared_data / "infant_2d" / f"{name}.json")
    assert len(poses) == count
    assert poses.is_usable.all()


def test_fidip_predictions_stand_in_for_their_annotations(shared_data):
    truth = read_poses(shared_data / "infant_2d" / "syrip_real_383.json")
    predicted = read_poses(shared_data / "infant_2d" / "syrip_real_383_fidip_predictions.json")
    np.testing.assert_array_equal(predicted.image_id, truth.image_id)
    ratio = predicted.image_size / truth.image_size
    assert np.median(np.abs(np.log(ratio))) < 0.15
