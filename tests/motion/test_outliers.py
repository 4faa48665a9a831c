"""Points that no body can have."""

import numpy as np
import pytest

from syrip_gen.asset_files import asset_path
from syrip_gen.motion.readers import read_motion


@pytest.fixture
def crawl():
    return np.load(asset_path("motions/crawl.npy"))[:24].astype(np.float64)


def read(path, points):
    np.save(path, points)
    return read_motion(path)


@pytest.mark.parametrize("far", [3.0, 1e30, -1e30])
@pytest.mark.parametrize("point", [2, 13], ids=["right_knee", "left_wrist"])
def test_a_point_far_off_the_body_is_taken_as_missing(tmp_path, crawl, point, far):
    expected = read(tmp_path / "good.npy", crawl)
    crawl[7, point] += far
    clip = read(tmp_path / "bad.npy", crawl)
    assert "1 of 24 frames have points far off the body, which are taken as missing" in clip.notes
    assert any(note.startswith("1 of 24 frames interpolated") for note in clip.notes)
    np.testing.assert_allclose(clip.points, expected.points, atol=0.08)


def test_a_leap_of_the_body_is_said(tmp_path, crawl):
    crawl[12:] += (5.0, 0.0, 0.0)
    notes = read(tmp_path / "a.npy", crawl).notes
    assert (
        "the body leaps 1 time between two frames (first after frame 11): a cut? Cut the clip there" in notes
    )


def test_a_sound_clip_has_neither(tmp_path, crawl):
    notes = " ".join(read(tmp_path / "a.npy", crawl).notes)
    assert "far off" not in notes
    assert "leaps" not in notes


def test_sixteen_points_must_be_named(tmp_path, crawl):
    with pytest.raises(ValueError, match=r"expected 17 points .*, found 16; name their order with .*mpii16"):
        read(tmp_path / "a.npy", crawl[:, :16])


def test_a_rate_that_is_no_number_is_refused(tmp_path, crawl):
    np.savez(tmp_path / "a.npz", poses=crawl, fps=[1.0, 2.0])
    with pytest.raises(ValueError, match=r"fps is float64 of shape \(2,\), expected one number"):
        read_motion(tmp_path / "a.npz")
