"""What the command says at its end."""

from pathlib import Path

from fidip.labelling.label_result import LabelResult


def test_names_cannot_steer_the_terminal():
    evil = "ä 中 \x1b[2J\r\n\udcff\u202egpj.jpg"
    result = LabelResult(Path("real.json"), Path("real.json.project"), failures={evil: f"{evil}: no picture"})
    text = result.summary()
    assert r"    ä 中 \x1b[2J\r\n\udcff\u202egpj.jpg: no picture" in text.split("\n")
    assert text.encode("utf-8")
