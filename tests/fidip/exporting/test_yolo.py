import csv
import json

import numpy as np
import pytest
import yaml
from PIL import ExifTags, Image

from fidip.exporting.yolo import export_yolo
from syrip_gen.keypoints.catalog import COCO17


def rows_of(out, name):
    """The numbers of one label file, a row a person."""
    (file,) = (out / "labels").glob(f"*/{name}.txt")
    return [[float(word) for word in line.split()] for line in file.read_text().splitlines()]


def listed(out):
    with open(out / "pictures.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_row_is_what_the_layout_says(empty_dataset, tmp_path):
    empty_dataset.add("a.jpg", pose="p")
    empty_dataset.data["annotations"][0]["keypoints"] = [20, 15, 2, 60, 45, 1, 80, 60, 2, *[0] * 42]
    out = tmp_path / "out"
    export_yolo(empty_dataset.write(), out, val_share=0)
    (line,) = (out / "labels/train/a.txt").read_text().splitlines()
    box = "0 0.350000 0.350000 0.500000 0.500000"  # of [8, 6, 40, 30] in 80x60
    points = "0.250000 0.250000 2 0.750000 0.750000 1 1.000000 1.000000 2"
    assert line == f"{box} {points}" + " 0.000000 0.000000 0" * 14


def test_what_is_written_is_what_was_labelled(dataset, tmp_path):
    dataset.add("two.png", people=2, size=(64, 96), pose="other")
    result = export_yolo(dataset.write(), tmp_path / "out", val_share=0.25)
    assert (result.num_train + result.num_val, result.num_people, result.failures) == (13, 14, ())
    for record in listed(tmp_path / "out"):
        image = next(i for i in dataset.data["images"] if i["id"] == int(record["image_id"]))
        people = [a for a in dataset.data["annotations"] if a["image_id"] == image["id"]]
        size = np.array([image["width"], image["height"]])
        place = tmp_path / "out/images" / record["split"] / record["name"]
        assert place.read_bytes() == (dataset.pictures / image["file_name"]).read_bytes()
        rows = np.array(rows_of(tmp_path / "out", place.stem))
        assert rows.shape == (len(people), 5 + 3 * 17)
        for row, person in zip(rows, people, strict=True):
            points = row[5:].reshape(17, 3) * [*size, 1]
            np.testing.assert_allclose(points, np.reshape(person["keypoints"], (17, 3)), atol=1e-4)
            corner = (row[1:3] - row[3:5] / 2) * size
            np.testing.assert_allclose([*corner, *(row[3:5] * size)], person["bbox"], atol=2e-4)


def test_data_yaml_describes_the_keypoints(dataset, tmp_path):
    export_yolo(dataset.write(), tmp_path / "out")
    found = yaml.safe_load((tmp_path / "out/data.yaml").read_text())
    assert found == {
        "train": "images/train",
        "val": "images/val",
        "names": {0: "person"},
        "kpt_shape": [17, 3],
        "flip_idx": [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15],
        "kpt_names": {0: list(COCO17.keypoints)},
        "skeleton": [list(edge) for edge in COCO17.skeleton],
    }


def test_keypoints_of_another_layout_keep_their_names_and_sides(empty_dataset, tmp_path):
    empty_dataset.data["categories"] = [
        {
            "id": 7,
            "name": "infant",
            "keypoints": ["tail", "Left paw", "Right paw"],
            "skeleton": [[1, 2], [9, 1]],
        }
    ]
    empty_dataset.add("a.jpg")
    empty_dataset.data["annotations"][0] |= {"category_id": 7, "keypoints": [40, 30, 2, 8, 6, 1, 0, 0, 0]}
    export_yolo(empty_dataset.write(), tmp_path / "out", val_share=0)
    found = yaml.safe_load((tmp_path / "out/data.yaml").read_text())
    assert (found["names"], found["kpt_shape"], found["flip_idx"]) == ({0: "infant"}, [3, 3], [0, 2, 1])
    assert found["skeleton"] == [[0, 1]]
    assert rows_of(tmp_path / "out", "a")[0][5:] == [0.5, 0.5, 2, 0.1, 0.1, 1, 0, 0, 0]


def test_no_source_is_on_both_sides(dataset, tmp_path):
    export_yolo(dataset.write(), tmp_path / "out", val_share=0.3)
    sides = {"train": set(), "val": set()}
    for record in listed(tmp_path / "out"):
        sides[record["split"]].add(record["sources"])
    assert not sides["train"] & sides["val"]
    assert sides["train"] | sides["val"] == {f"pose photos/{n}" for n in range(4)}
    assert len(sides["val"]) == 1


def test_without_held_out_pictures_val_is_train_and_it_is_said(dataset, tmp_path):
    result = export_yolo(dataset.write(), tmp_path / "out", val_share=0)
    assert yaml.safe_load((tmp_path / "out/data.yaml").read_text())["val"] == "images/train"
    assert "Note: no pictures held out" in result.summary()
    assert not (tmp_path / "out/images/val").exists()


def test_links_lead_to_the_pictures(dataset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dataset.write()
    export_yolo("data", "out", link=True, val_share=0)
    links = sorted((tmp_path / "out/images/train").iterdir())
    assert len(links) == 12
    assert all(link.is_symlink() for link in links)
    assert links[3].read_bytes() == (dataset.pictures / "train00003.jpg").read_bytes()


def test_people_without_keypoints_keep_their_box(empty_dataset, tmp_path):
    empty_dataset.add("a.jpg", people=3)
    del empty_dataset.data["annotations"][0]["keypoints"]
    empty_dataset.data["annotations"][1]["keypoints"] = [0] * 51
    result = export_yolo(empty_dataset.write(), tmp_path / "out", val_share=0)
    first, second, third = rows_of(tmp_path / "out", "a")
    assert first[5:] == second[5:] == [0] * 51
    assert second[1:5] == [29 / 80, 0.35, 0.5, 0.5]
    assert third[5:8] == [0.5, 0.5, 2]
    assert "2 people without keypoints written with their box only" in result.notes


@pytest.mark.parametrize("box", [None, [], [8, 6, 0, 30], [8, 6, float("nan"), 5], ["a"] * 4, [90, 70, 5, 5]])
def test_a_box_that_is_none_comes_from_the_keypoints(empty_dataset, tmp_path, box):
    empty_dataset.add("a.jpg")
    points = [10, 20, 2, 50, 40, 1, *[0] * 45]
    empty_dataset.data["annotations"][0] |= {"bbox": box, "keypoints": points}
    result = export_yolo(empty_dataset.write(), tmp_path / "out", val_share=0)
    x, y, width, height = np.array(rows_of(tmp_path / "out", "a")[0][1:5]) * [80, 60, 80, 60]
    np.testing.assert_allclose([x, y, width, height], [30, 30, 48, 28], atol=1e-4)  # a tenth of 40 around
    assert "1 boxes missing or unusable, made from the keypoints" in result.notes


def test_nothing_leaves_the_picture(empty_dataset, tmp_path):
    empty_dataset.add("a.jpg")
    points = [-0.5, 20, 2, 50, 60.1, 1, 30, 30, 2, float("nan"), 3, 2, -45, -45, 0, *[0] * 36]
    empty_dataset.data["annotations"][0] |= {"bbox": [-20, 30, 60, 90], "keypoints": points}
    result = export_yolo(empty_dataset.write(), tmp_path / "out", val_share=0)
    (row,) = rows_of(tmp_path / "out", "a")
    assert row[1:5] == [0.25, 0.75, 0.5, 0.5]
    assert row[5:] == [0] * 6 + [0.375, 0.5, 2] + [0] * 42
    assert "2 keypoints outside their picture written as not labelled" in result.notes


def test_what_would_teach_something_wrong_is_left_out_and_counted(empty_dataset, tmp_path):
    empty_dataset.add("kept.jpg", status="unreviewed")
    empty_dataset.add("rejected.jpg", status="rejected")
    empty_dataset.add("nobody_looked.jpg", people=0, status="unreviewed")
    empty_dataset.add("empty_bed.jpg", people=0, status="reviewed")
    crowd, bare = empty_dataset.add("crowd.jpg", people=2), empty_dataset.add("bare.jpg")
    for annotation in empty_dataset.data["annotations"]:
        if annotation["image_id"] == crowd:
            annotation["iscrowd"] = 1
        if annotation["image_id"] == bare:
            annotation |= {"bbox": None, "keypoints": None}
    empty_dataset.data["syrip_rejected"] = [{"image": {"id": 99}}]
    result = export_yolo(empty_dataset.write(), tmp_path / "out", val_share=0)
    names = sorted(path.name for path in (tmp_path / "out/images/train").iterdir())
    assert names == ["empty_bed.jpg", "kept.jpg"]
    assert (tmp_path / "out/labels/train/empty_bed.txt").read_text() == ""
    assert (result.num_people, result.num_background, result.failures) == (1, 1, ())
    for note in (
        "2 pictures that were rejected left out",
        "1 pictures with a crowd left out: its members have no boxes",
        "1 unreviewed pictures on which the network found nobody left out",
        "1 pictures with a person who has neither box nor keypoints left out",
        "1 pictures with labels that nobody reviewed are among them",
        "no pictures held out: data.yaml names the training pictures for val, too",
    ):
        assert note in result.notes
    assert len(result.notes) == 6


def save_turned(path, orientation, size):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.new("RGB", size).save(path, exif=exif)


def test_labels_of_the_picture_as_shown_are_kept(empty_dataset, tmp_path):
    empty_dataset.add("a.jpg", size=(60, 80))
    save_turned(empty_dataset.pictures / "a.jpg", 6, (80, 60))
    result = export_yolo(empty_dataset.write(), tmp_path / "out", val_share=0)
    assert result.failures == ()
    np.testing.assert_allclose(rows_of(tmp_path / "out", "a")[0][5:7], [40 / 60, 30 / 80], atol=1e-6)


def test_labels_that_a_turn_would_miss_are_refused(dataset, tmp_path):
    image_id = dataset.add("a.jpg")
    save_turned(dataset.pictures / "a.jpg", 6, (80, 60))
    result = export_yolo(dataset.write(), tmp_path / "out")
    text = (
        f"image {image_id}: its picture has an EXIF flag to turn it, which YOLO obeys and its labels do not"
    )
    assert result.failures == (text,)


@pytest.mark.parametrize("text", ["keypoints", "x", None])
def test_keypoints_of_a_wrong_kind_are_listed(dataset, tmp_path, text):
    values = {"keypoints": [1.0] * 48, "x": ["x"] * 51, None: 5}[text]
    dataset.data["annotations"][2]["keypoints"] = values
    result = export_yolo(dataset.write(), tmp_path / "out")
    assert len(result.failures) == 1
    assert result.failures[0].startswith("image 12: annotation 1200")
    assert "12" not in [record["image_id"] for record in listed(tmp_path / "out")]


def test_two_runs_give_the_same_files(dataset, tmp_path):
    folder = dataset.write()
    for name in ("one", "two"):
        export_yolo(folder, tmp_path / name)
    one, two = (
        {str(p.relative_to(tmp_path / n)): p.read_bytes() for p in (tmp_path / n).rglob("*") if p.is_file()}
        for n in ("one", "two")
    )
    assert one == two
    assert len(one) == 12 + 12 + 2


def test_an_output_that_is_not_empty_is_refused_and_kept(dataset, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("x")
    with pytest.raises(ValueError, match="is not empty; choose another folder"):
        export_yolo(dataset.write(), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_nothing_is_left_of_a_failed_export(dataset, tmp_path, monkeypatch):
    def no_space(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fidip.exporting.yolo.shutil.copyfile", no_space)
    with pytest.raises(OSError, match="No space"):
        export_yolo(dataset.write(), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_file_with_nobody_is_refused(empty_dataset, tmp_path):
    empty_dataset.add("a.jpg", people=0)
    with pytest.raises(ValueError, match="nobody to export: it has no annotations"):
        export_yolo(empty_dataset.write(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_json_figures_are_flat(dataset, tmp_path):
    figures = export_yolo(dataset.write(), tmp_path / "out").figures()
    assert json.loads(json.dumps(figures)) == figures
    assert figures["num_train"] + figures["num_val"] == figures["num_people"] == 12
