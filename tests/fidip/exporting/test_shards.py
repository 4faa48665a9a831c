import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from fidip.exporting.shards import export_shards, shard_pattern


def members(path):
    """Headers and bytes of a shard, in order."""
    with tarfile.open(path) as tar:
        return [(header, tar.extractfile(header).read()) for header in tar]


def test_shards_hold_pictures_and_records_unchanged(dataset, tmp_path):
    result = export_shards(dataset.write(), str(tmp_path / "out"), val_share=0.25, shard_size=4)
    assert (result.num_train, result.num_val, result.num_people) == (9, 3, 12)
    assert result.shards == ("train-000000.tar", "train-000001.tar", "train-000002.tar", "val-000000.tar")
    seen = []
    for name in result.shards:
        content = members(tmp_path / "out" / name)
        for (picture, data), (record, text) in zip(content[::2], content[1::2], strict=True):
            key, suffix = picture.name.split(".")
            assert (record.name, suffix) == (f"{key}.json", "jpg")
            found = json.loads(text)
            image = found["image"]
            assert image in dataset.data["images"]
            own = [a for a in dataset.data["annotations"] if a["image_id"] == image["id"]]
            assert found["annotations"] == own
            assert data == (dataset.pictures / image["file_name"]).read_bytes()
            seen.append((image["id"], name[:3], own[0]["source"]["pose_id"]))
    assert sorted(image_id for image_id, _, _ in seen) == [i["id"] for i in dataset.data["images"]]
    assert not {p for _, s, p in seen if s == "tra"} & {p for _, s, p in seen if s == "val"}


def test_bytes_depend_on_nothing_else(dataset, tmp_path):
    folder = dataset.write()
    export_shards(folder, str(tmp_path / "one"))
    for path in dataset.pictures.iterdir():
        path.chmod(0o600)
        path.touch()
    export_shards(folder, str(tmp_path / "two"))
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == ["dataset.json", "train-000000.tar", "val-000000.tar"]
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    for header, _ in members(tmp_path / "one/train-000000.tar"):
        assert (header.mtime, header.uid, header.gid, header.uname, header.mode) == (0, 0, 0, "", 0o644)
        assert not header.pax_headers


def test_index_names_the_shards(dataset, tmp_path):
    export_shards(dataset.write(), str(tmp_path / "out"), shard_size=5, val_share=0.25)
    index = json.loads((tmp_path / "out/dataset.json").read_text())
    assert index["categories"] == dataset.data["categories"]
    assert [(s["file"], s["split"], s["num_pictures"]) for s in index["shards"]] == [
        ("train-000000.tar", "train", 5),
        ("train-000001.tar", "train", 4),
        ("val-000000.tar", "val", 3),
    ]
    for shard in index["shards"]:
        data = (tmp_path / "out" / shard["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == shard["sha256"]
        assert len(members(tmp_path / "out" / shard["file"])) == 2 * shard["num_pictures"]


def test_names_without_split_hold_nothing_out(dataset, tmp_path):
    result = export_shards(dataset.write(), str(tmp_path / "out/baby_%03d.tar"), shard_size=8)
    assert result.shards == ("baby_000.tar", "baby_001.tar")
    assert (result.num_train, result.num_val) == (12, 0)


@pytest.mark.parametrize(
    "target, expected",
    [
        ("out", (Path("out"), "{split}-%06d.tar")),
        ("a.b/out", (Path("a.b/out"), "{split}-%06d.tar")),
        ("out/x-{split}-%04d.tar", (Path("out"), "x-{split}-%04d.tar")),
        ("out/x%d.tar", (Path("out"), "x%d.tar")),
    ],
)
def test_pattern(target, expected):
    assert shard_pattern(target) == expected


@pytest.mark.parametrize("target", ["out/x.tar", "x%s.tar", "%d-%d.tar", "{split}/%06d.tar", "100%-%d.tar"])
def test_names_that_are_no_pattern_are_refused(target):
    with pytest.raises(ValueError, match="names in one folder with a number, such as"):
        shard_pattern(target)


def test_records_that_are_not_json_are_listed(dataset, tmp_path):
    dataset.data["annotations"][3]["area"] = float("nan")
    result = export_shards(dataset.write(), str(tmp_path / "out"))
    assert result.failures == ("image 13: its records hold numbers that are not finite",)
    assert result.num_train + result.num_val == 11


def test_an_output_that_is_not_empty_is_refused(dataset, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.tar").write_text("x")
    with pytest.raises(ValueError, match="is not empty; choose another folder"):
        export_shards(dataset.write(), str(tmp_path / "out/infants-%06d.tar"))
    assert (tmp_path / "out/mine.tar").read_text() == "x"


def test_nothing_is_left_of_a_failed_export(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr("fidip.exporting.shards._write_shard", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export_shards(dataset.write(), str(tmp_path / "out"))
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
