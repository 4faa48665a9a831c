"""When the file's areas are believed."""

import numpy as np
import pytest

from fidip.evaluation.areas import area_fault, choose_areas
from fidip.evaluation.figures import measure
from fidip.evaluation.ground_truth import read_ground_truth
from fidip.evaluation.predictions import check_predictions


def with_areas(people, area_of):
    for annotation in people["annotations"]:
        annotation["area"] = area_of(annotation)
    return read_ground_truth(people)


def box_area(annotation):
    return annotation["bbox"][2] * annotation["bbox"][3]


@pytest.mark.parametrize("share", [0.3, 0.54, 1.0])
def test_areas_of_persons_and_of_boxes_are_believed(people, share):
    gt = with_areas(people, lambda a: share * box_area(a))
    choice = choose_areas(gt, "auto")
    assert (choice.used, choice.fault, choice.note) == ("file", "", "")
    np.testing.assert_allclose(choice.areas, [share * p.box_area for p in gt.persons])


@pytest.mark.parametrize(
    "area_of, reason",
    [
        (lambda a: 15 * box_area(a), "15 times the box's (median)"),
        (lambda _: 2443298.48, "the same area 2.4433e+06 px²"),
        (lambda _: 4000.0, "the same area 4000 px²"),
        (lambda a: box_area(a) / 640 / 480, "too small to be in px²"),
        (lambda _: 0, "have no area"),
        (lambda _: None, "have no area"),
        (lambda _: float("nan"), "have no area"),
    ],
)
def test_areas_that_cannot_be_the_persons_are_replaced_by_the_boxes(people, area_of, reason):
    gt = with_areas(people, area_of)
    choice = choose_areas(gt, "auto")
    assert choice.used == "bbox"
    assert reason in choice.note
    assert "the box's area is used instead" in choice.note
    np.testing.assert_allclose(choice.areas, [p.box_area for p in gt.persons])


def test_one_wrong_area_among_many_is_not_the_files_fault(people):
    people["annotations"][3]["area"] = 1e6
    assert area_fault(read_ground_truth(people)) == ""


def test_policies_that_are_asked_for_are_kept(people):
    gt = with_areas(people, lambda a: 15 * box_area(a))
    file, boxes = choose_areas(gt, "file"), choose_areas(gt, "bbox")
    np.testing.assert_allclose(file.areas, 15 * boxes.areas)
    assert "means nothing" in file.note
    assert boxes.note == ""
    with pytest.raises(ValueError, match="expected auto, bbox, file"):
        choose_areas(gt, "mask")


def test_single_missing_areas_are_filled_from_the_box(people):
    del people["annotations"][0]["area"]
    gt = read_ground_truth(people)
    choice = choose_areas(gt, "file")
    assert choice.areas[0] == gt.persons[0].box_area
    assert "1 annotations have no area" in choice.note


def test_both_figures_are_there_when_auto_takes_the_box(people, results):
    gt = with_areas(people, lambda a: 15 * box_area(a))
    figures = measure(gt, "run", check_predictions(results, gt, "run"), "auto")
    assert figures.area_used == "bbox"
    assert figures.coco_other_area.ap > figures.coco.ap + 0.1


def test_real_files(shared_data):
    for name in ("infant_2d/syrip_real_383.json", "adult_2d/coco_101_images.json"):
        assert area_fault(read_ground_truth(shared_data / name)) == ""
