"""3D poses from datasets and .npz files, and 2D poses beside them."""

import json

import numpy as np
import pytest

from fidip.config import TrainOptions
from fidip.lifting.pose_files import read_poses_3d
from fidip.lifting.poses_2d import read_poses_2d, read_predictions
from fidip.lifting.poses_3d import join_poses
from fidip.lifting.sources import load_lift_data
from fidip.recipes import load_any_recipe
from syrip_gen.annotation.coco import ANNOTATION_FILE
from syrip_gen.keypoints.catalog import COCO17, MPII16
from tests.fidip.data.layouts.dataset_writers import write_mini_rgbd
from tests.fidip.lifting.skeletons import random_poses, write_dataset, write_npz


def test_a_dataset_folder_gives_poses_cameras_gravity_and_sources(tmp_path):
    poses = read_poses_3d(write_dataset(tmp_path / "d"))
    np.testing.assert_allclose(poses.points, random_poses(6, 3), atol=1e-6)
    assert poses.camera[0].tolist() == [300, 300, 160, 120]
    assert poses.gravity[0].tolist() == [0, 0, -1]
    assert poses.group.tolist() == ["pose0", "pose1", "pose1", "pose2", "pose2", "pose3"]
    assert len(set(poses.clip.tolist())) == 6
    assert poses.labels[..., 2].min() == 2


def test_frames_of_one_clip_lie_side_by_side(tmp_path):
    folder = write_dataset(tmp_path / "d")
    data = json.loads((folder / ANNOTATION_FILE).read_text())
    for i, person in enumerate(data["annotations"]):
        person["source"]["clip"] = "ab"[i % 2]
    (folder / ANNOTATION_FILE).write_text(json.dumps(data))
    poses = read_poses_3d(folder)
    assert poses.clip.tolist() == [0, 0, 0, 1, 1, 1]
    assert poses.key.tolist() == [1, 3, 5, 2, 4, 6]


def test_a_fit_bank_gives_its_accepted_fits(few_fits):
    poses = read_poses_3d(few_fits)
    with np.load(few_fits) as bank:
        assert len(poses) == bank["accepted"].sum()
        np.testing.assert_allclose(poses.points, bank["keypoints_3d_m"][bank["accepted"]], atol=1e-6)


def test_other_schemas_are_mapped_by_name(tmp_path):
    points = random_poses(3)[:, :16]
    path = write_npz(tmp_path / "p.npz", 3, keypoints_3d_m=points, schema=np.array("mpii16"))
    poses = read_poses_3d(path, COCO17)
    ours, theirs = COCO17.index("left_knee"), MPII16.index("left_knee")
    np.testing.assert_allclose(poses.points[:, ours], points[:, theirs])
    assert np.isnan(poses.points[:, COCO17.index("left_eye")]).all()


def test_keypoints_taken_as_they_come_must_be_as_many(tmp_path):
    points = random_poses(3)
    same = write_npz(tmp_path / "a.npz", 3, keypoints_3d_m=points, schema=np.array("h36m17"))
    np.testing.assert_allclose(read_poses_3d(same, COCO17, by_order=True).points, points)
    less = write_npz(tmp_path / "b.npz", 3, keypoints_3d_m=points[:, :16], schema=np.array("mpii16"))
    with pytest.raises(ValueError, match=r"16 keypoints \(mpii16\); taken as they come they should be 17"):
        read_poses_3d(less, COCO17, by_order=True)


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"keypoints_3d_m": None}, "it is missing"),
        ({"keypoints_3d_m": np.zeros((4, 14, 3), np.float32)}, r"expected .*\(N, 17, 3\).*got \(4, 14, 3\)"),
        ({"keypoints_3d_m": 900 * random_poses(4)}, "look like millimetres"),
        ({"keypoints_3d_m": 100 * random_poses(4)}, "look like millimetres or centimetres"),
        ({"keypoints_3d_m": 0.001 * random_poses(4)}, r"extends over 0\.00\d+; metres are expected"),
        ({"keypoints_3d_m": np.full((4, 17, 3), np.nan, np.float32)}, "p.npz: no 3D keypoint is known"),
        ({"keypoints_3d_m": random_poses(4) + np.float32(500)}, r"reach 50\d; metres are expected"),
        ({"clip": np.array([0, 1, 0, 1])}, "clip must not decrease"),
        ({"gravity": np.zeros((2, 3), np.float32)}, r"gravity \(2, 3\) must go with 4 poses"),
        ({"schema": np.array("lego")}, r"p\.npz: unknown keypoint schema 'lego'"),
    ],
)
def test_a_wrong_npz_is_refused(tmp_path, arrays, message):
    with pytest.raises(ValueError, match=message):
        read_poses_3d(write_npz(tmp_path / "p.npz", 4, **arrays))


def test_files_that_hold_no_poses_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere not found"):
        read_poses_3d(tmp_path / "nowhere")
    (tmp_path / "x.npz").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"x\.npz: not a readable \.npz of plain arrays"):
        read_poses_3d(tmp_path / "x.npz")
    np.savez(tmp_path / "pickle.npz", keypoints_3d_m=np.array([{}]))
    with pytest.raises(ValueError, match=r"pickle\.npz: not a readable \.npz of plain arrays"):
        read_poses_3d(tmp_path / "pickle.npz")
    folder = write_dataset(tmp_path / "d")
    data = json.loads((folder / ANNOTATION_FILE).read_text())
    for person in data["annotations"]:
        del person["keypoints_3d_m"]
    (folder / ANNOTATION_FILE).write_text(json.dumps(data))
    with pytest.raises(ValueError, match=r"no annotation has keypoints_3d_m.*--real-2d"):
        read_poses_3d(folder)


def test_joined_files_keep_their_sources_apart(tmp_path):
    one = read_poses_3d(write_npz(tmp_path / "a.npz", 4, clips=2))
    both = join_poses([one, one])
    assert both.clip.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert both.group.tolist() == ["0:0"] * 2 + ["0:1"] * 2 + ["1:0"] * 2 + ["1:1"] * 2


def test_the_best_prediction_of_every_picture_is_taken(tmp_path):
    poses = read_poses_3d(write_dataset(tmp_path / "d", 3))
    records = [
        {"image_id": 2, "score": s, "keypoints": [s] * 51, "keypoint_schema": "coco17"} for s in (0.3, 0.8)
    ]
    path = tmp_path / "p.json"
    path.write_text(json.dumps(records))
    found = read_predictions(path, poses)
    assert found[1, 0].tolist() == pytest.approx([0.8] * 3)
    assert not found[0].any()
    records[0]["keypoint_schema"] = "mpii16"
    path.write_text(json.dumps(records[:1]))
    with pytest.raises(ValueError, match="holds mpii16 keypoints; this lifter takes coco17"):
        read_predictions(path, poses)
    path.write_text(json.dumps([{"image_id": 99, "score": 1, "keypoints": [0] * 51}]))
    with pytest.raises(ValueError, match="none of its 1 pictures is in"):
        read_predictions(path, poses)


def test_2d_poses_come_from_coco_files_and_npz(tmp_path, few_poses):
    poses = read_poses_2d(few_poses, COCO17)
    assert len(poses) == 6
    assert poses.image_size.min() > 0
    keypoints = np.concatenate([np.full((4, 17, 2), 50.0), np.ones((4, 17, 1))], -1)
    np.savez(
        tmp_path / "s.npz", keypoints_2d_px=keypoints, image_size=np.array([640, 480]), clip=[0, 0, 1, 1]
    )
    sequence = read_poses_2d(tmp_path / "s.npz", COCO17)
    assert sequence.image_size.tolist() == [[640, 480]] * 4
    assert sequence.clip.tolist() == [0, 0, 1, 1]
    np.savez(tmp_path / "t.npz", other=keypoints)
    with pytest.raises(ValueError, match="expected keypoints_2d_px"):
        read_poses_2d(tmp_path / "t.npz", COCO17)


@pytest.mark.parametrize(
    "points, message",
    [
        (np.full((4, 17, 3), np.nan), "no pose has 4 keypoints of coco17"),
        (np.full((4, 17, 3), 0.5), "keypoints reach 0.50; pixels are expected"),
    ],
)
def test_2d_poses_without_pixels_are_refused(tmp_path, points, message):
    np.savez(tmp_path / "s.npz", keypoints_2d_px=points, image_size=np.array([640, 480]))
    with pytest.raises(ValueError, match=message):
        read_poses_2d(tmp_path / "s.npz", COCO17)


def test_2d_poses_with_too_few_keypoints_are_left_out(tmp_path):
    points = np.full((4, 17, 3), 50.0)
    points[1, 3:, 2] = 0
    np.savez(tmp_path / "s.npz", keypoints_2d_px=points, image_size=[640, 480], clip=[0, 0, 1, 1])
    assert read_poses_2d(tmp_path / "s.npz", COCO17).clip.tolist() == [0, 1, 1]


def test_frames_that_cannot_be_read_are_told(tmp_path):
    write_mini_rgbd(tmp_path / "mini", {1: [0, 1], 2: [0, 1]})
    next((tmp_path / "mini/01/joints_2Ddep").glob("*00000.txt")).write_text("nonsense")
    options = TrainOptions(poses_3d=(str(tmp_path / "mini"),), output="x")
    data = load_lift_data(options, load_any_recipe("lifter-infant", {})[1])
    assert len(data.train) + len(data.val) == 3
    assert len(data.failures) == 1
    assert "00000.txt line 1: expected three numbers" in data.failures[0]


def test_frames_of_2d_poses_and_of_validation_poses_that_cannot_be_read_are_told(tmp_path):
    for name, frame in (("train", 0), ("val", 1), ("real", 2)):
        write_mini_rgbd(tmp_path / name, {1: [0, 1, 2], 2: [0, 1, 2]})
        (tmp_path / name / f"01/joints_3D/syn_joints_3D_{frame:05d}.txt").unlink()
    options = TrainOptions(
        poses_3d=(str(tmp_path / "train"),),
        val=str(tmp_path / "val"),
        real_2d=str(tmp_path / "real"),
        output="x",
    )
    data = load_lift_data(options, load_any_recipe("lifter-selfsup", {})[1])
    assert [text.endswith(f"no joints_3D: {n}") for n, text in enumerate(data.failures)] == [True] * 3


def test_keypoints_that_no_pose_has_are_warned_of(tmp_path):
    path = write_npz(tmp_path / "a.npz", 12, clips=4)
    recipe = load_any_recipe("lifter-infant", {})[1]
    options = TrainOptions(poses_3d=(str(path),), output="x")
    assert not any("WARNING" in note for note in load_lift_data(options, recipe).notes)
    mpii = recipe.model_copy(update={"data": recipe.data.model_copy(update={"schema_name": "mpii16"})})
    assert any("no pose has upper_neck, head_top" in note for note in load_lift_data(options, mpii).notes)


def rewritten(folder, change):
    """Let a function change the annotation file of a dataset."""
    file = folder / ANNOTATION_FILE
    data = json.loads(file.read_text())
    change(data)
    file.write_text(json.dumps(data))
    return folder


def test_takes_of_a_clip_are_movements_of_one_source(tmp_path):
    def change(data):
        for i, person in enumerate(data["annotations"]):
            frame = 2 - i // 2  # image ids run against the frames
            person["source"] = {"clip": "crawl", "take": i % 2, "frame": frame, "pose_id": f"crawl:{frame}"}

    poses = read_poses_3d(rewritten(write_dataset(tmp_path / "d"), change))
    assert poses.clip.tolist() == [0, 0, 0, 1, 1, 1]
    assert poses.key.tolist() == [5, 3, 1, 6, 4, 2]
    assert set(poses.group.tolist()) == {"crawl"}


def test_a_dataset_of_another_schema_is_read_by_its_names(tmp_path):
    def change(data):
        data["categories"][0]["keypoints"] = list(MPII16.keypoints)
        for person in data["annotations"]:
            del person["keypoints"][:3], person["keypoints_3d_m"][0]

    poses = read_poses_3d(rewritten(write_dataset(tmp_path / "d"), change), MPII16)
    np.testing.assert_allclose(poses.points, random_poses(6, 3)[:, 1:], atol=1e-6)


@pytest.mark.parametrize("camera", [None, {}, {"fx": 0, "fy": 300, "cx": 1, "cy": 1}, [1, 2]])
def test_an_unusable_camera_is_unknown(tmp_path, camera):
    folder = rewritten(write_dataset(tmp_path / "d"), lambda d: d["annotations"][0].update(camera=camera))
    poses = read_poses_3d(folder)
    assert np.isnan(poses.camera[0]).all()
    assert np.isnan(poses.gravity[0]).all()
    assert np.isfinite(poses.camera[1]).all()


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda p, _: p.update(image_id=[1]), "annotation 1 image_id: expected a whole number"),
        (lambda p, _: p.update(image_id=99), "annotation 1: there is no image 99"),
        (lambda p, _: p.update(keypoints_3d_m=[[0.1, 0.2, 1]] * 34), "keypoints_3d_m must be 17 rows"),
        (lambda p, _: p.update(keypoints=[1, 2, 2] * 34), "102 numbers in keypoints; expected 51"),
        (lambda p, _: p["camera"].update(T_cam_world=[1, 2]), "T_cam_world: expected a list"),
        (lambda p, _: p["camera"].update(T_cam_world=[[1.0] * 4]), "T_cam_world must be 4x4"),
        (lambda _, i: i.update(width=10**30), "image width: expected a whole number"),
        (lambda _, i: i.update(id=10**30), "image id: expected a whole number"),
    ],
)
def test_a_broken_annotation_is_named(tmp_path, change, message):
    folder = write_dataset(tmp_path / "d")
    with pytest.raises(ValueError, match=rf"{ANNOTATION_FILE}.*{message}"):
        read_poses_3d(rewritten(folder, lambda d: change(d["annotations"][0], d["images"][0])))


@pytest.mark.parametrize("source", ["x", [1], None])
def test_a_strange_source_is_ignored(tmp_path, source):
    folder = rewritten(write_dataset(tmp_path / "d"), lambda d: d["annotations"][0].update(source=source))
    assert read_poses_3d(folder).group[0] == "1"


def test_json_that_is_nested_without_end_is_refused(tmp_path):
    (tmp_path / "p.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match="nested too deeply"):
        read_poses_3d(tmp_path / "p.json")
    poses = read_poses_3d(write_dataset(tmp_path / "d", 3))
    with pytest.raises(ValueError, match="nested too deeply"):
        read_predictions(tmp_path / "p.json", poses)


def test_mini_rgbd_in_millimetres_is_refused(tmp_path):
    write_mini_rgbd(tmp_path / "mini", {1: [0, 1]})
    for file in (tmp_path / "mini/01/joints_3D").iterdir():
        rows = [line.split() for line in file.read_text().splitlines()]
        file.write_text("".join(f"{' '.join(str(1000 * float(v)) for v in r[:3])} {r[3]}\n" for r in rows))
    with pytest.raises(ValueError, match="look like millimetres"):
        read_poses_3d(tmp_path / "mini")


@pytest.mark.parametrize(
    "record, message",
    [
        ({"keypoints": None}, "keypoints: expected a list of numbers"),
        ({"keypoints": "abc"}, "keypoints: expected a list of numbers"),
        ({"keypoints": [0] * 48}, "expected 51 keypoint numbers"),
        ({"keypoint_schema": []}, r"holds \[\] keypoints; this lifter takes coco17"),
        ({"image_id": [1]}, "is not a COCO results file"),
    ],
)
def test_broken_predictions_are_refused(tmp_path, record, message):
    poses = read_poses_3d(write_dataset(tmp_path / "d", 3))
    (tmp_path / "p.json").write_text(
        json.dumps([{"image_id": 1, "score": 1, "keypoints": [1] * 51} | record])
    )
    with pytest.raises(ValueError, match=rf"p\.json.*{message}"):
        read_predictions(tmp_path / "p.json", poses)


@pytest.mark.parametrize(
    "arrays",
    [
        {"keypoints_2d_px": np.full((4, 17, 2), 50.0)},
        {"keypoints_2d_px": np.full((17, 3), 50.0)},
        {"keypoints_2d_px": np.float64(3)},
        {"keypoints_2d_px": np.array(["a"])},
        {"image_size": np.array([640, 0])},
        {"image_size": np.array([640, np.nan])},
        {"clip": np.array([1, 0, 0, 0])},
    ],
)
def test_2d_arrays_of_other_shapes_are_refused(tmp_path, arrays):
    good = {"keypoints_2d_px": np.full((4, 17, 3), 50.0), "image_size": np.array([640, 480])}
    np.savez(tmp_path / "s.npz", **good | arrays)
    with pytest.raises(ValueError, match=r"s\.npz: expected keypoints_2d_px \(N, K, 3\)"):
        read_poses_2d(tmp_path / "s.npz", COCO17)
