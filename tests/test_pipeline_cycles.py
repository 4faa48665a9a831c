"""generate() with --renderer cycles: what happens around Blender, for which a small program stands in."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

import cli
from tests.folder_digests import digests
from tests.rendering.fake_program import is_running, write_blender

ROOT = Path(__file__).resolve().parent.parent
N = 3


@pytest.fixture(scope="module")
def words(few_fits, textures, tmp_path_factory):
    """Return a function that gives the command, with the stand-in for Blender, and its environment."""
    program = write_blender(tmp_path_factory.mktemp("program") / "blender")

    def words(folder, *more, blender=program, **settings):
        state = tmp_path_factory.mktemp("state")
        command = ["generate", "--poses", few_fits, "--textures", textures, "-o", folder, "--n", N]
        command += ["--size", "96x128", "--renderer", "cycles", "--samples", 1, "--resume"]
        environment = {"FAKE_BLENDER": json.dumps({"state": str(state), **settings})}
        command += ["--blender", blender] if blender else []
        return [str(word) for word in [*command, *more]], environment

    return words


@pytest.fixture(scope="module")
def run(words):
    """Return a function that runs ``syrip generate`` in this process."""

    def run(*arguments, **settings):
        command, environment = words(*arguments, **settings)
        done = CliRunner().invoke(cli.main, command, env=environment, prog_name="syrip")
        return SimpleNamespace(returncode=done.exit_code, out=done.output, err=done.stderr)

    return run


@pytest.fixture
def start(words):
    """Return a function that starts it in a process of its own."""

    def start(*arguments, **settings):
        command, environment = words(*arguments, **settings)
        return subprocess.Popen(
            [sys.executable, "-m", "cli", *command],
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
        )

    return start


@pytest.fixture(scope="module")
def reference(run, tmp_path_factory):
    """A dataset made without any trouble."""
    folder = tmp_path_factory.mktemp("reference") / "out"
    done = run(folder)
    assert done.returncode == 0, done.err
    return folder


def wait_for(condition, process, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)


def blender_of(folder):
    """Return the process ids of the programs that write the logs of an unfinished run."""
    names = [path.stem.split("-")[1] for path in (folder / ".syrip/logs").glob("blender-*.log")]
    children = [Path(f"/proc/{pid}/task/{pid}/children") for pid in names]
    return [int(pid) for path in children if path.exists() for pid in path.read_text().split()]


def test_run_json_says_what_made_the_pictures(reference):
    run = json.loads((reference / "run.json").read_text())
    assert (run["versions"]["blender"], run["versions"]["cycles_device"]) == ("5.0.1", "CPU")
    assert (run["settings"]["samples"], run["settings"]["device"]) == (1, "auto")
    assert "--renderer cycles --samples 1" in run["command"]
    assert not (reference / ".syrip").exists()


def test_a_blender_that_dies_once_costs_nothing(run, reference, tmp_path):
    done = run(tmp_path / "out", die_at=[2])
    assert done.returncode == 0, done.err
    assert digests(tmp_path / "out") == digests(reference)


def test_an_item_that_kills_blender_twice_is_listed_and_tried_again(run, reference, tmp_path):
    folder = tmp_path / "out"
    done = run(folder, die_at=[2, 3])
    assert done.returncode == 3, done.err
    assert (
        "item 1: BlenderCrashError: Blender died twice at this request; it was killed by signal 9" in done.out
    )
    assert json.loads((folder / "run.json").read_text())["num_images"] == N - 1
    assert run(folder).returncode == 0
    assert digests(folder) == digests(reference)


def test_a_blender_that_dies_every_time_ends_the_run(run, tmp_path):
    done = run(tmp_path / "out", "--n", 9, die_from=1)
    assert done.returncode == 1, done.err
    assert "Blender died at 5 requests in a row" in done.err
    assert "Traceback" not in done.err


def test_a_killed_run_is_resumed_and_leaves_no_blender(run, start, reference, tmp_path):
    folder = tmp_path / "out"
    process = start(folder, seconds=0.7)
    wait_for(lambda: any((folder / ".syrip/shards").glob("*.jsonl")), process)
    wait_for(lambda: blender_of(folder), process)
    (pid,) = blender_of(folder)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    time.sleep(0.2)
    assert not is_running(pid)
    assert run(folder).returncode == 0
    assert digests(folder) == digests(reference)


def test_ctrl_c_exits_130_and_leaves_no_blender(run, start, reference, tmp_path):
    folder = tmp_path / "out"
    process = start(folder, seconds=0.7)
    wait_for(lambda: any((folder / ".syrip/shards").glob("*.jsonl")), process)
    wait_for(lambda: blender_of(folder), process)
    (pid,) = blender_of(folder)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert not is_running(pid)
    assert run(folder).returncode == 0
    assert digests(folder) == digests(reference)


def test_two_workers_make_the_same_bytes(run, reference, tmp_path):
    assert run(tmp_path / "out", "--workers", 2).returncode == 0
    assert digests(tmp_path / "out") == digests(reference)


@pytest.mark.parametrize(
    "settings,code,reason",
    [
        ({"engine": ["BLENDER_EEVEE"]}, 2, "has no Cycles (it has BLENDER_EEVEE)"),
        ({"crash_at_start": True}, 1, "ended with exit code 7 while it started render_scene.py"),
        ({"version": "Blender 4.1.0"}, 2, "is Blender 4.1.0, expected 4.2 or newer"),
        ({"version": "GNU bash"}, 2, "is no Blender"),
    ],
)
def test_a_blender_that_will_not_do_is_refused_before_any_work(run, tmp_path, settings, code, reason):
    done = run(tmp_path / "out", **settings)
    assert done.returncode == code, done.err
    assert reason in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_blender_that_is_not_there_is_one_line(run, tmp_path):
    done = run(tmp_path / "out", blender=tmp_path / "nowhere")
    assert done.returncode == 2
    assert "nowhere: no such file" in done.err
    assert "make blender" in done.err
    assert not (tmp_path / "out").exists()


def test_no_blender_at_all_is_one_line_that_names_make_blender(run, tmp_path, monkeypatch):
    monkeypatch.delenv("SYRIP_BLENDER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("syrip_gen.rendering.blender_program._checkout_python", lambda: None)
    done = run(tmp_path / "out", blender=None)
    assert done.returncode == 2
    assert "make blender" in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_gpu_that_is_not_there_is_refused(run, tmp_path):
    done = run(tmp_path / "out", "--device", "gpu")
    assert done.returncode == 2
    assert "--device gpu: Blender sees no GPU" in done.err
