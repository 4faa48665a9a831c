"""Run-length codes of masks, good and bad."""

import warnings

import numpy as np
import pytest
from pycocotools import mask as masks

from fidip.data.mask_codes import checked_code


@pytest.mark.parametrize("seed", range(5))
def test_codes_of_pycocotools_are_passed_on(seed):
    rng = np.random.default_rng(seed)
    mask = np.asfortranarray(np.kron(rng.random((6, 8)) < 0.4, np.ones((11, 13))), dtype=np.uint8)
    mask[rng.integers(66), rng.integers(104)] ^= 1
    code = masks.encode(mask)
    checked, area = checked_code({"size": code["size"], "counts": code["counts"].decode()})
    assert area == mask.sum()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pycocotools against numpy 2
        np.testing.assert_array_equal(masks.decode(checked), mask)


def test_a_code_by_hand():
    # 3 pixels of background, 2 of the person, 1 of background, in a picture of 2x3
    assert checked_code({"size": [2, 3], "counts": "321"}) == ({"size": [2, 3], "counts": b"321"}, 2)


def test_an_empty_mask():
    assert checked_code({"size": [2, 3], "counts": "6"})[1] == 0


@pytest.mark.parametrize(
    "segmentation, words",
    [
        ({"counts": "321"}, "a mask of the size None"),
        ({"size": "ab", "counts": "321"}, "a mask of the size ab"),
        ({"size": [2, -3], "counts": "321"}, "a mask of the size"),
        ({"size": [2, 3.0], "counts": "321"}, "a mask of the size"),
        ({"size": [10**9, 10**9], "counts": "321"}, "larger than any picture"),
        ({"size": [2, 3], "counts": [3, 2, 1]}, "without a code"),
        ({"size": [2, 3], "counts": "32"}, "runs do not fill 3x2 pixels"),
        ({"size": [2, 3], "counts": "327"}, "runs do not fill"),
        ({"size": [2, 3], "counts": "7O"}, "runs do not fill"),
        ({"size": [2, 3], "counts": ""}, "runs do not fill"),
        ({"size": [2, 3], "counts": "3\x002"}, "code is broken"),
        ({"size": [2, 3], "counts": "3é2"}, "code is broken"),
        ({"size": [2, 3], "counts": "o" * 50}, "code is broken"),
        ({"size": [2, 3], "counts": "32P"}, "code is cut off"),
    ],
)
def test_broken_codes_are_refused(segmentation, words):
    with pytest.raises(ValueError, match=words):
        checked_code(segmentation)
