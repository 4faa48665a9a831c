import numpy as np

from syrip_gen.rendering.colors import (
    LINEAR_OF_SRGB,
    SRGB_OF_LINEAR,
    encode_linear,
    linear_to_srgb,
    srgb_to_linear,
)


def test_decoding_and_encoding_are_inverse() -> None:
    values = np.linspace(0, 1, 1001)
    np.testing.assert_allclose(linear_to_srgb(srgb_to_linear(values)), values, atol=1e-6)


def test_every_byte_survives_the_tables() -> None:
    assert [encode_linear(LINEAR_OF_SRGB[b], SRGB_OF_LINEAR) for b in range(256)] == list(range(256))


def test_encoding_clips_and_takes_nan_for_black() -> None:
    values = [encode_linear(np.float32(v), SRGB_OF_LINEAR) for v in (-1.0, 2.0, np.nan, np.inf)]
    assert values == [0, 255, 0, 255]
