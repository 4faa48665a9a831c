"""Weights of an ImageNet classifier fill a backbone, from a file or torchvision's cache."""

import socket

import pytest
import torch

from fidip.models.catalog import build_network
from fidip.models.weights import load_weights
from tests.fidip.models.networks_to_load import SMALL, resnet, same, small_file, state_of, tiny


def classifier(network):
    """The tensors of an ImageNet classifier that shares a Pose-ResNet's backbone."""
    state = {
        name: value for name, value in state_of(network).items() if not name.startswith(("deconv", "final"))
    }
    return {**state, "fc.weight": torch.ones(1000, 512), "fc.bias": torch.ones(1000)}


def check_backbone(network, trained, report):
    assert torch.equal(network.layer4[1].conv2.weight, trained.layer4[1].conv2.weight)
    assert torch.equal(network.final_layer.weight, resnet().final_layer.weight)
    assert len(report.matched) == 120
    assert {name.split(".")[0] for name in report.missing} == {"deconv_layers", "final_layer"}
    assert report.unexpected == ("fc.weight", "fc.bias")


def test_imagenet_weights_fill_the_backbone(trained, tmp_path):
    torch.save(classifier(trained), tmp_path / "resnet18.pth")
    network = resnet()
    check_backbone(network, trained, load_weights(network, tmp_path / "resnet18.pth", what="imagenet"))


def test_imagenet_weights_come_from_torchvisions_cache(trained, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "hub/checkpoints").mkdir(parents=True)
    torch.save(classifier(trained), tmp_path / "hub/checkpoints/resnet18-f37072fd.pth")
    network = resnet()
    check_backbone(network, trained, load_weights(network, None, what="imagenet"))


def test_imagenet_weights_without_a_network_are_an_error(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError("no network in this test")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(
        OSError, match=r"ImageNet weights of pose_resnet18 could not be fetched .*name the file"
    ):
        load_weights(tiny(), None, what="imagenet")


def test_incomplete_imagenet_weights_are_refused(donor, tmp_path):
    state = classifier(donor)
    del state["conv1.weight"]
    torch.save(state, tmp_path / "w.pth")
    network = tiny()
    with pytest.raises(ValueError, match=r"1 missing \(conv1\.weight\)"):
        load_weights(network, tmp_path / "w.pth", what="imagenet")
    assert same(network, tiny())


def test_movenet_has_no_imagenet_weights(tmp_path):
    network = build_network("movenet_thunder")
    with pytest.raises(ValueError, match="movenet_thunder has no ImageNet weights"):
        load_weights(network, None, what="imagenet")


def test_real_imagenet_weights_of_mobilenetv2(shared_data):
    network = build_network("pose_mobilenetv2")
    path = shared_data / "models/mobilenetv2_imagenet_features.pt"
    report = load_weights(network, path, what="imagenet")
    assert (len(report.matched), report.unexpected) == (312, ())


def test_torchvisions_mobilenetv2_names_load(tmp_path):
    import torchvision

    theirs = torchvision.models.mobilenet_v2(weights=None)
    torch.save(theirs.state_dict(), tmp_path / "mobilenet_v2.pth")
    network = build_network("pose_mobilenetv2", input_size=SMALL)
    report = load_weights(network, tmp_path / "mobilenet_v2.pth", what="imagenet")
    assert report.unexpected == ("classifier.1.weight", "classifier.1.bias")
    assert torch.equal(network.features[3].conv[6].weight, theirs.features[3].conv[2].weight)


def test_hrnets_imagenet_weights_fill_all_stages(tmp_path):
    """timm's classifier has the official names, its own head and a whole last exchange."""
    import timm

    with torch.device("meta"):
        classifier = timm.create_model("hrnet_w32", pretrained=False)
        network = build_network("hrnet_w32", input_size=SMALL)
    torch.save(small_file(classifier.state_dict()), tmp_path / "w.pth")
    report = load_weights(network, tmp_path / "w.pth", what="imagenet")
    assert report.missing == ("final_layer.weight", "final_layer.bias")
    groups = {".".join(name.split(".")[:3]) for name in report.unexpected}
    assert {"stage4.2.fuse_layers", "classifier.weight"} <= groups
