"""What is refused before anything is trained."""

import json
import shutil
from pathlib import Path

import pytest

from fidip.recipes import load_recipe
from fidip.trainer import train
from fidip.training.label_files import file_digests
from fidip.training.preparation import check_recipe, load_data

REFUSED = {
    "frozen random": (
        {"set": ("freeze.through=stem",)},
        "layers through stem are frozen, but the network begins from random weights",
    ),
    "lambda zero": ({"set": ("domain.lambda_domain=0",)}, "lambda_domain is 0"),
    "no real": ({"real": None, "real_images": None}, "no real picture .*Give --real FILE"),
    "no synthetic": ({"synthetic": None}, "no synthetic picture .*Give --synthetic DATASET"),
    "nothing": ({"real": None, "real_images": None, "synthetic": None}, "nothing to train on"),
    "one domain in fidip": ({"set": ("training.data=real",)}, "needs both domains"),
    "weights to bring": (
        {"set": ("network.weights=required", "network.weights_hint=the.pth")},
        "bring the.pth and pass --weights",
    ),
    "unknown layer": ({"weights": "imagenet", "set": ("freeze.through=layer9",)}, "ImageNet|layer9"),
    "all frozen": ({"set": ("freeze.also=[stem, body, head]",)}, "every layer is frozen"),
    "no val": ({"synthetic": None, "val": None, "set": ("domain.mechanism=none",)}, "give --val FILE"),
    "missing weights": ({"weights": "nowhere.pth"}, "nowhere.pth"),
    "batch": ({"batch_size": 1}, "cannot hold both domains"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(tiny_options, tmp_path, case):
    changes, text = REFUSED[case]
    with pytest.raises((ValueError, FileNotFoundError), match=text):
        train(tiny_options(**changes))
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_no_gpu(tiny_options, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ValueError, match="torch sees no GPU"):
        train(tiny_options(device="cuda"))


def test_validation_pictures_among_the_training_ones(tiny_options, tiny_data, tmp_path):
    images = tmp_path / "images"
    shutil.copytree(tiny_data / "val/images/train_infant", images)
    shutil.copy(tiny_data / "real/images/train_infant/train00004.png", images / "train00002.png")
    with pytest.raises(ValueError, match=r"1 validation pictures .*train00002\.png = train00004\.png"):
        train(tiny_options(val_images=str(images)))


def test_dataset_folders_and_their_files_find_their_pictures(tiny_options, tiny_data):
    file = tiny_data / "val" / "annotations/person_keypoints_train_infant.json"
    wanted = load(tiny_options())
    for val in (tiny_data / "val", file):
        options = tiny_options(real=str(tiny_data / "real"), real_images=None, val=str(val), val_images=None)
        found = load(options)
        assert [r.image_path for r in found.train] == [r.image_path for r in wanted.train]
        assert [r.image_path for r in found.val] == [r.image_path for r in wanted.val]
        assert file_digests(options) == file_digests(tiny_options())


def load(options):
    return load_data(options, load_recipe(options.recipe), Path(options.output))


def test_fine_tuning_takes_synthetic_pictures_alone(tiny_options):
    options = tiny_options(real=None, real_images=None)
    found = load_data(options, load_recipe("finetune-movenet"), Path(options.output))
    assert found.train
    assert all(record.is_synthetic for record in found.train)


def test_pictures_of_a_file_are_asked_for_by_the_right_option(tiny_options, tmp_path, tiny_data):
    lone = tmp_path / "lone" / "people.json"
    lone.parent.mkdir()
    shutil.copy(tiny_data / "val" / "annotations/person_keypoints_train_infant.json", lone)
    with pytest.raises(FileNotFoundError, match=r"where are the pictures .* with --val-images DIR"):
        load(tiny_options(val=str(lone), val_images=None))


@pytest.mark.parametrize("name, mark", [("real", True), ("synthetic", False)])
def test_a_file_that_is_marked_as_the_other_domain(tiny_options, tiny_data, tmp_path, name, mark):
    shutil.copytree(tiny_data / name, tmp_path / "copy")
    file = tmp_path / "copy" / "annotations/person_keypoints_train_infant.json"
    data = json.loads(file.read_text())
    for image in data["images"]:
        image["is_synthetic"] = mark
    file.write_text(json.dumps(data))
    options = tiny_options(**{name: str(tmp_path / "copy")})
    text = rf"all {len(data['images'])} records of .*copy.* are marked is_synthetic: {str(mark).lower()}"
    with pytest.raises(ValueError, match=text):
        load(options)


def test_control_run_may_have_lambda_zero(tiny_options):
    result = train(tiny_options(epochs=1, no_reversal=True, set=("domain.lambda_domain=0",)))
    assert result.epochs == 1
    assert result.domain_accuracy is not None


def test_without_validation_file_synthetic_pictures_are_held_out(tiny_options, tmp_path):
    options = {"val": None, "val_images": None, "set": ("validation.held_out=0.25",)}
    train(tiny_options(epochs=1, **options))
    run = tmp_path / "run"
    held_out = json.loads((run / "split.json").read_text())["val_image_ids"]
    about = json.loads((run / "run.json").read_text())
    assert len(held_out) == about["val"] == 2
    assert (about["train_real"], about["train_synthetic"]) == (6, 6)
    train(tiny_options(epochs=2, resume=True, **options))
    assert json.loads((run / "split.json").read_text())["val_image_ids"] == held_out


def test_pre_stage_takes_any_two_folders(tiny_options, tiny_data, tmp_path):
    folders = {
        "pre_real": str(tiny_data / "val/images/train_infant"),
        "pre_synthetic": str(tiny_data / "synthetic/images/train_infant"),
    }
    train(tiny_options(epochs=1, **folders))
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["epoch", "pre_epoch", "epoch"]


def test_imagenet_under_frozen_layers_is_doubtful():
    recipe = load_recipe("fidip-resnet50")
    assert "COCO persons" in check_recipe(recipe, "imagenet", is_control=False)[0]
