import dataclasses

import cv2
import numpy as np
import pytest

from syrip_gen.rendering.colors import srgb_to_linear
from syrip_gen.rendering.effects import apply_effects, encode_jpeg
from syrip_gen.sampling.scene import EffectsSpec

NEUTRAL = EffectsSpec(
    exposure_ev=0.0,
    white_balance=(1.0, 1.0, 1.0),
    gamma=1.0,
    saturation=1.0,
    blur_sigma_px=0.0,
    noise_sigma=0.0,
    jpeg_quality=90,
    noise_seed=0,
)


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)


def apply(picture: np.ndarray, **changes: object) -> np.ndarray:
    return apply_effects(picture, dataclasses.replace(NEUTRAL, **changes))


def test_neutral_effects_change_nothing(picture: np.ndarray) -> None:
    np.testing.assert_array_equal(apply(picture), picture)


def test_one_stop_doubles_linear_light() -> None:
    grey = np.full((4, 4, 3), 100, np.uint8)
    ratio = srgb_to_linear(apply(grey, exposure_ev=1.0) / 255.0) / srgb_to_linear(grey / 255.0)
    np.testing.assert_allclose(ratio, 2.0, rtol=0.02)


def test_white_balance_scales_each_channel() -> None:
    grey = np.full((4, 4, 3), 100, np.uint8)
    red, green, blue = apply(grey, white_balance=(1.3, 1.0, 0.7))[0, 0].astype(int)
    assert red > 100 == green > blue


def test_gamma_above_one_darkens_the_middle_and_keeps_the_ends() -> None:
    ramp = np.array([[[0] * 3, [128] * 3, [255] * 3]], np.uint8)
    assert apply(ramp, gamma=1.2)[0, :, 0].tolist() == [0, round(255 * (128 / 255) ** 1.2), 255]


def test_saturation_zero_is_grey_and_greys_stay(picture: np.ndarray) -> None:
    grey = apply(picture, saturation=0.0)
    assert np.ptp(grey.astype(int), axis=2).max() <= 1
    flat = np.full((4, 4, 3), 77, np.uint8)
    np.testing.assert_array_equal(apply(flat, saturation=1.5), flat)


def test_blur_keeps_the_mean_and_lowers_the_contrast(picture: np.ndarray) -> None:
    blurred = apply(picture, blur_sigma_px=1.5)
    assert blurred.mean() == pytest.approx(picture.mean(), abs=1.5)
    assert blurred.std() < 0.5 * picture.std()


def test_noise_has_the_asked_strength_and_grows_with_the_signal() -> None:
    deviations = []
    for level in (40, 128, 220):
        grey = np.full((200, 200, 3), level, np.uint8)
        noisy = apply(grey, noise_sigma=0.03).astype(float) - level
        assert abs(noisy.mean()) < 0.3
        deviations.append(noisy.std() / 255)
    assert deviations[0] < deviations[1] < deviations[2]
    assert deviations[2] == pytest.approx(0.03 * np.sqrt(0.8 * 220 / 255 + 0.2), rel=0.06)


def test_noise_does_not_repeat_between_rows_or_channels() -> None:
    noisy = apply(np.full((60, 400, 3), 128, np.uint8), noise_sigma=0.05).astype(float) - 128
    correlation = np.corrcoef(noisy.transpose(0, 2, 1).reshape(180, 400)) - np.eye(180)
    assert np.abs(correlation).max() < 0.4


def test_very_wide_pictures_get_noise() -> None:
    wide = apply(np.full((2, 200_000, 3), 128, np.uint8), noise_sigma=0.03)
    assert wide[:, 190_000:].std() > 4


def test_the_seed_decides_the_noise(picture: np.ndarray) -> None:
    first = apply(picture, noise_sigma=0.02, noise_seed=7)
    np.testing.assert_array_equal(first, apply(picture, noise_sigma=0.02, noise_seed=7))
    assert (first != apply(picture, noise_sigma=0.02, noise_seed=8)).any()


def test_the_input_is_left_as_it_is(picture: np.ndarray) -> None:
    before = picture.copy()
    apply(picture, exposure_ev=0.5, saturation=0.8, blur_sigma_px=1.0, noise_sigma=0.1)
    np.testing.assert_array_equal(picture, before)


def test_jpeg_comes_back_nearly_the_same() -> None:
    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    picture = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None, :], 128), axis=-1).astype(np.uint8)
    data = encode_jpeg(picture, 95)
    decoded = cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    assert np.abs(decoded.astype(int) - picture).mean() < 2
    assert data == encode_jpeg(picture, 95)
    assert len(encode_jpeg(picture, 40)) < len(data)


@pytest.mark.parametrize("quality", [0, 101])
def test_a_wrong_jpeg_quality_is_refused(quality: int) -> None:
    with pytest.raises(ValueError, match=f"JPEG quality is {quality}"):
        encode_jpeg(np.zeros((4, 4, 3), np.uint8), quality)
