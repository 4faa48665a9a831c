"""Sequences of poses: shapes, selection, other frame rates."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from syrip_gen.motion.sequence import BodySequence


def sequence(count=5, fps=10.0, **changes):
    rng = np.random.default_rng(0)
    fields = {
        "betas": np.zeros(20),
        "global_orient": rng.normal(size=(count, 3)),
        "body_pose": rng.normal(size=(count, 23, 3)),
        "transl": rng.normal(size=(count, 3)),
        "fps": fps,
        "name": "clip",
    }
    return BodySequence(**(fields | changes))


def test_wrong_shape_names_the_field_and_the_clip():
    with pytest.raises(ValueError, match=r"body_pose of motion 'clip' must be \(5, 23, 3\), got \(5, 69\)"):
        sequence(body_pose=np.zeros((5, 69)))


def test_not_a_number_is_refused():
    with pytest.raises(ValueError, match="transl of motion 'clip' holds NaN"):
        sequence(transl=np.full((5, 3), np.nan))


@pytest.mark.parametrize("fps", [0.0, -1.0, 1e9, np.nan])
def test_impossible_frame_rates_are_refused(fps):
    with pytest.raises(ValueError, match="frames a second must lie between"):
        sequence().resample(fps)


def test_select_takes_frames_in_the_order_given():
    whole = sequence()
    part = whole.select(np.array([3, 1]))
    assert len(part) == 2
    np.testing.assert_array_equal(part.body_pose, whole.body_pose[[3, 1]])


def test_resampling_to_a_multiple_keeps_the_frames():
    whole = sequence()
    finer = whole.resample(30.0)
    assert len(finer) == 13
    assert finer.duration_s == pytest.approx(whole.duration_s)
    np.testing.assert_allclose(finer.transl[::3], whole.transl, atol=1e-12)
    for a, b in zip(finer.body_pose[::3], whole.body_pose, strict=True):
        gap = Rotation.from_rotvec(a).inv() * Rotation.from_rotvec(b)
        np.testing.assert_allclose(gap.magnitude(), 0.0, atol=1e-7)


def test_rotation_turns_the_short_way_over_the_wrap_of_axis_angles():
    turn = np.zeros((2, 3))
    turn[0, 2], turn[1, 2] = np.pi - 0.1, -np.pi + 0.1
    between = sequence(2, global_orient=turn).resample(20.0).global_orient[1]
    assert abs(between[2]) == pytest.approx(np.pi)


def test_downsampling_ends_before_the_last_frame():
    coarse = sequence(6, fps=10.0).resample(4.0)
    assert len(coarse) == 3
    assert coarse.fps == 4.0
