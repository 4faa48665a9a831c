import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import cli
from fidip.export import export_onnx
from fidip.models.interface import PoseOutput
from tests.fidip.inference.dot_network import DotNetwork

onnx = pytest.importorskip("onnx", reason="needs the extra 'onnx'")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")


class Small(DotNetwork):
    """A network with weights, batch norm and logits, small enough for a test."""

    def __init__(self):
        super().__init__((48, 64), has_logits=True)
        torch.manual_seed(0)
        self.body = torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 3, 4, 1),
            torch.nn.BatchNorm2d(8),
            torch.nn.ReLU(),
            torch.nn.Conv2d(8, 17, 1),
        )

    def forward(self, images):
        features = self.body(images)
        return PoseOutput(features, features)


def test_onnx_file_agrees_and_takes_any_batch(tmp_path):
    result = export_onnx(Small(), tmp_path / "new" / "small.onnx")
    assert result.max_abs_difference < 1e-5
    session = onnxruntime.InferenceSession(str(result.path))
    for batch in (1, 5):
        images = np.random.default_rng(batch).uniform(0, 255, (batch, 3, 64, 48)).astype(np.float32)
        (values,) = session.run(None, {"images": images})
        assert values.shape == (batch, 17, 16, 12)
        assert 0 <= values.min() <= values.max() <= 1, "logits became probabilities"
    metadata = session.get_modelmeta().custom_metadata_map
    assert (metadata["network"], metadata["stride"], metadata["cell_center"]) == ("dots", "4", "0.5")
    assert json.loads(metadata["keypoints"])[0] == "nose"
    assert [p.name for p in result.path.parent.iterdir()] == ["small.onnx"]


def test_file_that_disagrees_is_not_kept(tmp_path):
    with pytest.raises(RuntimeError, match=r"differs from PyTorch by .* \(limit -1e\+00\); it was not kept"):
        export_onnx(Small(), tmp_path / "small.onnx", tolerance=-1.0)
    assert list(tmp_path.iterdir()) == []


def test_shipped_network_is_exported_from_the_command_line(tmp_path):
    result = CliRunner().invoke(
        cli.main, ["export", "--onnx", str(tmp_path / "m.onnx"), "--json", str(tmp_path / "m.json")]
    )
    assert result.exit_code == 0, result.output
    assert "max abs diff" in result.output
    assert json.loads((tmp_path / "m.json").read_text())["max_abs_difference"] < 1e-4


def test_what_to_write_is_required():
    result = CliRunner().invoke(cli.main, ["export"])
    assert result.exit_code == 2
    assert "either --onnx FILE, --mini-rgbd DIR, --cvat FILE" in result.output
