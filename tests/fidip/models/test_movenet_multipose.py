"""The torch MultiPose is the published one: same boxes, keypoints and scores as its ONNX file."""

import hashlib
import json

import cv2
import numpy as np
import pytest
import torch

from fidip.detection.detectors import open_detector
from fidip.models.convert_movenet import convert_movenet
from fidip.models.movenet_multipose import decode_multipose
from syrip_gen.asset_files import asset_path

EVERY = 34
"""Every 34th of the 101 COCO pictures, for speed."""


@pytest.fixture(scope="module")
def pictures(shared_data):
    """Pictures of people, the longer side 256 px and the other a multiple of 32."""
    folder = shared_data / "adult_2d"
    data = json.loads((folder / "coco_101_images.json").read_text())
    found = []
    for image in data["images"][::EVERY]:
        picture = cv2.imread(str(folder / "images" / image["file_name"]))[..., ::-1]
        scale = 256 / max(picture.shape[:2])
        size = [int(np.ceil(n * scale / 32)) * 32 for n in picture.shape[1::-1]]
        found.append(np.ascontiguousarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA)))
    return found


def test_boxes_keypoints_and_scores_are_the_onnx_files(shared_data, pictures):
    onnxruntime = pytest.importorskip("onnxruntime")
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(shared_data / "models/movenet-multipose.onnx"), settings)
    network = open_detector("movenet_multipose").network
    num_people = 0
    for picture in pictures:
        height, width = picture.shape[:2]
        published = session.run(None, {"input": picture[None].astype(np.int32)})[0][0]
        with torch.inference_mode():
            own = decode_multipose(network(torch.from_numpy(picture).permute(2, 0, 1)[None].float()))
        boxes = published[:, [52, 51, 54, 53]] * [width, height, width, height]
        points = published[:, :51].reshape(6, 17, 3)[..., [1, 0, 2]] * [width, height, 1]
        people = published[:, 55] > 0.05
        num_people += people.sum()
        assert np.abs(own.scores[0].numpy() - published[:, 55]).max() < 1e-4
        assert np.abs(own.boxes[0].numpy() - boxes)[people].max() < 0.01
        assert np.abs(own.keypoints[0].numpy() - points)[people].max() < 0.01
    assert num_people >= 4


def test_conversion_gives_the_shipped_file(shared_data, tmp_path):
    pytest.importorskip("onnx")
    source, target = shared_data / "models/movenet-multipose.onnx", tmp_path / "multipose.safetensors"
    assert convert_movenet(source, target, "movenet_multipose") == 151
    shipped = asset_path("weights/movenet_multipose.safetensors")
    assert hashlib.sha256(target.read_bytes()).digest() == hashlib.sha256(shipped.read_bytes()).digest()


def test_thunder_is_not_multipose(shared_data, tmp_path):
    pytest.importorskip("onnx")
    with pytest.raises(ValueError, match="is it another MoveNet"):
        convert_movenet(
            shared_data / "models/movenet-thunder.onnx", tmp_path / "out.safetensors", "movenet_multipose"
        )


def test_boxes_are_in_px_of_the_picture(shared_data):
    """One person close to the camera, at any size of picture."""
    folder = shared_data / "adult_2d"
    data = json.loads((folder / "coco_101_images.json").read_text())
    largest = max(data["annotations"], key=lambda a: a["bbox"][2] * a["bbox"][3] * (not a["iscrowd"]))
    name = next(i["file_name"] for i in data["images"] if i["id"] == largest["image_id"])
    picture = cv2.imread(str(folder / "images" / name))[..., ::-1]
    double = cv2.resize(picture, None, fx=2, fy=2)
    detector = open_detector("movenet_multipose")
    one, two = detector.detect([np.ascontiguousarray(picture), double])
    left, top, width, height = largest["bbox"]
    assert np.abs(one.boxes[0] - [left, top, width, height]).max() < 0.2 * max(width, height)
    assert np.abs(two.boxes[0] / 2 - one.boxes[0]).max() < 0.05 * max(width, height)
