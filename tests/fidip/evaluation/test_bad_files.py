"""Ground truths, predictions and boxes that are wrong in some way."""

import json

import pytest

from fidip.evaluation.boxes import ground_truth_boxes, read_boxes
from fidip.evaluation.figures import measure
from fidip.evaluation.ground_truth import read_ground_truth
from fidip.evaluation.predictions import check_predictions, read_predictions, write_predictions


def drop(key):
    return lambda people: people.pop(key)


def change(section, number, **values):
    return lambda people: people[section][number].update(values)


BAD_TRUTH = {
    "no images": (drop("images"), '"images" and "annotations"'),
    "no annotations": (drop("annotations"), '"images" and "annotations"'),
    "empty annotations": (lambda p: p.update(annotations=[]), "the list is empty"),
    "annotations that are numbers": (lambda p: p.update(annotations=[1]), "expected a list of objects"),
    "no id": (lambda p: p["images"][1].pop("id"), "images[1] has no id"),
    "ids twice": (change("images", 1, id=1), "image ids occur more than once: 1"),
    "wrong id": (change("images", 1, id="one"), "expected a whole number, got 'one'"),
    "short": (
        change("annotations", 2, keypoints=[1, 2, 2]),
        "annotation 3: 3 numbers in keypoints; expected 17",
    ),
    "nested": (change("annotations", 2, keypoints=[[1, 2, 2]] * 17), "entry 0 must be a number"),
    "text": (
        change("annotations", 2, keypoints="here"),
        "annotation 3 keypoints: expected a list of numbers",
    ),
    "no image_id": (lambda p: p["annotations"][0].pop("image_id"), "annotation 1 image_id: expected a whole"),
    "nobody labelled": (
        lambda p: [a.update(keypoints=[-45, -45, 0] * 17) for a in p["annotations"]],
        "no annotation has a labelled keypoint",
    ),
    "no keypoints": (
        lambda p: [a.pop("keypoints") for a in p["annotations"]],
        "no annotation has a labelled",
    ),
    "other schema": (
        lambda p: p["categories"][0].update(keypoints=["nose"]),
        "has 1 keypoints; expected COCO's 17",
    ),
}


@pytest.mark.parametrize("name", BAD_TRUTH)
def test_ground_truth_that_cannot_be_used_says_what_is_wrong(people, write, name):
    spoil, message = BAD_TRUTH[name]
    spoil(people)
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        read_ground_truth(write("truth.json", people))
    assert message in str(caught.value)
    assert "truth.json" in str(caught.value)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "the file is empty"),
        (b"{", "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b'{"images": [{"id": 1e999}], "annotations": [{}]}', "expected a whole number"),
        (b'{"images": [{"id": ' + b"9" * 5000 + b'}], "annotations": [{}]}', "not usable JSON"),
    ],
)
def test_files_that_are_no_json_say_so(tmp_path, content, message):
    path = tmp_path / "truth.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_ground_truth(path)


def test_missing_files_are_not_found(tmp_path, people):
    gt = read_ground_truth(people)
    for read in (read_ground_truth, lambda p: read_predictions(p, gt), lambda p: read_boxes(p, gt)):
        with pytest.raises(FileNotFoundError, match=r"nowhere\.json"):
            read(tmp_path / "nowhere.json")


def test_odd_annotations_are_noted_and_do_not_count(people):
    total = len(read_ground_truth(people).labelled)
    people["annotations"][0]["keypoints"] = []
    people["annotations"][1]["keypoints"][0] = float("nan")
    people["annotations"][2]["image_id"] = 999
    del people["annotations"][3]["bbox"]
    gt = read_ground_truth(people)
    assert len(gt.labelled) == total - 2
    assert [note.split(":")[0] for note in gt.notes] == [
        "1 annotations of images that are not in the file left out",
        "1 annotations without keypoints do not count",
        "NaN or infinite keypoints of 1 annotations count as unlabelled",
        "1 annotations without a box get their keypoints' extent",
    ]
    assert gt.persons[1].keypoints[0].tolist() == [0, 0, 0]
    assert gt.persons[2].box_area > 100


def test_other_categories_are_left_out(people):
    chair = {"id": 999, "image_id": 1, "category_id": 62, "bbox": [0, 0, 9, 9]}
    count = len(read_ground_truth(people).persons)
    people["annotations"].append(chair)
    people["categories"].append({"id": 62, "name": "chair"})
    assert len(read_ground_truth(people).persons) == count


BAD_RECORDS = {
    "no keypoints": (lambda r: r.pop("keypoints"), "has no keypoints"),
    "no score": (lambda r: r.pop("score"), "has no score"),
    "no image": (lambda r: r.pop("image_id"), "has no image_id"),
    "12 keypoints": (lambda r: r.update(keypoints=[1.0] * 36), "36 numbers in keypoints"),
    "NaN score": (lambda r: r.update(score=float("nan")), "the score is nan"),
    "null score": (lambda r: r.update(score=None), "the score is nan"),
    "infinite": (lambda r: r.update(keypoints=[float("inf")] * 51), "NaN, infinity"),
    "far": (lambda r: r.update(keypoints=[1e30] * 51), "beyond 1e+07"),
    "text": (lambda r: r.update(score="high"), "must be a number, got 'high'"),
    "other category": (lambda r: r.update(category_id=2), "category_id 2"),
    "other image": (lambda r: r.update(image_id=77), "for images that ground truth does not have: 77"),
}


@pytest.mark.parametrize("name", BAD_RECORDS)
def test_one_bad_record_is_left_out_and_listed(people, results, write, name):
    gt = read_ground_truth(people)
    spoil, message = BAD_RECORDS[name]
    spoil(results[4])
    found = read_predictions(write("pred.json", results), gt)
    assert len(found.results) == len(results) - 1
    assert len(found.failures) == 1
    assert message in found.failures[0]
    assert "pred.json" in found.failures[0]


@pytest.mark.parametrize("name", BAD_RECORDS)
def test_nothing_but_bad_records_is_an_error(people, results, write, name):
    spoil, message = BAD_RECORDS[name]
    for result in results:
        spoil(result)
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        read_predictions(write("pred.json", results), read_ground_truth(people))
    assert "none of the" in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "content, message", [([], "holds no predictions"), ({"a": 1}, "expected a list"), (3, "expected a list")]
)
def test_files_without_predictions_say_so(people, write, content, message):
    with pytest.raises(ValueError, match=message):
        read_predictions(write("pred.json", content), read_ground_truth(people))


def test_pictures_without_a_prediction_are_noted(people, results):
    gt = read_ground_truth(people)
    found = check_predictions([r for r in results if r["image_id"] > 2], gt, "run")
    assert any("no prediction for 2 images with persons: 1, 2" in note for note in found.notes)


def test_predictions_survive_writing_and_reading(people, results, tmp_path):
    gt = read_ground_truth(people)
    path = tmp_path / "deep" / "pred.json"
    write_predictions(path, results)
    assert [dict(r) for r in read_predictions(path, gt).results] == results
    assert [p.name for p in path.parent.iterdir()] == ["pred.json"]


def test_boxes_of_the_ground_truth_are_those_of_persons_that_count(people):
    gt = read_ground_truth(people)
    assert len(ground_truth_boxes(gt)) == len(gt.labelled) == len(gt.persons) - 1


def test_detected_boxes_are_read_and_bad_ones_listed(people, write):
    gt = read_ground_truth(people)
    good = {"image_id": 1, "category_id": 1, "bbox": [1, 2, 30, 40], "score": 0.5}
    bad = [
        {**good, "bbox": [1, 2, 0, 40]},
        {**good, "bbox": [1, 2, 3]},
        {**good, "score": float("nan")},
        {**good, "image_id": 99},
        7,
    ]
    boxes = read_boxes(write("boxes.json", [good, {**good, "category_id": 3}, *bad]), gt)
    assert len(boxes) == 1
    assert boxes.by_image[1][0].box == (1, 2, 30, 40)
    assert len(boxes.failures) == 5
    with pytest.raises(ValueError, match="none of the 5 boxes"):
        read_boxes(write("boxes.json", bad), gt)
    assert len(read_boxes(write("truth.json", people), gt)) == len(people["annotations"])


def test_predictions_for_crowded_pictures_are_noted(people, results):
    gt = read_ground_truth(people)
    found = check_predictions(results + [results[0]] * 25, gt, "run")
    assert any("more than 20 persons" in note for note in found.notes)
    assert measure(gt, "run", found).num_predictions == len(results) + 25


def test_json_of_the_figures_has_no_nan(people, results):
    from fidip.evaluation.report import EvalReport, eval_figures

    gt = read_ground_truth(people)
    figures = eval_figures(EvalReport("gt", (measure(gt, "run", check_predictions(results, gt, "run")),)))
    json.dumps(figures, allow_nan=False)
    assert all(not isinstance(value, dict | list) for value in figures.values())
