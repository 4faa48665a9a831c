"""Keypoint R-CNN as a whole-image estimator: the published network, and its answers put into our form."""

import socket

import numpy as np
import pytest
import torch
import torchvision

from fidip.models.keypoint_rcnn import KeypointRCNNEstimator, build_keypoint_rcnn, open_keypoint_rcnn
from fidip.models.whole_image import WholeImageEstimator


class TwoPeople(torch.nn.Module):
    """Answers as torchvision does; remembers what it was shown."""

    def forward(self, pictures):
        (self.picture,) = pictures
        return [
            {
                "boxes": torch.tensor([[1.0, 2.0, 11.0, 22.0], [5.0, 5.0, 9.0, 30.0], [0.0, 0.0, 2.0, 2.0]]),
                "scores": torch.tensor([0.6, 0.9, 0.01]),
                "labels": torch.ones(3, dtype=torch.long),
                "keypoints": torch.arange(3 * 17 * 3, dtype=torch.float32).view(3, 17, 3),
                "keypoints_scores": torch.zeros(3, 17) + torch.tensor([[0.0], [10.0], [1.0]]),
            }
        ]


def image():
    return np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)


def test_people_come_surest_first_in_our_form():
    network = TwoPeople()
    people = KeypointRCNNEstimator(network).find_people(image())
    assert len(people) == 2
    np.testing.assert_allclose(people.scores, [0.9, 0.6])
    np.testing.assert_array_equal(people.boxes_xywh, [[5, 5, 4, 25], [1, 2, 10, 20]])
    np.testing.assert_array_equal(people.keypoints[0, 0, :2], [51, 52])
    np.testing.assert_allclose(people.keypoints[:, 0, 2], [1 / (1 + np.exp(-10)), 0.5], rtol=1e-5)
    np.testing.assert_allclose(network.picture.numpy(), image().transpose(2, 0, 1) / 255, rtol=1e-6)


def test_at_most_so_many_people():
    people = KeypointRCNNEstimator(TwoPeople(), min_score=0, max_people=1).find_people(image())
    np.testing.assert_allclose(people.scores, [0.9])


def test_nobody_is_a_valid_answer():
    people = KeypointRCNNEstimator(TwoPeople(), min_score=0.95).find_people(image())
    assert people.boxes_xywh.shape == (0, 4)
    assert people.keypoints.shape == (0, 17, 3)


def test_it_is_a_whole_image_estimator():
    assert isinstance(KeypointRCNNEstimator(TwoPeople()), WholeImageEstimator)


@pytest.mark.parametrize("shape", [(40, 30), (40, 30, 4)])
def test_other_pictures_are_refused(shape):
    with pytest.raises(ValueError, match=r"\(H, W, 3\) uint8 RGB"):
        KeypointRCNNEstimator(TwoPeople()).find_people(np.zeros(shape, np.uint8))


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return build_keypoint_rcnn()


def older_names(state):
    """The names of torchvision's published file: fewer levels in pyramid and proposal head."""
    renamed = {}
    for name, value in state.items():
        if name.startswith("backbone.fpn."):
            name = name.replace(".0.weight", ".weight").replace(".0.bias", ".bias")
        if name.startswith("rpn.head.conv."):
            name = name.replace("conv.0.0.", "conv.")
        renamed[name] = value
    return renamed


def test_weights_load_under_the_published_files_names(network, tmp_path):
    path = tmp_path / "keypointrcnn_resnet50_fpn_coco-fc266e95.pth"
    torch.save({name: value.half() for name, value in older_names(network.state_dict()).items()}, path)
    opened = open_keypoint_rcnn(path).network
    expected = network.state_dict()
    assert all(
        torch.equal(value, expected[name].half().float()) for name, value in opened.state_dict().items()
    )
    assert opened.backbone.body.bn1.eps == 0
    assert not opened.training


def test_the_network_is_the_one_that_torchvision_fills(network):
    with torch.device("meta"):
        theirs = torchvision.models.detection.keypointrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    names = {name for name in theirs.state_dict() if not name.endswith("num_batches_tracked")}
    assert set(network.state_dict()) == names


def test_a_picture_goes_through_the_real_network(network):
    network.transform.min_size, network.transform.max_size = (96,), 128  # instead of 800 px, for speed
    people = KeypointRCNNEstimator(network, min_score=0).find_people(image())
    assert people.keypoints.shape == (len(people), 17, 3)
    assert people.boxes_xywh.shape == (len(people), 4)


KEYPOINT_HEAD = {"roi_heads.keypoint_predictor.kps_score_lowres.weight": torch.ones(512, 17, 4, 4)}


@pytest.mark.parametrize(
    "tensors, message",
    [
        ({"conv1.weight": torch.ones(3)}, "is not torchvision's Keypoint R-CNN: its tensors are conv1"),
        (
            {**KEYPOINT_HEAD, "extra": torch.ones(3)},
            r"tensors missing \(backbone\..*, 1 unexpected \(extra\)",
        ),
        (
            {**KEYPOINT_HEAD, "backbone.body.conv1.weight": torch.ones(2)},
            "does not fit Keypoint R-CNN: size mismatch",
        ),
    ],
)
def test_other_weights_are_refused(tmp_path, tensors, message):
    torch.save(tensors, tmp_path / "w.pth")
    with pytest.raises(ValueError, match=message):
        open_keypoint_rcnn(tmp_path / "w.pth")


def test_without_cache_and_network_it_says_so(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError("no network in this test")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(OSError, match=r"could not be fetched .* Download https://.* and name the file"):
        open_keypoint_rcnn(None)
