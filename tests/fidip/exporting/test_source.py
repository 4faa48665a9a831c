import pytest

from fidip.exporting.source import read_source


def test_a_file_and_its_pictures_elsewhere(dataset, tmp_path):
    dataset.write()
    moved = dataset.pictures.rename(tmp_path / "elsewhere")
    found = read_source(dataset.file, moved)
    assert len(found.pictures) == 12
    assert {picture.file.path.parent for picture in found.pictures} == {moved}


def test_pictures_are_found_by_the_end_of_their_name_or_as_syrips_loader_does(empty_dataset):
    empty_dataset.add("photos/a.jpg", saved_as="a.jpg")
    by_id = empty_dataset.add("renamed.jpg", saved_as="train00011.jpg")
    found = read_source(empty_dataset.write())
    assert by_id == 11
    assert [picture.file.path.name for picture in found.pictures] == ["a.jpg", "train00011.jpg"]


def test_names_become_safe_and_stay_apart(empty_dataset):
    names = [
        "a b.jpg",
        "a_b.png",
        "A_B.jpg",
        "clip 1/f.1.jpg",
        "дитя.jpg",
        "-x_.jpg",
        "*?.jpg",
        f"{'n' * 200}.jpg",
    ]
    ids = [empty_dataset.add(name) for name in names]
    found = read_source(empty_dataset.write())
    assert [picture.key for picture in found.pictures] == [
        "a_b", f"a_b_{ids[1]}", f"A_B_{ids[2]}", "clip_1_f_1", "picture", "x", f"picture_{ids[6]}", "n" * 80,
    ]  # fmt: skip


def test_suffixes_say_what_a_file_holds(empty_dataset):
    empty_dataset.add("a.JPEG")
    empty_dataset.add("b.png")
    empty_dataset.add("wrong.jpg", saved_as="wrong.png")
    (empty_dataset.pictures / "wrong.png").rename(empty_dataset.pictures / "wrong.jpg")
    found = read_source(empty_dataset.write())
    assert [picture.file.suffix for picture in found.pictures] == ["jpg", "png", "png"]


@pytest.mark.parametrize(
    "name, words",
    [
        ("gone.jpg", "its picture 'gone.jpg' is missing in "),
        ("../data/secret.jpg", "its file_name '../data/secret.jpg' leaves the picture folder"),
        ("/etc/passwd", "leaves the picture folder"),
        ("a\\b.jpg", "leaves the picture folder"),
        (None, "it has no file_name"),
        (7, "it has no file_name"),
        ("x\0.jpg", "is missing in"),
        ("\ud800.jpg", "is missing in"),
        ("n" * 300 + ".jpg", "is missing in"),
    ],
)
def test_names_without_a_picture_are_listed(dataset, name, words):
    dataset.data["images"][3]["file_name"] = name
    found = read_source(dataset.write())
    assert len(found.pictures) == 11
    assert len(found.failures) == 1
    assert found.failures[0].startswith("image 13: ")
    assert words in found.failures[0]
    found.failures[0].encode()


def test_pictures_that_do_not_decode_are_listed(dataset):
    whole = (dataset.pictures / "train00001.jpg").read_bytes()
    (dataset.pictures / "train00000.jpg").write_bytes(b"")
    (dataset.pictures / "train00001.jpg").write_bytes(whole[: len(whole) // 2])
    (dataset.pictures / "train00002.jpg").write_bytes(b"GIF89a" + b"\0" * 20)
    found = read_source(dataset.write())
    assert [text[:8] for text in found.failures] == ["image 10", "image 11", "image 12"]
    assert found.failures[1] == "image 11: its picture 'train00001.jpg' does not decode"


def test_a_picture_of_another_size_than_its_labels_is_listed(dataset):
    dataset.data["images"][0]["width"] = 90
    found = read_source(dataset.write())
    assert found.failures == ("image 10: its picture is 80x60 px, but its labels are for 90x60 px",)


def test_sizes_may_be_missing(dataset):
    for image in dataset.data["images"]:
        del image["width"], image["height"]
    found = read_source(dataset.write())
    assert {picture.size for picture in found.pictures} == {(80, 60)}


def test_sources_are_poses_clips_films_or_the_picture_itself(empty_dataset):
    empty_dataset.add("a.jpg", pose="p/1")
    empty_dataset.add("b.jpg", pose="p/2")
    empty_dataset.data["annotations"][1]["source"] |= {"clip": "crawl", "take": 3}
    empty_dataset.add("c.jpg", sequence="home.mp4", frame=3)
    alone = empty_dataset.add("d.jpg")
    found = read_source(empty_dataset.write())
    assert [set(picture.sources) for picture in found.pictures] == [
        {"pose p/1"}, {"clip crawl"}, {"film home.mp4"}, {f"image {alone}"},
    ]  # fmt: skip


def test_annotations_that_are_not_ours_are_counted(dataset):
    dataset.data["categories"].append({"id": 2, "name": "cat"})
    dataset.data["annotations"][0]["category_id"] = 2
    dataset.data["annotations"][1]["image_id"] = 999
    found = read_source(dataset.write())
    assert found.notes == (
        "1 annotations of categories without keypoints left out",
        "1 annotations of pictures that the file does not list left out",
    )
    assert [len(picture.annotations) for picture in found.pictures[:3]] == [0, 0, 1]


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda data: data.pop("images"), "not a COCO keypoint file"),
        (lambda data: data.update(annotations=[5]), "not a COCO keypoint file"),
        (lambda data: data.update(images=[]), "nothing to export: it has no pictures"),
        (lambda data: data["images"][1].update(id=10), "image id 10 occurs twice"),
        (lambda data: data["images"][1].update(id="x"), r"images\[1\], id: expected a whole number"),
        (lambda data: data["categories"][0].update(keypoints=["a", "a"]), "names must be unique"),
        (
            lambda data: data["categories"].append({"id": 2, "keypoints": ["a"]}),
            "categories with different keypoints",
        ),
    ],
)
def test_files_that_are_none_are_refused(dataset, change, words):
    change(dataset.data)
    with pytest.raises(ValueError, match=words):
        read_source(dataset.write())


def test_missing_folders_are_said(dataset, tmp_path):
    dataset.write()
    with pytest.raises(FileNotFoundError, match=r"--images .*nowhere: no such folder"):
        read_source(dataset.file, tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="is no dataset"):
        read_source(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_source(tmp_path / "nothing.json")
