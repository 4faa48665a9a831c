"""Traffic with Blender, and what happens when it dies; a small program stands in for it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from syrip_gen.rendering.blender_process import (
    BlenderCrashError,
    BlenderProcess,
    BlenderProgram,
    BlenderRequestError,
    find_blender,
)
from syrip_gen.rendering.types import RendererLostError
from tests.rendering.fake_program import FAKE, is_running, write_blender


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """Return a function that sets what the fake does."""

    def set_to(**values):
        monkeypatch.setenv("FAKE_BLENDER", json.dumps({"state": str(tmp_path), **values}))

    set_to()
    return set_to


@pytest.fixture
def fake(settings, tmp_path):
    program = BlenderProgram(path=Path(sys.executable), is_python=True, version=(5, 0, 1))
    with BlenderProcess(FAKE, program, log_file=tmp_path / "logs" / "b.log", timeout_s=20.0) as process:
        yield process


def wait_until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_many_requests_use_one_process_and_chatter_goes_to_the_log(fake):
    answers = [fake.request({"do": "echo", "value": n}) for n in range(3)]
    assert [answer["value"] for answer in answers] == [0, 1, 2]
    assert len({answer["pid"] for answer in answers}) == 1
    fake.close()
    assert fake.pid is None
    assert "Blender chatter at the start" in fake.log_file.read_text()
    assert fake.log_file.read_text().count("Fra:1") == 3


def test_an_answer_of_no_is_an_error_with_its_reason_and_blender_lives_on(fake):
    pid = fake.request({"do": "echo", "value": 1})["pid"]
    with pytest.raises(BlenderRequestError, match=r"^no such mesh$"):
        fake.request({"do": "refuse"})
    assert fake.request({"do": "echo", "value": 1})["pid"] == pid


def test_a_death_is_survived_once(fake):
    assert fake.request({"do": "die", "times": 1})["value"] == "alive"


def test_two_deaths_at_one_request_are_an_error_that_quotes_the_log(fake):
    with pytest.raises(BlenderCrashError, match="was killed by signal 9: Error: out of memory"):
        fake.request({"do": "die"})
    assert fake.request({"do": "echo", "value": 5})["value"] == 5


def test_requests_that_all_kill_end_the_renderer(fake):
    for _ in range(4):
        with pytest.raises(BlenderCrashError):
            fake.request({"do": "die"})
    with pytest.raises(RendererLostError, match="5 requests in a row"):
        fake.request({"do": "die"})


def test_a_request_between_deaths_starts_the_count_anew(fake):
    for _ in range(6):
        with pytest.raises(BlenderCrashError):
            fake.request({"do": "die"})
        fake.request({"do": "echo", "value": 1})


def test_a_hang_is_ended(fake):
    with pytest.raises(BlenderCrashError, match="no answer in 0 s"):
        fake.request({"do": "hang"}, timeout_s=0.3)
    assert fake.pid is None


def test_nonsense_is_no_answer(fake):
    with pytest.raises(BlenderCrashError, match="JSON object"):
        fake.request({"do": "nonsense"})


def test_killed_between_requests_it_is_started_again(fake):
    first = fake.request({"do": "echo", "value": 1})["pid"]
    os.kill(first, signal.SIGKILL)
    assert fake.request({"do": "echo", "value": 2})["pid"] != first


def test_a_script_that_crashes_at_start_is_told_with_its_words(fake, settings):
    settings(crash_at_start=True)
    with pytest.raises(RendererLostError, match=r"exit code 7 while it started .*the script is broken"):
        fake.request({"do": "echo", "value": 1})


def test_a_blender_without_cycles_is_refused(fake, settings):
    settings(engine=["BLENDER_EEVEE"])
    with pytest.raises(ValueError, match=r"no Cycles \(it has BLENDER_EEVEE\)"):
        fake.start()
    assert fake.pid is None


def test_a_script_of_another_version_is_refused(fake, settings):
    settings(protocol=9)
    with pytest.raises(RendererLostError, match="protocol 9, expected 1"):
        fake.start()


def test_close_ends_the_process(fake):
    pid = fake.request({"do": "echo", "value": 1})["pid"]
    fake.close()
    assert not is_running(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's promise is Linux's")
@pytest.mark.parametrize("request_", ['{"do": "echo", "value": 1}', '{"do": "hang"}'])
def test_it_dies_with_its_parent_however_that_goes(settings, tmp_path, request_):
    code = (
        "import sys, json; from pathlib import Path\n"
        "from syrip_gen.rendering.blender_process import BlenderProcess, BlenderProgram\n"
        f"p = BlenderProcess(Path({str(FAKE)!r}), BlenderProgram(Path(sys.executable), True, (5, 0, 1)))\n"
        "p.start(); print(p.pid, flush=True)\n"
        f"p.request(json.loads({request_!r})); import time; time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    assert is_running(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not is_running(pid))


def test_blender_is_found_where_it_was_named(settings, tmp_path):
    program = write_blender(tmp_path / "blender")
    found = find_blender(str(program))
    assert (found.path, found.is_python, found.version) == (program, False, (5, 0, 1))
    assert found.command(Path("s.py"))[-2:] == ["--python", "s.py"]
    assert find_blender(str(tmp_path)).path == program


def test_an_environment_variable_names_it_too(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("SYRIP_BLENDER", str(write_blender(tmp_path / "blender")))
    assert find_blender().path == tmp_path / "blender"
    with pytest.raises(FileNotFoundError, match="--blender nowhere: no such file"):
        find_blender("nowhere")


def test_no_blender_is_one_line_that_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.delenv("SYRIP_BLENDER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("syrip_gen.rendering.blender_program._checkout_python", lambda: None)
    with pytest.raises(
        FileNotFoundError, match=r"make blender.*--blender PATH or SYRIP_BLENDER.*bpy==5"
    ) as info:
        find_blender()
    assert "\n" not in str(info.value)


@pytest.mark.parametrize(
    "said, reason",
    [
        ("Blender 4.1.2\n\tbuild date", r"Blender 4\.1\.2, expected 4\.2 or newer"),
        ("GNU bash, version 5", "no Blender"),
        ("", "no Blender"),
    ],
)
def test_what_is_no_blender_is_refused(settings, tmp_path, said, reason):
    settings(version=said)
    with pytest.raises(ValueError, match=reason):
        find_blender(str(write_blender(tmp_path / "blender")))


def test_a_python_without_bpy_is_refused():
    with pytest.raises(ValueError, match="a Python without bpy"):
        find_blender(sys.executable)


def test_a_file_that_cannot_run_is_refused(tmp_path):
    (tmp_path / "photo.jpg").write_text("no program")
    with pytest.raises(ValueError, match=r"photo\.jpg cannot be run as Blender \(Permission denied\)"):
        find_blender(str(tmp_path / "photo.jpg"))


def test_a_folder_without_blender_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="neither blender nor bin/python"):
        find_blender(str(tmp_path))
