"""COCO files of any origin as the beginning of a project."""

import json

import pytest

from fidip.labelling.coco_import import read_coco
from fidip.labelling.records import Frame, NewImage
from fidip.labelling.store import LabelStore
from syrip_gen.annotation.coco import person_category
from syrip_gen.keypoints.catalog import COCO17, MPII16

POINTS = [10.5, 20.25, 2, *[30, 30, 1] * 16]


def image(**more):
    return {"id": 1, "file_name": "a.jpg", "width": 64, "height": 48} | more


def annotation(**more):
    return {"id": 9, "image_id": 1, "category_id": 1, "keypoints": POINTS, "bbox": [1, 2, 30, 40]} | more


def write(path, images, annotations, **more):
    path.write_text(json.dumps({"images": images, "annotations": annotations} | more))
    return path


def read_one(path, image_record=None, *annotations) -> NewImage:
    project = read_coco(
        write(path / "x.json", [image_record or image()], list(annotations) or [annotation()])
    )
    return project.images[0]


def test_a_plain_file(tmp_path):
    read = read_one(tmp_path)
    (person,) = read.label.people
    assert (read.id, read.name, read.width, read.height, read.who) == (1, "a.jpg", 64, 48, "import:x.json")
    assert (person.id, person.keypoints[:2]) == (1, ((10.5, 20.25, 2), (30.0, 30.0, 1)))
    assert (person.bbox, person.posture, person.score) == ((1.0, 2.0, 30.0, 40.0), None, None)
    assert read.label.status == "unreviewed"


@pytest.mark.parametrize("point", [[-45, -45, 0], [7, 8, 0], [None, 3, 2], [-45, -45, 2]])
def test_points_that_are_not_there(tmp_path, point):
    read = read_one(tmp_path, None, annotation(keypoints=point + POINTS[3:]))
    assert read.label.people[0].keypoints[0] == (0.0, 0.0, 0)


def test_points_outside_go_to_the_border(tmp_path):
    path = write(tmp_path / "x.json", [image()], [annotation(keypoints=[70, -3, 2, *POINTS[3:]])])
    project = read_coco(path)
    assert project.images[0].label.people[0].keypoints[0] == (64.0, 0.0, 2)
    assert project.notes == ("x.json: 1 keypoints outside their picture moved to its border",)


@pytest.mark.parametrize(
    "given, kept",
    [
        ("2024-01-02T10:00:00+05:00", "2024-01-02T05:00:00.000Z"),
        ("2024-01-02T10:00:00.123456Z", "2024-01-02T10:00:00.123Z"),
        ("2024-01-02 10:00", "2024-01-02T10:00:00.000Z"),
        ("9999-12-31T23:59:59-05:00", None),
        ("yesterday", None),
        (7, None),
    ],
)
def test_times_are_kept_in_utc(tmp_path, given, kept):
    read = read_one(tmp_path, image(labelled_by="Ann", labelled_at=given))
    assert (read.who, read.when) == ("Ann", kept)


@pytest.mark.parametrize("number", [10**400, -(10**400), float("nan"), float("inf"), True, "0.5", [1]])
def test_numbers_that_are_none_are_left_out(tmp_path, number):
    record = image(sequence="v.mp4", frame=3, time_s=number)
    read = read_one(tmp_path, record, annotation(score=number))
    assert read.label.people[0].score is None
    assert read.frame == Frame("v.mp4", 3, None)


def test_syrip_postures(tmp_path):
    assert read_one(tmp_path, image(posture="Supine")).label.people[0].posture == "supine"
    assert read_one(tmp_path, image(posture="Unknown")).label.people[0].posture is None
    assert read_one(tmp_path, image(posture="Kneeling")).label.people[0].posture == "other"
    person = read_one(tmp_path, image(posture="Supine"), annotation(posture="prone")).label.people[0]
    assert person.posture == "prone"


def test_what_is_left_out_is_said(tmp_path):
    crowd = annotation(id=10, iscrowd=1, keypoints=None)
    stray = annotation(id=11, image_id=77)
    more = annotation(segmentation=[], my_field=1, bbox=[1, 1, 0, 5])
    project = read_coco(write(tmp_path / "x.json", [image()], [more, crowd, stray]))
    assert project.notes == (
        "x.json: 1 crowd regions left out",
        "x.json: 1 boxes without extent left out",
        "x.json: 1 annotations of images that the file does not list left out",
        "x.json: not kept of its annotations: my_field, segmentation",
    )
    assert len(project.images[0].label.people) == 1


def test_other_schemas(tmp_path):
    data = [annotation(keypoints=[1, 2, 2] * 16)]
    path = write(tmp_path / "x.json", [image()], data, categories=[person_category(MPII16)])
    assert read_coco(path).schema == MPII16
    assert read_coco(write(path, [image()], [], categories=[{"id": 1, "name": "person"}])).schema == COCO17


def test_sizes_may_be_missing(tmp_path):
    read = read_one(tmp_path, {"id": 1, "file_name": "a.jpg"})
    assert (read.width, read.height) == (0, 0)
    assert read.label.people[0].keypoints[0] == (10.5, 20.25, 2)


def test_texts_are_made_fit(tmp_path):
    read = read_one(tmp_path, image(note="n" * 5000, reasons=["a\udcff", "a\udcff", 7, "r" * 500]))
    assert len(read.label.note) == 4000
    assert [len(reason) for reason in read.label.reasons] == [2, 200]


@pytest.mark.parametrize(
    "images, annotations, text",
    [
        ([image(), image()], [], "image id 1 occurs twice"),
        ([image(id="one")], [], r"images\[0\], id: expected a whole number, got 'one'"),
        ([image(id=-3)], [], "image id -3: expected 0 to 1000000000000; number the images anew"),
        ([image(file_name=7)], [], "image 1: expected a 'file_name'"),
        ([image(file_name="../../x.jpg")], [], "image 1: image name '../../x.jpg' leaves the image folder"),
        ([image(file_name="/etc/passwd")], [], "leaves the image folder"),
        ([image(width=0)], [], "image 1, width: expected 1 to 65535 px, got 0"),
        ([image(width="wide")], [], "image 1, width: expected a whole number"),
        ([image()], [annotation(keypoints=[1, 2])], "annotation 9, keypoints|expected 51 keypoint numbers"),
        ([image()], [annotation(keypoints="no")], "expected a list of numbers"),
        ([image()], [annotation(bbox=[1, 2])], "annotation 9: expected a bbox of x, y, width, height"),
        ([image()], [annotation(image_id=None)], r"annotations\[0\], image_id: expected a whole number"),
        ([image()], [annotation()] * 101, "101 annotations; at most 100 people fit"),
        ([image()], ["x"], "expected 'annotations' to be a list of objects"),
        ("x", [], "expected 'images' and 'annotations'"),
    ],
)
def test_files_that_are_refused(tmp_path, images, annotations, text):
    path = write(tmp_path / "x.json", images, annotations)
    with pytest.raises(ValueError, match=text) as caught:
        read_coco(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"\xff\xfe", b'{"images": []}'])
def test_what_is_no_coco_file(tmp_path, content):
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.json"):
        read_coco(path)
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_coco(tmp_path / "none.json")


def test_several_schemas_are_refused(tmp_path):
    both = [person_category(), person_category(MPII16) | {"id": 2}]
    path = write(tmp_path / "x.json", [image()], [], categories=both)
    with pytest.raises(ValueError, match="several keypoint schemas: coco17, mpii16"):
        read_coco(path)
    path = write(tmp_path / "x.json", [image()], [], categories=[{"id": 1, "keypoints": ["nose", "tail"]}])
    with pytest.raises(ValueError, match=r"2 keypoints \(nose, tail ...\) are of no schema that syrip knows"):
        read_coco(path)


def test_the_real_syrip_file(shared_data, tmp_path):
    project = read_coco(shared_data / "infant_2d" / "syrip_real_383.json")
    assert len(project.images) == 383
    assert {p.posture for i in project.images for p in i.label.people} <= {
        "supine",
        "prone",
        "sitting",
        "standing",
    }
    with LabelStore.create(
        tmp_path / "s.json.project", kind="label", root=tmp_path, output=tmp_path / "s.json"
    ) as store:
        assert len(store.add_images(project.images)) == 383
