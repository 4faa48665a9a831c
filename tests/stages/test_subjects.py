import pytest

from syrip_gen.animation import character_choice
from syrip_gen.config import AnimateConfig
from syrip_gen.rendering.catalog import RendererChoice
from syrip_gen.stages.subjects import CharacterChoice


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"character": "a.glb"}, "--character a.glb: it needs --bone-map FILE"),
        ({"bone_map": "a.yaml"}, "--bone-map a.yaml: it belongs to a --character, which is missing"),
        (
            {"character": "a.glb", "bone_map": "a.yaml", "renderer": "raster"},
            "--character needs --renderer cycles, got raster",
        ),
        (
            {"character": "a.glb", "bone_map": "a.yaml", "motion_blur": True},
            "--motion-blur is not there for a --character",
        ),
    ],
)
def test_settings_that_do_not_go_together(settings, message):
    with pytest.raises(ValueError, match=message):
        character_choice(AnimateConfig(**settings))


def test_a_scan_needs_the_blender_script_that_knows_scans():
    choice = character_choice(AnimateConfig(character="a.glb", bone_map="a.yaml"))
    assert choice == CharacterChoice("a.glb", "a.yaml")
    assert character_choice(AnimateConfig()) is None
    renderer = choice.renderer(RendererChoice("cycles", {"samples": 4}))
    assert renderer.options == {"samples": 4, "script": "animate.py"}
    with pytest.raises(ValueError, match="needs --renderer cycles, got raster"):
        choice.renderer(RendererChoice("raster"))
