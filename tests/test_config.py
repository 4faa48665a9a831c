"""Settings are checked once, and errors speak in options."""

import pytest

from syrip_gen.config import ConfigError, GenerateConfig, build_config


def test_defaults_are_those_of_the_design():
    config = GenerateConfig()
    assert (config.n, config.seed, config.workers) == (1000, 0, "auto")
    assert (config.height, config.width) == (480, 640)
    assert (config.renderer, config.body, config.executor) == ("raster", "infant", "local")


@pytest.mark.parametrize("text", ["480x640", "480X640", "480×640", " 480x640 "])
def test_size_is_height_by_width(text):
    config = build_config(GenerateConfig, {"size": text})
    assert (config.height, config.width, config.size) == (480, 640, "480x640")


@pytest.mark.parametrize(
    "text", ["", "480", "480x", "x640", "480x640x3", "-480x640", "63x640", "480x4097", "1e3x9"]
)
def test_other_sizes_are_refused(text):
    with pytest.raises(ConfigError, match="--size"):
        build_config(GenerateConfig, {"size": text})


def test_unknown_key_lists_the_valid_ones():
    with pytest.raises(ConfigError, match=r"run\.yaml: unknown key 'sise'\. Valid keys: .*size"):
        build_config(GenerateConfig, {"sise": "480x640"}, source="run.yaml")


def test_one_pose_file_may_be_a_plain_string():
    assert build_config(GenerateConfig, {"poses": "a.json"}).poses == ("a.json",)


def test_identity_has_what_decides_the_bytes_and_nothing_else():
    one = GenerateConfig(workers=1, output="a", executor="local", resume=True)
    two = GenerateConfig(workers=8, output="b", executor="ray")
    assert one.identity() == two.identity()
    for change in ({"n": 2}, {"seed": 1}, {"size": "96x96"}, {"depth": True}, {"rotations": "paper"}):
        assert GenerateConfig(**change).identity() != one.identity()
