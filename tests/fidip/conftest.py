"""Fixtures of the training tests."""

from pathlib import Path

import pytest
import torch

from fidip.config import TrainOptions
from tests.fidip import tiny_training


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def tiny_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let recipes name the networks ``tiny`` and ``tiny_norm``."""
    from fidip.models import catalog

    monkeypatch.setattr(catalog, "CATALOG", catalog.CATALOG)
    tiny_training.register(catalog)


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the datasets ``real`` (6 pictures), ``synthetic`` (8) and ``val`` (4)."""
    root = tmp_path_factory.mktemp("tiny")
    for seed, (name, count) in enumerate({"real": 6, "synthetic": 8, "val": 4}.items()):
        tiny_training.draw_dataset(root / name, count, seed=seed, is_synthetic=name == "synthetic")
    return root


@pytest.fixture
def tiny_options(tiny_network: None, tiny_data: Path, tmp_path: Path):
    """Return a function that makes TrainOptions of a tiny run; keyword arguments change them."""
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(tiny_training.RECIPE)
    file = "annotations/person_keypoints_train_infant.json"
    images = "images/train_infant"

    def make(**changes) -> TrainOptions:
        values = {
            "recipe": str(recipe),
            "real": str(tiny_data / "real" / file),
            "real_images": str(tiny_data / "real" / images),
            "synthetic": str(tiny_data / "synthetic"),
            "val": str(tiny_data / "val" / file),
            "val_images": str(tiny_data / "val" / images),
            "output": str(tmp_path / "run"),
            "device": "cpu",
            "workers": 0,
        }
        return TrainOptions(**{k: v for k, v in {**values, **changes}.items() if v is not None})

    return make
