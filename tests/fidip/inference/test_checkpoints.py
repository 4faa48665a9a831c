"""Checkpoints that ``predict`` and ``export`` are given."""

import os
import pickle

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

import cli


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(path)
    return path


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("kind", ["absent", "other network", "hostile", "text"])
@pytest.mark.parametrize("verb", ["predict", "export"])
def test_unusable_checkpoints_exit_2_and_write_nothing(verb, kind, photo, tmp_path):
    path = tmp_path / "weights.pth"
    if kind == "other network":
        torch.save({"layer.weight": torch.zeros(3, 3)}, path)
    elif kind == "hostile":
        path.write_bytes(pickle.dumps({"a": Bomb(tmp_path / "executed")}))
    elif kind == "text":
        path.write_text("weights")
    out = tmp_path / "out"
    words = {
        "predict": ["predict", photo, "--checkpoint", path, "-o", out],
        "export": ["export", path, "--onnx", out],
    }[verb]
    result = CliRunner().invoke(cli.main, [str(w) for w in words], prog_name="syrip")
    assert result.exit_code == 2, result.output
    assert "weights.pth" in result.output
    assert not out.exists()
    assert not (tmp_path / "executed").exists()


def test_shipped_network_works_without_a_checkpoint(photo, tmp_path):
    for name in ([], ["--checkpoint", "movenet_thunder"]):
        result = CliRunner().invoke(
            cli.main, ["predict", str(photo), "-o", str(tmp_path / "out"), "--overwrite", *name]
        )
        assert result.exit_code == 0, result.output
        assert "1 pose with movenet_thunder on" in result.output
