"""Which renderer a run opens and how many workers share the cores."""

import pytest

from syrip_gen.config import GenerateConfig
from syrip_gen.dataset_files import open_folder
from syrip_gen.execution import resolve_workers
from syrip_gen.stages.renderers import choose_renderer, num_workers, unused_options, with_logs

CORES = resolve_workers("auto")


@pytest.mark.parametrize(
    "renderer,workers,expected",
    [("raster", "auto", CORES), ("cycles", "auto", 1), ("cycles", 3, 3), ("raster", 3, 3)],
)
def test_a_slow_renderer_has_one_worker_unless_told_otherwise(renderer, workers, expected):
    assert num_workers(GenerateConfig(renderer=renderer, workers=workers)) == expected


def test_raster_takes_no_options():
    choice = choose_renderer(GenerateConfig(samples=7))
    assert (choice.name, choice.options, choice.versions()) == ("raster", {}, {})


def test_cycles_gets_its_settings_and_all_threads():
    config = GenerateConfig(renderer="cycles", samples=7, device="cpu", blender="/x/blender")
    choice = choose_renderer(config)
    assert choice.options == {"samples": 7, "device": "cpu", "blender": "/x/blender", "threads": 0}


def test_workers_share_the_threads():
    assert choose_renderer(GenerateConfig(renderer="cycles", workers=2)).options["threads"] == max(
        CORES // 2, 1
    )
    assert choose_renderer(GenerateConfig(renderer="cycles", executor="ray")).options["threads"] == 1


def test_logs_lie_with_the_unfinished_run(tmp_path):
    choice = choose_renderer(GenerateConfig(renderer="cycles"))
    logged = with_logs(choice, open_folder(str(tmp_path)))
    assert logged.options["log_folder"] == str(tmp_path / ".syrip" / "logs")
    assert with_logs(choice, open_folder("memory://here")) == choice
    raster = choose_renderer(GenerateConfig())
    assert with_logs(raster, open_folder(str(tmp_path))) == raster


def test_settings_of_other_renderers_do_not_count():
    assert unused_options("raster") == {"samples", "blender", "device"}
    assert unused_options("cycles") == set()
