"""shadows.py on its own: a floor that nothing shades stays as it is, up to the picture's border."""

import json
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.blender


def test_a_floor_lit_as_well_as_light_is_known_is_not_tinted(blender) -> None:
    script = Path(__file__).with_name("shadow_facts.py")
    done = subprocess.run(blender.command(script), capture_output=True, text=True, timeout=120, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("@facts "))
    facts = json.loads(line.removeprefix("@facts "))
    red_light = facts.pop("red light")
    assert facts == dict.fromkeys(facts, 0.0)
    assert red_light == pytest.approx(0.2 * 0.3, rel=0.1)  # of the ground's colour
