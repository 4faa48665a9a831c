import pytest

from syrip_gen.rendering.catalog import CATALOG, check_renderer, make_renderer


def test_raster_is_always_there() -> None:
    renderer = make_renderer("raster")
    assert renderer.name == "raster"
    renderer.close()


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown renderer 'povray'; expected one of raster, pyrender"):
        check_renderer("povray")


@pytest.mark.parametrize("name", list(CATALOG))
def test_every_entry_names_a_module_and_a_class(name: str) -> None:
    module, _, cls = CATALOG[name].path.partition(":")
    assert module.startswith("syrip_gen.rendering.")
    assert cls.endswith("Renderer")
