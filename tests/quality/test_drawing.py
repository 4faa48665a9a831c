import numpy as np
import pytest

from syrip_gen.keypoints.catalog import COCO17, SPIN14
from syrip_gen.quality.drawing import SIDE_COLORS, draw_mask_outline, draw_skeleton

GREY = np.full((100, 120, 3), 128, np.uint8)


def one(name, v, x=60.5, y=50.5):
    keypoints = np.zeros((17, 3))
    keypoints[COCO17.index(name)] = (x, y, v)
    return keypoints


@pytest.mark.parametrize("name, side", [("left_wrist", "left"), ("right_knee", "right"), ("nose", "centre")])
def test_visible_keypoint_is_filled_with_the_colour_of_its_side(name, side):
    assert tuple(draw_skeleton(GREY, one(name, 2), scale=4)[50, 60]) == SIDE_COLORS[side]


def test_occluded_keypoint_is_hollow():
    drawn = draw_skeleton(GREY, one("left_wrist", 1), scale=4)
    assert tuple(drawn[50, 60]) == (128, 128, 128)
    assert (drawn[50, 65] == SIDE_COLORS["left"]).all()


def test_unlabelled_keypoints_and_the_original_stay_untouched():
    image = GREY.copy()
    np.testing.assert_array_equal(draw_skeleton(image, np.zeros((17, 3))), GREY)
    draw_skeleton(image, one("nose", 2))
    np.testing.assert_array_equal(image, GREY)


def test_absurd_coordinates_are_left_out():
    np.testing.assert_array_equal(draw_skeleton(GREY, one("nose", 2, x=1e30)), GREY)
    np.testing.assert_array_equal(draw_skeleton(GREY, one("nose", 2, x=np.nan)), GREY)


def test_other_schemas_are_drawn():
    keypoints = np.column_stack([np.linspace(5, 110, 14), np.linspace(5, 90, 14), np.full(14, 2)])
    assert (draw_skeleton(GREY, keypoints, schema=SPIN14) != 128).any()


def test_mask_outline_stays_on_the_edge():
    mask = np.zeros((100, 120), bool)
    mask[20:80, 30:90] = True
    drawn = draw_mask_outline(GREY, mask)
    assert (drawn[20, 60] != 128).any()
    assert (drawn[50, 60] == 128).all()
