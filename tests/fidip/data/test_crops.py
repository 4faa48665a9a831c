"""Crops: geometry against closed forms, pictures against points."""

import numpy as np
import pytest

from fidip.data.crops import apply_matrix, crop_matrix, crop_region, invert_matrix, warp_crop


def test_region_grows_the_short_side_to_the_aspect_and_pads():
    center, size = crop_region([10, 20, 30, 80], aspect=0.75, padding=1.25)
    np.testing.assert_allclose(center, [25, 60])
    np.testing.assert_allclose(size, [75, 100])


@pytest.mark.parametrize("box", [[0, 0, 0, 5], [0, 0, 5, -1], [np.nan, 0, 5, 5]])
def test_a_box_without_area_is_an_error_that_names_it(box):
    with pytest.raises(ValueError, match="width and height > 0"):
        crop_region(box, 1.0)


def test_center_goes_to_the_center_and_corners_to_corners():
    matrix = crop_matrix([50, 40], [60, 80], 0, (192, 256))
    np.testing.assert_allclose(
        apply_matrix(matrix, [[50, 40], [20, 0], [80, 80]]), [[96, 128], [0, 0], [192, 256]], atol=1e-9
    )


def test_positive_rotation_turns_clockwise():
    matrix = crop_matrix([0, 0], [10, 10], 90, (10, 10))
    np.testing.assert_allclose(apply_matrix(matrix, [1, 0]), [5, 6], atol=1e-12)  # right becomes down


def test_inverse_goes_back():
    matrix = crop_matrix([31, 47], [80, 80], 33, (256, 256))
    points = np.array([[1.0, 2.0], [300.0, -5.0]])
    np.testing.assert_allclose(apply_matrix(invert_matrix(matrix), apply_matrix(matrix, points)), points)


@pytest.mark.parametrize("rotation", [0, 90, 37])
@pytest.mark.parametrize("region", [40, 64, 300])
def test_a_dot_lands_where_its_point_lands(rotation, region):
    image = np.zeros((400, 400, 3), np.uint8)
    half = max(3, region // 40)
    image[200 - half : 200 + half, 210 - half : 210 + half] = 255  # centred on (210, 200)
    matrix = crop_matrix([205, 198], [region, region], rotation, (64, 64))
    crop = warp_crop(image, matrix, (64, 64))[..., 0].astype(float)
    ys, xs = np.mgrid[:64, :64] + 0.5
    found = np.array([(crop * xs).sum(), (crop * ys).sum()]) / crop.sum()
    np.testing.assert_allclose(found, apply_matrix(matrix, [210, 200]), atol=0.12)


def test_whole_picture_at_scale_one_is_unchanged():
    image = np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8)
    np.testing.assert_array_equal(
        warp_crop(image, crop_matrix([24, 16], [48, 32], 0, (48, 32)), (48, 32)), image
    )


def test_shrinking_averages_instead_of_aliasing():
    image = np.zeros((512, 512, 3), np.uint8)
    image[:, ::2] = 200  # stripes of one pixel
    crop = warp_crop(image, crop_matrix([256, 256], [512, 512], 0, (128, 128)), (128, 128))
    assert np.ptp(crop[8:-8, 8:-8].astype(int)) <= 2


def test_outside_the_picture_is_black():
    image = np.full((20, 20, 3), 255, np.uint8)
    crop = warp_crop(image, crop_matrix([0, 10], [20, 20], 0, (20, 20)), (20, 20))
    assert crop[:, :9].max() == 0
    assert crop[:, 11:].min() == 255
