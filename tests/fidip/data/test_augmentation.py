"""Views and colours: labels follow the picture."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from fidip.data.annotations import read_annotations
from fidip.data.augmentation import Augmentation, change_colors, sample_view
from fidip.data.crops import apply_matrix, crop_matrix, crop_region, warp_crop
from fidip.data.dataset import PersonCrops, SampleKey
from fidip.data.images import ImageStore
from syrip_gen.keypoints.catalog import COCO17
from tests.fidip.tiny_training import draw_dataset

PLAIN = Augmentation(
    scale=0, rotation_deg=0, rotation_probability=0, flip_probability=0, half_body_probability=0
)
BOX = (20.0, 30.0, 100.0, 120.0)
KEYPOINTS = np.column_stack([np.linspace(30, 110, 17), np.linspace(40, 140, 17), np.full(17, 2)])


def view(augmentation, seed=0, keypoints=KEYPOINTS):
    return sample_view(augmentation, BOX, keypoints, (96, 128), 1.25, np.random.default_rng(seed))


def turn_of(matrix):
    """Return angle in degrees and scale of a map that does not mirror."""
    return np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0])), np.hypot(matrix[0, 0], matrix[1, 0])


def test_nothing_to_vary_is_the_plain_crop():
    expected = crop_matrix(*crop_region(BOX, 0.75), 0, (96, 128))
    for augmentation in (None, PLAIN):
        matrix, mirrored = view(augmentation)
        np.testing.assert_allclose(matrix, expected)
        assert not mirrored


def test_mirror_is_exact():
    plain, _ = view(PLAIN)
    matrix, mirrored = view(replace(PLAIN, flip_probability=1))
    assert mirrored
    points = KEYPOINTS[:, :2]
    np.testing.assert_allclose(apply_matrix(matrix, points)[:, 0], 96 - apply_matrix(plain, points)[:, 0])
    np.testing.assert_allclose(apply_matrix(matrix, points)[:, 1], apply_matrix(plain, points)[:, 1])


def test_rotation_and_scale_stay_within_their_limits():
    augmentation = replace(PLAIN, scale=0.3, rotation_deg=40, rotation_probability=1)
    _, base = turn_of(view(PLAIN)[0])
    turns = [turn_of(view(augmentation, seed)[0]) for seed in range(300)]
    angles, scales = np.array(turns).T
    assert np.abs(angles).max() <= 80 + 1e-9 < 160 < np.ptp(angles) + 40
    assert 1 / 1.3 - 1e-9 <= (scales / base).min() < (scales / base).max() <= 1 / 0.7 + 1e-9


def test_any_rotation_covers_the_circle():
    angles = [turn_of(view(replace(PLAIN, any_rotation_probability=1), s)[0])[0] for s in range(400)]
    assert np.histogram(angles, 8, (-180, 180))[0].min() > 25


def test_half_body_looks_closer():
    augmentation = replace(PLAIN, half_body_probability=1)
    _, base = turn_of(view(PLAIN)[0])
    assert all(turn_of(view(augmentation, s)[0])[1] > 1.1 * base for s in range(10))


def test_half_body_needs_enough_keypoints():
    few = KEYPOINTS * np.where(np.arange(17) < 8, 1, 0)[:, None]
    np.testing.assert_allclose(view(replace(PLAIN, half_body_probability=1), 0, few)[0], view(PLAIN)[0])


def test_no_change_of_colours_is_none():
    crop = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    np.testing.assert_array_equal(change_colors(crop, PLAIN, np.random.default_rng(0)), crop)


@pytest.mark.parametrize(
    "change", [{"color": 0.5}, {"gray_probability": 1}, {"blur_probability": 1}, {"noise": 20}]
)
def test_colour_changes_keep_shape_and_type(change):
    crop = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    changed = change_colors(crop, replace(PLAIN, **change), np.random.default_rng(1))
    assert changed.shape == crop.shape
    assert changed.dtype == np.uint8
    assert (changed != crop).any()


def test_noise_has_about_the_deviation_it_says():
    crop = np.full((200, 200, 3), 128, np.uint8)
    rng = np.random.default_rng(0)
    deviations = [change_colors(crop, replace(PLAIN, noise=20), rng).std() for _ in range(40)]
    assert max(deviations) < 20.5
    assert 7 < np.mean(deviations) < 13  # even between 0 and 20


def test_keypoints_follow_their_dots_through_every_augmentation(tmp_path):
    """Each keypoint has a dot of its own colour; labels must lie on it, mirrored ones renamed."""
    path = draw_dataset(tmp_path / "set", 2, seed=3, is_synthetic=False)
    records = read_annotations(path, tmp_path / "set/images/train_infant", is_synthetic=False).records
    augmentation = Augmentation(any_rotation_probability=0.5, shift=0.1, half_body_probability=0)
    store = ImageStore()
    crops = PersonCrops(
        records, store, input_size=(128, 128), padding=1.25, augmentation=augmentation, seed=0
    )
    for position in range(12):
        image, points, _, _, matrix, index = crops[SampleKey(0, position, position % 2)]
        mirrored = np.linalg.det(matrix[:, :2]) < 0
        names = COCO17.flip_index if mirrored else np.arange(17)
        original = store.read(records[index])
        for k, (x, y) in enumerate(points):
            source = records[index].keypoints[names[k]]
            color = original[int(source[1]), int(source[0])].astype(int)
            if 3 < x < 125 and 3 < y < 125:
                found = image[:, int(y), int(x)].astype(int)
                assert np.abs(found - color).max() < 40, (position, k)


def test_a_key_gives_the_same_sample_again(tmp_path):
    path = draw_dataset(tmp_path / "set", 1, seed=3, is_synthetic=False)
    records = read_annotations(path, tmp_path / "set/images/train_infant", is_synthetic=False).records
    crops = PersonCrops(
        records, ImageStore(), input_size=(64, 64), padding=1.25, augmentation=Augmentation(color=1), seed=0
    )
    for a, b in zip(crops[SampleKey(1, 2, 0)], crops[SampleKey(1, 2, 0)], strict=True):
        np.testing.assert_array_equal(a, b)
    assert (crops[SampleKey(1, 2, 0)][0] != crops[SampleKey(1, 3, 0)][0]).any()


def test_warp_and_view_agree_about_direction():
    """A picture turned by the view's matrix equals the picture turned by OpenCV's own rotation."""
    image = np.zeros((64, 64, 3), np.uint8)
    image[20:30, 40:50] = 255
    ours = warp_crop(image, crop_matrix([32, 32], [64, 64], 90, (64, 64)), (64, 64))
    np.testing.assert_array_equal(ours, cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE))
