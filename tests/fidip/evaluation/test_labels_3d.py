import numpy as np
import pytest

from fidip.evaluation.figures import measure
from fidip.evaluation.ground_truth import read_ground_truth
from fidip.evaluation.labels_3d import with_labels_3d
from fidip.evaluation.metric_words import read_metrics
from fidip.evaluation.pose_tables import joint_table
from fidip.evaluation.predictions import check_predictions
from syrip_gen.keypoints.catalog import COCO17, SPIN14
from syrip_gen.keypoints.mapping import map_points
from tests.fidip.evaluation.random_people import random_people

LSP_NAMES = [name.replace("right_", "r_").replace("left_", "l_") for name in SPIN14.keypoints]


@pytest.fixture
def gt():
    return read_ground_truth(random_people(most=1, num_images=5))


def save(path, gt, **changes):
    points = np.random.default_rng(0).normal(0, 0.2, (len(gt.images), 14, 3)).astype(np.float32)
    arrays = {"joints3d_m": points, "joint_names": np.array(LSP_NAMES)}
    arrays["file_name"] = np.array([f"photos/{image['file_name']}" for image in gt.images])
    arrays |= changes
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return points


def test_labels_are_found_by_file_name(tmp_path, gt):
    points = save(tmp_path / "w.npz", gt)
    labelled = with_labels_3d(gt, tmp_path / "w.npz")
    assert labelled.space_schema is SPIN14
    assert labelled.schema is COCO17
    for number, person in enumerate(labelled.persons):
        np.testing.assert_allclose(person.points_3d_mm, points[number] * 1000, rtol=1e-6)


def test_labels_are_found_by_image_id_and_schema(tmp_path, gt):
    ids = np.array([image["id"] for image in gt.images])[::-1]
    changes = {"file_name": None, "image_id": ids, "joint_names": None, "schema": np.array("spin14")}
    points = save(tmp_path / "w.npz", gt, **changes)
    labelled = with_labels_3d(gt, tmp_path / "w.npz")
    np.testing.assert_allclose(labelled.persons[0].points_3d_mm, points[-1] * 1000, rtol=1e-6)


def test_figures_of_labels_from_a_file(tmp_path, gt):
    """Predictions in COCO-17 that give the labels' limbs, turned as a whole: PA-MPJPE sees no error there."""
    points = save(tmp_path / "w.npz", gt)
    labelled = with_labels_3d(gt, tmp_path / "w.npz")
    coco = map_points(points * 1000, SPIN14, COCO17)[0]
    records = []
    for number, person in enumerate(labelled.labelled):
        turned = np.where(np.isnan(coco[number]), 0, coco[number])[:, [1, 2, 0]]
        record = {"image_id": person.image_id, "category_id": 1, "score": 1.0}
        record["keypoints"] = person.keypoints.ravel().tolist()
        records.append({**record, "keypoints_3d_mm": turned.tolist()})
    found = check_predictions(records, labelled, "pred")
    run = measure(labelled, "pred", found, "auto", read_metrics("mpjpe,pa-mpjpe"), schema=COCO17)
    assert run.poses.overall["PA-MPJPE (mm)"] == pytest.approx(0, abs=1e-3)
    assert run.poses.overall["MPJPE (mm)"] > 50
    assert len(run.poses.keypoints) == 17  # the face is labelled in 2D
    table = joint_table({"pred": run.poses})
    assert table.header[:3] == ("Keypoint", "Run", "Labelled in 3D")
    counts = {row[0]: row[2] for row in table.rows}
    assert counts["left_eye"] == 0
    assert counts["left_knee"] == len(labelled.labelled)
    assert {row[0]: row[3] for row in table.rows}["left_knee"] > 50
    both = measure(labelled, "pred", found, "auto", read_metrics("ajpe"), schema=COCO17)
    assert joint_table({"pred": both.poses}).header[:4] == ("Keypoint", "Run", "Labelled", "Labelled in 3D")
    flat = measure(gt, "pred", found, "auto", read_metrics("ajpe"), schema=COCO17)
    assert joint_table({"pred": flat.poses}).header[:4] == ("Keypoint", "Run", "Labelled", "AJPE (px)")
    run = measure(labelled, "pred", found, "auto", read_metrics("pa-mpjpe"), schema=SPIN14)
    assert "head_top" not in [group.name for group in run.poses.keypoints]


def test_invalid_and_absent_poses_are_none(tmp_path, gt):
    valid = np.array([True, False, True, True, True])
    names = np.array([image["file_name"] for image in gt.images])
    names[4] = "other.png"
    save(tmp_path / "w.npz", gt, valid=valid, file_name=names)
    labelled = with_labels_3d(gt, tmp_path / "w.npz")
    assert [person.points_3d_mm is None for person in labelled.persons] == [False, True, False, False, True]
    assert labelled.notes[-1] == "2 of 5 persons have no 3D keypoints in w.npz."


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"joints3d_m": None}, r"expected keypoints_3d_m \(N, K, 3\)"),
        ({"joints3d_m": np.zeros((5, 14, 2))}, r"expected keypoints_3d_m \(N, K, 3\)"),
        ({"joints3d_m": np.full((5, 14, 3), 500.0)}, "beyond 100; expected metres"),
        ({"joints3d_m": np.full((5, 14, 3), np.nan)}, "all are NaN"),
        ({"joint_names": np.array(["a"] * 14)}, "of no known schema"),
        ({"schema": np.array("lego")}, r"w\.npz: its 14 keypoints are of no known schema"),
        ({"joint_names": None}, "of no known schema"),
        ({"file_name": None}, "file_name or image_id"),
        ({"file_name": np.array(["x.png"] * 5)}, "none of its 5 poses is of a picture"),
        ({"file_name": np.array(["1.png"])}, "5 poses, but"),
        ({"valid": np.ones(7, bool)}, "5 poses, but"),
        ({"joint_names": np.array([{}], object)}, "not a readable .npz"),
    ],
)
def test_files_that_are_none_are_refused(tmp_path, gt, changes, words):
    save(tmp_path / "w.npz", gt, **changes)
    with pytest.raises(ValueError, match=words):
        with_labels_3d(gt, tmp_path / "w.npz")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"text"])
def test_broken_files_are_refused(tmp_path, gt, content):
    (tmp_path / "w.npz").write_bytes(content)
    with pytest.raises(ValueError, match="not a readable"):
        with_labels_3d(gt, tmp_path / "w.npz")


def test_a_missing_file(tmp_path, gt):
    with pytest.raises(FileNotFoundError, match=r"--gt-3d .*w.npz: no such file"):
        with_labels_3d(gt, tmp_path / "w.npz")


def test_the_real_weak_labels(shared_data):
    gt = read_ground_truth(shared_data / "infant_2d" / "syrip_real_383.json")
    labelled = with_labels_3d(gt, shared_data / "infant_3d" / "syrip_weak3d_383.npz")
    assert sum(person.points_3d_mm is not None for person in labelled.persons) == 383
