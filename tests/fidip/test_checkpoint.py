"""Checkpoints: whole or not at all, plain data only."""

import pickle

import pytest
import torch

from fidip.checkpoint import load_checkpoint, save_checkpoint, write_atomically


class Trap:
    def __reduce__(self):
        return print, ("the trap went off",)


def test_round_trip(tmp_path):
    path = tmp_path / "deep" / "a.pt"
    save_checkpoint(path, {"network": {"w": torch.arange(3)}, "epoch": 4})
    content = load_checkpoint(path)
    assert content["epoch"] == 4
    assert torch.equal(content["network"]["w"], torch.arange(3))


def test_hostile_pickles_are_refused_unread(tmp_path, capsys):
    torch.save({"network": Trap()}, tmp_path / "a.pt")
    (tmp_path / "b.pt").write_bytes(pickle.dumps(Trap()))
    for name in ("a.pt", "b.pt"):
        with pytest.raises(ValueError, match="is not a checkpoint"):
            load_checkpoint(tmp_path / name)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04cut off"])
def test_broken_files(tmp_path, content):
    (tmp_path / "a.pt").write_bytes(content)
    with pytest.raises(ValueError, match="is not a checkpoint"):
        load_checkpoint(tmp_path / "a.pt")


def test_other_torch_files(tmp_path):
    torch.save({"weights": torch.zeros(1)}, tmp_path / "a.pt")
    with pytest.raises(ValueError, match="holds no network"):
        load_checkpoint(tmp_path / "a.pt")


def test_none_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing to resume"):
        load_checkpoint(tmp_path / "a.pt")


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(temporary):
        temporary.write_text("ne")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="the last complete one is kept"):
        write_atomically(path, fail)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
