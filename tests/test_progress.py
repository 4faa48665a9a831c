"""Progress without a terminal: few lines, with rate and time left."""

import io

import pytest

from syrip_gen import progress
from syrip_gen.progress import ConsoleProgress, format_duration, format_rate


@pytest.mark.parametrize(
    "seconds,text",
    [(0, "0 s"), (8.4, "8 s"), (59.7, "1 min 00 s"), (125, "2 min 05 s"), (11520, "3 h 12 min")],
)
def test_durations(seconds, text):
    assert format_duration(seconds) == text


@pytest.mark.parametrize("rate,text", [(83.14, "83.1/s"), (0.5, "0.5/s"), (0.04, "25 s each"), (0, "")])
def test_rates(rate, text):
    assert format_rate(rate) == text


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_one_line_every_thirty_seconds(clock):
    stream = io.StringIO()
    with ConsoleProgress(stream) as shown:
        shown.stage("render", 1000)
        for second in range(1, 101):
            clock[0] = float(second)
            shown.advance(5)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 4
    assert lines[0] == "render: 150/1000, 5.0/s, about 2 min 50 s left"
    assert lines[-1] == "render: 500/1000 in 1 min 40 s"


def test_rate_counts_neither_the_start_nor_what_was_there(clock):
    stream = io.StringIO()
    shown = ConsoleProgress(stream)
    shown.stage("render", 1000)
    shown.advance(700)  # a resumed run
    clock[0] = 20.0
    shown.advance(0)
    clock[0] = 30.0
    shown.advance(30)
    assert stream.getvalue() == "render: 730/1000, 1.0/s, about 4 min 30 s left\n"


def test_slow_pictures_have_seconds_each(clock):
    stream = io.StringIO()
    shown = ConsoleProgress(stream)
    shown.stage("render", 50)
    for second in (40.0, 80.0, 120.0):
        clock[0] = second
        shown.advance()
    assert stream.getvalue().splitlines()[-1] == "render: 3/50, 40 s each, about 31 min 20 s left"


def test_interrupted_stage_says_nothing_more(clock):
    stream = io.StringIO()

    def interrupt():
        with ConsoleProgress(stream) as shown:
            shown.stage("render", 10)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert stream.getvalue() == ""
