"""The thesis's 2D network: its shape, its published checkpoints, its pictures."""

import numpy as np
import pytest
import torch
from torch import nn

from fidip.inference.estimator import PoseEstimator
from fidip.models.catalog import build_network
from fidip.models.weights import load_weights, open_network
from syrip_gen.keypoints.catalog import COCO17, MPII16

SMALL = (64, 64)


@pytest.fixture(scope="module")
def model_tar(tmp_path_factory):
    """Return a checkpoint with the content of the published ones."""
    path = tmp_path_factory.mktemp("SavedModels") / "model.tar"
    network = build_network("pose_resnet18_plain", num_keypoints=16)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
    content = {
        "epoch": 7,
        "model_state_dict": network.state_dict(),
        "optimizer_state_dict": optimizer.state_dict(),
        "loss": torch.tensor(0.002, requires_grad=True),
    }
    torch.save(content, path)
    return path


def test_nothing_above_the_resnet_is_normalised():
    network = build_network("pose_resnet50_plain", num_keypoints=16, input_size=SMALL).eval()
    head = network.get_submodule("1")
    assert [type(layer) for layer in head.children()] == [nn.ConvTranspose2d] * 4
    assert [tuple(layer.weight.shape) for layer in head.children()] == [
        (2048, 256, 4, 4), (256, 256, 4, 4), (256, 256, 4, 4), (256, 16, 1, 1),
    ]  # fmt: skip
    assert (network.spec.mean, network.spec.std) == ((0, 0, 0), (1, 1, 1))
    with torch.no_grad():
        output = network(torch.rand(2, 3, 64, 64))
    assert output.heatmaps.shape == (2, 16, 16, 16)
    assert output.features.shape == (2, 2048, 2, 2)


def test_its_published_checkpoint_opens_as_what_it_is(model_tar):
    network = open_network(model_tar)
    assert network.spec.name == "pose_resnet18_plain"
    assert network.spec.input_size == (256, 256)
    assert network.spec.cell_center == 0  # cell i at 4 i px
    assert network.schema is MPII16
    found = PoseEstimator(network).predict(np.zeros((40, 40, 3), np.uint8), [[0, 0, 40, 40]])
    assert found.keypoints.shape == (1, 16, 3)


def test_it_does_not_fit_another_number_of_keypoints(model_tar):
    with pytest.raises(ValueError, match=r"of another shape \(1\.convTrans4"):
        load_weights(build_network("pose_resnet18_plain", num_keypoints=17), model_tar)


def test_imagenet_weights_go_below_the_head(tmp_path):
    import torchvision

    resnet = torchvision.models.resnet18(weights=None)
    torch.save(resnet.state_dict(), tmp_path / "resnet18.pth")
    network = build_network("pose_resnet18_plain", input_size=SMALL)
    report = load_weights(network, tmp_path / "resnet18.pth", what="imagenet")
    assert torch.equal(network.state_dict()["0.4.0.conv1.weight"], resnet.layer1[0].conv1.weight)
    assert set(report.missing) == {n for n in network.state_dict() if n.startswith("1.")}
    assert network.schema is COCO17
