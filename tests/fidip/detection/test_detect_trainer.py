"""Detection runs: overfit, resume, files, errors; weights that are no detector's."""

import json

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner

import cli
from fidip.config import TrainOptions
from fidip.detection import trainer
from fidip.detection.config import DetectNetworkSettings
from fidip.detection.detectors import open_detector
from fidip.detection.network import build_detector
from fidip.detection.trainer import train_detector
from fidip.detection.weights import begin_from, save_detector
from fidip.interruption import interruption_flag
from fidip.lifting.lift import Lifter
from fidip.models.weights import open_network
from fidip.training.tasks import run_training, task_of
from syrip_gen.annotation.coco import ANNOTATION_FILE
from syrip_gen.asset_files import asset_path
from tests.fidip.detection.tiny_detection import write_dataset

PLAIN = tuple(
    f"augmentation.{name}=0"
    for name in ("scale", "rotation_probability", "any_rotation_probability", "flip_probability", "color")
)


def metrics(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def last(folder):
    return torch.load(folder / "checkpoints" / "last.pt", weights_only=True)["network"]


def iou(a, b):
    low, high = np.maximum(a[:2], b[:2]), np.minimum(np.add(a[:2], a[2:]), np.add(b[:2], b[2:]))
    both = np.prod(np.clip(high - low, 0, None))
    return both / (np.prod(a[2:]) + np.prod(b[2:]) - both)


def test_ten_pictures_are_learnt_by_heart_and_found_again(options, ellipses, tmp_path):
    """Through the files: train, open the run, detect in the pictures."""
    other = write_dataset(tmp_path / "other", 3, seed=5)
    changes = (*PLAIN, "training.batch_size=5", "training.samples_per_epoch=300")
    result = run_training(options(set=changes, epochs=3, val=str(other)), None)
    assert "syrip predict" in result.summary
    detector = open_detector(str(tmp_path / "run"))
    data = json.loads((ellipses / ANNOTATION_FILE).read_text())
    overlaps = []
    for image, annotation in zip(data["images"], data["annotations"], strict=True):
        picture = cv2.imread(str(ellipses / "images/train_infant" / image["file_name"]))[..., ::-1]
        (found,) = detector.detect([picture])
        best = found.boxes[0] if len(found) else np.zeros(4)
        overlaps.append(iou(best, annotation["bbox"]))
    assert np.mean(overlaps) > 0.75


def test_a_run_holds_exactly_these_files(options, tmp_path):
    result = train_detector(options())
    names = {p.relative_to(tmp_path / "run").as_posix() for p in (tmp_path / "run").rglob("*") if p.is_file()}
    wanted = {"config.yaml", "run.json", "metrics.jsonl", "best.safetensors"}
    wanted |= {"checkpoints/last.pt", "checkpoints/best.pt"}
    wanted |= {f"samples/train_batch_{number}.jpg" for number in (1, 2, 3)}
    assert {name for name in names if not name.startswith("tb/")} == wanted
    lines = metrics(tmp_path / "run")
    assert [line["epoch"] for line in lines] == [0, 1, 2]
    assert result.best_iou == pytest.approx(max(line["val_iou"] for line in lines[1:]))
    assert all(line["loss"] > 0 for line in lines[1:])
    assert cv2.imread(str(tmp_path / "run/samples/train_batch_1.jpg")).shape == (240, 960, 3)
    assert task_of(TrainOptions(output=str(tmp_path / "run"), resume=True)) == "detect"


def test_a_resumed_run_is_the_same_bit_for_bit(options, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train_detector(options(output=str(whole)))
    train_detector(options(output=str(parts), epochs=1))
    train_detector(TrainOptions(output=str(parts), resume=True, epochs=2))
    one, two = last(whole), last(parts)
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert [line["loss"] for line in metrics(whole)[1:]] == [line["loss"] for line in metrics(parts)[1:]]
    done = train_detector(TrainOptions(output=str(parts), resume=True))
    assert "already finished" in done.summary()


def test_ctrl_c_keeps_the_last_epoch(options, tmp_path, monkeypatch):
    steps = []

    def step(state, batch, fabric):
        steps.append(state.step)
        if len(steps) == 5:
            import signal

            signal.raise_signal(signal.SIGINT)
        return original(state, batch, fabric)

    original = trainer.detect_step
    monkeypatch.setattr(trainer, "detect_step", step)
    monkeypatch.setattr(trainer, "interruption_flag", interruption_flag)
    with pytest.raises(KeyboardInterrupt):
        train_detector(options())
    content = torch.load(tmp_path / "run/checkpoints/last.pt", weights_only=True)
    assert content["epoch"] == 1


def test_a_loss_that_is_no_number_stops(options, tmp_path, monkeypatch):
    monkeypatch.setattr(
        trainer, "detect_step", lambda state, batch, fabric: {"loss": torch.tensor(float("nan"))}
    )
    with pytest.raises(RuntimeError, match="loss became NaN"):
        train_detector(options())
    assert not (tmp_path / "run/best.safetensors").exists()


@pytest.mark.parametrize(
    "changes, text",
    [
        ({"synthetic": None}, "nothing to learn from"),
        ({"no_reversal": True}, "--no-reversal is not for detectors"),
        ({"predictions": "x.json"}, "--predictions is not for detectors"),
        ({"set": ("network.backbone=vgg",)}, "there are the backbones mobilenet_v2_fpn"),
        ({"set": ("network.max_size=48",)}, "max_size 48 is below min_size 64"),
    ],
)
def test_settings_that_cannot_be_are_told(options, changes, text):
    with pytest.raises(ValueError, match=text):
        train_detector(options(**changes))


def test_the_same_pictures_for_training_and_validation_are_refused(options, ellipses):
    with pytest.raises(ValueError, match="10 validation pictures are also training pictures"):
        train_detector(options(val=str(ellipses)))


def test_the_command_knows_the_recipes(tmp_path):
    shown = CliRunner().invoke(cli.main, ["train", "--list-recipes"]).output
    assert "detector " in shown
    assert "detector-mobilenet" in shown
    words = ["train", "--recipe", "detector-mobilenet", "-o", str(tmp_path / "run")]
    done = CliRunner().invoke(cli.main, words)
    assert done.exit_code == 2
    assert "--synthetic" in done.output


def settings(**changes):
    return DetectNetworkSettings(backbone="tiny", min_size=64, max_size=64, **changes)


def test_weights_of_another_detector_are_taken_with_its_person_class(tmp_path):
    """A file with torchvision's many classes: background and person are its first two."""
    torch.manual_seed(1)
    source = build_detector(settings(), is_frozen=True)
    tensors = source.state_dict()
    for name in [n for n in tensors if "box_predictor" in n]:
        tensors[name] = torch.cat([tensors[name], torch.ones_like(tensors[name])])
    torch.save(tensors, tmp_path / "coco.pth")
    own = settings(weights=str(tmp_path / "coco.pth"))
    network = build_detector(own, is_frozen=True)
    assert "detector begins from" in begin_from(network, own)
    for name, tensor in source.state_dict().items():
        if "box_predictor" not in name:
            assert torch.equal(network.state_dict()[name], tensor), name
    predictor = "roi_heads.box_predictor.cls_score.weight"
    assert torch.equal(network.state_dict()[predictor], tensors[predictor][:2])


def test_a_classifier_of_the_backbone_is_taken(tmp_path):
    torch.manual_seed(1)
    source = build_detector(settings(), is_frozen=True)
    body = {n.removeprefix("backbone.body."): t for n, t in source.backbone.state_dict().items()}
    body = {n.removeprefix("body."): t for n, t in body.items()}
    torch.save({f"features.{name}": tensor for name, tensor in body.items()}, tmp_path / "imagenet.pth")
    own = settings(weights=str(tmp_path / "imagenet.pth"))
    network = build_detector(own, is_frozen=True)
    assert "backbone begins from" in begin_from(network, own)
    first = "backbone.body.0.weight"
    assert torch.equal(network.state_dict()[first], source.state_dict()[first])


def test_weights_of_something_else_are_refused(tmp_path):
    shipped = asset_path("weights/movenet_thunder.safetensors")
    network = build_detector(settings(), is_frozen=True)
    with pytest.raises(ValueError, match=r"does not fit a detector with the backbone tiny: it lacks"):
        begin_from(network, settings(weights=str(shipped)))
    with pytest.raises(FileNotFoundError, match="give movenet_multipose"):
        begin_from(network, settings(weights=str(tmp_path / "none.pth")))


def test_runs_of_other_tasks_are_named(tmp_path):
    lifter = asset_path("weights/lifter_infant.safetensors")
    with pytest.raises(ValueError, match="is a lifter: give the run folder"):
        open_detector(str(lifter))
    folder = tmp_path / "run"
    folder.mkdir()
    with pytest.raises(FileNotFoundError, match="holds no detector"):
        open_detector(str(folder))
    save_detector(
        folder / "best.safetensors", build_detector(settings(), is_frozen=True), settings(), is_frozen=True
    )
    with pytest.raises(ValueError, match="is a detector; use it as --detector"):
        open_network(folder / "best.safetensors")
    with pytest.raises(ValueError, match="is not a lifter"):
        Lifter.open(folder)
