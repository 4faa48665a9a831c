import numpy as np
import pytest

from syrip_gen.rendering.frames import frame_around


@pytest.mark.parametrize("axis", [(0, 0, 1), (0, 0, -1), (1, 0, 0), (0.48, -0.6, 0.64)])
def test_the_rows_are_orthonormal_right_handed_and_end_with_the_axis(axis: tuple[float, ...]) -> None:
    frame = frame_around(axis)
    np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(frame) == pytest.approx(1.0)
    np.testing.assert_array_equal(frame[2], axis)
