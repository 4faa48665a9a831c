import numpy as np
import pytest

from fidip.inference.smoothing import OneEuroFilter

FPS = 30


def filtered(track, fps=FPS, size=1.0, **settings):
    smooth = OneEuroFilter(**settings)
    return np.stack([smooth(points, i / fps, size=size) for i, points in enumerate(track)])


def jitter(track):
    return np.diff(track, axis=0)[20:].std()


def lag_in_frames(track, clean):
    """Return the delay of ``clean`` that fits best."""
    times = np.arange(len(clean))

    def misfit(delay):
        late = np.stack(
            [np.interp(times - delay, times, column) for column in clean.reshape(len(clean), -1).T]
        )
        return ((late.T.reshape(clean.shape) - track)[30:-10] ** 2).mean()

    return min(np.arange(-1, 8, 0.1), key=misfit)


def kicking(hz, amplitude, frames=300):
    phase = np.random.default_rng(1).uniform(0, 6, 17)
    angle = 2 * np.pi * hz * np.arange(frames)[:, None] / FPS + phase
    return amplitude * np.stack([np.sin(angle), 0.3 * np.cos(angle)], axis=-1)


@pytest.mark.parametrize("noise", [0.002, 0.005, 0.01])
def test_still_infant_jitters_less_than_half(noise):
    track = np.random.default_rng(0).normal(0, noise, (200, 17, 2))
    assert jitter(filtered(track)) < 0.5 * jitter(track)


@pytest.mark.parametrize("hz, amplitude", [(0.3, 0.1), (0.5, 0.08), (1.5, 0.1), (2.5, 0.15), (0.5, 0.3)])
@pytest.mark.parametrize("noise", [0.0, 0.005])
def test_moving_infant_lags_less_than_two_frames(hz, amplitude, noise):
    clean = kicking(hz, amplitude)
    track = clean + np.random.default_rng(0).normal(0, noise, clean.shape)
    assert lag_in_frames(filtered(track), clean) < 2


def test_plain_low_pass_at_the_same_cutoff_lags_more():
    clean = kicking(0.5, 0.3)
    assert lag_in_frames(filtered(clean, beta=0.0), clean) > 3
    assert lag_in_frames(filtered(clean), clean) < 1


def test_first_order_filter_in_closed_form():
    """With beta 0 the step response after n frames is 1 - (1 - a)^n, a = 2 pi fc dt / (2 pi fc dt + 1)."""
    track = np.concatenate([np.zeros((1, 1, 2)), np.ones((5, 1, 2))])
    turns = 2 * np.pi * 2.0 / FPS
    share = turns / (turns + 1)
    expected = 1 - (1 - share) ** np.arange(6)
    np.testing.assert_allclose(filtered(track, min_cutoff_hz=2.0, beta=0.0)[:, 0, 0], expected, atol=1e-12)


def test_result_scales_and_turns_with_the_picture():
    track = np.cumsum(np.random.default_rng(0).normal(0, 0.01, (60, 17, 2)), axis=0)
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    np.testing.assert_allclose(
        filtered(500 * track @ turn.T, size=500.0), 500 * filtered(track) @ turn.T, atol=1e-9
    )


def test_doubted_point_hardly_moves_and_catches_up():
    smooth = OneEuroFilter()
    start = np.zeros((2, 2))
    smooth(start, 0.0)
    jump = np.ones((2, 2))
    for frame in range(1, 4):
        moved = smooth(jump, frame / FPS, scores=[0.01, 0.9])
    assert moved[0].max() < 0.1
    assert moved[1].min() > 0.8
    for frame in range(4, 10):
        moved = smooth(jump, frame / FPS, scores=[0.9, 0.9])
    assert moved.min() > 0.9


def test_reset_takes_the_next_frame_as_it_is():
    smooth = OneEuroFilter()
    smooth(np.zeros((17, 2)), 0.0)
    smooth.reset()
    assert smooth(np.ones((17, 2)), 0.1).min() == 1


def test_equal_time_stamps_do_no_harm():
    smooth = OneEuroFilter()
    assert np.isfinite([smooth(np.full((1, 2), float(i)), 0.0) for i in range(4)]).all()


@pytest.mark.parametrize("settings", [{"min_cutoff_hz": 0}, {"beta": -1}, {"derivative_cutoff_hz": -2}])
def test_wrong_settings_are_named(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        OneEuroFilter(**settings)


def test_points_must_be_finite_and_keep_their_shape():
    smooth = OneEuroFilter()
    with pytest.raises(ValueError, match="finite"):
        smooth([[np.nan, 0]], 0.0)
    smooth([[0, 0]], 0.0)
    with pytest.raises(ValueError, match=r"shape \(1, 2\) as before, got \(2, 2\)"):
        smooth([[0, 0], [0, 0]], 0.1)
