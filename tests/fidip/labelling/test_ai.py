import numpy as np
import pytest

from fidip.detection.boxes import FoundBoxes
from fidip.inference.estimator import PoseEstimator
from fidip.labelling.ai import AiLabeller, guess_visibility, most_prominent
from fidip.labelling.documents import check_label
from syrip_gen.keypoints.catalog import COCO17
from tests.fidip.inference.dot_network import SUPINE, DotNetwork, box_around, dot_picture

SIZE = (321, 363)
POSE = SUPINE * 2 + 60


def labeller(**more):
    return AiLabeller(PoseEstimator(DotNetwork((144, 192)), compare_flips=True), "dots", **more)


def picture(*poses, size=SIZE):
    return np.max([dot_picture(pose, size, radius=5) for pose in poses], axis=0)


def finder(*boxes, scores=None):
    scores = np.linspace(0.9, 0.5, len(boxes)) if scores is None else np.array(scores)
    found = FoundBoxes(np.array(boxes, np.float64).reshape(-1, 4), scores)
    return lambda image: found


def test_one_person_is_found_without_a_box():
    (said,) = labeller().label([picture(POSE)])
    (person,) = said.label.people
    points = np.array(person.keypoints)
    np.testing.assert_allclose(points[:, :2], POSE, atol=1)
    assert (points[:, 2] == 2).all()
    assert person.score == pytest.approx(0.9, abs=0.05)
    x, y, w, h = person.bbox
    assert x < POSE[:, 0].min() < POSE[:, 0].max() < x + w
    assert y < POSE[:, 1].min() < POSE[:, 1].max() < y + h
    assert said.doubts == ()
    assert said.label.status == "unreviewed"
    check_label(said.label, COCO17, SIZE)


def test_pictures_of_a_batch_keep_their_order():
    poses = [SUPINE + np.array([10 * i, 20]) for i in range(4)]
    images = [dot_picture(pose, (200, 180), radius=3) for pose in poses]
    images.insert(2, np.zeros((90, 200, 3), np.uint8))
    locate = lambda image: finder(*([[5, 5, 180, 170]] if image.any() else []))(image)  # noqa: E731
    for more in ({}, {"locate": locate, "people": "all"}):
        said = labeller(**more).label(images)
        for i, pose in zip((0, 1, 3, 4), poses, strict=True):
            np.testing.assert_allclose(np.array(said[i].label.people[0].keypoints)[:, :2], pose, atol=1)
    assert said[2].label.people == ()


def test_an_empty_picture_is_doubtful():
    (said,) = labeller().label([np.zeros((100, 120, 3), np.uint8)])
    assert [doubt.kind for doubt in said.doubts if doubt.keypoint is None] == ["missing"]
    check_label(said.label, COCO17, (120, 100))
    (said,) = labeller(locate=finder()).label([np.zeros((100, 120, 3), np.uint8)])
    assert said.label.people == ()
    assert [doubt.text for doubt in said.doubts] == ["nobody was found in this picture"]


def test_all_people_or_the_most_prominent():
    left, right = SUPINE * 0.8 + (10, 30), SUPINE * 1.6 + (140, 20)
    image = picture(left, right, size=(320, 240))
    locate = finder(box_around(left), box_around(right))
    # the dots' network sees only one person in a crop, so boxes must not overlap
    (one,) = labeller(locate=locate).label([image])
    np.testing.assert_allclose(np.array(one.label.people[0].keypoints)[:, :2], right, atol=1.5)
    (both,) = labeller(locate=locate, people="all").label([image])
    assert [person.id for person in both.label.people] == [1, 2]
    np.testing.assert_allclose(np.array(both.label.people[1].keypoints)[:, :2], left, atol=1.5)
    with pytest.raises(ValueError, match="--people all needs a detector"):
        labeller(people="all")


def test_prominence_weighs_size_score_and_place():
    boxes = np.array([[0, 0, 40, 40], [30, 30, 40, 40], [40, 40, 20, 20], [30, 30, 40, 40]], float)
    found = FoundBoxes(boxes, np.array([0.9, 0.9, 0.9, 0.3]))
    assert most_prominent(found, (100, 100)).tolist() == [1, 0, 2, 3] or most_prominent(
        found, (100, 100)
    ).tolist() == [1, 0, 3, 2]
    assert most_prominent(FoundBoxes(np.zeros((0, 4)), np.zeros(0)), (9, 9)).tolist() == []


def test_visibility_follows_the_score_and_the_border():
    points = np.array(
        [[5, 5, 0.31], [5, 5, 0.29], [5, 5, 0.09], [-0.1, 5, 0.9], [5, 10.1, 0.9], [10, 10, 0.9]]
    )
    assert guess_visibility(points, (10, 10)).tolist() == [2, 1, 0, 0, 0, 2]


def test_points_outside_the_picture_are_absent_and_never_doubted():
    cut = POSE - (0, 125)
    image = dot_picture(cut, (321, 240), radius=5)
    (said,) = labeller(locate=finder([30, -70, 260, 290])).label([image])
    points = np.array(said.label.people[0].keypoints)
    outside = cut[:, 1] < -3
    assert outside.sum() >= 3
    assert (points[outside] == 0).all()
    assert not {doubt.keypoint for doubt in said.doubts} & set(np.flatnonzero(outside))
    check_label(said.label, COCO17, (321, 240))


def test_the_shipped_networks_label_a_real_photo(shared_data):
    """One photo of COCO with one person: most of its labelled points are found."""
    import json

    from fidip.inference.pictures import read_photo

    data = json.loads((shared_data / "adult_2d/coco_101_images.json").read_text())
    person = max((a for a in data["annotations"] if a.get("num_keypoints", 0) == 17), key=lambda a: a["area"])
    image = next(i for i in data["images"] if i["id"] == person["image_id"])
    photo = read_photo(shared_data / "adult_2d/images" / image["file_name"])
    truth = np.array(person["keypoints"], float).reshape(17, 3)
    said = AiLabeller.open(people="all", rotation_pick=False, device="cpu").label([photo])[0]
    errors = [
        np.linalg.norm(np.array(one.keypoints)[:, :2] - truth[:, :2], axis=1) for one in said.label.people
    ]
    assert min(np.median(e) for e in errors) < 0.05 * max(person["bbox"][2:])
