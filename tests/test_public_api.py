"""The public names: a change here is a change for users."""

import pytest

import syrip_gen

PUBLIC = (
    "AnimateConfig",
    "FitBank",
    "GenerateConfig",
    "PoseSet",
    "SceneSpec",
    "animate",
    "fit_poses",
    "generate",
    "load_body",
    "load_prior",
    "read_motion",
    "read_poses",
    "retarget",
)


def test_public_names_are_these():
    assert tuple(syrip_gen.__all__) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_public_name_can_be_imported_and_is_documented(name):
    value = getattr(syrip_gen, name)
    assert value.__name__ == name
    assert value.__doc__


def test_other_names_are_refused():
    with pytest.raises(AttributeError, match="gnerate"):
        syrip_gen.gnerate  # noqa: B018
