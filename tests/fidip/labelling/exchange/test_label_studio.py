"""Label Studio: round trips, exports as its page makes them, other keypoints, values out of range."""

import copy
import json
from xml.etree import ElementTree

import pytest

from fidip.labelling.exchange.label_studio import read_label_studio
from fidip.labelling.exchange.label_studio_writer import label_studio_task, write_label_studio
from syrip_gen.keypoints.catalog import COCO17
from tests.fidip.labelling.exchange.examples import (
    assert_same_label,
    example_images,
    label,
    outgoing,
    person,
)


def read(tmp_path, tasks):
    path = tmp_path / "tasks.json"
    path.write_text(tasks if isinstance(tasks, str) else json.dumps(tasks))
    return read_label_studio(path)


def tasks(*images):
    return [label_studio_task(n, image) for n, image in enumerate(images or (outgoing(),), 1)]


def results_of(task):
    return (task["annotations"] or task["predictions"])[0]["result"]


def test_labels_come_back_whole(tmp_path):
    files, notes = write_label_studio(example_images(), tmp_path / "tasks.json")
    assert [f.name for f in files] == ["tasks.json", "tasks.config.xml"]
    assert notes == ["where a person has no box (1), that of the keypoints was written to tie them together"]
    found = read_label_studio(tmp_path / "tasks.json")
    assert found.notes == ()
    assert [i.name for i in found.images] == [i.name for i in example_images()]
    for back, sent in zip(found.images, example_images(), strict=True):
        # An image without any result has no size in Label Studio.
        assert (back.width, back.height) == ((sent.width, sent.height) if sent.label.people else (0, 0))
        assert_same_label(back.label, sent.label, atol=1e-9)


def test_coordinates_are_percent_of_the_picture():
    lab = label(person(visibility=2).model_copy(update={"keypoints": ((320, 120, 2), *[(0, 0, 0)] * 16)}))
    (task,) = tasks(outgoing("x y/ü.jpg", lab))
    assert task["data"] == {
        "image": "/data/local-files/?d=x%20y/%C3%BC.jpg",
        "file_name": "x y/ü.jpg",
    }
    (point,) = [r for r in results_of(task) if r["type"] == "keypointlabels"]
    assert (point["value"]["x"], point["value"]["y"]) == (50, 25)
    assert (point["original_width"], point["original_height"]) == (640, 480)
    assert point["parentID"] == "p1"


def test_status_says_annotation_prediction_or_cancelled():
    reviewed, unreviewed, rejected = tasks(
        outgoing("a"),
        outgoing("b", label(person(score=0.75), status="unreviewed")),
        outgoing("c", label(status="rejected")),
    )
    assert (len(reviewed["annotations"]), len(reviewed["predictions"])) == (1, 0)
    assert (len(unreviewed["annotations"]), unreviewed["predictions"][0]["score"]) == (0, 0.75)
    assert rejected["annotations"][0]["was_cancelled"] is True


def test_configuration_names_every_control_and_point(tmp_path):
    write_label_studio(example_images(), tmp_path / "tasks.json")
    view = ElementTree.parse(tmp_path / "tasks.config.xml").getroot()
    controls = {e.get("name") for e in view}
    used = {r["from_name"] for task in tasks(*example_images()) for r in results_of(task)}
    assert used <= controls
    assert {e.get("toName") for e in view[1:]} == {"image"} == {view[0].get("name")}
    points = view.findall("KeyPointLabels/Label")
    assert [p.get("value") for p in points] == list(COCO17.keypoints)
    assert [p.get("model_index") for p in points] == [str(k) for k in range(17)]


def test_reads_an_annotation_made_on_the_page(tmp_path):
    """Uploaded picture, no parents, no visibility given, a turned box, extra keys."""
    region = {"to_name": "img", "original_width": 200, "original_height": 100, "image_rotation": 0}
    result = [
        {
            **region, "id": "r", "from_name": "b", "type": "rectanglelabels", "origin": "manual",
            "value": {
                "x": 50, "y": 10, "width": 10, "height": 40, "rotation": 90, "rectanglelabels": ["baby"],
            },
        },
        {
            **region, "id": "k", "from_name": "k", "type": "keypointlabels",
            "value": {"x": 10, "y": 20, "width": 1, "keypointlabels": ["Left-Eye"]},
        },
        {**region, "id": "m", "from_name": "brush", "type": "brushlabels", "value": {"rle": [1]}},
    ]  # fmt: skip
    task = {
        "id": 12,
        "data": {"img": "/data/upload/4/1f2e3d4c-my-baby.jpg"},
        "file_upload": "1f2e3d4c-my-baby.jpg",
        "annotations": [
            {"id": 1, "created_at": "2026-01-01", "result": []},
            {"id": 2, "created_at": "2026-01-02", "result": result},
            {"id": 3, "created_at": "2026-01-03", "was_cancelled": True, "result": []},
        ],
    }
    found = read(tmp_path, [task])
    (shown,) = found.images
    assert (shown.name, shown.width, shown.height) == ("my-baby.jpg", 200, 100)
    assert shown.label.status == "reviewed"
    (baby,) = shown.label.people
    assert baby.keypoints[1] == (20, 20, 2)
    # 20 x 40 px turned by 90 degrees about its corner (100, 10): it then lies to the left of it.
    assert baby.bbox == pytest.approx((60, 10, 40, 20))
    assert found.notes == (
        "tasks.json: 1 tasks with several annotations, of which the newest was read",
        "tasks.json: 1 brushlabels results left out",
    )


def test_of_annotations_without_a_time_the_last_is_read(tmp_path):
    notes = ({"from_name": "note", "type": "textarea", "value": {"text": [text]}} for text in ("old", "new"))
    task = {
        "data": {"image": "a.jpg"},
        "annotations": [{"id": i, "result": [n]} for i, n in enumerate(notes)],
    }
    assert read(tmp_path, [task]).images[0].label.note == "new"


@pytest.mark.parametrize(
    "address, name",
    [
        ("/data/local-files/?d=photos/a%20b.jpg", "photos/a b.jpg"),
        ("/data/upload/3/0123abcd-a.jpg", "a.jpg"),
        ("s3://bucket/deep/a%2Bb.png", "a+b.png"),
        ("https://example.org/x/0123abcd-a.jpg?size=3#top", "0123abcd-a.jpg"),
        ("a.jpg", "a.jpg"),
    ],
)
def test_names_come_from_addresses(tmp_path, address, name):
    assert read(tmp_path, [{"data": {"image": address}}]).images[0].name == name


def test_points_without_parent_go_to_the_box_around_them(tmp_path):
    left = person(1, seed=1, size=(300, 480))
    right = left.model_copy(
        update={
            "id": 2,
            "keypoints": tuple((x + 320, y, v) if v else (x, y, v) for x, y, v in left.keypoints),
            "bbox": (left.bbox[0] + 320, *left.bbox[1:]),
        }
    )
    lab = label(left, right)
    content = tasks(outgoing(lab=lab))
    for result in results_of(content[0]):
        result.pop("parentID", None)
    assert_same_label(read(tmp_path, content).images[0].label, lab, atol=1e-9)
    for result in results_of(content[0]):
        if result["type"] == "rectanglelabels":
            result["value"].update(x=0, width=100)
    with pytest.raises(ValueError, match=r"result 'p1_nose': nose lies in 2 boxes; put each person's points"):
        read(tmp_path, content)


def changed(path, value):
    """Return the tasks of one image with the value at a path of its first keypoint changed."""
    content = copy.deepcopy(tasks())
    place = next(r for r in results_of(content[0]) if r["type"] == "keypointlabels")
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return content


@pytest.mark.parametrize(
    "content, message",
    [
        (
            changed(("value", "x"), 140),
            r"task 1, result 'p1_nose', nose, x: expected 0 to 100 percent .* 140",
        ),
        (changed(("value", "y"), -0.5), "nose, y: expected 0 to 100 percent of the picture, got -0.5"),
        (changed(("value", "y"), "7"), "nose, y: expected a number, got '7'"),
        (changed(("value", "y"), True), "nose, y: expected a number, got True"),
        (json.dumps(changed(("value", "y"), float("nan"))), "nose, y: expected a number, got nan"),
        (
            changed(("value", "keypointlabels"), ["snout"]),
            r"another keypoint than ours: \['snout'\]; expected",
        ),
        (changed(("value", "keypointlabels"), ["nose", "left_eye"]), "another keypoint than ours"),
        (changed(("value", "keypointlabels"), ["left_eye"]), "a second left_eye of one person"),
        (changed(("value",), 3), "expected 'value' to be an object"),
        (changed(("original_width",), 99), "results for pictures of several sizes"),
        (changed(("original_width",), "640"), "expected original_width and original_height in px"),
        (changed(("image_rotation",), 90), "the picture was turned by 90°"),
        ([{"data": {}}], "task 0: expected the picture's address in data.image"),
        ([{"data": 3}], "expected 'data' to be an object"),
        ([{"data": {"image": "../../etc/passwd/.."}}], "leaves the image folder"),
        ([{"data": {"image": "a", "file_name": "../x.jpg"}}], "leaves the image folder"),
        ([{"data": {"image": "a"}, "annotations": 3}], "annotations: expected a list of objects"),
        ([{"data": {"image": "a"}}] * 2, "image 'a' occurs 2 times; names must be unique"),
        (
            [{"image": "a", "annotator": 1, "keypoints": []}],
            "JSON-MIN, which does not say whose the points are",
        ),
        ([], "not Label Studio's JSON"),
        ("[", "not JSON"),
    ],
)
def test_wrong_files_say_where(tmp_path, content, message):
    with pytest.raises(ValueError, match=message) as caught:
        read(tmp_path, content)
    assert "\n" not in str(caught.value)
    assert "tasks.json" in str(caught.value)


def test_unknown_sizes_cannot_be_written(tmp_path):
    with pytest.raises(ValueError, match=r"a.jpg: its size is unknown"):
        write_label_studio([outgoing(size=(0, 0), lab=label())], tmp_path / "a.json")
    assert list(tmp_path.iterdir()) == []


def test_names_of_bytes_that_are_no_text_come_back(tmp_path):
    write_label_studio([outgoing("caf\udce9.jpg")], tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text())[0]["data"]["image"].endswith("caf%E9.jpg")
    assert read_label_studio(tmp_path / "a.json").images[0].name == "caf\udce9.jpg"
