"""Whole runs on a tiny network: files, resuming, mechanisms, stops."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from fidip import trainer
from fidip.checkpoint import load_checkpoint
from fidip.trainer import train
from fidip.training import epoch_end, epochs

REPOSITORY = Path(__file__).resolve().parents[2]
MECHANISMS = ["none", "reversal", "per_batch", "per_epoch"]


def metrics_of(run: Path, event: str) -> list[dict]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if line["event"] == event]


def without_clock(rows: list[dict]) -> list[dict]:
    clock = ("seconds", "images_per_s", "data_wait_share")
    return [{k: v for k, v in row.items() if k not in clock} for row in rows]


def assert_same(a, b, where="checkpoint"):
    assert type(a) is type(b), where
    if isinstance(a, torch.Tensor):
        assert torch.equal(a, b), where
    elif isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key in a:
            assert_same(a[key], b[key], f"{where}.{key}")
    elif isinstance(a, list | tuple):
        assert len(a) == len(b), where
        for i, pair in enumerate(zip(a, b, strict=True)):
            assert_same(*pair, f"{where}[{i}]")
    else:
        assert a == b, where


def test_run_folder_holds_exactly_these_files(tiny_options, tmp_path):
    train(tiny_options(epochs=1))
    run = tmp_path / "run"
    files = {str(p.relative_to(run)) for p in run.rglob("*") if p.is_file() and p.parts[-2] != "tb"}
    assert files == {
        "config.yaml",
        "run.json",
        "metrics.jsonl",
        "best.safetensors",
        "checkpoints/last.pt",
        "checkpoints/best.pt",
        *(f"samples/train_batch_{i}.jpg" for i in (1, 2, 3)),
    }


def test_training_learns(tiny_options, tmp_path):
    train(tiny_options(epochs=12, set=("optimizer.milestones=[]", "optimizer.learning_rate=0.02")))
    losses = [row["loss_pose"] for row in metrics_of(tmp_path / "run", "epoch")[1:]]
    assert losses[-1] < 0.6 * losses[0]


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_four_epochs_are_two_and_two_more(tiny_options, tmp_path, mechanism):
    change = (f"domain.mechanism={mechanism}",)
    whole, halves = str(tmp_path / "whole"), str(tmp_path / "halves")
    train(tiny_options(epochs=4, output=whole, set=change))
    train(tiny_options(epochs=2, output=halves, set=change))
    train(tiny_options(epochs=4, output=halves, set=change, resume=True))
    for name in ("last.pt", "best.pt"):
        paths = [Path(run) / "checkpoints" / name for run in (whole, halves)]
        assert_same(*(load_checkpoint(path) for path in paths))
    a, b = (without_clock(metrics_of(Path(run), "epoch")) for run in (whole, halves))
    assert a == b
    assert_same(*(load_file(Path(run) / "best.safetensors") for run in (whole, halves)))


def test_workers_do_not_change_the_run(tiny_options, tmp_path):
    for workers in (0, 2):
        train(tiny_options(epochs=1, output=str(tmp_path / f"w{workers}"), workers=workers))
    assert_same(*(load_checkpoint(tmp_path / f"w{n}" / "checkpoints" / "last.pt") for n in (0, 2)))


def test_resume_without_a_checkpoint_begins_anew(tiny_options, tmp_path):
    train(tiny_options(epochs=1))
    (tmp_path / "run" / "checkpoints" / "last.pt").unlink()
    result = train(tiny_options(epochs=1, resume=True))
    assert result.epochs == 1
    assert len(metrics_of(tmp_path / "run", "epoch")) == 2


def test_resume_keeps_the_settings_of_the_run(tiny_options):
    train(tiny_options(epochs=1))
    with pytest.raises(ValueError, match="--seed 5 differs from the run's 0"):
        train(tiny_options(seed=5, resume=True))


def test_resume_refuses_changed_annotations(tiny_options, tmp_path, tiny_data):
    copy = tmp_path / "val.json"
    source = tiny_data / "val/annotations/person_keypoints_train_infant.json"
    copy.write_text(source.read_text())
    train(tiny_options(epochs=1, val=str(copy)))
    data = json.loads(copy.read_text())
    data["annotations"][0]["bbox"][0] += 1
    copy.write_text(json.dumps(data))
    with pytest.raises(ValueError, match="annotations of --val have changed"):
        train(tiny_options(epochs=2, val=str(copy), resume=True))


def test_an_occupied_folder_is_refused(tiny_options, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="is not empty, and holds no run"):
        train(tiny_options())
    with pytest.raises(ValueError, match="run holds no run to resume"):
        train(tiny_options(resume=True))
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["thesis.txt"]


def test_a_run_is_not_overwritten(tiny_options):
    train(tiny_options(epochs=0))
    with pytest.raises(ValueError, match=r"holds a run.*--resume"):
        train(tiny_options(epochs=0))


@pytest.mark.parametrize("parent", ["/proc", "file"])
def test_a_folder_that_cannot_be_made_is_refused_before_any_work(tiny_options, tmp_path, monkeypatch, parent):
    monkeypatch.setattr(trainer, "load_data", lambda *_: pytest.fail("data were loaded"))
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"-o .*/x: cannot be written \(.*\); choose another folder"):
        train(tiny_options(output=str(tmp_path / parent / "x")))


def test_refused_data_leave_no_folder(tiny_options, tmp_path):
    with pytest.raises(FileNotFoundError):
        train(tiny_options(output=str(tmp_path / "new" / "run"), real="nowhere.json"))
    assert not (tmp_path / "new").exists()


def test_checkpoint_of_another_network_is_refused(tiny_options, tmp_path):
    train(tiny_options(epochs=1))
    last = tmp_path / "run" / "checkpoints" / "last.pt"
    content = load_checkpoint(last)
    content["network_name"] = "hrnet_w48"
    torch.save(content, last)
    with pytest.raises(ValueError, match="checkpoint is of hrnet_w48"):
        train(tiny_options(epochs=2, resume=True))


def test_nan_stops_and_keeps_the_last_good_checkpoint(tiny_options, tmp_path, monkeypatch):
    train(tiny_options(epochs=1))
    last = tmp_path / "run" / "checkpoints" / "last.pt"
    before = last.read_bytes()
    step = epochs.network_step

    def broken(state, batch):
        numbers = step(state, batch)
        return {**numbers, "loss_pose": numbers["loss_pose"] * float("nan")}

    monkeypatch.setattr(epochs, "network_step", broken)
    with pytest.raises(RuntimeError, match=r"loss_pose became NaN .*last\.pt holds epoch 1"):
        train(tiny_options(epochs=2, resume=True))
    assert last.read_bytes() == before


def test_full_disk_keeps_the_last_good_checkpoint(tiny_options, tmp_path, monkeypatch):
    train(tiny_options(epochs=1))
    last = tmp_path / "run" / "checkpoints" / "last.pt"
    before = last.read_bytes()

    def full(_state, path):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match=r"\.pt cannot be written \(No space left on device\)"):
        train(tiny_options(epochs=2, resume=True))
    assert last.read_bytes() == before
    assert not list(last.parent.glob(".*"))
    monkeypatch.undo()


def test_the_better_epoch_is_kept(tiny_options, tmp_path):
    result = train(tiny_options(epochs=3))
    rows = metrics_of(tmp_path / "run", "epoch")
    aps = [row["val_ap"] for row in rows]
    assert result.initial_ap == pytest.approx(aps[0])
    assert result.best_ap == pytest.approx(max(aps[1:]))
    assert aps[result.best_epoch] == max(aps[1:])


def test_saved_weights_are_the_average(tiny_options, tmp_path):
    train(tiny_options(epochs=1))
    saved = load_file(tmp_path / "run" / "best.safetensors")
    best = load_checkpoint(tmp_path / "run" / "checkpoints" / "best.pt")
    for name, tensor in saved.items():
        assert torch.equal(tensor, best["average"][name])
    assert any(not torch.equal(best["network"][name], tensor) for name, tensor in saved.items())


def test_no_epochs_saves_the_network_as_it_came(tiny_options, tmp_path):
    result = train(tiny_options(epochs=0))
    assert metrics_of(tmp_path / "run", "pre_epoch") == []
    assert result.best_ap == result.initial_ap
    assert (tmp_path / "run" / "best.safetensors").is_file()


@pytest.mark.parametrize("is_control", [False, True])
def test_reversal_reaches_the_network_unless_it_is_the_control_run(tiny_options, tmp_path, is_control):
    change = ("domain.lambda_domain=5", "training.real_weight=1")
    plain = ("domain.mechanism=none",)
    train(tiny_options(epochs=1, output=str(tmp_path / "a"), set=change, no_reversal=is_control))
    train(tiny_options(epochs=1, output=str(tmp_path / "b"), set=plain))
    stems = [load_checkpoint(tmp_path / n / "checkpoints/last.pt")["network"]["stem.weight"] for n in "ab"]
    assert torch.equal(*stems) == is_control


def test_frozen_layers_do_not_move(tiny_options, tmp_path):
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    train(tiny_options(epochs=1, output=first))
    train(tiny_options(epochs=1, output=second, weights=first, set=("freeze.through=stem",)))
    a, b = (load_file(Path(run) / "best.safetensors") for run in (first, second))
    assert torch.equal(a["stem.weight"], b["stem.weight"])
    assert not torch.equal(a["head.weight"], b["head.weight"])


def test_interrupted_epoch_leaves_no_line(tiny_options, tmp_path):
    train(tiny_options(epochs=1))
    log = tmp_path / "run" / "metrics.jsonl"
    log.write_text(log.read_text() + '{"event": "step", "epoch": 2, "step": 9}\n{"event": "st')
    train(tiny_options(epochs=2, resume=True))
    assert [row["epoch"] for row in metrics_of(tmp_path / "run", "epoch")] == [0, 1, 2]


class InterruptsIn:
    """Sends SIGINT in a destructor, which swallows exceptions, as the first item of a stage is done."""

    def __init__(self, stage: str) -> None:
        self.wanted, self.now, self.notes = stage, "", []

    def stage(self, name: str, total: int) -> None:
        self.now = name

    def advance(self, count: int = 1) -> None:
        if self.now == self.wanted:
            self.now = ""
            InterruptingDestructor()

    def note(self, text: str) -> None:
        self.notes.append(text)


class InterruptingDestructor:
    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("stage", ["validation", "pre-stage 1/1", "epoch 2/2"])
def test_ctrl_c_is_heeded_wherever_it_comes(tiny_options, tmp_path, stage, workers):
    progress = InterruptsIn(stage)
    with pytest.raises(KeyboardInterrupt):
        train(tiny_options(epochs=2, workers=workers), progress)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert any(note.startswith("epoch 1:") for note in progress.notes) == (stage == "epoch 2/2")
    assert not any(note.startswith("epoch 2:") for note in progress.notes)
    assert train(tiny_options(epochs=2, resume=True)).epochs == 2


def test_ctrl_c_in_the_last_save_is_heeded(tiny_options, tmp_path, monkeypatch):
    save = epoch_end.save_checkpoint
    monkeypatch.setattr(
        epoch_end, "save_checkpoint", lambda *a: (save(*a), os.kill(os.getpid(), signal.SIGINT))
    )
    with pytest.raises(KeyboardInterrupt):
        train(tiny_options(epochs=0))
    assert (tmp_path / "run" / "checkpoints" / "last.pt").is_file()


def test_a_worker_that_the_signal_ended_is_no_fault(tiny_options, monkeypatch):
    def step(*_):
        os.kill(os.getpid(), signal.SIGINT)
        raise RuntimeError("DataLoader worker exited unexpectedly")

    monkeypatch.setattr(epochs, "network_step", step)
    with pytest.raises(KeyboardInterrupt):
        train(tiny_options(epochs=1))


SCRIPT = """
import sys
from fidip.models import catalog
from tests.fidip import tiny_training
from fidip.config import TrainOptions
from fidip.trainer import train
import torch
torch.set_num_threads(1)
tiny_training.register(catalog)
train(TrainOptions.model_validate_json(sys.argv[1]))
"""


def test_two_processes_give_the_loss_curve_of_one(tiny_options, tmp_path):
    """The global batch is the same; the tiny network has no batch norm."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    runs = [tmp_path / "one", tmp_path / "two"]
    one, two = (tiny_options(epochs=2, output=str(run)) for run in runs)
    train(one)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"),
            *(str(script), two.model_dump_json(exclude_unset=True)),
        ],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    curves = [metrics_of(run, "epoch") for run in runs]
    for name in ("loss_pose", "loss_domain", "domain_accuracy", "val_ap"):
        a, b = ([row.get(name, 0) for row in curve] for curve in curves)
        np.testing.assert_allclose(a, b, rtol=2e-4, err_msg=name)


def test_mixed_precision_trains_about_the_same(tiny_options, tmp_path):
    losses = []
    for precision in ("32", "bf16"):
        run = tmp_path / precision
        train(tiny_options(epochs=1, output=str(run), precision=precision))
        losses.append(metrics_of(run, "epoch")[-1]["loss_pose"])
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


def test_tensorboard_gets_the_numbers_if_it_is_there(tiny_options, tmp_path):
    pytest.importorskip("tensorboard")
    train(tiny_options(epochs=1))
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "run" / "tb"))
    events.Reload()
    assert {"epoch/loss_pose", "epoch/domain_accuracy", "epoch/val_ap"} <= set(events.Tags()["scalars"])
