"""Predictions that name the files of their pictures, as those of ``syrip predict`` do."""

import pytest

from fidip.evaluation.ground_truth import read_ground_truth
from fidip.evaluation.predictions import check_predictions, read_predictions


def named(people, results, folder="", shift=0):
    """Add to results the file names of their pictures, and shift their image ids around."""
    names = {image["id"]: image["file_name"] for image in people["images"]}
    ids = sorted(names)
    return [
        {
            **r,
            "file_name": folder + names[r["image_id"]],
            "image_id": ids[(ids.index(r["image_id"]) + shift) % len(ids)],
        }
        for r in results
    ]


@pytest.mark.parametrize("folder", ["", "photos/day 1/", "photos\\"])
@pytest.mark.parametrize("shift", [0, 1])
def test_records_belong_to_the_image_of_their_name(people, results, folder, shift):
    gt = read_ground_truth(people)
    expected = check_predictions(results, gt, "run")
    found = check_predictions(named(people, results, folder, shift), gt, "run")
    assert found.results == expected.results
    assert not found.failures
    told = [note for note in found.notes if "paired by file name" in note]
    assert bool(told) == bool(shift)


def test_the_longer_path_in_common_decides(people, results):
    for number, image in enumerate(people["images"]):
        image["file_name"] = f"baby{number}/front.png"
    gt = read_ground_truth(people)
    found = check_predictions(named(people, results, "study/", 1), gt, "run")
    assert [r["image_id"] for r in found.results] == [r["image_id"] for r in results]


def test_pictures_that_the_ground_truth_does_not_have_are_told(people, results):
    records = named(people, results, shift=1)
    records[0]["file_name"] = "another.png"
    found = check_predictions(records, read_ground_truth(people), "run")
    assert len(found.results) == len(results) - 1
    assert any("another.png" in text for text in found.failures)


def test_names_that_fit_nothing_or_several_are_refused(people, results, write):
    gt = read_ground_truth(people)
    for record in (strange := named(people, results)):
        record["file_name"] = f"x{record['file_name']}"
    with pytest.raises(ValueError, match=r"its file names \(x.* are not those of"):
        read_predictions(write("p.json", strange), gt)
    first, second = (dict(r) for r in results[:2])
    first["file_name"], second["file_name"] = (f"{f}/{people['images'][0]['file_name']}" for f in "ab")
    with pytest.raises(ValueError, match="both fit"):
        check_predictions([first, second], gt, "run")
    for number, image in enumerate(people["images"]):
        image["file_name"] = f"baby{number}/front.png"
    with pytest.raises(ValueError, match="fits several images"):
        check_predictions(
            [{**results[0], "image_id": 4711, "file_name": "front.png"}], read_ground_truth(people), "run"
        )


def test_frames_and_unnamed_images_go_by_image_id(people, results):
    gt = read_ground_truth(people)
    frames = [{**r, "file_name": "clip.mp4", "frame": i} for i, r in enumerate(results)]
    assert len(check_predictions(frames, gt, "run").results) == len(results)
    for image in people["images"]:
        del image["file_name"]
    found = check_predictions(
        [{**r, "file_name": "1.png"} for r in results], read_ground_truth(people), "run"
    )
    assert len(found.results) == len(results)


def test_unusable_file_says_what_must_agree(people, results, write):
    records = [{**r, "image_id": 9000} for r in results]
    with pytest.raises(ValueError, match="image_id, or file_name"):
        read_predictions(write("p.json", records), read_ground_truth(people))
