import json

import pytest
from click.testing import CliRunner

import cli


def export(*words):
    return CliRunner().invoke(cli.main, ["export", *map(str, words)])


@pytest.mark.parametrize("option", ["--yolo", "--webdataset"])
def test_missing_pictures_give_exit_3(dataset, tmp_path, option):
    folder = dataset.write()
    (dataset.pictures / "train00002.jpg").unlink()
    done = export(folder, option, tmp_path / "out", "--json", tmp_path / "f.json")
    assert done.exit_code == 3, done.output
    assert (
        "1 pictures could not be written:\n  image 12: its picture 'train00002.jpg' is missing" in done.output
    )
    figures = json.loads((tmp_path / "f.json").read_text())
    assert (figures["num_failures"], figures["num_train"] + figures["num_val"]) == (1, 11)


def test_options_reach_the_writers(dataset, tmp_path):
    dataset.write()
    moved = dataset.pictures.rename(tmp_path / "elsewhere")
    words = [dataset.file, "--images", moved, "--val-share", 0.5]
    done = export(*words, "--yolo", tmp_path / "y", "--pictures", "link")
    assert done.exit_code == 0, done.output
    links = list((tmp_path / "y/images/val").iterdir())
    assert len(links) == 6
    assert links[0].resolve().parent == moved
    done = export(*words, "--webdataset", tmp_path / "w/b-{split}-%02d.tar", "--shard-size", 4)
    assert done.exit_code == 0, done.output
    names = sorted(path.name for path in (tmp_path / "w").iterdir())
    assert names == ["b-train-00.tar", "b-train-01.tar", "b-val-00.tar", "b-val-01.tar", "dataset.json"]


@pytest.mark.parametrize(
    "words, message",
    [
        (["--yolo", "out"], "--yolo needs a DATASET folder"),
        (["nowhere", "--yolo", "out"], "nowhere: no such file"),
        (["data", "--yolo", "data/annotations"], "is not empty; choose another folder"),
        (["data", "--yolo", "out", "--val-share", "1"], "--val-share 1.0: expected a value less than 1"),
        (["data", "--yolo", "out", "--val-share", "nan"], "--val-share nan: expected a value"),
        (["data", "--webdataset", "out", "--shard-size", "0"], "--shard-size 0: expected a value"),
        (["data", "--webdataset", "out/x.tar"], "names in one folder with a number"),
        (["data", "--yolo", "out", "--webdataset", "out2"], "name what to write: either"),
    ],
)
def test_wrong_words_exit_2(dataset, tmp_path, monkeypatch, words, message):
    dataset.write()
    monkeypatch.chdir(tmp_path)
    done = export(*words)
    assert done.exit_code == 2, done.output
    assert message in " ".join(done.output.split())
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
