"""Pictures: checks, cache, hashes."""

import cv2
import numpy as np
import pytest
from PIL import Image

from fidip.data.annotations import read_annotations
from fidip.data.images import ImageStore, content_hashes, read_image
from tests.fidip.tiny_training import draw_dataset


@pytest.fixture
def records(tmp_path):
    path = draw_dataset(tmp_path / "set", 3, seed=0, is_synthetic=False)
    images = tmp_path / "set" / "images" / "train_infant"
    return read_annotations(path, images, is_synthetic=False).records


def test_colours_are_rgb(tmp_path):
    cv2.imwrite(str(tmp_path / "red.png"), np.full((4, 5, 3), (0, 0, 255), np.uint8))
    assert read_image(tmp_path / "red.png", (5, 4))[0, 0].tolist() == [255, 0, 0]


def test_all_broken_pictures_are_named(records):
    records[0].image_path.write_bytes(b"")
    records[2].image_path.write_bytes(records[1].image_path.read_bytes()[:60])
    with pytest.raises(ValueError, match=r"2 of 3 pictures .*train00001\.png.*train00003\.png"):
        ImageStore().fill(records)


def test_a_picture_of_another_size_than_its_labels_is_refused(records):
    cv2.imwrite(str(records[1].image_path), np.zeros((50, 60, 3), np.uint8))
    with pytest.raises(ValueError, match="60x50 px, but its labels were made for 96x96"):
        ImageStore().fill(records)


@pytest.mark.parametrize("budget", [0, 0.03, 100])
def test_cache_changes_nothing(records, budget):
    store = ImageStore(budget)
    store.fill(records)
    for record in records:
        np.testing.assert_array_equal(store.read(record), read_image(record.image_path))


def test_cache_keeps_to_its_budget(records):
    store = ImageStore(1.5 * 96 * 96 * 3 / 2**20)
    store.fill(records)
    assert len(store._kept) == 1


def test_hashes_find_the_same_bytes_under_another_name(records, tmp_path):
    copy = tmp_path / "copy.png"
    copy.write_bytes(records[0].image_path.read_bytes())
    assert len(content_hashes([r.image_path for r in records] + [copy])) == 3


def test_picture_over_the_limit_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    Image.new("1", (12_000, 9_000)).save(tmp_path / "bomb.png")  # 108 million pixels in a few kB
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("was decoded"))
    with pytest.raises(ValueError, match=r"bomb\.png has more than 100 million pixels"):
        read_image(tmp_path / "bomb.png")
