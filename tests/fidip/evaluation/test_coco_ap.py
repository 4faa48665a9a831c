"""AP and AR against pycocotools run by hand."""

import contextlib
import copy
import io
import json

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from fidip.evaluation.areas import choose_areas
from fidip.evaluation.coco_ap import FIGURES, coco_figures, evaluate_keypoints
from fidip.evaluation.figures import measure
from fidip.evaluation.ground_truth import read_ground_truth
from fidip.evaluation.predictions import check_predictions
from tests.fidip.evaluation.random_people import noisy_results, random_people


def by_pycocotools(people, results):
    """The ten figures that pycocotools gives, nothing in between."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = copy.deepcopy(people)
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(copy.deepcopy(results)), "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats


@pytest.mark.parametrize("seed", range(3))
def test_figures_are_those_of_pycocotools(seed):
    people = random_people(seed)
    results = noisy_results(people, seed)
    ours = evaluate_keypoints(people, results, area="file")
    theirs = by_pycocotools(people, results)
    assert 0.05 < ours.ap < 0.95
    np.testing.assert_allclose([getattr(ours, name) for name in FIGURES], theirs, atol=1e-12)


def test_boxes_of_the_results_count_as_in_pycocotools(people, results):
    boxed = [{**r, "bbox": [0, 0, 40 + n, 50]} for n, r in enumerate(results)]
    ours = evaluate_keypoints(people, boxed, area="file")
    theirs = by_pycocotools(people, boxed)
    assert theirs[3] != by_pycocotools(people, results)[3]
    np.testing.assert_allclose([getattr(ours, name) for name in FIGURES], theirs, atol=1e-12)


def test_published_predictions_get_the_ap_of_pycocotools(shared_data):
    stem = shared_data / "infant_2d" / "syrip_real_383"
    gt, predictions = (
        f"{stem}.json",
        json.loads((stem.parent / f"{stem.name}_fidip_predictions.json").read_text()),
    )
    ours = evaluate_keypoints(gt, predictions).as_dict()
    theirs = by_pycocotools(json.loads((stem.parent / "syrip_real_383.json").read_text()), predictions)
    assert ours["ap"] == pytest.approx(theirs[0], abs=1e-6)
    assert ours["ap"] == pytest.approx(0.926, abs=1e-3)
    assert [v if v is not None else -1 for v in ours.values()] == pytest.approx(list(theirs), abs=1e-6)


def test_perfect_predictions_score_one_and_none_score_zero(people):
    people["annotations"][-1]["iscrowd"] = 0
    exact = [{"image_id": a["image_id"], "category_id": 1, "keypoints": a["keypoints"], "score": 1.0}
             for a in people["annotations"]]  # fmt: skip
    assert evaluate_keypoints(people, exact).ap == pytest.approx(1)
    nothing = evaluate_keypoints(people, [])
    assert (nothing.ap, nothing.ar) == (0, 0)


def test_annotation_zero_counts_like_every_other(people):
    people["annotations"][-1]["iscrowd"] = 0
    exact = [{"image_id": a["image_id"], "category_id": 1, "keypoints": a["keypoints"], "score": 1.0}
             for a in people["annotations"]]  # fmt: skip
    for annotation in people["annotations"]:
        annotation["id"] -= 1
    gt = read_ground_truth(people)
    figures = measure(gt, "run", check_predictions(exact, gt, "run"), "file")
    assert figures.coco.ap == pytest.approx(1)
    assert figures.coco_id_zero.ap == pytest.approx(by_pycocotools(people, exact)[0], abs=1e-12)
    assert figures.coco_id_zero.ap < 0.999


def test_repeated_annotation_ids_lose_nobody(people, results):
    expected = evaluate_keypoints(people, results, area="file")
    for annotation in people["annotations"]:
        annotation["id"] = 7
    assert evaluate_keypoints(people, results, area="file") == expected


def test_missing_categories_info_and_num_keypoints_change_nothing(people, results):
    expected = evaluate_keypoints(people, results, area="file")
    del people["categories"]
    for annotation in people["annotations"]:
        del annotation["num_keypoints"]
    assert evaluate_keypoints(people, results, area="file") == expected


def test_images_can_be_chosen(people, results):
    gt = read_ground_truth(people)
    chosen = [i["id"] for i in people["images"] if i["posture"] == "Prone"]
    part = {**people, "images": [i for i in people["images"] if i["id"] in chosen]}
    part["annotations"] = [a for a in people["annotations"] if a["image_id"] in chosen]
    own = coco_figures(gt, results, choose_areas(gt, "file").areas, chosen)
    alone = evaluate_keypoints(part, [r for r in results if r["image_id"] in chosen], area="file")
    assert own.ap == pytest.approx(alone.ap, abs=1e-12)
    assert own.ap != evaluate_keypoints(people, results, area="file").ap


@pytest.mark.parametrize(
    "change, message",
    [
        ({"image_id": 999}, "1 predictions for images that ground truth does not have: 999"),
        ({"keypoints": [1.0] * 36}, "36 numbers in keypoints; expected 17"),
        ({"score": float("nan")}, "the score is nan"),
        ({"keypoints": [float("inf")] * 51}, "NaN, infinity"),
        ({"category_id": 3}, "category_id 3; the ground truth's persons have 1"),
    ],
)
def test_a_result_that_cannot_be_used_is_an_error_in_training(people, results, change, message):
    results[2] |= change
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        evaluate_keypoints(people, results)
    assert message in str(caught.value)
