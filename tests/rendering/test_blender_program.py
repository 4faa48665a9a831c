"""Programs that are named as Blender and are not."""

import sys
import time

import pytest

from syrip_gen.rendering import blender_program
from syrip_gen.rendering.blender_program import find_blender

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the impostors are shell scripts")


@pytest.fixture
def impostor(tmp_path):
    def make(text):
        path = tmp_path / "impostor.sh"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return str(path)

    return make


def test_one_that_prints_without_end_is_stopped(impostor):
    began = time.monotonic()
    with pytest.raises(ValueError, match=r"cannot be run as Blender \(it prints without end\)"):
        find_blender(impostor("while :; do echo garbage garbage garbage garbage; done"))
    assert time.monotonic() - began < blender_program.PROBE_SECONDS / 2


def test_one_that_says_nothing_is_stopped_with_all_it_started(impostor, monkeypatch, tmp_path):
    monkeypatch.setattr(blender_program, "PROBE_SECONDS", 0.3)
    mark = tmp_path / "mark"
    with pytest.raises(ValueError, match=r"no answer in 0 s"):
        find_blender(impostor(f"(sleep 1; touch {mark}) & wait"))
    time.sleep(1.2)
    assert not mark.exists()
