"""COCO files read for training, good and bad."""

import json

import numpy as np
import pytest

from fidip.data.annotations import dataset_files, folder_records, read_annotations
from tests.fidip.tiny_training import SIZE, draw_dataset


@pytest.fixture
def dataset(tmp_path):
    """Return a folder of three real pictures, its file, and a function that rewrites the file."""
    path = draw_dataset(tmp_path / "set", 3, seed=0, is_synthetic=False)
    images = tmp_path / "set" / "images" / "train_infant"

    def change(edit):
        data = json.loads(path.read_text())
        edit(data)
        path.write_text(json.dumps(data))

    return path, images, change


def test_reads_people(dataset):
    path, images, _ = dataset
    records = read_annotations(path, images, is_synthetic=False).records
    assert [r.image_id for r in records] == [1, 2, 3]
    assert records[0].keypoints.shape == (17, 3)
    assert records[0].image_size == (SIZE, SIZE)
    assert records[0].area == (SIZE - 12) ** 2
    assert not any(r.is_synthetic for r in records)


def test_a_picture_that_says_its_domain_wins_over_the_option(dataset):
    path, images, change = dataset
    change(lambda d: d["images"][1].update(is_synthetic=True))
    flags = [r.is_synthetic for r in read_annotations(path, images, is_synthetic=False).records]
    assert flags == [False, True, False]


def test_deleted_keypoints_of_syrip_become_unlabelled(dataset):
    path, images, change = dataset
    change(
        lambda d: d["annotations"][0].update(
            keypoints=[-45.0, -45.0, 0.0, *d["annotations"][0]["keypoints"][3:]]
        )
    )
    keypoints = read_annotations(path, images, is_synthetic=False).records[0].keypoints
    assert keypoints[0].tolist() == [0, 0, 0]
    assert (keypoints[1:, 2] == 2).all()


def test_names_by_id_pattern_are_found(dataset):
    path, images, change = dataset
    (images / "train00002.png").rename(images / "train00002.jpg")
    change(lambda d: d["images"][1].update(file_name="somewhere/else.png"))
    records = read_annotations(path, images, is_synthetic=False).records
    assert records[1].image_path.name == "train00002.jpg"


def test_all_missing_pictures_are_named(dataset):
    path, images, _ = dataset
    for number in (1, 3):
        (images / f"train{number:05d}.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"2 of 3 images .*train00001\.png, train00003\.png"):
        read_annotations(path, images, is_synthetic=False)


def test_ten_of_many_missing_pictures_are_named(dataset):
    path, images, change = dataset
    change(lambda d: [image.update(file_name=f"lost{image['id']}.jpg") for image in many(d, 30)])
    with pytest.raises(FileNotFoundError, match=r"30 of 33 images .*lost") as caught:
        read_annotations(path, images, is_synthetic=False)
    assert str(caught.value).count("lost") == 10
    assert str(caught.value).endswith(" …")


def many(data, count):
    """Add images with a person each; return them."""
    new = [{**data["images"][0], "id": 100 + i} for i in range(count)]
    data["images"] += new
    data["annotations"] += [{**data["annotations"][0], "id": i["id"], "image_id": i["id"]} for i in new]
    return new


def test_people_without_keypoints_are_skipped_and_told(dataset):
    path, images, change = dataset

    def edit(data):
        del data["annotations"][0]["keypoints"]
        data["annotations"][1]["iscrowd"] = 1

    change(edit)
    result = read_annotations(path, images, is_synthetic=False)
    assert len(result.records) == 1
    assert result.notes == ("1 annotations crowd skipped", "1 annotations without keypoints skipped")


def test_nobody_labelled_is_an_error(dataset):
    path, images, change = dataset
    change(lambda d: [a.pop("keypoints") for a in d["annotations"]])
    with pytest.raises(ValueError, match="no annotation has labelled keypoints"):
        read_annotations(path, images, is_synthetic=False)


def test_infinite_keypoints_are_unlabelled_and_reported(dataset):
    path, images, change = dataset
    change(lambda d: d["annotations"][0]["keypoints"].__setitem__(4, float("inf")))
    result = read_annotations(path, images, is_synthetic=False)
    assert result.records[0].keypoints[1].tolist() == [0, 0, 0]
    assert "1 keypoints that are not finite" in result.notes[0]


BAD = {
    "unknown image": (lambda d: d["annotations"][0].update(image_id=99), "unknown images \\[99\\]"),
    "other schema": (
        lambda d: d["annotations"][0].update(keypoints=[1, 2, 2] * 16),
        "expected 51 keypoint numbers .*got 48",
    ),
    "text": (lambda d: d["annotations"][0].update(keypoints=["a"] * 51), "flat list of numbers"),
    "box": (lambda d: d["annotations"][0].update(bbox=[1, 2, 3]), "'bbox' must be 4 numbers"),
    "no box": (lambda d: d["annotations"][2].pop("bbox"), r"annotations\[2\] lacks 'bbox'"),
    "escape": (lambda d: d["images"][0].update(file_name="../../etc/passwd"), "leaves the image folder"),
    "no images": (lambda d: d.pop("images"), "needs the lists 'images' and 'annotations'"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused_with_the_reason(dataset, case):
    path, images, change = dataset
    edit, text = BAD[case]
    change(edit)
    with pytest.raises(ValueError, match=text):
        read_annotations(path, images, is_synthetic=False)


def test_not_json(dataset):
    path, images, _ = dataset
    path.write_text("{")
    with pytest.raises(ValueError, match="is not JSON"):
        read_annotations(path, images, is_synthetic=False)


def test_no_dataset(tmp_path):
    with pytest.raises(FileNotFoundError, match="is no dataset"):
        dataset_files(tmp_path)


def test_folder_records_take_whole_pictures(dataset):
    _, images, _ = dataset
    records = folder_records(images, is_synthetic=True)
    assert [r.box for r in records] == [(0, 0, SIZE, SIZE)] * 3
    assert not np.concatenate([r.keypoints for r in records]).any()


def test_folder_without_pictures(tmp_path):
    with pytest.raises(ValueError, match="no pictures"):
        folder_records(tmp_path, is_synthetic=False)
