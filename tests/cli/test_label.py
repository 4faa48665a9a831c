"""``syrip label`` from the command line: exit codes, the server, Ctrl-C, and on to ``syrip generate``."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import cli
from fidip.inference import predict as predict_module
from fidip.labelling.store import LabelStore, project_path
from syrip_gen.asset_files import asset_path
from tests.fidip.inference.dot_network import DotNetwork, dot_picture

ROOT = Path(__file__).resolve().parents[2]
SIZE = (300, 280)


@pytest.fixture(autouse=True)
def dots(monkeypatch):
    monkeypatch.setattr(predict_module, "open_network", lambda source, **_: DotNetwork((144, 192)))


def example_pose(i):
    """(17, 2) of the bundled example poses: a real infant's pose, so that a body fits."""
    data = json.loads(asset_path("poses/example_poses.json").read_text())
    points = np.array(data["annotations"][i]["keypoints"], float).reshape(17, 3)[:, :2]
    low, high = points.min(0), points.max(0)
    return (points - low) / (high - low).max() * 200 + 40


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(3):
        Image.fromarray(dot_picture(example_pose(i), SIZE, radius=4)).save(folder / f"{i}.png")
    return folder


def run(*words, exit_code=0):
    result = CliRunner().invoke(cli.main, [str(word) for word in words], prog_name="syrip")
    assert result.exit_code == exit_code, result.output
    assert "Traceback" not in result.output
    return result.output


def test_labels_feed_generate_unchanged(photos, tmp_path, textures):
    output = run("label", photos, "-o", tmp_path / "real.json", "--no-serve", "--json", tmp_path / "f.json")
    assert "3 pictures, 3 new: 0 reviewed, 0 rejected, 3 to review" in output
    assert f"labels    {tmp_path / 'real.json'}" in output
    figures = json.loads((tmp_path / "f.json").read_text())
    assert (figures["num_new"], figures["num_predicted"], figures["num_failures"]) == (3, 3, 0)
    assert all(not isinstance(value, dict | list) for value in figures.values())
    words = ["--poses", tmp_path / "real.json", "--n", 2, "--size", "96x128", "--workers", 1]
    output = run("generate", *words, "--textures", textures, "-o", tmp_path / "out")
    assert "2 images from" in output
    assert len(list((tmp_path / "out/images/train_infant").glob("*.jpg"))) == 2


def test_pictures_that_fail_exit_3_and_are_named(photos, tmp_path):
    (photos / "bad.jpg").write_text("no picture")
    output = run("label", photos, "-o", tmp_path / "real.json", "--no-serve", exit_code=3)
    assert "bad.jpg: does not decode as a picture" in output
    assert (tmp_path / "real.json").exists()


@pytest.mark.parametrize(
    "words, message",
    [
        (["nowhere"], "nowhere: no such folder or file"),
        (["empty"], "empty: no photo"),
        ([], "no project there to go on with; name a folder or video"),
        (["photos", "--frames", "few"], "--frames 'few': expected every=K or most=N"),
        (["photos", "-o", "file/real.json"], "cannot be written"),
        (["photos", "-o", "taken.json"], "exists and is no labelling project"),
        (["photos", "--port", "99999"], "--port 99999"),
        (["photos", "--people", "two"], "'two' is not one of"),
        (["photos", "--import", "nowhere.json"], "nowhere.json: no such file"),
        (["photos", "--review", "photos"], "--review photos: name no pictures and no --import besides"),
        (["photos", "--overlays", "photos"], "--images and --overlays belong to --review"),
        (["--review", "nowhere"], "--review nowhere: no such dataset folder or fits.npz"),
    ],
)
def test_wrong_usage_exits_2_in_one_line_and_writes_nothing(words, message, photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "taken.json").write_text("{}")
    before = sorted(tmp_path.rglob("*"))
    output = run("label", *words, "--no-serve", exit_code=2)
    assert message in output
    assert len(output.strip().splitlines()) <= 4
    assert sorted(tmp_path.rglob("*")) == before


def test_without_the_web_server_it_says_what_to_install(photos, tmp_path, monkeypatch):
    import importlib.util

    from fidip.labelling import session

    find = importlib.util.find_spec
    monkeypatch.setattr(session, "find_spec", lambda name: None if name == "fastapi" else find(name))
    output = run("label", photos, "-o", tmp_path / "real.json", exit_code=1)
    assert 'the page needs fastapi: pip install "syrip[label]"; or add --no-serve' in output
    assert not (tmp_path / "real.json").exists()


@pytest.mark.parametrize(
    "more, message",
    [
        (["--port", "{used}"], "--port {used} is in use"),
        (["--host", "198.51.100.7"], "--host 198.51.100.7 is no address of this machine"),
        (["--who", " "], "--who: expected 1 to 80 characters"),
    ],
)
def test_a_server_that_could_not_start_is_told_before_any_work(more, message, photos, tmp_path):
    pytest.importorskip("fastapi", reason="the labelling server needs the extra 'label'")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        used = taken.getsockname()[1]
        words = [word.format(used=used) for word in more]
        output = run("label", photos, "-o", tmp_path / "real.json", *words, exit_code=2)
    assert message.format(used=used) in output
    assert not (tmp_path / "real.json.project").exists()


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_the_page_is_served_until_ctrl_c(photos, tmp_path):
    pytest.importorskip("fastapi", reason="the labelling server needs the extra 'label'")
    output = tmp_path / "real.json"
    command = [sys.executable, "-m", "cli", "label", photos, "-o", output, "--no-ai", "--port", "0"]
    process = subprocess.Popen(
        list(map(str, command)), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        address = None
        for line in process.stdout:
            if match := re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", line):
                address = match[0]
                break
        assert address, process.stderr.read()
        with urllib.request.urlopen(address, timeout=60) as page:
            assert b"<html" in page.read().lower()
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(address.partition("?")[0] + "api/project", timeout=60)
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 0, process.stderr.read()
    finally:
        process.kill()
        process.communicate()
    assert len(json.loads(output.read_text())["images"]) == 3
    with LabelStore.open(project_path(output)) as store:
        assert store.counts().total == 3
