"""AJPE, MPJPE and the like through the whole evaluation: datasets, prediction files, tables."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import cli
from fidip.evaluation.dataset_truth import read_truth
from fidip.evaluation.evaluate import evaluate_runs
from fidip.evaluation.figures import measure
from fidip.evaluation.ground_truth import read_ground_truth
from fidip.evaluation.metric_words import read_metrics
from fidip.evaluation.options import EvalConfig
from fidip.evaluation.predictions import check_predictions
from syrip_gen.annotation.coco import ANNOTATION_FILE
from syrip_gen.keypoints.catalog import COCO17, MPII16
from tests.fidip.data.layouts.dataset_writers import write_json, write_mini_rgbd

MPII_OF_MINI = [8, 5, 2, 1, 4, 7, 0, 9, 12, 24, 21, 19, 17, 16, 18, 20]
ALL_METRICS = "ajpe,pckh1,pckh2,mpjpe,pa-mpjpe,n-mpjpe,accel,iou,pck3d"


@pytest.fixture
def mini(tmp_path):
    write_mini_rgbd(tmp_path / "mini", {11: [0, 1, 2], 12: [0, 1, 2]})
    return tmp_path / "mini"


def predictions_of(gt, move_px=0.0, move_mm=0.0, scale=1.0):
    """Predictions in MPII-16: every keypoint moved by so many px along x, mm along y but for the pelvis."""
    records = []
    for person in gt.labelled:
        pixels = person.native[MPII_OF_MINI, :2] + (move_px, 0)
        points = person.points_3d_mm[MPII_OF_MINI]
        points = (points - points[6]) * scale
        points[np.arange(16) != 6, 1] += move_mm
        record = {"image_id": person.image_id, "category_id": 1, "score": 0.9, "keypoint_schema": "mpii16"}
        record["keypoints"] = np.column_stack([pixels, np.ones(16)]).ravel().tolist()
        record["keypoints_3d_mm"] = points.tolist()
        records.append({**record, "bbox": [100, 50, 200, 150]})
    return records


def compare(path, records, metrics=ALL_METRICS, schema=MPII16, thesis=False, split="all"):
    """Return the figures of predictions, and what could not be used of them."""
    gt = read_truth(path, split=split)
    found = check_predictions(records, gt, "pred")
    return measure(gt, "pred", found, "auto", read_metrics(metrics), schema=schema, thesis=thesis), found


def overall_of(path, records, **options):
    return compare(path, records, **options)[0].poses.overall


def evaluate(tmp_path, gt, records, metrics):
    """Run the whole evaluation, with files."""
    path = write_json(tmp_path / "pred.json", records)
    config = {"metrics": metrics, "keypoint_schema": "mpii16", "output": str(tmp_path / "out")}
    return evaluate_runs(EvalConfig(gt=str(gt), predictions=(str(path),), **config))


def test_exact_predictions_of_mini_rgbd(mini):
    overall = overall_of(mini, predictions_of(read_truth(mini)))
    for name in ("AJPE (px)", "AJPE (mm)", "MPJPE (mm)", "PA-MPJPE (mm)", "N-MPJPE (mm)"):
        assert overall[name] == pytest.approx(0, abs=1e-6)
    for name in ("PCKh@1", "PCKh@2", "3D PCKh@1", "3D PCKh@2", "3D PCK@150mm", "Found in 2D", "Found in 3D"):
        assert overall[name] == 1
    assert overall["Acceleration (mm/frame²)"] == pytest.approx(overall["labels' (mm/frame²)"])
    assert overall["Box IoU"] == pytest.approx(0.5)
    assert overall["Recall@0.5"] == 1


def test_known_offsets_of_mini_rgbd(mini):
    # Heads of sequences 11 and 12: 12.17 and 13.93 px, 28.6 and 30.1 mm.
    records = predictions_of(read_truth(mini), move_px=13, move_mm=29)
    run, _ = compare(mini, records)
    overall = run.poses.overall
    assert overall["AJPE (px)"] == pytest.approx(13)
    assert overall["AJPE (mm)"] == pytest.approx(29 * 15 / 16)
    assert overall["MPJPE (mm)"] == pytest.approx(29 * 15 / 16)
    assert overall["PCKh@1"] == pytest.approx(0.5)
    assert overall["PCKh@2"] == 1
    assert overall["3D PCKh@1"] == pytest.approx((1 / 16 + 1) / 2)
    assert overall["3D PCKh@2"] == 1
    assert [group.name for group in run.poses.sequences] == ["11", "12"]
    assert [group.values["PCKh@1"] for group in run.poses.sequences] == [0, 1]
    joints = {group.name: group.values for group in run.poses.keypoints}
    assert joints["pelvis"]["AJPE (mm)"] == pytest.approx(0)
    assert joints["left_wrist"]["AJPE (mm)"] == pytest.approx(29)
    assert np.isnan(run.coco.ap)
    assert any("AP and AR need COCO-17" in note for note in run.notes)


def test_the_thesis_counts_the_pelvis_wrong(mini):
    records = predictions_of(read_truth(mini), move_px=1, move_mm=1)
    honest = overall_of(mini, records)
    thesis = overall_of(mini, records, thesis=True)
    assert honest["3D PCKh@1"] == 1
    assert thesis["3D PCKh@1"] == pytest.approx(15 / 16)
    assert thesis["PCKh@1"] == 1
    assert thesis["AJPE (mm)"] == honest["AJPE (mm)"]


def test_a_wrong_size_is_seen_by_mpjpe_only(mini):
    overall = overall_of(mini, predictions_of(read_truth(mini), scale=0.8))
    assert overall["MPJPE (mm)"] > 10
    assert overall["N-MPJPE (mm)"] == pytest.approx(0, abs=1e-6)
    assert overall["PA-MPJPE (mm)"] == pytest.approx(0, abs=1e-6)


def test_the_split_is_the_published_one(mini):
    write_mini_rgbd(mini, {1: [0]})
    records = predictions_of(read_truth(mini))
    assert compare(mini, records)[0].num_persons == 7
    run, found = compare(mini, records, split="test")
    assert run.num_persons == 6
    assert found.failures == ("pred: 1 predictions for images that mini does not have: 100000",)


def test_frames_without_a_prediction_count_wrong_but_not_in_means(mini):
    records = predictions_of(read_truth(mini), move_px=1)[1:]
    overall = overall_of(mini, records)
    assert overall["AJPE (px)"] == pytest.approx(1)
    assert overall["Found in 2D"] == pytest.approx(5 / 6)
    assert overall["Found in 3D"] == pytest.approx(5 / 6)
    assert overall["PCKh@2"] == pytest.approx(5 / 6)
    assert overall["Box IoU"] == pytest.approx(0.5 * 5 / 6)


def test_null_3d_keypoints_are_not_found(mini):
    records = predictions_of(read_truth(mini))
    for record in records:
        record["keypoints_3d_mm"][0] = [None, None, None]
    run, _ = compare(mini, records)
    assert run.poses.overall["Found in 3D"] == pytest.approx(15 / 16)
    assert run.poses.overall["3D PCKh@2"] == pytest.approx(15 / 16)


def test_2d_predictions_have_no_3d_figures(tmp_path, mini):
    records = predictions_of(read_truth(mini))
    for record in records:
        del record["keypoints_3d_mm"], record["bbox"]
    report = evaluate(tmp_path, mini, records, "ajpe,mpjpe,iou")
    overall = report.runs[0].poses.overall
    assert not [name for name in overall if "mm" in name or "3D" in name]
    assert np.isnan(overall["Box IoU"])
    assert overall["AJPE (px)"] == 0
    assert "pred: 6 of 6 predictions have no keypoints_3d_mm." in report.notes


def test_coco_predictions_are_compared_in_mpii_where_they_can(mini):
    gt = read_truth(mini)
    records = [
        {"image_id": p.image_id, "category_id": 1, "score": 1.0, "keypoints": p.keypoints.ravel().tolist()}
        for p in gt.labelled
    ]
    run, _ = compare(mini, records, metrics="ajpe,pckh1")
    joints = {group.name: group.values["AJPE (px)"] for group in run.poses.keypoints}
    assert joints["left_wrist"] == 0
    assert joints["thorax"] > 0  # the shoulders' midpoint is not MINI-RGBD's spine2
    assert "head_top" not in joints
    assert any("coco17 has no upper_neck, head_top; not compared" in note for note in run.notes)
    assert run.coco.ap == 1


def test_files_and_flat_figures(tmp_path, mini):
    out = tmp_path / "out"
    evaluate(tmp_path, mini, predictions_of(read_truth(mini), move_px=2), "ajpe,mpjpe")
    assert {"poses.csv", "sequences.csv", "joints.csv", "joints.png"} <= {p.name for p in out.iterdir()}
    figures = json.loads((out / "figures.json").read_text())
    assert figures["AJPE (px)"] == pytest.approx(2)
    assert figures["sequence.12.AJPE (px)"] == pytest.approx(2)
    assert figures["joint.left_knee.AJPE (px)"] == pytest.approx(2)
    assert figures["schema"] == "mpii16"
    header = (out / "poses.csv").read_text().splitlines()[0]
    assert header.startswith("Run,AJPE (px),AJPE (mm),MPJPE (mm)")


def test_a_later_evaluation_leaves_no_bars(tmp_path, mini):
    records = predictions_of(read_truth(mini))
    evaluate(tmp_path, mini, records, "ajpe")
    evaluate(tmp_path, mini, records, "oks")
    assert not {"poses.csv", "joints.csv", "joints.png"} & {p.name for p in (tmp_path / "out").iterdir()}


def our_dataset(folder, count=4, with_3d=True):
    """A dataset as syrip generate writes it, of one clip."""
    rng = np.random.default_rng(0)
    images, annotations = [], []
    for i in range(1, count + 1):
        points = rng.uniform((-0.2, -0.2, 1), (0.2, 0.2, 1.3), (17, 3))
        pixels = points[:, :2] / points[:, 2:] * 600 + (320, 240)
        images.append({"id": i, "file_name": f"{i}.jpg", "width": 640, "height": 480})
        annotation = {
            "id": i, "image_id": i, "category_id": 1, "iscrowd": 0, "area": 9e3, "bbox": [100, 100, 300, 300],
            "keypoints": np.column_stack([pixels, np.full(17, 2)]).ravel().tolist(),
            "source": {"clip": "crawl", "frame": 2 * i, "take": 0},
        }  # fmt: skip
        if with_3d:
            annotation["keypoints_3d_m"] = points.tolist()
        annotations.append(annotation)
    write_json(folder / ANNOTATION_FILE, {"images": images, "annotations": annotations})
    return folder


def test_our_datasets_have_3d_truth_and_recordings(tmp_path):
    gt = read_ground_truth(our_dataset(tmp_path / "data"))
    assert gt.has_3d
    assert [person.sequence for person in gt.persons] == ["crawl/0"] * 4
    assert [person.frame for person in gt.persons] == [2, 4, 6, 8]
    records = []
    for person in gt.labelled:
        hips = person.points_3d_mm[[11, 12]].mean(axis=0)
        record = {"image_id": person.image_id, "category_id": 1, "score": 1.0}
        record["keypoints"] = person.keypoints.ravel().tolist()
        records.append({**record, "keypoints_3d_mm": (person.points_3d_mm - hips + (0, 0, 7)).tolist()})
    run, _ = compare(tmp_path / "data", records, schema=COCO17)
    assert run.coco.ap == 1
    assert run.poses.overall["AJPE (mm)"] == pytest.approx(7)  # as it was given
    assert run.poses.overall["MPJPE (mm)"] == pytest.approx(0, abs=1e-6)  # hips on hips
    assert run.poses.overall["Acceleration (mm/frame²)"] > 0
    assert np.isfinite(run.poses.overall["3D PCKh@1"])  # heads from nose and ears


def test_3d_metrics_need_3d_labels(tmp_path):
    folder = our_dataset(tmp_path / "data", with_3d=False)
    with pytest.raises(ValueError, match=r"--metrics mpjpe, pck3d@150: .* has no 3D keypoints"):
        evaluate(tmp_path, folder, [], "mpjpe,ajpe,pck3d")


@pytest.mark.parametrize(
    "change, words",
    [
        ({"keypoints": [1.0] * 51}, "51 numbers in keypoints; expected 16 × (x, y, score) = 48 of mpii16"),
        ({"keypoints_3d_mm": [[1, 2, 3]] * 17}, "51 numbers in keypoints_3d_mm; expected 16 × (x, y, z)"),
        ({"keypoints_3d_mm": 5}, "entry 0"),
        ({"keypoints_3d_mm": [[1, 2, "3"]] * 16}, "keypoints_3d_mm"),
        ({"keypoints_3d_mm": [[1, 2, 1e9]] * 16}, "infinity or a number beyond"),
    ],
)
def test_broken_records_are_failures(mini, change, words):
    gt = read_truth(mini)
    records = predictions_of(gt)
    records[2] |= change
    if change.get("keypoints_3d_mm") == 5:
        words = "1 numbers in keypoints_3d_mm"
    found = check_predictions(records, gt, "pred")
    assert len(found.results) == 5
    assert len(found.failures) == 1
    assert words in found.failures[0]
    assert "record 2" in found.failures[0]


def test_flat_3d_lists_are_read(mini):
    gt = read_truth(mini)
    records = predictions_of(gt)
    records[0]["keypoints_3d_mm"] = [v for row in records[0]["keypoints_3d_mm"] for v in row]
    found = check_predictions(records, gt, "pred")
    np.testing.assert_array_equal(np.ravel(found.results[0]["points_3d_mm"]), records[0]["keypoints_3d_mm"])


def test_schemas_must_be_known_and_one(mini):
    gt = read_truth(mini)
    records = predictions_of(gt)
    records[1]["keypoint_schema"] = "coco17"
    with pytest.raises(ValueError, match=r"records of several schemas \(mpii16, coco17\)"):
        check_predictions(records, gt, "pred")
    for record in records:
        record["keypoint_schema"] = "mpii17"
    with pytest.raises(ValueError, match="unknown keypoint schema 'mpii17'; choose from coco17"):
        check_predictions(records, gt, "pred")


@pytest.mark.parametrize(
    "text, pck, pose",
    [
        ("ajpe,pckh1,pckh2,mpjpe,pa-mpjpe,iou", ["PCKh@1", "PCKh@2"], ("ajpe", "mpjpe", "pa-mpjpe", "iou")),
        ("PCKh0.5,pckh@1.0,acceleration,accel", ["PCKh@0.5", "PCKh@1"], ("accel",)),
        ("pck,n-mpjpe", ["PCK@0.05"], ("n-mpjpe",)),
    ],
)
def test_metric_words(text, pck, pose):
    metrics = read_metrics(text)
    assert [metric.name for metric in metrics.pck] == pck
    assert metrics.pose == pose


@pytest.mark.parametrize(
    "text", ["pck1", "pckh", "pck3d@0", "pck3d@-1", "ajpe@1", "pa_mpjpe", "pckh@", "mpjpe;iou"]
)
def test_metric_words_that_are_none(text):
    if text == "pckh":
        assert read_metrics(text).pck[0].share == 0.5
        return
    with pytest.raises(ValueError, match="--metrics"):
        read_metrics(text)


def run_eval(*words):
    return CliRunner().invoke(cli.main, ["eval", *map(str, words)], prog_name="syrip")


def test_command_with_missing_frames_exits_3(tmp_path, mini):
    path = write_json(tmp_path / "pred.json", predictions_of(read_truth(mini), move_px=3))
    (mini / "11" / "joints_3D" / "syn_joints_3D_00001.txt").unlink()
    words = ["--gt", mini, path, "--metrics", "ajpe", "--keypoint-schema", "mpii16", "-o", tmp_path / "out"]
    done = run_eval(*words)
    assert done.exit_code == 3, done.output
    assert "11: 1 of 3 frames left out, no joints_3D: 1" in done.output
    assert "3.000" in done.output


@pytest.mark.parametrize(
    "words, message",
    [
        (["--gt", "MINI", "PRED", "--split", "val"], "split val is sequences 09, 10; found 11, 12"),
        (["--gt", "EMPTY", "PRED"], "no dataset that syrip knows"),
        (["--gt", "COCO", "PRED", "--split", "test"], "has no published split"),
        (["--gt", "MINI", "PRED", "--keypoint-schema", "coco18"], "unknown keypoint schema 'coco18'"),
        (["--gt", "no.mat", "PRED"], "no.mat: no such file"),
        (["--gt", "MINI", "--device", "cpu"], "none of the 6 frames"),
    ],
)
def test_wrong_input_exits_2(tmp_path, mini, words, message):
    (tmp_path / "empty").mkdir()
    paths = {
        "MINI": mini,
        "EMPTY": tmp_path / "empty",
        "COCO": our_dataset(tmp_path / "coco"),
        "PRED": write_json(tmp_path / "pred.json", predictions_of(read_truth(mini))),
    }
    if "--device" in words:
        for path in mini.glob("*/rgb/*.png"):
            path.unlink()
        message = "nothing to read: 11: 3 of 3 frames left out, no rgb"
    done = run_eval(*[paths.get(word, word) for word in words], "-o", tmp_path / "out")
    assert done.exit_code == 2, done.output
    assert message in done.output
    assert not (tmp_path / "out").exists()


def test_mpii_predictions_do_not_change_coco_schemas(mini):
    gt = read_truth(mini)
    found = check_predictions(predictions_of(gt), gt, "pred")
    assert found.schema is MPII16
    keypoints = np.reshape(found.results[0]["keypoints"], (17, 3))
    index = [COCO17.index("left_wrist"), COCO17.index("right_ankle")]
    np.testing.assert_allclose(keypoints[index, :2], gt.labelled[0].native[[20, 8], :2])
