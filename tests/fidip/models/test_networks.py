"""Every network keeps the interface's promises; HRNet and the backbones compute what other codes compute."""

import pytest
import timm
import torch
import torchvision

from fidip.models.catalog import build_network, catalog_entry, network_names
from fidip.models.pose_mobilenetv2 import flat_names

KINDS = ("movenet_thunder", "pose_resnet18", "hrnet_w32", "pose_mobilenetv2")
"""One network of each kind, where depth and width do not matter."""


@pytest.mark.parametrize("name", network_names())
def test_shapes_are_those_of_the_spec(name):
    with torch.device("meta"):
        network = build_network(name)
        width, height = network.spec.input_size
        features, heatmaps = network.eval()(torch.zeros(2, 3, height, width))
    spec = network.spec
    assert spec.name == name
    assert spec.input_size == catalog_entry(name).input_size
    assert heatmaps.shape == (2, 17, spec.heatmap_size[1], spec.heatmap_size[0])
    assert features.shape == (
        2,
        spec.feature_channels,
        height // spec.feature_stride,
        width // spec.feature_stride,
    )


@pytest.mark.parametrize("name", KINDS)
def test_another_number_of_keypoints_and_another_size(name):
    with torch.device("meta"):
        network = build_network(name, num_keypoints=5, input_size=(96, 160))
        assert network.eval()(torch.zeros(1, 3, 160, 96)).heatmaps.shape == (1, 5, 40, 24)
    assert network.spec.input_size == (96, 160)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("size", [(0, 256), (250, 256), (256, -32)])
def test_sizes_that_do_not_tile_are_refused(name, size):
    with torch.device("meta"), pytest.raises(ValueError, match="multiples of 32 px"):
        build_network(name, input_size=size)


def test_unknown_network_is_refused_with_the_known_ones():
    with pytest.raises(
        ValueError, match=r"unknown network 'resnet50'; known are movenet_thunder, pose_resnet18"
    ):
        build_network("resnet50")


@pytest.mark.parametrize("name", network_names())
def test_freeze_groups_cover_the_trainable_tensors_in_order(name):
    with torch.device("meta"):
        network = build_network(name)
    trainable = [key for key, value in network.named_parameters() if value.requires_grad]
    grouped = [
        f"{group}.{key}"
        for group in network.freeze_groups
        for key, _ in network.get_submodule(group).named_parameters()
    ]
    assert grouped == trainable


@pytest.mark.parametrize("name", KINDS)
def test_a_step_reaches_every_trainable_tensor(name):
    """Distributed training refuses trainable tensors without a gradient."""
    torch.manual_seed(0)
    network = build_network(name, input_size=(64, 64))
    features, heatmaps = network(torch.randn(2, 3, 64, 64))
    (heatmaps.square().mean() + features.mean()).backward()
    without = [key for key, value in network.named_parameters() if value.requires_grad and value.grad is None]
    assert without == []


def test_hrnet_computes_what_timms_hrnet_computes():
    torch.manual_seed(0)
    ours = build_network("hrnet_w32", input_size=(64, 96)).eval()
    theirs = timm.create_model(
        "hrnet_w32", features_only=True, feature_location="", out_indices=(0, 1, 2, 3), pretrained=False
    ).eval()
    for value in ours.state_dict().values():
        if value.ndim == 1:
            value.add_(0.1 * torch.rand_like(value))  # batch norms that do something
    result = theirs.load_state_dict(ours.state_dict(), strict=False)
    assert set(result.unexpected_keys) == {"final_layer.weight", "final_layer.bias"}
    assert all("stage4.2.fuse_layers" in key for key in result.missing_keys)
    image = torch.randn(1, 3, 96, 64)
    with torch.inference_mode():
        torch.testing.assert_close(ours(image).features, theirs(image)[1], rtol=1e-4, atol=1e-4)


def test_pose_resnet_features_are_torchvisions_layer4():
    torch.manual_seed(0)
    ours = build_network("pose_resnet50", input_size=(64, 64)).eval()
    theirs = torchvision.models.resnet50(weights=None).eval()
    theirs.load_state_dict(ours.state_dict(), strict=False)
    image = torch.randn(1, 3, 64, 64)
    trunk = torch.nn.Sequential(*list(theirs.children())[:-2])
    with torch.inference_mode():
        torch.testing.assert_close(ours(image).features, trunk(image))


def test_mobilenet_features_are_torchvisions():
    torch.manual_seed(0)
    theirs = torchvision.models.mobilenet_v2(weights=None).eval()
    ours = build_network("pose_mobilenetv2").eval()
    named = flat_names({k: v for k, v in theirs.state_dict().items() if k.startswith("features.")})
    assert list(named) == [key for key in ours.state_dict() if key.startswith("features.")]
    ours.load_state_dict(named, strict=False)
    image = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(ours(image).features, theirs.features(image))


def test_flat_names_leaves_flat_names_alone():
    with torch.device("meta"):
        tensors = build_network("pose_mobilenetv2").state_dict()
    assert list(flat_names(tensors)) == list(tensors)


def test_mobile_heatmaps_sum_to_one():
    network = build_network("pose_mobilenetv2", input_size=(64, 64)).eval()
    with torch.inference_mode():
        heatmaps = network(torch.randn(2, 3, 64, 64)).heatmaps
    torch.testing.assert_close(heatmaps.sum((2, 3)), torch.ones(2, 17))
    assert (heatmaps > 0).all()
