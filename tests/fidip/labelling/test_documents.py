"""What a label may say, and how it is refused."""

import json

import pytest

from fidip.labelling.documents import EMPTY_LABEL, ImageLabel, parse_label, put_into_picture, stored_label
from syrip_gen.keypoints.catalog import COCO17, MPII16

SIZE = (640, 480)


def document(point=(1.0, 2.0, 2), **more):
    person = {"id": 1, "keypoints": [list(point)] * 17, "bbox": None, "posture": None, "score": None} | more
    return {"people": [person], "status": "unreviewed", "reasons": [], "note": ""}


def points_of(label):
    return label.people[0].keypoints


@pytest.mark.parametrize(
    "point, text",
    [
        ((float("nan"), 2, 2), r"people\[0\].keypoints\[0\]\[0\]: Input should be a finite number"),
        ((1, float("inf"), 2), r"keypoints\[0\]\[1\]: Input should be a finite number"),
        (("1", 2, 2), r"keypoints\[0\]\[0\]: Input should be a valid number, got '1'"),
        ((True, 2, 2), r"keypoints\[0\]\[0\]: Input should be a valid number, got True"),
        ((1, 2, 3), r"keypoints\[0\]\[2\]: Input should be less than or equal to 2, got 3"),
        ((1, 2, -1), r"keypoints\[0\]\[2\]: Input should be greater than or equal to 0, got -1"),
        ((1, 2, 0.5), r"keypoints\[0\]\[2\]: Input should be a valid integer, got 0.5"),
        ((1, 2, False), r"keypoints\[0\]\[2\]: Input should be a valid integer, got False"),
        ((1, 2), r"keypoints\[0\]\[2\]: Field required"),
        ((1e300, 2, 1), r"keypoints\[0\]\[0\]: Input should be less than or equal to 1000000"),
        ((640.5, 2, 1), r"person 1: nose at \(640.5, 2\) lies outside the picture of 640 x 480 px"),
        ((1, -0.5, 2), r"person 1: nose at \(1, -0.5\) lies outside the picture"),
    ],
)
def test_points_that_are_none(point, text):
    with pytest.raises(ValueError, match=text) as caught:
        parse_label(document(point), COCO17, SIZE)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change, text",
    [
        ({"status": "done"}, "status: Input should be 'unreviewed', 'reviewed' or 'rejected', got 'done'"),
        ({"reasons": ["x", "x"]}, "reason 'x' occurs more than once"),
        ({"reasons": ["r" * 201]}, r"reasons\[0\]: String should have at most 200 characters"),
        ({"reasons": [str(i) for i in range(21)]}, "reasons: Tuple should have at most 20 items"),
        ({"note": "n" * 4001}, "note: String should have at most 4000 characters"),
        ({"note": "\udcff"}, "note: .*unicode"),
        ({"note": 7}, "note: Input should be a valid string, got 7"),
        ({"people": document()["people"] * 2}, "person id 1 occurs more than once"),
        ({"people": None}, "people: Input should be a valid tuple, got None"),
        ({"peolpe": []}, "peolpe: Extra inputs are not permitted"),
    ],
)
def test_documents_that_are_none(change, text):
    with pytest.raises(ValueError, match=text) as caught:
        parse_label(document() | change, COCO17, SIZE)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "change, text",
    [
        ({"id": 0}, r"people\[0\].id: Input should be greater than or equal to 1, got 0"),
        ({"id": 1000}, r"people\[0\].id: Input should be less than or equal to 999"),
        ({"id": "1"}, r"people\[0\].id: Input should be a valid integer, got '1'"),
        (
            {"bbox": [0, 0, 0, 5]},
            r"people\[0\].bbox\[2\]: Input should be greater than or equal to 0.001, got 0",
        ),
        ({"bbox": [0, 0, 5]}, r"people\[0\].bbox\[3\]: Field required"),
        ({"posture": "Supine"}, r"people\[0\].posture: Input should be 'supine', 'prone'"),
        ({"score": float("nan")}, r"people\[0\].score: Input should be a finite number"),
    ],
)
def test_people_that_are_none(change, text):
    with pytest.raises(ValueError, match=text):
        parse_label(document(**change), COCO17, SIZE)


@pytest.mark.parametrize("value", [[], "label", 7, None])
def test_a_document_is_an_object(value):
    with pytest.raises(ValueError, match="document: Input should be a valid dictionary"):
        parse_label(value, COCO17)


def test_the_schema_says_how_many_points():
    with pytest.raises(ValueError, match=r"person 1: expected 16 keypoints \(mpii16\), got 17"):
        parse_label(document(), MPII16, SIZE)


def test_absent_points_have_no_place():
    label = parse_label(document((-45, -45, 0)), COCO17, SIZE)
    assert points_of(label) == ((0.0, 0.0, 0),) * 17
    assert "-0.0" not in label.model_dump_json()


def test_the_border_is_inside():
    label = parse_label(document((640, 480, 2)), COCO17, SIZE)
    assert points_of(label)[0] == (640.0, 480.0, 2)


def test_places_are_kept_in_steps_of_a_thousandth():
    label = parse_label(document((1.23456, -0.0001, 2)), COCO17, SIZE)
    assert points_of(label)[0] == (1.235, 0.0, 2)


def test_what_is_saved_reads_back_the_same():
    original = document((1.5, 2, 1), bbox=[0.5, 1, 20, 30.25], posture="prone", score=0.25)
    label = parse_label(
        original | {"status": "rejected", "reasons": ["ünscharf"], "note": "a\nb"}, COCO17, SIZE
    )
    assert stored_label(label.model_dump_json()) == label == ImageLabel(**json.loads(label.model_dump_json()))
    assert stored_label(EMPTY_LABEL.model_dump_json()) == EMPTY_LABEL


def test_points_outside_go_to_the_border():
    label = ImageLabel(**document((700.0, -3.0, 1)))
    inside, moved = put_into_picture(label, SIZE)
    assert moved == 17
    assert points_of(inside)[0] == (640.0, 0.0, 1)
    assert put_into_picture(inside, SIZE) == (inside, 0)


@pytest.mark.parametrize(
    "box, kept",
    [
        ([-20, -5, 700, 500], (0, 0, 640, 480)),
        ([600, 470, 100.5, 100], (600, 470, 40, 10)),
        ([0, 0, 640, 480], (0, 0, 640, 480)),
    ],
)
def test_boxes_end_at_the_border(box, kept):
    assert parse_label(document((1, 2, 2), bbox=box), COCO17, SIZE).people[0].bbox == kept
    assert put_into_picture(ImageLabel(**document((1, 2, 2), bbox=box)), SIZE)[0].people[0].bbox == kept


def test_a_box_outside_is_refused_in_a_save_and_left_out_of_an_import():
    outside = document((1, 2, 2), bbox=[640, 10, 30, 40])
    with pytest.raises(
        ValueError,
        match=r"person 1: the box at \(640, 10\) lies outside the picture of 640 x 480",
    ):
        parse_label(outside, COCO17, SIZE)
    assert put_into_picture(ImageLabel(**outside), SIZE)[0].people[0].bbox is None
