import numpy as np
import pytest
from pycocotools import mask as codec

from syrip_gen.annotation.boxes import mask_area, mask_box, mask_rle

MASKS = {
    "blob": np.pad(np.ones((3, 5), bool), ((2, 7), (4, 1))),
    "two parts": np.eye(6, 9, dtype=bool),
    "random": np.random.default_rng(0).random((33, 47)) > 0.7,
    "whole picture": np.ones((4, 5), bool),
    "whole columns": np.pad(np.ones((6, 3), bool), ((0, 0), (1, 2))),
    "long runs": np.pad(np.ones((400, 300), bool), ((50, 30), (200, 140))),
}


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_box_area_and_code_are_pycocotools(mask):
    rle = mask_rle(mask)
    assert isinstance(rle["counts"], str)
    np.testing.assert_array_equal(codec.decode(rle).astype(bool), mask)
    assert rle["counts"] == codec.encode(np.asfortranarray(mask, dtype=np.uint8))["counts"].decode()
    assert mask_area(mask) == codec.area(rle)
    assert mask_box(mask) == codec.toBbox(rle).tolist()


def test_empty_mask():
    mask = np.zeros((5, 6), bool)
    assert mask_box(mask) == [0, 0, 0, 0]
    assert mask_area(mask) == 0
    assert codec.area(mask_rle(mask)) == 0
