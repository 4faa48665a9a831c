"""Weights load with a report, and a file that does not fit is an error that leaves the network as it was."""

import json
import pickle
import re
import socket
from collections import OrderedDict

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from fidip.models.catalog import build_network, network_names
from fidip.models.interface import IMAGENET_MEAN, IMAGENET_STD, PoseNetwork
from fidip.models.published import guess_input_size, guess_network, spec_metadata
from fidip.models.weights import default_weights, load_weights, open_network

SMALL = (64, 64)


def resnet(depth=18, seed=0, **options):
    torch.manual_seed(seed)
    return build_network(f"pose_resnet{depth}", input_size=SMALL, **options)


@pytest.fixture(scope="module")
def trained():
    """A network whose weights are not those of ``resnet()``."""
    return resnet(seed=7)


class Tiny(PoseNetwork):
    """Three layers under a Pose-ResNet's names: how files are read does not depend on the network."""

    imagenet_parts = ("conv1", "bn1")
    freeze_groups = ("conv1", "bn1", "final_layer")

    def __init__(self):
        super().__init__()
        with torch.device("meta"):
            self.spec = build_network("pose_resnet18", input_size=SMALL).spec
        self.conv1, self.bn1 = torch.nn.Conv2d(3, 16, 7, bias=False), torch.nn.BatchNorm2d(16)
        self.final_layer = torch.nn.Conv2d(16, 17, 1)


def tiny(seed=0):
    torch.manual_seed(seed)
    return Tiny()


@pytest.fixture(scope="module")
def donor():
    """A tiny network whose weights are not those of ``tiny()``."""
    return tiny(seed=7)


def state_of(network):
    return OrderedDict((name, value.clone()) for name, value in network.state_dict().items())


def same(network, other):
    """Whether two networks hold the same tensors."""
    theirs = other.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in network.state_dict().items())


def wrapped(state):
    return OrderedDict((f"module.{name}", value) for name, value in state.items())


def with_training_state(state):
    """A checkpoint as HRNet's and FiDIP's code writes it: optimiser and a numpy figure beside the tensors."""
    optimizer = torch.optim.Adam(torch.nn.Linear(2, 2).parameters()).state_dict()
    return {"epoch": 3, "model": "m", "state_dict": state, "perf": np.float64(0.9), "optimizer": optimizer}


@pytest.mark.parametrize(
    "name, wrap",
    [
        ("final_state.pth", lambda state: state),
        ("FiDIP.pth.tar", wrapped),
        ("checkpoint.pth", lambda state: with_training_state(wrapped(state))),
        ("last.pt", lambda state: {"best_state_dict": state, "epoch": 1}),
        ("lightning.ckpt", lambda state: {"model_state_dict": wrapped(wrapped(state))}),
    ],
)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_published_forms_load(donor, tmp_path, name, wrap, zipped):
    torch.save(wrap(state_of(donor)), tmp_path / name, _use_new_zipfile_serialization=zipped)
    network = tiny()
    report = load_weights(network, tmp_path / name)
    assert same(network, donor)
    assert (len(report.matched), report.missing, report.unexpected) == (8, (), ())
    assert (
        str(report) == f"{tmp_path / name}: tensors 8 matched, 0 missing, 0 unexpected (unbiased convention)"
    )


def test_safetensors_load_at_half_precision(donor, tmp_path):
    halves = {
        name: value.half() if value.is_floating_point() else value for name, value in state_of(donor).items()
    }
    save_file(halves, tmp_path / "w.safetensors")
    network = tiny()
    load_weights(network, tmp_path / "w.safetensors")
    assert network.conv1.weight.dtype == torch.float32
    assert torch.equal(network.conv1.weight, donor.conv1.weight.half().float())


@pytest.mark.parametrize("there, asked", [("w_64×64.pth", "w_64x64.pth"), ("w_64x64.pth", "w_64×64.pth")])
def test_either_multiplication_sign_finds_the_file(donor, tmp_path, there, asked):
    torch.save(state_of(donor), tmp_path / there)
    network = tiny()
    load_weights(network, tmp_path / asked)
    assert same(network, donor)


def test_files_without_step_counts_load(donor, tmp_path):
    """torch < 0.4.1 kept no num_batches_tracked."""
    state = {
        name: value for name, value in state_of(donor).items() if not name.endswith("num_batches_tracked")
    }
    torch.save(state, tmp_path / "old.pth")
    report = load_weights(tiny(), tmp_path / "old.pth")
    assert report.missing == ("bn1.num_batches_tracked",)


def without(name):
    return lambda state: {key: value for key, value in state.items() if key != name}


def replaced(name, change):
    return lambda state: {**state, name: change(state[name])}


@pytest.mark.parametrize(
    "change, message",
    [
        (without("conv1.weight"), r"1 missing \(conv1\.weight\)"),
        (lambda state: {**state, "extra.weight": torch.ones(1)}, r"1 unexpected \(extra\.weight\)"),
        (
            replaced("final_layer.bias", lambda value: value[:5]),
            r"1 of another shape \(final_layer\.bias \(5,\) instead of \(17,\)\)",
        ),
        (replaced("bn1.bias", lambda value: value * torch.nan), r"holds NaN or infinite values in bn1\.bias"),
        (lambda _: {"a": torch.ones(2)}, r"7 missing \(conv1\.weight, .*, \.\.\.\); 1 unexpected \(a\)"),
        (lambda state: {}, "holds no tensors by name"),
        (lambda state: [1, 2], "holds no tensors by name"),
        (lambda state: {**state, "epoch": 3}, "no state_dict: not tensors are epoch"),
    ],
)
def test_a_file_that_does_not_fit_is_an_error_and_changes_nothing(donor, tmp_path, change, message):
    torch.save(change(state_of(donor)), tmp_path / "w.pth")
    network = tiny()
    with pytest.raises(ValueError, match=message) as caught:
        load_weights(network, tmp_path / "w.pth")
    assert "w.pth" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert same(network, tiny())


def test_a_deeper_resnet_is_refused_by_name(tmp_path):
    """Every tensor of Pose-ResNet-50 exists in the 101's file, of the same shape."""
    with torch.device("meta"):
        deeper, network = build_network("pose_resnet101"), build_network("pose_resnet50")
    torch.save(small_file(deeper.state_dict()), tmp_path / "w.pth")
    with pytest.raises(
        ValueError, match=r"does not fit pose_resnet50: .*306 unexpected.* like pose_resnet101"
    ):
        load_weights(network, tmp_path / "w.pth")


def small_file(tensors):
    """Tensors of the same names and shapes that need little room in a file: one stored zero each."""
    return {name: torch.zeros(()).expand(value.shape) for name, value in tensors.items()}


class Hostile:
    """Runs a command where it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        import os

        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("form", ["zip", "legacy", "pickle"])
@pytest.mark.parametrize("what", ["pose", "imagenet"])
def test_a_hostile_pickle_is_refused_and_not_run(donor, tmp_path, form, what):
    path, marker = tmp_path / "w.pth", tmp_path / "marker"
    content = {"state_dict": state_of(donor), "extra": Hostile(marker)}
    if form == "pickle":
        path.write_bytes(pickle.dumps(content["extra"], protocol=2))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "zip")
    network = tiny()
    with pytest.raises(
        ValueError, match=r"w\.pth is refused: .*posix\.system.* Nothing of it was run"
    ) as caught:
        load_weights(network, path, what=what)
    assert "\n" not in str(caught.value)
    assert not marker.exists()
    assert same(network, tiny())


def test_the_hostile_pickle_is_hostile(tmp_path):
    """So that the test above cannot pass by a harmless file."""
    pickle.loads(pickle.dumps(Hostile(tmp_path / "marker")))
    assert (tmp_path / "marker").exists()


@pytest.mark.parametrize(
    "content, message",
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 255354649\n",
            "pointer of Git LFS",
        ),
        (b"<!DOCTYPE html><html>Virus scan warning</html>", "is a web page"),
        (b"", r"is empty \(0 bytes\)"),
        (b"hello, I am not a checkpoint at all", "is not a torch or safetensors file"),
        (bytes(500), "is not a torch or safetensors file"),
        (b"PK\x03\x04" + bytes(500), "is cut off or damaged"),
        (b"\x08\x0e:\x03\x12\x01gB\x02\x10\x1c", "is an ONNX file, which syrip writes but does not read"),
        (pickle.dumps({"a": 1}, protocol=2), "is a plain pickle, not a torch checkpoint"),
        (pickle.dumps({"a": 1}, protocol=4), "is a plain pickle, not a torch checkpoint"),
        (pickle.dumps({"a": 1}, protocol=0), "is a plain pickle, not a torch checkpoint"),
    ],
)
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["w.pth", "w.pt"])
def test_what_is_no_checkpoint_is_said_in_a_line(tmp_path, content, message, name):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        load_weights(tiny(), tmp_path / name)
    assert "\n" not in str(caught.value)
    assert "weights_only" not in str(caught.value)


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_a_file_that_was_cut_off_is_refused(donor, tmp_path, name):
    path = tmp_path / name
    if name.endswith("pth"):
        torch.save(state_of(donor), path)
    else:
        save_file(state_of(donor), path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ValueError, match=re.escape(str(path))):
        load_weights(tiny(), path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.pth not found"):
        load_weights(tiny(), tmp_path / "none.pth")
    with pytest.raises(FileNotFoundError, match="it is a folder"):
        load_weights(tiny(), tmp_path)


def test_shipped_weights():
    assert default_weights("movenet_thunder").name == "movenet_thunder.safetensors"
    assert default_weights("hrnet_w48") is None
    with pytest.raises(ValueError, match="no pose weights of pose_resnet18 ship"):
        load_weights(tiny(), None)
    with pytest.raises(ValueError, match="'pose' or 'imagenet', not 'coco'"):
        load_weights(tiny(), None, what="coco")


# What a file stands for


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


# ImageNet


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
