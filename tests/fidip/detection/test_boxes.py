"""Boxes of turned masks, datasets read for their boxes, and the figures of boxes."""

import json

import cv2
import numpy as np
import pytest
from pycocotools import mask as masks

from fidip.config import AugmentationSettings
from fidip.data.dataset import SampleKey
from fidip.data.images import ImageStore
from fidip.detection.boxes import FoundBoxes
from fidip.detection.config import DetectNetworkSettings
from fidip.detection.dataset import DetectionPictures
from fidip.detection.metrics import measure_boxes
from fidip.detection.network import BACKBONES, build_detector
from fidip.detection.records import Instance, read_pictures, split_pictures
from fidip.detection.views import canvas_size, sample_matrix, seen_boxes
from syrip_gen.annotation.coco import ANNOTATION_FILE
from tests.fidip.detection.tiny_detection import SIDE, write_dataset

TURNS = AugmentationSettings(
    scale=0.2, shift=0.1, any_rotation_probability=0.7, rotation_probability=1, half_body_probability=0
)
NETWORK = DetectNetworkSettings(min_size=96, max_size=96)


def bright_box(picture):
    """Return left, top, right, bottom of the bright ellipse in a (3, h, w) picture."""
    mask = (picture.astype(int).sum(axis=0) > 330).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    left, top, width, height = cv2.boundingRect(mask)
    return np.array([left, top, left + width, top + height])


def test_boxes_of_turned_pictures_fit_what_is_seen(ellipses):
    """The box of a turned box would be up to 1.4 times as wide as that of a turned, slanting ellipse."""
    records = read_pictures(ellipses).records
    pictures = DetectionPictures(records, ImageStore(), NETWORK, TURNS, seed=3)
    for position in range(40):
        image, boxes, _ = pictures[SampleKey(0, position, position % len(records))]
        assert image.shape == (3, 96, 96)
        assert np.abs(boxes[0] - bright_box(image)).max() <= 2


def test_samples_are_a_function_of_their_key(ellipses):
    records = read_pictures(ellipses).records
    first, second = (DetectionPictures(records, ImageStore(), NETWORK, TURNS, seed=3) for _ in "ab")
    a, b = first[SampleKey(2, 5, 1)], second[SampleKey(2, 5, 1)]
    assert np.array_equal(a[0], b[0])
    assert np.array_equal(a[1], b[1])
    assert not np.array_equal(a[0], first[SampleKey(3, 5, 1)][0])


def test_without_masks_pictures_are_turned_by_quarters_only():
    rng = np.random.default_rng(0)
    for _ in range(30):
        matrix = sample_matrix(TURNS, (80, 60), (80, 60), rng, any_angle=False)
        angle = np.degrees(np.arctan2(matrix[1, 0], abs(matrix[0, 0]))) if matrix[1, 0] else 0.0
        assert min(abs(angle - k * 90) for k in (-2, -1, 0, 1, 2)) < 1e-6


def test_the_box_of_a_quarter_turn_is_exact():
    quarter = np.array([[0.0, -1, 60], [1, 0, 0]])
    boxes, share = seen_boxes([Instance((10, 20, 30, 5))], [None], quarter, (60, 80))
    assert boxes.tolist() == [[35, 10, 40, 40]]
    assert share == 1
    boxes, share = seen_boxes([Instance((10, 20, 30, 5))], [None], quarter, (60, 25))
    assert boxes.tolist() == [[35, 10, 40, 25]]
    assert share == 0.5


def test_canvas_fits_both_limits():
    assert canvas_size((640, 480), 320, 640) == (427, 320)
    assert canvas_size((1600, 400), 320, 640) == (640, 160)


def changed(ellipses, tmp_path, change):
    """Write the ellipses' file with a change next to their pictures."""
    data = json.loads((ellipses / ANNOTATION_FILE).read_text())
    change(data)
    file = tmp_path / "changed.json"
    file.write_text(json.dumps(data))
    return read_pictures(file, ellipses / "images/train_infant")


def test_what_cannot_be_learnt_from_is_left_out_and_told(ellipses, tmp_path):
    def change(data):
        people = data["annotations"]
        people[0]["bbox"] = [1, 2, 0, 5]
        empty = np.zeros(people[1]["segmentation"]["size"], np.uint8, order="F")
        people[1]["segmentation"]["counts"] = masks.encode(empty)["counts"].decode()
        people[2]["iscrowd"] = 1
        del people[3]["segmentation"]
        people.pop()

    found = changed(ellipses, tmp_path, change)
    assert len(found.records) == 9
    assert [len(record.instances) for record in found.records] == [0, 0, *[1] * 6, 0]
    assert not found.records[2].instances[0].has_mask
    text = "; ".join(found.notes)
    assert "1 pictures with a crowd" in text
    assert "1 annotations without a usable box" in text
    assert "1 annotations with an empty mask" in text


@pytest.mark.parametrize(
    "code",
    [
        {"counts": "abc"},
        {"counts": "abc", "size": "xy"},
        {"counts": "abc", "size": [10**9, 10**9]},
        {"counts": "PP0", "size": [SIDE, SIDE]},  # fewer runs than pixels: pycocotools would make them up
        {"counts": "321", "size": [2, 3]},
    ],
)
def test_broken_masks_leave_the_box(ellipses, tmp_path, code):
    found = changed(ellipses, tmp_path, lambda data: data["annotations"][0].update(segmentation=code))
    assert not found.records[0].instances[0].has_mask
    assert found.records[1].instances[0].has_mask
    assert found.notes == (
        "1 annotations whose mask is broken or of another picture taken by their box alone",
    )


def test_datasets_without_boxes_or_pictures_are_refused(ellipses, tmp_path):
    with pytest.raises(ValueError, match="no person with a box"):
        changed(ellipses, tmp_path, lambda data: data["annotations"].clear())
    with pytest.raises(FileNotFoundError, match=r"1 of 10 images .* are not in .*: gone\.png"):
        changed(ellipses, tmp_path, lambda data: data["images"][0].update(file_name="gone.png"))
    with pytest.raises(ValueError, match="leaves the image folder"):
        changed(ellipses, tmp_path, lambda data: data["images"][0].update(file_name="../a.png"))
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        read_pictures(tmp_path / "nowhere")


def test_held_out_pictures_are_the_same_every_time(ellipses):
    records = read_pictures(ellipses).records
    train, val = split_pictures(records, 0.3, 200, 0)
    assert (len(train), len(val)) == (7, 3)
    assert split_pictures(records, 0.3, 200, 0) == (train, val)
    with pytest.raises(ValueError, match="fewer than two pictures"):
        split_pictures(records[:1], 0.3, 200, 0)


def test_mini_rgbd_gives_boxes_of_its_masks(tmp_path):
    from syrip_gen.keypoints.mini_rgbd import frame_files

    files = frame_files(tmp_path / "01", 0)
    for file in (files.image, files.mask, files.joints_2d, files.joints_3d):
        file.parent.mkdir(parents=True, exist_ok=True)
    mask = np.zeros((480, 640), np.uint8)
    mask[100:200, 300:350] = 255
    cv2.imwrite(str(files.image), np.dstack([mask] * 3))
    cv2.imwrite(str(files.mask), mask)
    rows = "".join(f"320 150 0.5 {joint}\n" for joint in range(25))
    files.joints_2d.write_text(rows)
    files.joints_3d.write_text(rows)
    (record,) = read_pictures(tmp_path).records
    assert record.boxes.tolist() == [[300, 100, 50, 100]]
    assert np.array_equal(record.instances[0].mask(), mask)


def test_figures_of_boxes():
    truth = [np.array([[0, 0, 10, 10], [50, 50, 10, 10.0]]), np.zeros((0, 4)), np.array([[0, 0, 8, 8.0]])]
    found = [
        FoundBoxes(np.array([[0, 0, 10, 5], [50, 50, 10, 10.0]]), np.array([0.9, 0.3])),
        FoundBoxes(np.array([[0, 0, 3, 3.0]]), np.array([0.8])),
        FoundBoxes(np.zeros((0, 4)), np.zeros(0)),
    ]
    figures = measure_boxes(truth, found, 0.5)
    assert (figures.num_images, figures.num_persons, figures.num_found) == (3, 3, 2)
    assert figures.mean_iou == pytest.approx(0.5 / 3)
    assert figures.recall == pytest.approx(1 / 3)
    assert figures.precision == pytest.approx(1 / 2)
    assert measure_boxes(truth, found, 0.1).recall == pytest.approx(2 / 3)
    nobody = measure_boxes(truth, [FoundBoxes(np.zeros((0, 4)), np.zeros(0))] * 3, 0.5)
    assert (nobody.recall, nobody.ap) == (0, 0)
    assert np.isnan(measure_boxes([np.zeros((0, 4))], found[1:2], 0.5).mean_iou)


def test_boxes_in_crowds_are_neither_right_nor_wrong():
    truth = [np.array([[0, 0, 10, 10.0]])]
    found = [FoundBoxes(np.array([[60, 60, 10, 10], [0, 0, 10, 10.0]]), np.array([0.9, 0.8]))]
    crowd = [np.array([[50, 50, 40, 40.0]])]
    assert measure_boxes(truth, found, 0.5).ap50 == pytest.approx(0.5)
    assert measure_boxes(truth, found, 0.5, crowd).ap50 == pytest.approx(1)


@pytest.mark.parametrize("name", ["mobilenet_v3_large_320_fpn", "resnet50_fpn"])
def test_the_networks_have_torchvisions_names_of_tensors(name):
    import torch
    import torchvision

    with torch.device("meta"):
        network = build_detector(DetectNetworkSettings(backbone=name), is_frozen=True)
        build = getattr(torchvision.models.detection, f"fasterrcnn_{name}")
        theirs = build(weights=None, weights_backbone=None, num_classes=91)
    own = {n: tuple(t.shape) for n, t in network.state_dict().items()}
    others = {
        n: tuple(t.shape) for n, t in theirs.state_dict().items() if not n.endswith("num_batches_tracked")
    }
    assert set(own) == set(others)
    assert {n for n in own if own[n] != others[n]} <= {n for n in own if "box_predictor" in n}
    assert name in BACKBONES


def test_a_picture_of_the_dataset_is_whole_without_augmentation(ellipses):
    records = read_pictures(ellipses).records
    pictures = DetectionPictures(records, ImageStore(), NETWORK, None, seed=0)
    _, boxes, index = pictures[SampleKey(0, 0, 4)]
    left, top, width, height = records[4].boxes[0]
    expected = np.array([left, top, left + width, top + height]) * 96 / SIDE
    assert index == 4
    assert np.abs(boxes[0] - expected).max() < 1e-4


def test_datasets_without_masks_are_read(tmp_path):
    found = read_pictures(write_dataset(tmp_path / "bare", 3, with_masks=False))
    assert not any(instance.has_mask for record in found.records for instance in record.instances)
