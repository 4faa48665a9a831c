"""Fixtures of the detection tests."""

from pathlib import Path

import pytest

from fidip.config import TrainOptions
from tests.fidip.detection import tiny_detection


@pytest.fixture(autouse=True)
def tiny_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let recipes name the backbone ``tiny``."""
    from fidip.detection.network import BACKBONES

    monkeypatch.setitem(BACKBONES, "tiny", tiny_detection.tiny)


@pytest.fixture(scope="session")
def ellipses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a dataset of 10 pictures with masks."""
    return tiny_detection.write_dataset(tmp_path_factory.mktemp("detection") / "train", 10)


@pytest.fixture
def options(ellipses: Path, tmp_path: Path):
    """Return a function that makes TrainOptions of a tiny run; keyword arguments change them."""
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(tiny_detection.RECIPE)

    def make(**changes) -> TrainOptions:
        values = {
            "recipe": str(recipe),
            "synthetic": str(ellipses),
            "output": str(tmp_path / "run"),
            "device": "cpu",
            "workers": 0,
        }
        return TrainOptions(**{k: v for k, v in {**values, **changes}.items() if v is not None})

    return make
