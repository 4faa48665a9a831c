"""``syrip train`` on data of which a part is missing or broken: it is listed, and the exit code is 3."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import cli
from fidip.training.failures import failure_lines
from tests.fidip.data.layouts.dataset_writers import write_mini_rgbd
from tests.fidip.detection import tiny_detection
from tests.fidip.tiny_training import RECIPE, register

TINY_LIFTER = ("--recipe", "lifter-infant", "--set", "training.steps_per_epoch=1")
ONE_DOMAIN = ("domain.mechanism=none", "domain.pre_epochs=0", "training.data=any")


@pytest.fixture
def mini(tmp_path):
    """Return a folder in MINI-RGBD's layout: one frame without a joint file, one with a broken one."""
    folder = tmp_path / "mini"
    write_mini_rgbd(folder, {1: [0, 1, 2, 3], 2: [0, 1, 2, 3]})
    for number, path in enumerate(sorted(folder.glob("*/rgb/*.png"))):
        Image.fromarray(np.full((480, 640, 3), 9 * number, np.uint8)).save(path)
    return folder


def break_frames(mini):
    (mini / "01/joints_2Ddep/syn_joints_2Ddep_00000.txt").write_text("nonsense")
    (mini / "02/joints_3D/syn_joints_3D_00001.txt").unlink()


@pytest.fixture
def words(tmp_path, monkeypatch):
    """Return a function: task and data to the options of a tiny run."""
    from fidip.detection.network import BACKBONES
    from fidip.models import catalog

    monkeypatch.setitem(BACKBONES, "tiny", tiny_detection.tiny)
    monkeypatch.setattr(catalog, "CATALOG", catalog.CATALOG)
    register(catalog)
    (tmp_path / "detector.yaml").write_text(tiny_detection.RECIPE)
    (tmp_path / "pose.yaml").write_text(RECIPE)
    pose = ["--recipe", tmp_path / "pose.yaml", *(w for text in ONE_DOMAIN for w in ("--set", text))]
    own = {
        "lifter": [*TINY_LIFTER, "--poses-3d"],
        "detector": ["--recipe", tmp_path / "detector.yaml", "--workers", 0, "--synthetic"],
        "pose": [*pose, "--workers", 0, "--synthetic"],
    }
    rest = ["-o", tmp_path / "run", "--device", "cpu", "--epochs", 1, "--json", tmp_path / "t.json"]
    return lambda task, data: [*own[task], data, *rest]


def run(words):
    return CliRunner().invoke(cli.main, ["train", *map(str, words)], prog_name="syrip")


@pytest.mark.parametrize("task", ["lifter", "detector", "pose"])
def test_frames_left_out_are_listed_and_exit_with_3(mini, words, tmp_path, task):
    break_frames(mini)
    done = run(words(task, mini))
    assert done.exit_code == 3, done.output
    assert "left out, because they are missing or cannot be read" in done.output
    assert "02: 1 of 4 frames left out, no joints_3D: 1" in done.output
    assert "syn_joints_2Ddep_00000.txt line 1: expected three numbers" in done.output
    assert (tmp_path / "run/best.safetensors").is_file()
    assert len(json.loads((tmp_path / "run/run.json").read_text())["failures"]) == 2
    assert json.loads((tmp_path / "t.json").read_text())["num_failures"] == 2
    again = run(["-o", tmp_path / "run", "--resume"])
    assert again.exit_code == 3, again.output
    assert "is already finished (1 epoch)" in again.output


def test_whole_data_exit_with_0(mini, words, tmp_path):
    done = run(words("lifter", mini))
    assert done.exit_code == 0, done.output
    assert "left out" not in done.output
    assert json.loads((tmp_path / "run/run.json").read_text())["failures"] == []


def test_many_failures_are_cut_short():
    lines = failure_lines([f"frame {n}" for n in range(14)])
    assert lines[1:] == [*(f"  frame {n}" for n in range(10)), "  ... and 4 more, all of them in run.json"]
    assert failure_lines(["frame 0"])[0] == "left out, because it is missing or cannot be read:"
    assert failure_lines([]) == []
