import numpy as np
import pytest

from fidip.evaluation.evaluate import evaluate_runs
from fidip.evaluation.figures import measure
from fidip.evaluation.ground_truth import read_ground_truth
from fidip.evaluation.lifted import label_predictions, lift_predictions, recordings
from fidip.evaluation.metric_words import read_metrics
from fidip.evaluation.options import EvalConfig
from fidip.evaluation.predictions import check_predictions
from syrip_gen.keypoints.catalog import COCO17, H36M17, MPII16
from tests.fidip.data.layouts.dataset_writers import write_json

CAMERA = {"fx": 600.0, "fy": 600.0, "cx": 320.0, "cy": 240.0}


class FlatLifter:
    """Lifts to the plane one metre away, with the camera that it was told, or a focal length of 1000 px."""

    name, schema, output_schema = "flat", COCO17, COCO17

    def __init__(self, calls=None, is_still=False):
        self.calls = [] if calls is None else calls
        self.is_still = is_still

    @property
    def of_frames(self):
        return FlatLifter(self.calls, is_still=True)

    def lift(self, keypoints, image_size, camera, *, clip, rows):
        self.calls.append((self.is_still, clip.tolist(), rows.tolist()))
        assert np.shape(image_size) == (len(keypoints), 2)
        camera = np.where(np.isnan(camera), (1000.0, 1000.0, 320.0, 240.0), camera)[:, None]
        points = (keypoints[..., :2] - camera[..., 2:]) / camera[..., :2]
        points = np.concatenate([points, np.ones_like(points[..., :1])], axis=-1)[rows]
        return points - points[:, [11, 12]].mean(axis=1, keepdims=True)


def dataset(frames, clip="crawl"):
    """Flat infants one metre away, whose hips' middle is not the picture's."""
    rng = np.random.default_rng(0)
    images, annotations = [], []
    for number, frame in enumerate(frames, start=1):
        points = np.concatenate([rng.uniform(-0.2, 0.2, (17, 2)), np.ones((17, 1))], axis=1)
        pixels = points[:, :2] * 600 + (320, 240)
        images.append({"id": number, "file_name": f"{number}.jpg", "width": 640, "height": 480})
        annotations.append(
            {
                "id": number, "image_id": number, "category_id": 1, "iscrowd": 0, "area": 1e4,
                "bbox": [200, 120, 240, 240], "camera": CAMERA, "keypoints_3d_m": points.tolist(),
                "keypoints": np.column_stack([pixels, np.full(17, 2)]).ravel().tolist(),
                "source": {"clip": clip, "frame": frame, "take": 0},
            }
        )  # fmt: skip
    return {"images": images, "annotations": annotations}


def overall(gt, found):
    metrics = read_metrics("ajpe,mpjpe,accel")
    return measure(gt, "run", found, "auto", metrics).poses.overall


def test_labels_are_lifted_with_the_datasets_camera():
    gt = read_ground_truth(dataset([0, 1, 2]))
    lifter = FlatLifter()
    found = lift_predictions(label_predictions(gt, "labels"), gt, lifter)
    assert lifter.calls == [(False, [0, 0, 0], [0, 1, 2])]
    figures = overall(gt, found)
    assert figures["AJPE (px)"] == 0
    assert figures["MPJPE (mm)"] == pytest.approx(0, abs=1e-6)
    assert figures["Acceleration (mm/frame²)"] == pytest.approx(figures["labels' (mm/frame²)"])


def test_all_recordings_are_lifted_at_once_each_frame_with_its_own_camera():
    data = dataset([0, 1, 2, 0, 1, -1])
    for annotation in data["annotations"][3:5]:
        annotation["source"]["clip"] = "walk"
        annotation["camera"] = CAMERA | {"fx": 300.0, "fy": 300.0}
        pixels = np.array(annotation["keypoints"]).reshape(17, 3)
        pixels[:, :2] = (pixels[:, :2] + (320, 240)) / 2
        annotation["keypoints"] = pixels.ravel().tolist()
    data["annotations"][5]["source"] = {"pose_id": "x"}
    gt = read_ground_truth(data)
    lifter = FlatLifter()
    found = lift_predictions(label_predictions(gt, "labels"), gt, lifter)
    assert lifter.calls == [(True, [0], [0]), (False, [0, 0, 0, 1, 1], [0, 1, 2, 3, 4])]
    assert overall(gt, found)["MPJPE (mm)"] == pytest.approx(0, abs=1e-6)


def test_the_camera_can_be_kept_from_the_lifter():
    gt = read_ground_truth(dataset([0, 1, 2]))
    found = lift_predictions(label_predictions(gt, "labels"), gt, FlatLifter(), use_camera=False)
    assert overall(gt, found)["MPJPE (mm)"] > 10


def test_frames_without_a_prediction_are_gaps_of_the_recording():
    gt = read_ground_truth(dataset([0, 1, 2, 3, 6]))
    labels = label_predictions(gt, "labels")
    records = [{**result} for result in labels.results if result["image_id"] != 2]
    lifter = FlatLifter()
    found = lift_predictions(check_predictions(records, gt, "run"), gt, lifter)
    assert lifter.calls == [(False, [0] * 7, [0, 2, 3, 6])]
    assert len(found.results) == 4
    assert all(np.isfinite(result["points_3d_mm"]).all() for result in found.results)
    assert overall(gt, found)["Found in 3D"] == pytest.approx(4 / 5)


def test_predictions_that_are_nobodys_are_not_lifted():
    gt = read_ground_truth(dataset([0]))
    labels = label_predictions(gt, "labels").results[0]
    far = {**labels, "keypoints": [v + 400 for v in labels["keypoints"]], "score": 0.2}
    found = lift_predictions(check_predictions([far, labels], gt, "run"), gt, FlatLifter())
    assert ["points_3d_mm" in result for result in found.results] == [False, True]


@pytest.mark.parametrize(
    "names, frames, expected",
    [
        (["", "", ""], [-1, -1, -1], [[0], [1], [2]]),
        (["a"] * 4, [3, 1, 2, 0], [[3, 1, 2, 0]]),
        (["a", "b", "a", "b"], [0, 0, 1, 1], [[0, 2], [1, 3]]),
        (["a"] * 3, [0, 1, 4], [[0, 1, -1, -1, 2]]),
        (["a"] * 3, [0, 10, 30], [[0, 1, -1, 2]]),
        (["a"] * 3, [0, 10, 15], [[0, -1, 1, 2]]),
        (["a"] * 3, [0, 10, 16], [[0], [1, 2]]),
        (["a"] * 3, [0, 1, 90], [[0, 1], [2]]),
        (["a"] * 3, [0, 0, 1], [[0], [1, 2]]),
        (["a"] * 2, [-1, -1], [[0], [1]]),
    ],
)
def test_recordings(names, frames, expected):
    assert recordings(names, frames) == expected


def test_a_lifter_of_other_keypoints_is_refused():
    gt = read_ground_truth(dataset([0]))
    lifter = FlatLifter()
    lifter.schema = MPII16
    with pytest.raises(ValueError, match="--lift flat takes mpii16 keypoints; those of labels are coco17"):
        lift_predictions(label_predictions(gt, "labels"), gt, lifter)


def test_labels_come_in_the_lifters_schema():
    gt = read_ground_truth(dataset([0]))
    labels = label_predictions(gt, "labels", MPII16)
    native = labels.results[0]["native"]
    hips = gt.labelled[0].keypoints[[11, 12], :2]
    np.testing.assert_allclose(native[MPII16.index("pelvis"), :2], hips.mean(axis=0))
    assert native[MPII16.index("head_top"), 2] == 0


def test_3d_keypoints_may_be_of_another_schema():
    gt = read_ground_truth(dataset([0, 1]))
    lifter = FlatLifter()
    lifter.output_schema = H36M17
    found = lift_predictions(label_predictions(gt, "labels"), gt, lifter)
    assert found.space_schema is H36M17
    assert found.schema is COCO17


def test_unknown_picture_sizes_are_refused():
    data = dataset([0])
    del data["images"][0]["width"]
    gt = read_ground_truth(data)
    with pytest.raises(ValueError, match="width and height of pictures of ground truth are unknown"):
        lift_predictions(label_predictions(gt, "labels"), gt, FlatLifter())


def test_labels_need_a_lifter(tmp_path):
    path = write_json(tmp_path / "truth.json", dataset([0]))
    with pytest.raises(ValueError, match="name a lifter with --lift"):
        evaluate_runs(EvalConfig(gt=str(path), output=str(tmp_path / "out")), ["labels"])
    assert not (tmp_path / "out").exists()
