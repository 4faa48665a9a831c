"""Weights load with a report, and a file that does not fit is an error that leaves the network as it was."""

import pickle
import re

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from fidip.models.catalog import build_network
from fidip.models.weights import default_weights, load_weights
from tests.fidip.models.networks_to_load import same, small_file, state_of, tiny, wrapped


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
