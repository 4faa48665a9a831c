"""AH-CoLT's pickles: round trips, what any Python can open, and hostile ones."""

import pickle
import pickletools

import numpy as np
import pytest

from fidip.labelling.exchange.ah_colt import read_ah_colt, write_ah_colt
from syrip_gen.keypoints.readers import read_poses
from tests.fidip.labelling.exchange.examples import assert_same_label, label, outgoing, person


def images():
    return [
        outgoing("b.jpg", label(person(seed=1))),
        outgoing("sub/a.png", label(person(seed=2, visibility=2))),
    ]


def test_ground_truth_comes_back_with_visibility(tmp_path):
    files, notes = write_ah_colt(images(), tmp_path, "clip")
    assert [f.name for f in files] == ["clip_fRCNN.pkl", "clip_gt.pkl"]
    assert notes == []
    found = read_ah_colt(tmp_path / "clip_gt.pkl")
    assert found.format == "ah-colt"
    assert [i.name for i in found.images] == ["a.png", "b.jpg"]
    assert found.images[0].who == "import:clip_gt.pkl"
    for image, expected in zip(found.images, reversed(images()), strict=True):
        assert_same_label(image.label, expected.label, atol=1e-12)


def test_plain_pickle_opens_the_files_and_they_look_like_the_tools(tmp_path):
    write_ah_colt(images(), tmp_path, "clip")
    with open(tmp_path / "clip_gt.pkl", "rb") as file:
        data = pickle.load(file)
    assert set(data) == {"images", "all_keyps", "all_boxes"}
    assert data["images"] == ["a.png", "b.jpg"]
    assert data["all_keyps"][0] == []
    (keypoints,) = data["all_keyps"][1][1]
    assert keypoints.shape == (3, 17)
    assert keypoints.dtype == np.float64
    assert keypoints[:, 3].tolist() == [-45, -45, 0]
    assert data["all_boxes"][-1][1] == [96, 72, 544, 408]
    with open(tmp_path / "clip_fRCNN.pkl", "rb") as file:
        data = pickle.load(file)
    assert data["all_keyps"][1][0][0].shape == (2, 17)
    assert data["all_boxes"][1][0].tolist() == [[96, 72, 544, 408, 1]]


def test_pickles_name_nothing_that_only_numpy_2_has(tmp_path):
    files, _ = write_ah_colt(images(), tmp_path, "clip")
    for file in files:
        opcodes = list(pickletools.genops(file.read_bytes()))
        names = {argument for opcode, argument, _ in opcodes if opcode.name == "GLOBAL"}
        assert names <= {"numpy.core.multiarray _reconstruct", "numpy ndarray", "numpy dtype"}
        assert max(opcode.proto for opcode, _, _ in opcodes) <= 3


def test_the_files_serve_as_poses(tmp_path):
    write_ah_colt(images(), tmp_path, "clip")
    poses = read_poses(tmp_path / "clip_gt.pkl")
    np.testing.assert_allclose(poses.keypoints[1], images()[0].label.people[0].keypoints)


def test_verdicts_lead_from_the_network_to_the_person(tmp_path):
    before = person(seed=1, visibility=2)
    points = [list(point) for point in before.keypoints]
    points[0][0] += 5  # moved
    points[1] = [0.0, 0.0, 0]  # deleted
    points[2][2] = 1  # marked as occluded
    after = before.model_copy(update={"keypoints": tuple(map(tuple, points))})
    missing = before.model_copy(update={"keypoints": ((0.0, 0.0, 0), *before.keypoints[1:])})
    (tmp_path / "clip").mkdir()
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "clip" / name).touch()
    shown = [
        outgoing("a.jpg", label(after), first=label(before, status="unreviewed")),
        outgoing("b.jpg", label(before), first=label(missing, status="unreviewed")),
    ]
    write_ah_colt(shown, tmp_path, "clip")
    with open(tmp_path / "clip_flag.pkl", "rb") as file:
        flags = pickle.load(file)
    assert flags == {"0": [[0, -1, 0] + [1] * 14], "1": [[2] + [1] * 16]}
    first, second = read_ah_colt(tmp_path / "clip_flag.pkl").images
    assert first.name == "a.jpg"
    assert first.label.status == "unreviewed"
    assert first.label.note == "AH-CoLT's reviewer: rejected: nose, right_eye"
    assert first.label.people[0].keypoints[0] == before.keypoints[0]
    assert [v for _, _, v in first.label.people[0].keypoints] == [2, 0] + [2] * 15
    assert second.label.note == "AH-CoLT's reviewer: to be inserted: nose"
    assert second.label.people[0].keypoints[0] == (0, 0, 0)


def test_files_without_names_take_those_of_the_folder(tmp_path):
    write_ah_colt(images(), tmp_path, "clip")
    with pytest.raises(FileNotFoundError, match=r"holds no file names, .*clip in order; no such folder"):
        read_ah_colt(tmp_path / "clip_fRCNN.pkl")
    other = tmp_path / "photos"
    other.mkdir()
    for name in ("x.png", "w.jpg", "notes.txt"):
        (other / name).touch()
    found = read_ah_colt(tmp_path / "clip_fRCNN.pkl", other)
    assert [i.name for i in found.images] == ["w.jpg", "x.png"]
    (other / "y.jpeg").touch()
    with pytest.raises(ValueError, match="2 frames, but 3 pictures"):
        read_ah_colt(tmp_path / "clip_fRCNN.pkl", other)


def test_reads_hourglass_labels(tmp_path):
    (tmp_path / "clip").mkdir()
    (tmp_path / "clip" / "a.jpg").touch()
    data = {"all_keyps": [[], [[np.arange(32.0).reshape(2, 16) + 1]]], "all_boxes": [[]]}
    (tmp_path / "clip_hg.pkl").write_bytes(pickle.dumps(data))
    (shown,) = read_ah_colt(tmp_path / "clip_hg.pkl").images
    points = np.array(shown.label.people[0].keypoints)
    assert points[5].tolist() == [14, 30, 2]  # left shoulder, MPII's 14th
    assert points[:5].tolist() == [[0, 0, 0]] * 5  # MPII has no face


@pytest.mark.parametrize("right", [10.0004, 10, 5, np.nan, np.inf, 1e9])
def test_boxes_without_extent_are_left_out(tmp_path, right):
    data = {
        "images": ["a.jpg"],
        "all_keyps": [[], [[np.full((3, 17), 2.0)]]],
        "all_boxes": [[[10, 5, right, 9]]],
    }
    (tmp_path / "clip_gt.pkl").write_bytes(pickle.dumps(data))
    read = read_ah_colt(tmp_path / "clip_gt.pkl")
    assert read.images[0].label.people[0].bbox is None
    assert read.notes == ("clip_gt.pkl: 1 boxes without extent left out",)


def test_says_what_the_format_cannot_hold(tmp_path):
    shown = [
        *images(),
        outgoing("c.jpg", label(person(1), person(2, seed=2))),
        outgoing("d.jpg", label()),
        outgoing("e.jpg", label(person(), status="rejected")),
        outgoing("f.webp", label(person(posture="prone"))),
    ]
    _, notes = write_ah_colt(shown, tmp_path, "clip")
    words = (
        "nobody is on them: d.jpg",
        "rejected: e.jpg",
        "largest was written of c.jpg",
        "f.webp",
        "postures",
    )
    for note, word in zip(notes, words, strict=True):
        assert word in note


def test_refuses_what_cannot_be_written(tmp_path):
    with pytest.raises(ValueError, match="none of the images has a labelled person"):
        write_ah_colt([outgoing("a.jpg", label())], tmp_path, "clip")
    with pytest.raises(ValueError, match=r"'a.jpg' occurs in more than one folder"):
        write_ah_colt([outgoing("x/a.jpg"), outgoing("y/a.jpg")], tmp_path, "clip")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["gt", "fRCNN", "flag"])
def test_hostile_pickles_do_nothing(tmp_path, kind):
    class Hostile:
        def __reduce__(self):
            return (open, (str(tmp_path / "executed"), "w"))

    path = tmp_path / f"evil_{kind}.pkl"
    path.write_bytes(pickle.dumps({"0": Hostile(), "all_keyps": [[], [[Hostile()]]]}))
    with pytest.raises(ValueError, match=r"evil_.*refused"):
        read_ah_colt(path)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    "data, message",
    [
        ([1], "expected a dictionary, got list"),
        ({"a": 1}, "expected the key 'all_keyps'"),
        ({"images": ["a"], "all_keyps": [[], [[np.zeros((3, 68))]]]}, r"frame 0, person 0: .*68 points"),
        ({"images": ["a", "b"], "all_keyps": [[], [[np.zeros((3, 17))]]]}, "2 names for 1 frames"),
        ({"images": ["a", "a"], "all_keyps": [[], [[np.zeros((3, 17))]] * 2]}, "'a' occurs more than once"),
        ({"images": [".."], "all_keyps": [[], [[np.zeros((3, 17))]]]}, "leaves the image folder"),
        ({"images": ["a"], "all_keyps": [[], [[np.zeros((3, 17))] * 101]]}, "frame 0: people"),
    ],
)
def test_wrong_content_says_where(tmp_path, data, message):
    path = tmp_path / "clip_gt.pkl"
    path.write_bytes(pickle.dumps(data))
    with pytest.raises(ValueError, match=message) as caught:
        read_ah_colt(path)
    assert "\n" not in str(caught.value)


def test_not_numbers_become_absent(tmp_path):
    keypoints = np.full((3, 17), 2.0)
    keypoints[0, 0] = np.nan
    keypoints[1, 1] = 1e9
    data = {"images": ["a.jpg"], "all_keyps": [[], [[keypoints]]], "all_boxes": [[[0, 0, np.inf, 1]]]}
    (tmp_path / "clip_gt.pkl").write_bytes(pickle.dumps(data))
    found = read_ah_colt(tmp_path / "clip_gt.pkl")
    assert [v for _, _, v in found.images[0].label.people[0].keypoints] == [0, 0] + [2] * 15
    assert found.images[0].label.people[0].bbox is None
    assert len(found.notes) == 3
