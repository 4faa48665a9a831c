"""A weights file or a run says itself which network it is."""

import json

import pytest
import torch
from safetensors.torch import save_file

from fidip.models.catalog import build_network, network_names
from fidip.models.interface import IMAGENET_MEAN, IMAGENET_STD
from fidip.models.published import guess_input_size, guess_network, spec_metadata
from fidip.models.weights import load_weights, open_network
from tests.fidip.models.networks_to_load import SMALL, resnet, same, state_of, tiny


@pytest.mark.parametrize("name", network_names())
def test_the_network_is_known_by_its_tensors(name):
    with torch.device("meta"):
        tensors = build_network(name).state_dict()
    assert guess_network(tensors) == name


def test_other_tensors_are_no_network():
    assert guess_network({"conv1.weight": torch.ones(1), "final_layer.weight": torch.ones(1)}) is None


@pytest.mark.parametrize(
    "name, size",
    [
        ("pose_resnet_50_256x192.pth.tar", (192, 256)),
        ("w48_384×288.pth", (288, 384)),
        ("hrnet_fidip.pth", None),
    ],
)
def test_the_size_in_a_file_name_has_the_height_first(tmp_path, name, size):
    assert guess_input_size(tmp_path / name) == size


def test_open_network_reads_network_size_and_keypoints_from_a_file(tmp_path):
    network = resnet(34, num_keypoints=5)
    torch.save(network.state_dict(), tmp_path / "mine_96x64.pth")
    opened = open_network(tmp_path / "mine_96x64.pth")
    assert (opened.spec.name, opened.spec.input_size, opened.spec.cell_center) == (
        "pose_resnet34",
        (64, 96),
        0.5,
    )
    assert opened.final_layer.out_channels == 5
    assert not opened.training
    assert same(opened, network)


def test_open_network_refuses_other_weights(tmp_path):
    torch.save({"fc.weight": torch.ones(3)}, tmp_path / "w.pth")
    with pytest.raises(
        ValueError, match=r"not of a pose network .*\(movenet_thunder, .*its tensors are fc\.weight"
    ):
        open_network(tmp_path / "w.pth")


def write_run(folder, network, **settings):
    folder.mkdir()
    told = {"name": network.spec.name, "input_size": list(network.spec.input_size), **settings}
    (folder / "config.yaml").write_text(f"network: {json.dumps(told)}\ntraining: {{epochs: 1}}\n")
    save_file(network.state_dict(), folder / "best.safetensors", metadata=spec_metadata(network.spec))
    return folder


def test_open_network_reads_a_run(trained, tmp_path):
    opened = open_network(write_run(tmp_path / "run", trained))
    assert same(opened, trained)
    assert opened.spec == trained.spec


def test_a_run_without_a_size_goes_by_its_weights(trained, tmp_path):
    opened = open_network(write_run(tmp_path / "run", trained, input_size=None))
    assert opened.spec.input_size == SMALL


@pytest.mark.parametrize("name", ["config.yaml", "best.safetensors"])
def test_an_unfinished_run_is_refused(donor, tmp_path, name):
    run = write_run(tmp_path / "run", donor)
    (run / name).unlink()
    with pytest.raises(
        FileNotFoundError, match=f"run is not a finished run of syrip train: it has no {name}"
    ):
        open_network(run)


@pytest.mark.parametrize(
    "text",
    ["network: 3", "a: [", "[]", "network: {input_size: [1, 2]}", "network: {name: a, input_size: [a, b]}"],
)
def test_a_broken_configuration_is_refused(donor, tmp_path, text):
    run = write_run(tmp_path / "run", donor)
    (run / "config.yaml").write_text(text)
    with pytest.raises(ValueError, match=r"config\.yaml does not name a network"):
        open_network(run)


@pytest.mark.parametrize("value", ["{", '{"mean": [1], "std": [1, 1, 1], "cell_center": 0}', '{"mean": 3}'])
def test_broken_metadata_is_refused(donor, tmp_path, value):
    save_file(state_of(donor), tmp_path / "w.safetensors", metadata={"spec": value})
    with pytest.raises(ValueError, match=r"w\.safetensors: "):
        load_weights(tiny(), tmp_path / "w.safetensors")


def test_simple_baselines_files_read_bgr(trained, tmp_path):
    """Fed RGB as its spec says, the network computes what the file's network computed on OpenCV's colours."""
    torch.save(state_of(trained), tmp_path / "pose_resnet_18_64x64.pth.tar")
    network = open_network(tmp_path / "pose_resnet_18_64x64.pth.tar")
    assert network.spec.cell_center == 0
    rgb = torch.rand(2, 3, 64, 64)

    def normalise(image, mean, std):
        return (image - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]

    with torch.inference_mode():
        expected = trained.eval()(normalise(rgb.flip(1), IMAGENET_MEAN, IMAGENET_STD)).heatmaps
        found = network(normalise(rgb, network.spec.mean, network.spec.std)).heatmaps
    torch.testing.assert_close(found, expected)


def test_a_run_keeps_the_convention_that_it_began_with(trained, tmp_path):
    torch.save(state_of(trained), tmp_path / "pose_resnet_18_64x64.pth.tar")
    begun = open_network(tmp_path / "pose_resnet_18_64x64.pth.tar")
    opened = open_network(write_run(tmp_path / "run", begun))
    assert opened.spec == begun.spec
    assert same(opened, begun)


def test_the_convention_can_be_told(donor, tmp_path):
    torch.save(state_of(donor), tmp_path / "w.pth")
    network = tiny()
    assert load_weights(network, tmp_path / "w.pth", convention="hrnet").convention == "hrnet"
    assert (network.spec.cell_center, network.spec.mean) == (0.0, IMAGENET_MEAN)
    with pytest.raises(ValueError, match="unknown convention 'mpii'; known are unbiased, hrnet"):
        load_weights(network, tmp_path / "w.pth", convention="mpii")
    with pytest.raises(ValueError, match="movenet_thunder knows the unbiased convention only"):
        open_network(None, convention="hrnet")
