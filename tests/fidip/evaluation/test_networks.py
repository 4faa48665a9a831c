"""Networks measured from pictures: a toy network that finds coloured dots."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from fidip.checkpoint import save_checkpoint
from fidip.domain.classifiers import build_classifier
from fidip.evaluation.boxes import ground_truth_boxes, read_boxes
from fidip.evaluation.coco_ap import evaluate_keypoints
from fidip.evaluation.estimate import estimate_persons, find_persons
from fidip.evaluation.ground_truth import read_ground_truth
from fidip.evaluation.networks import choose_device, open_classifier
from fidip.evaluation.pictures import find_pictures, picture_folder
from fidip.evaluation.sources import SHIPPED, Source, list_sources
from fidip.inference.estimator import PoseEstimator
from fidip.models.whole_image import FoundPeople
from syrip_gen.annotation.coco import person_category
from tests.fidip.inference.dot_network import SUPINE, DotNetwork, box_around, dot_picture

SIZE = (320, 260)


@pytest.fixture
def dots(tmp_path):
    """A COCO file's content and the folder of its three pictures, each with one person of dots."""
    folder = tmp_path / "images"
    folder.mkdir()
    images, annotations = [], []
    for i, shift in enumerate([(30, 20), (120, 60), (200, 100)], start=1):
        points = SUPINE + shift
        cv2.imwrite(str(folder / f"{i}.png"), dot_picture(points, SIZE)[..., ::-1])
        images.append({"id": i, "file_name": f"{i}.png", "width": SIZE[0], "height": SIZE[1]})
        box = box_around(points)
        annotations.append(
            {
                "id": i,
                "image_id": i,
                "category_id": 1,
                "bbox": box,
                "area": 0.5 * box[2] * box[3],
                "keypoints": np.column_stack([points, np.full(17, 2)]).ravel().tolist(),
            }
        )
    return {"images": images, "annotations": annotations, "categories": [person_category()]}, folder


def run(data, folder, boxes=None, **settings):
    gt = read_ground_truth(data)
    estimator = PoseEstimator(DotNetwork(), batch_size=2)
    return estimate_persons(estimator, gt, boxes or ground_truth_boxes(gt), folder, name="dots", **settings)


def test_a_network_that_sees_everything_scores_one(dots):
    data, folder = dots
    done = []
    found = run(data, folder, advance=done.append)
    assert sum(done) == 3
    assert found.failures == ()
    assert evaluate_keypoints(data, found.results).ap > 0.99
    truth = np.reshape(data["annotations"][1]["keypoints"], (17, 3))
    assert np.abs(np.reshape(found.results[1]["keypoints"], (17, 3)) - truth)[:, :2].max() < 0.5


def test_pictures_are_found_by_name_and_by_syrips_patterns(dots):
    data, folder = dots
    (folder / "2.png").rename(folder / "test2.jpg")
    (folder / "3.png").rename(folder / "train00003.jpg")
    paths = find_pictures(read_ground_truth(data), folder, [1, 2, 3])
    assert [path.name for path in paths.values()] == ["1.png", "test2.jpg", "train00003.jpg"]


def test_missing_pictures_are_all_named_before_anything_runs(dots):
    data, folder = dots
    (folder / "1.png").unlink()
    (folder / "3.png").unlink()
    done = []
    with pytest.raises(
        FileNotFoundError, match=r"2 of 3 images of ground truth are not in .*:\n1\.png, 3\.png"
    ):
        run(data, folder, advance=done.append)
    assert done == []


@pytest.mark.parametrize("name", ["../1.png", "/etc/passwd", "a\\..\\1.png"])
def test_names_that_leave_the_folder_are_refused(dots, name):
    data, folder = dots
    data["images"][0]["file_name"] = name
    with pytest.raises(ValueError, match="leaves the image folder"):
        run(data, folder)


def test_a_picture_that_does_not_decode_is_listed_and_stops_nothing(dots):
    data, folder = dots
    (folder / "2.png").write_bytes(b"\x89PNG no picture")
    data["images"][2]["width"] = 999
    found = run(data, folder)
    assert [r["image_id"] for r in found.results] == [1]
    assert len(found.failures) == 2
    assert "2.png does not decode" in found.failures[0]
    assert "3.png is 320x260 px" in found.failures[1]


def test_doubled_detections_are_suppressed_and_scored_by_the_detector(dots, write):
    data, folder = dots
    gt = read_ground_truth(data)
    box = data["annotations"][0]["bbox"]
    shifted = [box[0] + 2, box[1] - 2, *box[2:]]
    records = [
        {"image_id": 1, "category_id": 1, "bbox": box, "score": 0.4},
        {"image_id": 1, "category_id": 1, "bbox": shifted, "score": 0.8},
        {"image_id": 3, "category_id": 1, "bbox": data["annotations"][2]["bbox"], "score": 0.5},
    ]
    boxes = read_boxes(write("boxes.json", records), gt)
    every = run(data, folder, boxes)
    kept = run(data, folder, boxes, nms_threshold=0.9)
    assert [len(every.results), len(kept.results)] == [3, 2]
    assert kept.results[0] == every.results[1] | {"bbox": [round(v, 2) for v in shifted]}
    assert every.results[1]["score"] == pytest.approx(2 * every.results[0]["score"], rel=0.05)


def test_an_estimator_without_boxes_sees_every_picture(dots):
    """The second picture's person is found twice, and a fourth picture has nobody."""
    data, folder = dots
    cv2.imwrite(str(folder / "4.png"), np.zeros((SIZE[1], SIZE[0], 3), np.uint8))
    data["images"].append({"id": 4, "file_name": "4.png", "width": SIZE[0], "height": SIZE[1]})

    class Finder:
        name = "finder"
        answers = iter([[1], [2, 2], [3], []])

        def find_people(self, image):
            people = [data["annotations"][n - 1]["keypoints"] for n in next(self.answers)]
            keypoints = np.reshape(people, (-1, 17, 3))
            return FoundPeople(np.zeros((len(people), 4)), keypoints, 0.9 - 0.5 * np.arange(len(people)))

    done = []
    found = find_persons(Finder(), read_ground_truth(data), folder, name="finder", advance=done.append)
    assert [r["image_id"] for r in found.results] == [1, 2, 2, 3]
    assert len(done) == 4
    figures = evaluate_keypoints(data, found.results)
    assert figures.ar == pytest.approx(1)


def test_folder_of_pictures_is_guessed_beside_the_annotations(tmp_path):
    file = tmp_path / "annotations" / "person_keypoints_train_infant.json"
    (tmp_path / "images" / "train_infant").mkdir(parents=True)
    assert picture_folder(file, None) == tmp_path / "images" / "train_infant"
    with pytest.raises(FileNotFoundError, match="Name their folder with --images"):
        picture_folder(tmp_path.parent / "elsewhere.json", None)
    with pytest.raises(FileNotFoundError, match="--images"):
        picture_folder(file, tmp_path / "none")


def test_sources_are_told_apart_and_named_shortly(tmp_path):
    for name in ("a/best", "b/best"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "pred.json").touch()
    sources = list_sources(
        [str(tmp_path / "a/best"), str(tmp_path / "pred.json"), SHIPPED], [str(tmp_path / "b/best")]
    )
    assert [s.name for s in sources] == ["a/best", "pred", SHIPPED, "b/best"]
    assert [s.kind for s in sources] == ["network", "predictions", "network", "network"]
    assert [s.path for s in list_sources([])] == [SHIPPED]
    with pytest.raises(FileNotFoundError, match="nowhere: no such run folder"):
        list_sources(["nowhere"])
    with pytest.raises(ValueError, match="more than once"):
        list_sources([SHIPPED, SHIPPED])


def test_devices_that_are_not_there_are_refused(monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert choose_device("auto").type == "cpu"
    with pytest.raises(ValueError, match="this machine has 0 usable GPUs"):
        choose_device("cuda")
    for name in ("gpu", "meta", ""):
        with pytest.raises(ValueError, match="expected auto, cpu, cuda"):
            choose_device(name)


def test_runs_without_a_classifier_have_none(tmp_path):
    spec = DotNetwork().spec
    assert open_classifier(Source("x", str(tmp_path), "network"), spec) is None
    assert open_classifier(Source(SHIPPED, SHIPPED, "network"), spec) is None


def test_the_classifier_of_a_run_is_found(tmp_path):
    spec = DotNetwork().spec
    source = Source("run", str(tmp_path), "network")
    classifier = build_classifier("small", spec)
    state = {"network": {}, "classifier": classifier.state_dict()}
    save_checkpoint(tmp_path / "checkpoints" / "best.pt", state)
    (tmp_path / "config.yaml").write_text("domain: {classifier: small}\n")
    features = torch.rand(2, spec.feature_channels, 16, 12)
    torch.testing.assert_close(open_classifier(source, spec)(features), classifier(features))
    other = replace(spec, feature_channels=7)
    with pytest.raises(ValueError, match="its domain classifier does not fit"):
        open_classifier(source, other)
    (tmp_path / "config.yaml").write_text("network: {}\n")
    with pytest.raises(ValueError, match="its domain classifier does not fit"):
        open_classifier(source, spec)
