"""``syrip generate --renderer cycles`` with a real Blender, killed on the way."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from syrip_gen.config import GenerateConfig
from syrip_gen.pipeline import generate
from syrip_gen.rendering.cycles_backend import CyclesRenderer
from tests.folder_digests import digests
from tests.rendering.fake_program import is_running

pytestmark = pytest.mark.blender
ROOT = Path(__file__).resolve().parent.parent.parent
N = 2


@pytest.fixture(scope="module")
def settings(few_fits, textures, blender):
    return {
        "poses": (str(few_fits),),
        "textures": str(textures),
        "n": N,
        "size": "96x128",
        "renderer": "cycles",
        "samples": 2,
        "device": "cpu",
        "blender": str(blender.path),
    }


@pytest.fixture(scope="module")
def reference(settings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cycles") / "out"
    assert generate(GenerateConfig(**settings, output=str(folder))).num_failures == 0
    return folder


def start(settings, folder):
    words = ["--resume", "-o", str(folder)]
    for name, value in settings.items():
        words += [f"--{name}", value[0] if isinstance(value, tuple) else str(value)]
    return subprocess.Popen(
        [sys.executable, "-m", "cli", "generate", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def wait_for_second_picture(process, folder):
    """Wait until Blender renders the second picture; return its process id."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    end = time.monotonic() + 120
    while True:
        assert time.monotonic() < end
        assert process.poll() is None, process.communicate()
        if any((folder / ".syrip/shards").glob("*.jsonl")):
            found = [int(pid) for pid in children.read_text().split() if is_blender(pid)]
            if found:
                return found[0]
        time.sleep(0.01)


def is_blender(pid):
    return b"render_scene.py" in Path(f"/proc/{pid}/cmdline").read_bytes()


def annotations(folder):
    return json.loads((folder / "annotations/person_keypoints_train_infant.json").read_text())


def test_annotations_are_those_of_the_raster_renderer(settings, reference, tmp_path):
    other = {**settings, "renderer": "raster"}
    generate(GenerateConfig(**other, output=str(tmp_path / "raster")))
    ours, theirs = annotations(reference), annotations(tmp_path / "raster")
    assert len(ours["annotations"]) == N
    assert (ours["annotations"], ours["images"]) == (theirs["annotations"], theirs["images"])


def test_labels_are_where_blender_sees_the_keypoints(reference, blender):
    renderer = CyclesRenderer(blender=str(blender.path))
    from tests.rendering.simple_scenes import inputs_of, sphere

    try:
        for label in annotations(reference)["annotations"]:
            camera = {name: label["camera"][name] for name in ("fx", "fy", "cx", "cy")}
            inputs = inputs_of(*sphere((0, 0, 1.0), 0.1), width=128, height=96, **camera)
            seen = renderer.project(inputs, np.array(label["keypoints_3d_m"]))
            keypoints = np.reshape(label["keypoints"], (17, 3))
            is_in = keypoints[:, 2] > 0
            assert is_in.sum() > 5
            assert np.abs(seen - keypoints[:, :2])[is_in].max() < 0.01  # px; 0.5 would do
    finally:
        renderer.close()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("victim", ["blender", "syrip"])
def test_a_kill_in_the_middle_of_a_picture_changes_nothing(settings, reference, tmp_path, victim):
    folder = tmp_path / "out"
    process = start(settings, folder)
    pid = wait_for_second_picture(process, folder)
    os.kill(pid if victim == "blender" else process.pid, signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    if victim == "syrip":
        time.sleep(0.2)
        assert not is_running(pid), "Blender outlived syrip"
        process = start(settings, folder)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert digests(folder) == digests(reference)
